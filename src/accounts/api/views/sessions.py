"""``auth/``: registering, signing in and out. Their answers hold fresh tokens and are never to be cached."""

from __future__ import annotations

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import services
from accounts.api import examples
from accounts.api.client import address_of, cart_token_of, program_of
from accounts.api.serializers import (
    CredentialsInput,
    RefreshInput,
    RegisteredOutput,
    SignInInput,
    TokensOutput,
    tokens_document,
    user_document,
)
from accounts.api.throttles import RegistrationThrottle
from accounts.api.viewer import customer_of
from core.api.views import ApiView
from core.middleware import FORGET_ALL

NO_STORE = {"Cache-Control": "no-store"}
LEFT = {"Clear-Site-Data": FORGET_ALL}
CART_TOKEN = OpenApiParameter(
    "X-Cart-Token", location=OpenApiParameter.HEADER, description="A guest's cart, to be merged into the account's."
)


class RegisterView(ApiView):
    """Makes accounts. An old access token in the header does not hinder it."""

    is_counted = True
    authentication_classes = []
    throttle_classes = [RegistrationThrottle]

    @extend_schema(
        operation_id="register",
        summary="Make an account and sign in",
        parameters=[CART_TOKEN],
        request=CredentialsInput,
        responses={201: RegisteredOutput},
        examples=[
            examples.asked(examples.CREDENTIALS),
            examples.told({"user": examples.USER, **examples.TOKENS}, 201),
        ],
    )
    def post(self, request: Request) -> Response:
        body = CredentialsInput(data=request.data)
        body.is_valid(raise_exception=True)
        session = services.register(
            **body.validated_data,
            cart_token=cart_token_of(request),
            client=program_of(request),
            at=timezone.now(),
        )
        document = {"user": user_document(session.user), **tokens_document(session)}
        return Response(document, status=201, headers=NO_STORE)


class LoginView(ApiView):
    """Signs in."""

    is_counted = True
    authentication_classes = []
    idempotent = False

    @extend_schema(
        operation_id="login",
        summary="Sign in",
        parameters=[CART_TOKEN],
        request=SignInInput,
        responses={200: TokensOutput},
        examples=[
            examples.asked(examples.CREDENTIALS),
            examples.asked(examples.CREDENTIALS | {"code": "492039"}, "with a second factor"),
            examples.told(examples.TOKENS),
        ],
    )
    def post(self, request: Request) -> Response:
        body = SignInInput(data=request.data)
        body.is_valid(raise_exception=True)
        session = services.sign_in(
            **body.validated_data,
            address=address_of(request),
            cart_token=cart_token_of(request),
            client=program_of(request),
            at=timezone.now(),
        )
        return Response(tokens_document(session), headers=NO_STORE)


class RefreshView(ApiView):
    """Exchanges a refresh token."""

    authentication_classes = []
    idempotent = False

    @extend_schema(
        operation_id="refresh",
        summary="Exchange a refresh token for the next pair",
        request=RefreshInput,
        responses={200: TokensOutput},
        examples=[examples.asked({"refresh": examples.TOKENS["refresh"]}), examples.told(examples.TOKENS)],
    )
    def post(self, request: Request) -> Response:
        body = RefreshInput(data=request.data)
        body.is_valid(raise_exception=True)
        session = services.refresh_session(**body.validated_data, client=program_of(request), at=timezone.now())
        return Response(tokens_document(session), headers=NO_STORE)


class LogoutView(ApiView):
    """Ends one sign-in."""

    authentication_classes = []

    @extend_schema(
        operation_id="logout",
        summary="Sign out here",
        request=RefreshInput,
        responses={204: None},
        examples=[examples.asked({"refresh": examples.TOKENS["refresh"]})],
    )
    def post(self, request: Request) -> Response:
        body = RefreshInput(data=request.data)
        body.is_valid(raise_exception=True)
        services.sign_out(**body.validated_data, at=timezone.now())
        return Response(status=204, headers=LEFT)


class LogoutAllView(ApiView):
    """Ends all sign-ins."""

    signed_in = True

    @extend_schema(operation_id="logout_all", summary="Sign out everywhere", request=None, responses={204: None})
    def post(self, request: Request) -> Response:
        services.sign_out_everywhere(user_id=customer_of(request).pk, at=timezone.now())
        return Response(status=204, headers=LEFT)
