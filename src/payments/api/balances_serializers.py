"""Gift cards and store credit in and out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework import serializers

from core.api.fields import BooleanField, MoneyField, TextField, TimeField
from core.api.pages import PageQuery
from core.api.serializers import Input
from core.money import Money, as_document
from payments.services import NewGiftCard

if TYPE_CHECKING:
    from payments.models import Balance, Posting

GIFT_CARD_EXAMPLE = {
    "id": "01937f5e-7c3a-7b60-9a57-0d6a4bd3c050",
    "code_end": "Z4K9",
    "left": {"amount": "50.00", "currency": "GBP"},
    "expires_at": None,
    "is_active": True,
    "recipient": "ada@example.com",
    "note": "Prize draw",
    "created_at": "2026-11-21T12:00:00Z",
}
STORE_CREDIT_EXAMPLE = {"balances": [{"amount": "12.50", "currency": "GBP"}]}
MOVEMENT_EXAMPLE = {
    "kind": "store_credit_granted",
    "amount": {"amount": "12.50", "currency": "GBP"},
    "at": "2026-11-21T12:00:00Z",
}


class _Worth(Input):
    amount = MoneyField()

    def validate_amount(self, value: Money) -> Money:
        if not value.minor:
            raise serializers.ValidationError("Give more than nothing.", code="min_value")
        return value


class GiftCardInput(_Worth):
    """What is on a new gift card. With a recipient its code is mailed to them."""

    expires_at = TimeField(required=False, allow_null=True, default=None)
    recipient = serializers.EmailField(required=False, allow_blank=True, max_length=254, default="")
    note = TextField(required=False, allow_blank=True, max_length=300, default="")

    def wish(self) -> NewGiftCard:
        """Return what staff want to give away."""
        return NewGiftCard(**self.validated_data)


class GiftCardChanges(Input):
    """Whether it may be used, until when, and what staff call it."""

    is_active = BooleanField(required=False)
    expires_at = TimeField(required=False, allow_null=True)
    note = TextField(required=False, allow_blank=True, max_length=300)


class GiftCardQuery(PageQuery):
    """Filters of the list."""

    is_active = BooleanField(from_text=True, required=False)
    code_end = TextField(required=False, max_length=4)


class CodeInput(Input):
    """A gift card's code, as it was typed."""

    code = TextField(max_length=40)


class GrantInput(_Worth):
    """What a customer gets to spend in the shop, and why."""

    note = TextField(required=False, allow_blank=True, max_length=300, default="")


class GiftCardOutput(serializers.Serializer[Any]):
    """A gift card, by the end of its code; the whole code is not kept."""

    id = serializers.UUIDField()
    code_end = serializers.CharField()
    left = MoneyField()
    expires_at = serializers.DateTimeField(allow_null=True)
    is_active = serializers.BooleanField()
    recipient = serializers.CharField(allow_blank=True)
    note = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()


class NewGiftCardOutput(GiftCardOutput):
    """A gift card that was just made, with its code, this once."""

    code = serializers.CharField()


class CheckedOutput(serializers.Serializer[Any]):
    """What is on a gift card."""

    left = MoneyField()
    expires_at = serializers.DateTimeField(allow_null=True)


class StoreCreditOutput(serializers.Serializer[Any]):
    """What a customer may spend in the shop, in each currency."""

    balances = serializers.ListField(child=MoneyField())


class BalanceMovementOutput(serializers.Serializer[Any]):
    """What came to a balance; below zero, what left it."""

    kind = serializers.CharField()
    amount = MoneyField()
    at = serializers.DateTimeField()


class _Page(serializers.Serializer[Any]):
    count = serializers.IntegerField()
    count_is_estimate = serializers.BooleanField(required=False)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
    next_cursor = serializers.CharField(required=False)


class GiftCardPage(_Page):
    """A page of gift cards."""

    results = GiftCardOutput(many=True)


class BalanceMovementPage(_Page):
    """A page of what happened to a balance, newest first."""

    results = BalanceMovementOutput(many=True)


def gift_card_document(card: Balance) -> dict[str, Any]:
    """Return a gift card for staff."""
    return {
        "id": card.pk,
        "code_end": card.code_end,
        "left": as_document(card.left_minor, card.currency),
        "expires_at": card.expires_at,
        "is_active": card.is_active,
        "recipient": card.recipient,
        "note": card.note,
        "created_at": card.created_at,
    }


def checked_document(card: Balance) -> dict[str, Any]:
    """Return what whoever knows the code may know."""
    return {"left": as_document(card.left_minor, card.currency), "expires_at": card.expires_at}


def store_credit_document(balances: list[Balance]) -> dict[str, Any]:
    """Return a customer's store credit."""
    return {"balances": [as_document(row.left_minor, row.currency) for row in balances]}


def movement_document(row: Posting) -> dict[str, Any]:
    """Return one movement. Reads the entry, which the selector joins."""
    return {"kind": row.entry.kind, "amount": as_document(-row.amount_minor, row.currency), "at": row.entry.at}
