"""Notifications of whoever is signed in."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.viewer import viewer_of
from core.api.pages import list_response, page_of
from core.api.views import ApiView
from notifications import selectors, services
from notifications.api import serializers as shapes
from notifications.domain import Channel
from notifications.errors import NotificationNotFound

if TYPE_CHECKING:
    from accounts.models import User

_NEWEST = ("-created_at", "-id")
_ID = OpenApiParameter("key", {"type": "string", "format": "uuid"}, OpenApiParameter.PATH)
_NOTIFICATION = {
    "id": "0192f3c4-7bd9-7cc2-8b5d-e0a6f0a3b1f4",
    "kind": "order_moved",
    "title": "Order N-3KF-92QT is on its way",
    "body": "Carrier: Royal Mail. Tracking number: AB123456789GB.",
    "data": {"order_id": "0192f3c4-6a01-7d43-9f0e-7e1d2c3b4a59", "order_number": "N-3KF-92QT"},
    "is_read": False,
    "read_at": None,
    "created_at": "2026-11-21T09:30:00Z",
}
_READ = _NOTIFICATION | {"is_read": True, "read_at": "2026-11-21T10:00:00Z"}
_WISHES = {
    "preferences": {
        "welcome": {"in_app": True, "email": True},
        "verify_email": {"email": True},
        "password_reset": {"email": True},
        "password_changed": {"in_app": True, "email": True},
        "order_placed": {"in_app": True, "email": True},
        "order_moved": {"in_app": True, "email": True},
        "new_product": {"in_app": True, "email": False},
    },
    "always_sent": ["verify_email", "password_reset", "password_changed", "order_placed", "order_moved"],
}
_SELECTIONS = [
    OpenApiExample("Some", {"ids": [_NOTIFICATION["id"]]}, request_only=True),
    OpenApiExample("All", {"all": True}, request_only=True),
]
_CHANGED = OpenApiExample("Changed", {"changed": 1, "unread_count": 3}, response_only=True)
_WISH = OpenApiExample("Wish", {"preferences": {"new_product": {"in_app": True}}}, request_only=True)
_WISHED = OpenApiExample("Preferences", _WISHES, response_only=True)


class NotificationCollection(ApiView):
    """``notifications``."""

    signed_in = True

    @extend_schema(
        operation_id="notifications_list",
        summary="List your notifications, newest first",
        parameters=[shapes.NotificationQuery],
        responses=shapes.NotificationPageOutput,
        examples=[
            OpenApiExample(
                "Page",
                {"count": 1, "next": None, "previous": None, "unread_count": 1, "results": [_NOTIFICATION]},
                response_only=True,
            )
        ],
    )
    def get(self, request: Request) -> Response:
        query = shapes.NotificationQuery.read(request.query_params)
        page, viewer = page_of(query), _viewer(request)
        rows = selectors.list_notifications(viewer=viewer, unread=query.get("unread"))
        response = list_response(request, rows, page=page, order=_NEWEST, show=shapes.notification_document)
        response.data["unread_count"] = selectors.count_unread(viewer=viewer)
        return response


class NotificationDetail(ApiView):
    """``notifications/{id}``."""

    signed_in = True

    @extend_schema(
        operation_id="notifications_retrieve",
        summary="Return one of your notifications",
        parameters=[_ID],
        responses=shapes.NotificationOutput,
        examples=[OpenApiExample("Notification", _NOTIFICATION, response_only=True)],
    )
    def get(self, request: Request, key: str) -> Response:
        found = selectors.get_notification(viewer=_viewer(request), notification_id=_id(key))
        return Response(shapes.notification_document(found))

    @extend_schema(
        operation_id="notifications_delete",
        summary="Delete one of your notifications",
        parameters=[_ID],
        responses={204: None},
    )
    def delete(self, request: Request, key: str) -> Response:
        services.delete_notification(user=_viewer(request), notification_id=_id(key))
        return Response(status=204)


class NotificationRead(ApiView):
    """``notifications/{id}/read``."""

    signed_in = True

    @extend_schema(
        operation_id="notifications_mark_read",
        summary="Mark one of your notifications as read",
        parameters=[_ID],
        request=None,
        responses=shapes.NotificationOutput,
        examples=[OpenApiExample("Notification", _READ, response_only=True)],
    )
    def post(self, request: Request, key: str) -> Response:
        read = services.read_notification(user=_viewer(request), notification_id=_id(key), at=timezone.now())
        return Response(shapes.notification_document(read))


class NotificationsRead(ApiView):
    """``notifications/read``."""

    signed_in = True

    @extend_schema(
        operation_id="notifications_mark_many_read",
        summary="Mark several or all of your notifications as read",
        description="Ids that are not yours, or of nothing, change nothing.",
        request=shapes.SELECTION_SCHEMA,
        responses=shapes.ChangedOutput,
        examples=[*_SELECTIONS, _CHANGED],
    )
    def post(self, request: Request) -> Response:
        body = shapes.SelectionInput(data=request.data)
        body.is_valid(raise_exception=True)
        viewer = _viewer(request)
        changed = services.mark_read(user=viewer, ids=body.validated_data.get("ids"), at=timezone.now())
        return Response({"changed": changed, "unread_count": selectors.count_unread(viewer=viewer)})


class NotificationsDelete(ApiView):
    """``notifications/delete``."""

    signed_in = True

    @extend_schema(
        operation_id="notifications_delete_many",
        summary="Delete several or all of your notifications",
        description="Ids that are not yours, or of nothing, change nothing.",
        request=shapes.SELECTION_SCHEMA,
        responses=shapes.ChangedOutput,
        examples=[*_SELECTIONS, _CHANGED],
    )
    def post(self, request: Request) -> Response:
        body = shapes.SelectionInput(data=request.data)
        body.is_valid(raise_exception=True)
        viewer = _viewer(request)
        changed = services.delete_notifications(user=viewer, ids=body.validated_data.get("ids"))
        return Response({"changed": changed, "unread_count": selectors.count_unread(viewer=viewer)})


class UnreadCount(ApiView):
    """``notifications/unread-count``."""

    signed_in = True

    @extend_schema(
        operation_id="notifications_unread_count",
        summary="Return how many of your notifications are unread",
        responses=shapes.UnreadCountOutput,
        examples=[OpenApiExample("Count", {"unread_count": 3}, response_only=True)],
    )
    def get(self, request: Request) -> Response:
        return Response({"unread_count": selectors.count_unread(viewer=_viewer(request))})


class Preferences(ApiView):
    """``notifications/preferences``."""

    signed_in = True

    @extend_schema(
        operation_id="notifications_preferences",
        summary="Return what you are told, by kind and channel",
        responses=shapes.PreferencesOutput,
        examples=[_WISHED],
    )
    def get(self, request: Request) -> Response:
        return _preferences(_viewer(request))

    @extend_schema(
        operation_id="notifications_replace_preferences",
        summary="Say all that you want to be told",
        description="What is not named goes back to its default. What is always sent cannot be turned off.",
        request=shapes.PreferencesInput,
        responses=shapes.PreferencesOutput,
        examples=[_WISH, _WISHED],
    )
    def put(self, request: Request) -> Response:
        body = shapes.PreferencesInput(data=request.data)
        body.is_valid(raise_exception=True)
        viewer = _viewer(request)
        services.replace_preferences(user=viewer, wishes=shapes.wishes_in(body.validated_data["preferences"]))
        return _preferences(viewer)

    @extend_schema(
        operation_id="notifications_change_preferences",
        summary="Change some of what you want to be told",
        description="What is not named stays as it is. What is always sent cannot be turned off.",
        request=shapes.PreferencesInput,
        responses=shapes.PreferencesOutput,
        examples=[_WISH, _WISHED],
    )
    def patch(self, request: Request) -> Response:
        body = shapes.PreferencesInput(data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        viewer = _viewer(request)
        services.set_preferences(user=viewer, wishes=shapes.wishes_in(body.validated_data.get("preferences", {})))
        return _preferences(viewer)


class Unsubscribe(ApiView):
    """``notifications/unsubscribe``."""

    @extend_schema(
        operation_id="notifications_unsubscribe",
        summary="End the mails that an unsubscribe link is about",
        description="Needs no sign-in: the token of the link says whose mails and of which kind.",
        request=shapes.UnsubscribeInput,
        responses=shapes.UnsubscribedOutput,
        auth=[],
        examples=[
            OpenApiExample("Token", {"token": "WyIwMTkyZjNjNCJd:1vXyZ:c2lnbmF0dXJl"}, request_only=True),
            OpenApiExample("Ended", {"kind": "new_product", "channel": "email"}, response_only=True),
        ],
    )
    def post(self, request: Request) -> Response:
        body = shapes.UnsubscribeInput(data=request.data)
        body.is_valid(raise_exception=True)
        kind = services.unsubscribe(token=body.validated_data["token"])
        return Response({"kind": kind.value, "channel": Channel.EMAIL.value})


def _preferences(viewer: User) -> Response:
    return Response(
        shapes.preferences_document(selectors.wishes_of(viewer=viewer), selectors.always_sent(viewer=viewer))
    )


def _viewer(request: Request) -> User:
    viewer = viewer_of(request)
    assert viewer is not None
    return viewer


def _id(key: str) -> UUID:
    """:raises NotificationNotFound: no such thing can be"""
    try:
        return UUID(key)
    except ValueError as error:
        raise NotificationNotFound from error
