"""``users``: accounts as the staff see them."""

from __future__ import annotations

from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import selectors, services
from accounts.api import examples
from accounts.api.serializers import (
    RolesInput,
    UserChanges,
    UserOutput,
    UserPageOutput,
    UserQuery,
    user_document,
)
from accounts.api.viewer import customer_of
from core.api.pages import list_response, page_of
from core.api.views import ApiView


class UsersView(ApiView):
    """All accounts."""

    permissions = {"GET": ("accounts.view_user",)}

    @extend_schema(
        operation_id="list_users",
        summary="Accounts, the newest first (staff)",
        parameters=[UserQuery],
        responses={200: UserPageOutput},
        examples=[examples.told(examples.page(examples.USER))],
    )
    def get(self, request: Request) -> Response:
        filters = UserQuery.read(request.GET)
        page = page_of(filters)
        return list_response(
            request, selectors.list_users(**filters), page=page, order=("-created_at", "-pk"), show=user_document
        )


class UserView(ApiView):
    """One account."""

    permissions = {
        "GET": ("accounts.view_user",),
        "PATCH": ("accounts.change_user",),
        "DELETE": ("accounts.delete_user",),
    }

    @extend_schema(
        operation_id="read_user",
        summary="An account (staff)",
        responses={200: UserOutput},
        examples=[examples.told(examples.USER)],
    )
    def get(self, request: Request, user_id: UUID) -> Response:
        return Response(user_document(selectors.get_user(user_id=user_id)))

    @extend_schema(
        operation_id="set_user_active",
        summary="Deactivate an account, let it in again, or put it in a customer group (staff)",
        request=UserChanges,
        responses={200: UserOutput},
        examples=[
            examples.asked({"is_active": True}),
            examples.asked({"customer_group": "wholesale"}, "a customer group"),
            examples.told(examples.USER),
        ],
    )
    def patch(self, request: Request, user_id: UUID) -> Response:
        body = UserChanges(data=request.data)
        body.is_valid(raise_exception=True)
        user = services.change_user(
            user_id=user_id, changes=body.validated_data, actor=customer_of(request), at=timezone.now()
        )
        return Response(user_document(user))

    @extend_schema(
        operation_id="erase_user",
        summary="Erase a person who asked for it; orders stay, without the name (staff)",
        description="As `DELETE /me`, for good. Invoices and the books stay as the law wants them.",
        request=None,
        responses={204: None},
    )
    def delete(self, request: Request, user_id: UUID) -> Response:
        services.erase_account(user_id=user_id, actor=customer_of(request), at=timezone.now())
        return Response(status=204)


class UserRolesView(ApiView):
    """The roles of one account."""

    permissions = {"PUT": ("accounts.change_user",)}

    @extend_schema(
        operation_id="set_user_roles",
        summary="Give an account exactly these roles (staff)",
        request=RolesInput,
        responses={200: UserOutput},
        examples=[examples.asked({"roles": ["order manager"]}), examples.told(examples.STAFF)],
    )
    def put(self, request: Request, user_id: UUID) -> Response:
        body = RolesInput(data=request.data)
        body.is_valid(raise_exception=True)
        user = services.set_roles(user_id=user_id, **body.validated_data, actor=customer_of(request), at=timezone.now())
        return Response(user_document(user))


class UserSecondFactorView(ApiView):
    """The second factor of one account."""

    permissions = {"DELETE": ("accounts.change_user",)}

    @extend_schema(
        operation_id="reset_second_factor",
        summary="Remove the second factor of someone who lost app and recovery codes (staff)",
        description="Their sign-ins end. Be sure who asks: whoever knows the password can then set up another app.",
        request=None,
        responses={204: None},
    )
    def delete(self, request: Request, user_id: UUID) -> Response:
        services.reset_second_factor(user_id=user_id, actor=customer_of(request), at=timezone.now())
        return Response(status=204)
