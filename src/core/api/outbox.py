"""What the shop owes to its own workers, for staff: what was given up, and how to try again."""

from __future__ import annotations

from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core import outbox, selectors
from core.api.pages import PageQuery, list_response, page_of
from core.api.views import ApiView

_EXAMPLE = {
    "id": "0192f3c4-7bd9-7cc2-8b5d-e0a6f0a3b1f4",
    "event": "orders.order_placed",
    "handler": "notifications.handlers.confirm_order",
    "state": "dead",
    "attempts": 12,
    "due_at": "2026-11-21T10:00:00Z",
    "done_at": None,
    "dead_at": "2026-11-21T10:00:00Z",
    "last_error": "ConnectionRefusedError: [Errno 111] Connection refused",
    "occurred_at": "2026-11-21T07:31:12Z",
}


class DeliveryQuery(PageQuery):
    """``state``: owed, dead or done; without it all."""

    state = serializers.ChoiceField(choices=selectors.STATES, required=False)


class DeliveryOutput(serializers.Serializer):  # type: ignore[type-arg]
    """One subscriber's copy of an event."""

    id = serializers.UUIDField()
    event = serializers.CharField(source="event.name")
    handler = serializers.CharField()
    state = serializers.ChoiceField(choices=selectors.STATES)
    attempts = serializers.IntegerField()
    due_at = serializers.DateTimeField()
    done_at = serializers.DateTimeField(allow_null=True)
    dead_at = serializers.DateTimeField(allow_null=True)
    last_error = serializers.CharField(allow_blank=True)
    occurred_at = serializers.DateTimeField(source="event.occurred_at")


class DeliveryPage(serializers.Serializer):  # type: ignore[type-arg]
    """A page of deliveries."""

    count = serializers.IntegerField()
    count_is_estimate = serializers.BooleanField(required=False)
    next = serializers.CharField(allow_null=True)
    next_cursor = serializers.CharField(required=False)
    previous = serializers.CharField(allow_null=True)
    results = DeliveryOutput(many=True)


class DeliveryCollection(ApiView):
    """Deliveries, newest first."""

    permissions = {"GET": ("core.view_delivery",)}

    @extend_schema(
        operation_id="list_deliveries",
        parameters=[DeliveryQuery],
        responses=DeliveryPage,
        examples=[
            OpenApiExample(
                "Given up",
                value={"count": 1, "next": None, "previous": None, "results": [_EXAMPLE]},
                response_only=True,
            )
        ],
    )
    def get(self, request: Request) -> Response:
        """List what is owed, done or given up."""
        filters = DeliveryQuery.read(request.query_params)
        page = page_of(filters)
        return list_response(
            request,
            selectors.list_deliveries(**filters),
            page=page,
            order=("-id",),
            show=lambda delivery: DeliveryOutput(delivery).data,
        )


class DeliveryRetry(ApiView):
    """A delivery that was given up, once more."""

    permissions = {"POST": ("core.change_delivery",)}

    @extend_schema(operation_id="retry_delivery", request=None, responses={204: None})
    def post(self, request: Request, delivery_id: UUID) -> Response:
        """Owe a dead delivery again, with all its tries."""
        outbox.retry_dead(delivery_ids=[delivery_id], now=timezone.now())
        return Response(status=204)
