"""Stock, over HTTP; for staff."""

from __future__ import annotations

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.pages import list_response, page_of
from core.api.views import ApiView
from inventory import selectors, services
from inventory.api.serializers import (
    AdjustedOutput,
    AdjustInput,
    MovementListOutput,
    MovementQuery,
    StockListOutput,
    StockQuery,
    movement_document,
    stock_document,
)

_VARIANT = "01937f5e-7c3a-7b60-9a57-0d6a4bd3c004"
_STOCK = {
    "variant": _VARIANT,
    "sku": "MUG-BLUE",
    "place": "main",
    "on_hand": 12,
    "reserved": 2,
    "free": 10,
    "updated_at": "2026-11-21T12:00:00Z",
}
_MOVEMENT = {
    "id": 7,
    "variant": _VARIANT,
    "sku": "MUG-BLUE",
    "difference": 12,
    "reason": "received",
    "reference": "",
    "actor": None,
    "at": "2026-11-21T12:00:00Z",
}


class StockCollection(ApiView):
    """What stands where."""

    permissions = {"GET": ("inventory.view_stock",)}

    @extend_schema(
        operation_id="inventory_stock_list",
        summary="List stock (staff)",
        parameters=[StockQuery],
        responses={200: StockListOutput},
        examples=[
            OpenApiExample(
                "A page",
                value={"count": 1, "next": None, "previous": None, "results": [_STOCK]},
                response_only=True,
            )
        ],
    )
    def get(self, request: Request) -> Response:
        filters = StockQuery.read(request.GET)
        page = page_of(filters)
        rows = selectors.list_stock(**filters)
        return list_response(request, rows, page=page, order=("-updated_at", "-pk"), show=stock_document)


class AdjustmentCollection(ApiView):
    """Correcting what stands where."""

    permissions = {"POST": ("inventory.change_stock",)}

    @extend_schema(
        operation_id="inventory_adjust",
        summary="Adjust stock (staff)",
        description="Every line or none. A line with `expected` is refused with 409 when the stock has moved since.",
        request=AdjustInput,
        responses={200: AdjustedOutput},
        examples=[
            OpenApiExample(
                "Counted",
                value={"items": [{"sku": "MUG-BLUE", "quantity": 12, "expected": 10}], "reason": "stocktake"},
                request_only=True,
            ),
            OpenApiExample("On hand", value={"results": [{"variant": _VARIANT, "on_hand": 12}]}, response_only=True),
        ],
    )
    def post(self, request: Request) -> Response:
        body = AdjustInput(data=request.data)
        body.is_valid(raise_exception=True)
        on_hand = services.adjust_stock(
            items=[services.Adjustment(**item) for item in body.validated_data["items"]],
            reason=body.validated_data["reason"],
            actor_id=request.user.pk,
            at=timezone.now(),
        )
        return Response({"results": [{"variant": v, "on_hand": units} for v, units in on_hand.items()]})


class MovementCollection(ApiView):
    """The ledger."""

    permissions = {"GET": ("inventory.view_movement",)}

    @extend_schema(
        operation_id="inventory_movements_list",
        summary="Read the ledger of stock (staff)",
        parameters=[MovementQuery],
        responses={200: MovementListOutput},
        examples=[
            OpenApiExample(
                "A page",
                value={"count": 1, "next": None, "previous": None, "results": [_MOVEMENT]},
                response_only=True,
            )
        ],
    )
    def get(self, request: Request) -> Response:
        filters = MovementQuery.read(request.GET)
        page = page_of(filters)
        rows = selectors.list_movements(**filters)
        return list_response(request, rows, page=page, order=("-pk",), show=movement_document)
