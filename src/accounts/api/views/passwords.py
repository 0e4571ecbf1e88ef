"""``auth/password`` and ``auth/verify-email``: what works by mailed links, and changing the password."""

from __future__ import annotations

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import services
from accounts.api import examples
from accounts.api.client import address_of, program_of
from accounts.api.serializers import (
    EmailInput,
    LinkInput,
    NewPasswordInput,
    PasswordChangeInput,
    TokensOutput,
    tokens_document,
)
from accounts.api.throttles import ResetThrottle
from accounts.api.viewer import customer_of
from accounts.api.views.sessions import NO_STORE
from core.api.views import ApiView


class ResetView(ApiView):
    """Has a reset link mailed; any address gets the same answer in the same time."""

    is_counted = True
    authentication_classes = []
    throttle_classes = [ResetThrottle]

    @extend_schema(
        operation_id="request_password_reset",
        summary="Have a reset link mailed",
        request=EmailInput,
        responses={202: None},
        examples=[examples.asked({"email": "ada@example.com"})],
    )
    def post(self, request: Request) -> Response:
        body = EmailInput(data=request.data)
        body.is_valid(raise_exception=True)
        services.request_password_reset(**body.validated_data, at=timezone.now())
        return Response(status=202)


class ResetConfirmView(ApiView):
    """Sets a new password by a mailed token."""

    authentication_classes = []

    @extend_schema(
        operation_id="confirm_password_reset",
        summary="Set a new password by the mailed token",
        request=NewPasswordInput,
        responses={204: None},
        examples=[examples.asked({"token": examples.ONE_TIME_TOKEN, "password": "another horse battery"})],
    )
    def post(self, request: Request) -> Response:
        body = NewPasswordInput(data=request.data)
        body.is_valid(raise_exception=True)
        services.confirm_password_reset(**body.validated_data, at=timezone.now())
        return Response(status=204)


class PasswordChangeView(ApiView):
    """Changes the password; all other sign-ins end."""

    is_counted = True
    signed_in = True
    idempotent = False

    @extend_schema(
        operation_id="change_password",
        summary="Change the password",
        request=PasswordChangeInput,
        responses={200: TokensOutput},
        examples=[
            examples.asked({"current_password": "correct horse battery", "new_password": "another horse battery"}),
            examples.told(examples.TOKENS),
        ],
    )
    def post(self, request: Request) -> Response:
        body = PasswordChangeInput(data=request.data)
        body.is_valid(raise_exception=True)
        session = services.change_password(
            user=customer_of(request),
            current=body.validated_data["current_password"],
            new=body.validated_data["new_password"],
            address=address_of(request),
            client=program_of(request),
            at=timezone.now(),
        )
        return Response(tokens_document(session), headers=NO_STORE)


class VerifyEmailView(ApiView):
    """Verifies an e-mail by a mailed token."""

    authentication_classes = []

    @extend_schema(
        operation_id="verify_email",
        summary="Verify the e-mail by the mailed token",
        request=LinkInput,
        responses={204: None},
        examples=[examples.asked({"token": examples.ONE_TIME_TOKEN})],
    )
    def post(self, request: Request) -> Response:
        body = LinkInput(data=request.data)
        body.is_valid(raise_exception=True)
        services.verify_email(**body.validated_data, at=timezone.now())
        return Response(status=204)


class ResendVerificationView(ApiView):
    """Has the verification link mailed again."""

    is_counted = True
    signed_in = True

    @extend_schema(
        operation_id="resend_verification",
        summary="Have the verification link mailed again",
        request=None,
        responses={202: None},
    )
    def post(self, request: Request) -> Response:
        services.request_email_verification(user_id=customer_of(request).pk, at=timezone.now())
        return Response(status=202)
