"""Trying a promotion on the orders that there were, over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.fields import IntegerField, MoneyField
from core.api.serializers import Input
from core.api.views import ApiView
from core.money import as_document
from orders import selectors

if TYPE_CHECKING:
    from orders.selectors import Rehearsal

REHEARSAL_EXAMPLE = {
    "orders": 1000,
    "uses": 120,
    "cost": [{"amount": "342.50", "currency": "GBP"}],
    "clashes": [{"promotion": "Summer sale", "orders": 14}],
}


class RehearseInput(Input):
    """How many of the newest orders are priced again."""

    last = IntegerField(min_value=1, max_value=10_000, default=1000)


class ClashOutput(serializers.Serializer[Any]):
    """Another promotion that would not have applied any more, and to how many orders."""

    promotion = serializers.CharField()
    orders = serializers.IntegerField()


class RehearsalOutput(serializers.Serializer[Any]):
    """What would have come of it."""

    orders = serializers.IntegerField()
    uses = serializers.IntegerField()
    cost = serializers.ListField(child=MoneyField())
    clashes = ClashOutput(many=True)


class PromotionRehearsal(ApiView):
    """A rehearsal."""

    permissions = {"POST": ("promotions.change_promotion", "orders.view_order")}
    idempotent = False

    @extend_schema(
        operation_id="promotions_rehearse",
        summary="Try a promotion on the newest orders (staff)",
        description=(
            "Prices them again with the promotion, active or not, and changes nothing. Limits of use and times do not "
            "count; of one with coupons everybody is taken to have entered one."
        ),
        request=RehearseInput,
        responses={200: RehearsalOutput},
        examples=[
            OpenApiExample("The last thousand", value={"last": 1000}, request_only=True),
            OpenApiExample("What would have come of it", value=REHEARSAL_EXAMPLE, response_only=True),
        ],
    )
    def post(self, request: Request, promotion_id: UUID) -> Response:
        body = RehearseInput(data=request.data)
        body.is_valid(raise_exception=True)
        found = selectors.rehearse_promotion(promotion_id=promotion_id, last=body.validated_data["last"])
        return Response(rehearsal_document(found))


def rehearsal_document(found: Rehearsal) -> dict[str, Any]:
    """Return what would have come of a promotion."""
    return {
        "orders": found.orders,
        "uses": found.uses,
        "cost": [as_document(minor, currency) for currency, minor in sorted(found.cost.items())],
        "clashes": [{"promotion": name, "orders": orders} for name, orders in found.clashes.most_common()],
    }
