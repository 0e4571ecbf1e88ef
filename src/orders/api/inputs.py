"""Orders in: what is asked of them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts.api.serializers import AddressInput, address_data
from core.api.fields import BooleanField, IdField, MoneyField, TextField, TimeField
from core.api.pages import PageQuery
from core.api.serializers import Input
from orders.api.fulfilments_serializers import UnitsInput, units_of
from orders.domain import MAX_ITEMS, OrderStatus
from orders.services import CancelWish

_STATUSES = [status.value for status in OrderStatus]


class PlaceOrderInput(Input):
    """What is needed beside the cart. Guests give e-mail and address."""

    email = serializers.EmailField(required=False, max_length=254)
    shipping_address = AddressInput(required=False)
    shipping_address_id = IdField(required=False)
    billing_address = AddressInput(required=False)
    shipping_method = TextField(required=False, max_length=40)
    coupon = TextField(required=False, max_length=64)
    vat_id = TextField(required=False, max_length=20)
    expected_total = MoneyField(required=False)
    note = TextField(required=False, allow_blank=True, multiline=True, max_length=1000)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "shipping_address" in attrs and "shipping_address_id" in attrs:
            raise serializers.ValidationError(
                {"shipping_address": ["Give either shipping_address or shipping_address_id."]}, code="either"
            )
        for name in ("shipping_address", "billing_address"):
            if name in attrs:
                attrs[name] = address_data(attrs[name])
        return attrs


class CancelInput(Input):
    """Why, if the customer cares to say; and what, where staff cancel a part."""

    reason = TextField(required=False, allow_blank=True, max_length=300, default="")
    items = UnitsInput(many=True, required=False, allow_empty=False, max_length=MAX_ITEMS)  # type: ignore[call-arg]
    refund = BooleanField(required=False, default=True)

    def wish(self) -> CancelWish:
        """Return what is to be cancelled."""
        given = self.validated_data
        return CancelWish(reason=given["reason"], items=units_of(given.get("items")), is_refunded=given["refund"])


class MoveInput(Input):
    """Where staff move an order to. Carrier and tracking number go with ``shipped``."""

    to = serializers.ChoiceField(choices=_STATUSES)
    reason = TextField(required=False, allow_blank=True, max_length=300, default="")
    carrier = TextField(required=False, allow_blank=True, max_length=60, default="")
    tracking_number = TextField(required=False, allow_blank=True, max_length=100, default="")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        parcel = [name for name in ("carrier", "tracking_number") if attrs[name]]
        if parcel and attrs["to"] != OrderStatus.SHIPPED.value:
            raise serializers.ValidationError(
                {name: ["This goes with shipped only."] for name in parcel}, code="parcel"
            )
        return attrs


class NoteInput(Input):
    """What staff want each other to know."""

    text = TextField(multiline=True, max_length=5000)


class OrderQuery(PageQuery):
    """Filters of the list."""

    status = serializers.ChoiceField(choices=_STATUSES, required=False)
    search = TextField(required=False, max_length=254)
    placed_after = TimeField(required=False)
    placed_before = TimeField(required=False)
