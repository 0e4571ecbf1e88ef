"""Refunds in and out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework import serializers

from core.api.fields import AmountField, BooleanField, IdField, IntegerField, MoneyField, TextField
from core.api.serializers import Input
from core.money import as_document
from orders.domain import MAX_ITEMS
from orders.services import RefundItem, RefundOrder
from payments.domain import RefundStatus, RefundTo

if TYPE_CHECKING:
    from collections.abc import Sequence

    from payments.models import Refund

_LEAST_FAR_FIRST = list(RefundStatus)
REFUND_EXAMPLE = {
    "id": "01937f5e-7c3a-7b60-9a57-0d6a4bd3c040",
    "payment": "01937f5e-7c3a-7b60-9a57-0d6a4bd3c030",
    "amount": {"amount": "12.50", "currency": "GBP"},
    "status": "succeeded",
    "to": "payment",
    "reason": "Broken on arrival.",
    "failure": None,
    "means": [
        {
            "id": "01937f5e-7c3a-7b60-9a57-0d6a4bd3c040",
            "provider": "sandbox",
            "amount": {"amount": "12.50", "currency": "GBP"},
            "status": "succeeded",
            "failure": None,
        }
    ],
    "created_at": "2026-11-21T12:00:00Z",
}


class RefundItemInput(Input):
    """Units of one of the order's lines, or of a variant: of its lines in their order.

    ``restock``: whether they go back on the shelf (else as ``restock`` beside the items says).
    """

    line = IdField(required=False)
    variant = IdField(required=False)
    quantity = IntegerField(min_value=1, max_value=99_999)
    restock = BooleanField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("line" in attrs) == ("variant" in attrs):
            raise serializers.ValidationError({"line": ["Give either line or variant."]}, code="either")
        return attrs


class RefundInput(Input):
    """What goes back: an amount, or goods; without either, all that is left."""

    amount = AmountField(required=False)
    items = RefundItemInput(many=True, required=False, allow_empty=False, max_length=MAX_ITEMS)  # type: ignore[call-arg]
    reason = TextField(required=False, allow_blank=True, max_length=300, default="")
    restock = BooleanField(required=False, default=False)
    # An exchange is settled with its return.
    to = serializers.ChoiceField(
        choices=[RefundTo.PAYMENT.value, RefundTo.STORE_CREDIT.value], default=RefundTo.PAYMENT.value
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "amount" in attrs and "items" in attrs:
            raise serializers.ValidationError({"amount": ["Give either amount or items."]}, code="either")
        if attrs["restock"] and "items" not in attrs:
            raise serializers.ValidationError({"restock": ["Say which items."]}, code="items")
        if "amount" in attrs and not attrs["amount"]:
            raise serializers.ValidationError({"amount": ["Give more than nothing."]}, code="min_value")
        return attrs

    def wish(self, *, request_key: str) -> RefundOrder:
        """Return what staff want to give back."""
        given = self.validated_data
        items = [
            RefundItem(**{**item, "restock": item.get("restock", given["restock"])}) for item in given.get("items", [])
        ]
        return RefundOrder(
            amount=given.get("amount"),
            items=items,
            reason=given["reason"],
            to=RefundTo(given["to"]),
            request_key=request_key,
        )


class RefundMeansOutput(serializers.Serializer[Any]):
    """What goes back by one of the means that paid."""

    id = serializers.UUIDField()
    provider = serializers.CharField()
    amount = MoneyField()
    status = serializers.ChoiceField(choices=[status.value for status in RefundStatus])
    failure = serializers.CharField(allow_null=True)


class RefundOutput(serializers.Serializer[Any]):
    """Money on its way back; ``unknown``: the provider has not answered, and is told again.

    ``status`` is that of the means which is least far; ``created`` and by hand: staff confirm that they gave it back.
    """

    id = serializers.UUIDField()
    payment = serializers.UUIDField()
    amount = MoneyField()
    status = serializers.ChoiceField(choices=[status.value for status in RefundStatus])
    to = serializers.ChoiceField(choices=[to.value for to in RefundTo])
    reason = serializers.CharField(allow_blank=True)
    failure = serializers.CharField(allow_null=True)
    means = RefundMeansOutput(many=True)
    created_at = serializers.DateTimeField()


class RefundListOutput(serializers.Serializer[Any]):
    """A page of refunds."""

    count = serializers.IntegerField()
    count_is_estimate = serializers.BooleanField(required=False)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
    next_cursor = serializers.CharField(required=False)
    results = RefundOutput(many=True)


def refund_document(refunds: Sequence[Refund]) -> dict[str, Any]:
    """Return the contract's refund: what was promised at once, by one or several means. Reads payment and attempts."""
    first, currency = refunds[0], refunds[0].payment.currency
    least_far = min(refunds, key=lambda refund: _LEAST_FAR_FIRST.index(RefundStatus(refund.status)))
    return {
        "id": first.pk,
        "payment": first.payment_id,
        "amount": as_document(sum(refund.amount_minor for refund in refunds), currency),
        "status": least_far.status,
        "to": first.to,
        "reason": first.reason,
        "failure": next((refund.failure for refund in refunds if refund.failure), None),
        "means": [
            {
                "id": refund.pk,
                "provider": refund.attempt.provider,
                "amount": as_document(refund.amount_minor, currency),
                "status": refund.status,
                "failure": refund.failure or None,
            }
            for refund in refunds
        ],
        "created_at": first.created_at,
    }
