"""Promotions, over HTTP; for staff."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.response import Response

from core.api.pages import list_response, page_of
from core.api.views import ApiView
from promotions import selectors, services
from promotions.api.serializers import (
    PromotionChanges,
    PromotionInput,
    PromotionOutput,
    PromotionPage,
    PromotionQuery,
    promotion_changes,
    promotion_data,
    promotion_document,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from rest_framework.request import Request

_SHOWN = {
    "id": "0192f3c4-7bd9-7cc2-8b5d-e0a6f0a3b1f4",
    "name": "Black Friday",
    "benefit": "percent",
    "per": "order",
    "percent": "20.00",
    "amounts": [],
    "minimum_spends": [{"amount": "50.00", "currency": "GBP"}],
    "buy": 0,
    "get": 0,
    "tiers": [],
    "minimum_quantity": 0,
    "products": [],
    "variants": [],
    "categories": [],
    "tags": ["winter"],
    "markets": ["uk"],
    "groups": [],
    "first_order_only": False,
    "starts_at": "2026-11-27T00:00:00Z",
    "ends_at": "2026-12-01T00:00:00Z",
    "time_zone": "Europe/London",
    "priority": 10,
    "is_exclusive": False,
    "needs_code": False,
    "usage_limit": None,
    "per_customer_limit": 1,
    "uses": 42,
    "is_active": True,
    "created_at": "2026-11-21T12:00:00Z",
    "updated_at": "2026-11-21T12:00:00Z",
}
_EXAMPLE = OpenApiExample("A promotion", value=_SHOWN, response_only=True)


class PromotionCollection(ApiView):
    """``promotions``."""

    permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "GET": ("promotions.view_promotion",),
        "POST": ("promotions.add_promotion",),
    }

    @extend_schema(
        operation_id="list_promotions",
        summary="List promotions (staff)",
        parameters=[PromotionQuery],
        responses={200: PromotionPage},
        examples=[
            OpenApiExample(
                "A page",
                value={"count": 1, "next": None, "previous": None, "results": [_SHOWN]},
                response_only=True,
            )
        ],
    )
    def get(self, request: Request) -> Response:
        filters = PromotionQuery.read(request.GET)
        page = page_of(filters)
        rows = selectors.list_promotions(**filters)
        return list_response(request, rows, page=page, order=("-created_at", "-pk"), show=promotion_document)

    @extend_schema(
        operation_id="create_promotion",
        summary="Make a promotion (staff)",
        description="It holds at once, unless it starts later, is not active, or needs a code.",
        request=PromotionInput,
        responses={201: PromotionOutput},
        examples=[
            OpenApiExample(
                "A fifth off above 50.00, for a weekend",
                value={
                    "name": "Black Friday",
                    "benefit": "percent",
                    "percent": "20",
                    "minimum_spends": [{"amount": "50.00", "currency": "GBP"}],
                    "tags": ["winter"],
                    "markets": ["uk"],
                    "starts_at": "2026-11-27T00:00:00",
                    "ends_at": "2026-12-01T00:00:00",
                    "time_zone": "Europe/London",
                    "priority": 10,
                    "per_customer_limit": 1,
                },
                request_only=True,
            ),
            OpenApiExample(
                "Three for two",
                value={"name": "Three for two", "benefit": "buy_x_get_y", "buy": 2, "get": 1, "percent": "100"},
                request_only=True,
            ),
            _EXAMPLE,
        ],
    )
    def post(self, request: Request) -> Response:
        body = PromotionInput(data=request.data)
        body.is_valid(raise_exception=True)
        made = services.create_promotion(data=promotion_data(body.validated_data))
        return Response(promotion_document(made), status=201, headers={"Location": f"{request.path}/{made.pk}"})


class PromotionDetail(ApiView):
    """``promotions/{id}``."""

    permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "GET": ("promotions.view_promotion",),
        "PATCH": ("promotions.change_promotion",),
        "DELETE": ("promotions.delete_promotion",),
    }

    @extend_schema(
        operation_id="get_promotion",
        summary="One promotion (staff)",
        responses={200: PromotionOutput},
        examples=[_EXAMPLE],
    )
    def get(self, request: Request, promotion_id: UUID) -> Response:
        return Response(promotion_document(selectors.get_promotion(promotion_id=promotion_id)))

    @extend_schema(
        operation_id="update_promotion",
        summary="Change a promotion (staff)",
        description="A new `usage_limit` counts what was used before it. Orders that had it stay as they are.",
        request=PromotionChanges,
        responses={200: PromotionOutput},
        examples=[
            OpenApiExample("Stop it for now", value={"is_active": False}, request_only=True),
            OpenApiExample("The promotion", value={**_SHOWN, "is_active": False}, response_only=True),
        ],
    )
    def patch(self, request: Request, promotion_id: UUID) -> Response:
        body = PromotionChanges(data=request.data)
        body.is_valid(raise_exception=True)
        changed = services.update_promotion(promotion_id=promotion_id, changes=promotion_changes(body.validated_data))
        return Response(promotion_document(changed))

    @extend_schema(
        operation_id="delete_promotion",
        summary="End a promotion (staff)",
        description="It is no longer active and its coupons are unknown; orders keep what they had.",
        responses={204: None},
    )
    def delete(self, request: Request, promotion_id: UUID) -> Response:
        services.delete_promotion(promotion_id=promotion_id)
        return Response(status=204)
