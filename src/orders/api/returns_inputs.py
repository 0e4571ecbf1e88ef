"""What is said of returns."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from rest_framework import serializers

from core.api.fields import AmountField, BooleanField, IdField, IntegerField, TextField
from core.api.pages import PageQuery
from core.api.serializers import Input
from orders.api.returns_outputs import LINE_EXAMPLE, RETURN_STATUSES
from orders.domain import MAX_ITEMS, MAX_PICTURES, Resolution, ReturnReason
from orders.services import Inspected, ReturnItem, ReturnWish, Settlement

_REASONS = [reason.value for reason in ReturnReason if reason is not ReturnReason.WITHDRAWAL]
_RESOLUTIONS = [resolution.value for resolution in Resolution]
REQUEST_EXAMPLE = {"items": [{"line": LINE_EXAMPLE, "quantity": 1, "reason": "damaged"}], "note": "It arrived chipped."}
EXCHANGE_EXAMPLE = {
    "items": [
        {
            "line": LINE_EXAMPLE,
            "quantity": 1,
            "reason": "too_small",
            "wanted_variant": "01937f5e-7c3a-7b60-9a57-0d6a4bd3c006",
        }
    ],
    "wanted": "exchange",
}
RECEIVE_EXAMPLE = {"items": [{"line": LINE_EXAMPLE, "quantity": 1}]}
SETTLE_EXAMPLE = {
    "items": [{"line": LINE_EXAMPLE, "accepted": 1, "restocked": 0, "condition": "Chipped."}],
    "deduction": "0.00",
}


def _each_once(items: list[dict[str, Any]]) -> None:
    if len({item["line"] for item in items}) < len(items):
        raise serializers.ValidationError({"items": ["Name each line once."]}, code="doubled")


class ReturnItemInput(Input):
    """Units of an order's line, why they come back, and what is wanted instead if they are exchanged."""

    line = IdField(help_text="The `id` of an item of the order.")
    quantity = IntegerField(min_value=1, max_value=99_999)
    reason = serializers.ChoiceField(choices=_REASONS)
    wanted_variant = IdField(required=False)


class ReturnInput(Input):
    """What goes back, and what is wanted for it."""

    items = ReturnItemInput(many=True, allow_empty=False, max_length=MAX_ITEMS)  # type: ignore[call-arg]
    wanted = serializers.ChoiceField(choices=_RESOLUTIONS, default=Resolution.REFUND.value)
    note = TextField(required=False, allow_blank=True, multiline=True, max_length=2000, default="")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        _each_once(attrs["items"])
        return attrs

    def wish(self, *, request_key: str) -> ReturnWish:
        """Return what someone wants to send back."""
        given = self.validated_data
        items = [
            ReturnItem(
                line=item["line"],
                quantity=item["quantity"],
                reason=ReturnReason(item["reason"]),
                wanted_variant=item.get("wanted_variant"),
            )
            for item in given["items"]
        ]
        return ReturnWish(items=items, wanted=Resolution(given["wanted"]), note=given["note"], request_key=request_key)


class ApproveInput(Input):
    """What the customer is told: where to send it."""

    answer = TextField(required=False, allow_blank=True, multiline=True, max_length=500, default="")


class RejectInput(Input):
    """What the customer is told: why not."""

    answer = TextField(multiline=True, max_length=500)


class ReceivedItemInput(Input):
    """Units of a line that were in the parcel."""

    line = IdField()
    quantity = IntegerField(min_value=0, max_value=99_999)


class ReceiveInput(Input):
    """What was in the parcel; lines left out are missing. Without it, all that was announced."""

    items = ReceivedItemInput(many=True, required=False, allow_empty=False, max_length=MAX_ITEMS)  # type: ignore[call-arg]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        _each_once(attrs.get("items", []))
        return attrs

    def units(self) -> dict[UUID, int] | None:
        """Return line -> units, if they were said."""
        items = self.validated_data.get("items")
        return None if items is None else {item["line"]: item["quantity"] for item in items}


class InspectedInput(Input):
    """What was found of a line."""

    line = IdField()
    accepted = IntegerField(min_value=0, max_value=99_999, help_text="Units taken back for good.")
    restocked = IntegerField(min_value=0, max_value=99_999, required=False, default=0, help_text="Of those.")
    condition = TextField(required=False, allow_blank=True, max_length=300, default="")


class SettleInput(Input):
    """How it is settled. Lines left out are taken back as they were received."""

    items = InspectedInput(many=True, required=False, max_length=MAX_ITEMS)  # type: ignore[call-arg]
    restock = BooleanField(required=False, default=False, help_text="Whether lines left out go back on the shelf.")
    resolution = serializers.ChoiceField(
        choices=_RESOLUTIONS, required=False, help_text="Without it, what the customer wants."
    )
    deduction = AmountField(required=False, default=Decimal(0), help_text="What is kept, such as for wear.")
    with_delivery = BooleanField(
        required=False, help_text="Without it, delivery is paid back where all of an order is withdrawn from."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        _each_once(attrs.get("items", []))
        return attrs

    def wish(self) -> Settlement:
        """Return how staff settle it."""
        given = self.validated_data
        resolution = given.get("resolution")
        return Settlement(
            items={
                item["line"]: Inspected(
                    accepted=item["accepted"], restocked=item["restocked"], condition=item["condition"]
                )
                for item in given.get("items", [])
            },
            is_restocked=given["restock"],
            resolution=Resolution(resolution) if resolution else None,
            deduction=given["deduction"],
            with_delivery=given.get("with_delivery"),
        )


class PicturesInput(Input):
    """Pictures of what is wrong."""

    images = serializers.ListField(
        child=serializers.FileField(),
        min_length=1,
        max_length=MAX_PICTURES,
        help_text="JPEG, PNG or WebP, one or more.",
    )


class ReturnQuery(PageQuery):
    """Filters of the list."""

    status = serializers.ChoiceField(choices=RETURN_STATUSES, required=False)
    order = IdField(required=False)
