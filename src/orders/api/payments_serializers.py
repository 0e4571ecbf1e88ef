"""Payments in and out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework import serializers

from core.api.fields import BooleanField, IdField, MoneyField, TextField
from core.api.pages import PageQuery
from core.api.serializers import Input
from core.money import as_document
from payments.domain import GIFT_CARD, AttemptStatus, PaymentStatus, Wish

if TYPE_CHECKING:
    from payments.models import Attempt, Payment

CARDS = ("success", "declined", "3ds", "slow")
STATUSES = [status.value for status in PaymentStatus]
PAYMENT_EXAMPLE = {
    "id": "01937f5e-7c3a-7b60-9a57-0d6a4bd3c030",
    "order": "01937f5e-7c3a-7b60-9a57-0d6a4bd3c010",
    "provider": "sandbox",
    "reference": "ch_01937f5e7c3a7b609a570d6a4bd3c031",
    "status": "requires_action",
    "amount": {"amount": "25.00", "currency": "GBP"},
    "paid": {"amount": "10.00", "currency": "GBP"},
    "to_pay": {"amount": "15.00", "currency": "GBP"},
    "refunded": {"amount": "0.00", "currency": "GBP"},
    "means": [
        {
            "provider": "gift_card",
            "amount": {"amount": "10.00", "currency": "GBP"},
            "refunded": {"amount": "0.00", "currency": "GBP"},
        }
    ],
    "next_action": {
        "type": "redirect",
        "url": "http://127.0.0.1:8000/sandbox/pay/ch_01937f5e7c3a7b609a570d6a4bd3c031",
    },
    "failure": None,
    "created_at": "2026-11-21T12:00:00Z",
}


class PayInput(Input):
    """What is paid, through whom, and where the shopper comes back to. ``card`` is for the sandbox alone.

    ``gift_card`` is the code of one, with the provider ``gift_card``; ``store_credit`` is the customer's own.
    ``saved_method`` is a way to pay that the customer keeps, which says who the provider is; ``save`` keeps this one.
    """

    order = IdField()
    provider = serializers.SlugField(max_length=30, required=False)
    return_url = serializers.URLField(required=False, max_length=2000)
    # The refusal does not repeat what was sent: it might be the number of a card.
    card = serializers.ChoiceField(
        choices=CARDS,
        required=False,
        allow_null=True,
        error_messages={"invalid_choice": f"One of {', '.join(CARDS)}."},
    )
    gift_card = TextField(required=False, max_length=40)
    saved_method = IdField(required=False)
    # Serializers take their fields out of the class: the method of that name stays.
    save = BooleanField(required=False, default=False)  # type: ignore[assignment]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "saved_method" in attrs:
            return _alone_with_saved(attrs)
        if "provider" not in attrs:
            raise serializers.ValidationError({"provider": ["Say who takes the money."]}, code="required")
        if (attrs.get("provider") == GIFT_CARD) != ("gift_card" in attrs):
            raise serializers.ValidationError(
                {"gift_card": ["A code goes with the provider gift_card, and it with a code."]}, code="gift_card"
            )
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
            provider=given.get("provider", ""),
            is_saving=given["save"],
            saved_method_id=given.get("saved_method"),
            return_url=given.get("return_url", ""),
            method=given.get("card") or "",
            code=given.get("gift_card", ""),
            request_key=request_key,
        )


def _alone_with_saved(attrs: dict[str, Any]) -> dict[str, Any]:
    """Refuse what a kept way to pay already says."""
    beside = [name for name in ("provider", "card", "gift_card", "save") if attrs.get(name)]
    if beside:
        raise serializers.ValidationError({beside[0]: ["The saved method says how it is paid."]}, code="either")
    return attrs


class PaymentQuery(PageQuery):
    """Filters of the list."""

    order = IdField(required=False)
    status = serializers.ChoiceField(choices=STATUSES, required=False)


class NextActionOutput(serializers.Serializer[Any]):
    """What the shopper has to do: open this address."""

    type = serializers.CharField()
    url = serializers.CharField()


class PaidMeansOutput(serializers.Serializer[Any]):
    """What one attempt took, and what of it went back."""

    provider = serializers.CharField()
    amount = MoneyField()
    refunded = MoneyField()


class PaymentOutput(serializers.Serializer[Any]):
    """An order's payment, as its newest attempt stands; ``means``: all that took money for it."""

    id = serializers.UUIDField()
    order = serializers.UUIDField()
    provider = serializers.CharField(allow_blank=True)
    reference = serializers.CharField(allow_blank=True)
    status = serializers.ChoiceField(choices=STATUSES)
    amount = MoneyField()
    paid = MoneyField()
    to_pay = MoneyField()
    refunded = MoneyField()
    means = PaidMeansOutput(many=True)
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


def payment_document(payment: Payment) -> dict[str, Any]:
    """Return the contract's payment. Reads the attempts, which the selectors prefetch."""
    attempts = sorted(payment.attempts.all(), key=lambda attempt: attempt.pk)
    taken = [attempt for attempt in attempts if attempt.state is AttemptStatus.CAPTURED and not attempt.is_surplus]
    shown = _shown(payment, attempts, taken)
    return {
        "id": payment.pk,
        "order": payment.order_id,
        "provider": shown.provider if shown else "",
        "reference": shown.provider_reference if shown else "",
        "status": payment.status,
        "amount": as_document(payment.amount_minor, payment.currency),
        "paid": as_document(payment.captured_minor, payment.currency),
        "to_pay": as_document(payment.to_pay_minor, payment.currency),
        "refunded": as_document(payment.refunded_minor, payment.currency),
        "means": [_means_document(attempt, payment.currency) for attempt in attempts if attempt.captured_minor],
        "next_action": shown.next_action if shown else None,
        "failure": (shown.failure if shown else "") or None,
        "created_at": payment.created_at,
    }


def _shown(payment: Payment, attempts: list[Attempt], taken: list[Attempt]) -> Attempt | None:
    """Return the attempt that tells how it stands: the last of those that paid it, or the newest."""
    if taken and not payment.to_pay_minor:
        outside = [attempt for attempt in taken if attempt.balance_id is None]
        return (outside or taken)[-1]
    return attempts[-1] if attempts else None


def _means_document(attempt: Attempt, currency: str) -> dict[str, Any]:
    return {
        "provider": attempt.provider,
        "amount": as_document(attempt.captured_minor, currency),
        "refunded": as_document(attempt.refunded_minor, currency),
    }
