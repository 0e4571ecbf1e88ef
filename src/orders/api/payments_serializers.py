"""Payments in and out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework import serializers

from core.api.fields import AmountField, BooleanField, IdField, IntegerField, MoneyField, TextField
from core.api.pages import PageQuery
from core.api.serializers import Input
from core.money import as_document
from orders.services import RefundItem, RefundOrder
from payments.domain import AttemptStatus, PaymentStatus, RefundStatus, RefundTo, Wish

if TYPE_CHECKING:
    from payments.models import Payment, Refund

CARDS = ("success", "declined", "3ds", "slow")
STATUSES = [status.value for status in PaymentStatus]
PAYMENT_EXAMPLE = {
    "id": "01937f5e-7c3a-7b60-9a57-0d6a4bd3c030",
    "order": "01937f5e-7c3a-7b60-9a57-0d6a4bd3c010",
    "provider": "sandbox",
    "reference": "ch_01937f5e7c3a7b609a570d6a4bd3c031",
    "status": "requires_action",
    "amount": {"amount": "25.00", "currency": "GBP"},
    "refunded": {"amount": "0.00", "currency": "GBP"},
    "next_action": {
        "type": "redirect",
        "url": "http://127.0.0.1:8000/sandbox/pay/ch_01937f5e7c3a7b609a570d6a4bd3c031",
    },
    "failure": None,
    "created_at": "2026-11-21T12:00:00Z",
}
REFUND_EXAMPLE = {
    "id": "01937f5e-7c3a-7b60-9a57-0d6a4bd3c040",
    "payment": "01937f5e-7c3a-7b60-9a57-0d6a4bd3c030",
    "amount": {"amount": "12.50", "currency": "GBP"},
    "status": "succeeded",
    "to": "payment",
    "reason": "Broken on arrival.",
    "failure": None,
    "created_at": "2026-11-21T12:00:00Z",
}


class PayInput(Input):
    """What is paid, through whom, and where the shopper comes back to. ``card`` is for the sandbox alone."""

    order = IdField()
    provider = serializers.SlugField(max_length=30)
    return_url = serializers.URLField(required=False, max_length=2000)
    card = serializers.ChoiceField(choices=CARDS, required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["provider"] != "sandbox":
            if attrs.get("card"):
                raise serializers.ValidationError({"card": ["This goes with the sandbox only."]}, code="card")
        elif not attrs.get("return_url") and not attrs.get("card"):
            raise serializers.ValidationError(
                {"return_url": ["Where should the shopper come back to?"]}, code="required"
            )
        return attrs

    def wish(self, *, request_key: str) -> Wish:
        """Return how the shopper wants to pay."""
        given = self.validated_data
        return Wish(
            provider=given["provider"],
            return_url=given.get("return_url", ""),
            method=given.get("card") or "",
            request_key=request_key,
        )


class RefundItemInput(Input):
    """Units of a variant, and whether they go back on the shelf (else as ``restock`` beside the items says)."""

    variant = IdField()
    quantity = IntegerField(min_value=1, max_value=99_999)
    restock = BooleanField(required=False)


class RefundInput(Input):
    """What goes back: an amount, or goods; without either, all that is left."""

    amount = AmountField(required=False)
    items = RefundItemInput(many=True, required=False, allow_empty=False)
    reason = TextField(required=False, allow_blank=True, max_length=300, default="")
    restock = BooleanField(required=False, default=False)
    to = serializers.ChoiceField(choices=[to.value for to in RefundTo], default=RefundTo.PAYMENT.value)

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
            RefundItem(
                variant=item["variant"], quantity=item["quantity"], restock=item.get("restock", given["restock"])
            )
            for item in given.get("items", [])
        ]
        return RefundOrder(
            amount=given.get("amount"),
            items=items,
            reason=given["reason"],
            to=RefundTo(given["to"]),
            request_key=request_key,
        )


class PaymentQuery(PageQuery):
    """Filters of the list."""

    order = IdField(required=False)
    status = serializers.ChoiceField(choices=STATUSES, required=False)


class NextActionOutput(serializers.Serializer[Any]):
    """What the shopper has to do: open this address."""

    type = serializers.CharField()
    url = serializers.CharField()


class PaymentOutput(serializers.Serializer[Any]):
    """An order's payment, as its newest attempt stands."""

    id = serializers.UUIDField()
    order = serializers.UUIDField()
    provider = serializers.CharField(allow_blank=True)
    reference = serializers.CharField(allow_blank=True)
    status = serializers.ChoiceField(choices=STATUSES)
    amount = MoneyField()
    refunded = MoneyField()
    next_action = NextActionOutput(allow_null=True)
    failure = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()


class PaymentListOutput(serializers.Serializer[Any]):
    """A page of payments."""

    count = serializers.IntegerField()
    count_is_estimate = serializers.BooleanField(required=False)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
    next_cursor = serializers.CharField(required=False)
    results = PaymentOutput(many=True)


class RefundOutput(serializers.Serializer[Any]):
    """Money on its way back; ``unknown``: the provider has not answered, and is told again."""

    id = serializers.UUIDField()
    payment = serializers.UUIDField()
    amount = MoneyField()
    status = serializers.ChoiceField(choices=[status.value for status in RefundStatus])
    to = serializers.ChoiceField(choices=[to.value for to in RefundTo])
    reason = serializers.CharField(allow_blank=True)
    failure = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()


def payment_document(payment: Payment) -> dict[str, Any]:
    """Return the contract's payment. Reads the attempts, which the selectors prefetch."""
    attempts = sorted(payment.attempts.all(), key=lambda attempt: attempt.pk)
    taken = [attempt for attempt in attempts if attempt.state is AttemptStatus.CAPTURED and not attempt.is_surplus]
    shown = taken[0] if taken else attempts[-1] if attempts else None
    return {
        "id": payment.pk,
        "order": payment.order_id,
        "provider": shown.provider if shown else "",
        "reference": shown.provider_reference if shown else "",
        "status": payment.status,
        "amount": as_document(payment.amount_minor, payment.currency),
        "refunded": as_document(payment.refunded_minor, payment.currency),
        "next_action": shown.next_action if shown else None,
        "failure": (shown.failure if shown else "") or None,
        "created_at": payment.created_at,
    }


def refund_document(refund: Refund) -> dict[str, Any]:
    """Return the contract's refund. Reads the payment, which the selector joins."""
    return {
        "id": refund.pk,
        "payment": refund.payment_id,
        "amount": as_document(refund.amount_minor, refund.payment.currency),
        "status": refund.status,
        "to": refund.to,
        "reason": refund.reason,
        "failure": refund.failure or None,
        "created_at": refund.created_at,
    }
