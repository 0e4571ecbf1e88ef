"""What payments hold of a person beside their orders: ways to pay that are kept, and what the shop owes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from rest_framework import serializers

from accounts import selectors as account_reads
from core.api.fields import MoneyField
from core.money import as_document
from core.pagination import walk
from core.personal import PersonalPart
from payments import selectors
from payments.api.balances_serializers import BalanceMovementOutput, movement_document
from payments.api.methods_serializers import SavedMethodOutput, method_document
from payments.domain import BalanceKind

if TYPE_CHECKING:
    from payments.models import Balance


class HeldBalanceOutput(serializers.Serializer[Any]):
    """Store credit, or a gift card that is the person's own."""

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=[kind.value for kind in BalanceKind])
    left = MoneyField()
    code_end = serializers.CharField(allow_blank=True)
    recipient = serializers.CharField(allow_blank=True)
    note = serializers.CharField(allow_blank=True)
    is_active = serializers.BooleanField()
    expires_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


class HeldMovementOutput(BalanceMovementOutput):
    """What came to one of them; below zero, what left it."""

    balance = serializers.UUIDField()


class PersonalPaymentsOutput(serializers.Serializer[Any]):
    """What the person keeps to pay with. Cards are with their providers: here is by what their owner knows them."""

    saved_methods = SavedMethodOutput(many=True)
    balances = HeldBalanceOutput(many=True)
    movements = HeldMovementOutput(many=True)


def _read(user_id: UUID) -> Mapping[str, Any]:
    methods = selectors.list_saved_methods(customer=account_reads.get_user(user_id=user_id)).order_by("pk")
    balances = selectors.list_balances(customer_id=user_id)
    return {
        "saved_methods": (method_document(method) for method in methods),
        "balances": [_balance(balance) for balance in balances],
        "movements": _movements(balances),
    }


def _balance(balance: Balance) -> dict[str, Any]:
    same = ("kind", "code_end", "recipient", "note", "is_active", "expires_at", "created_at")
    return {
        "id": balance.pk,
        "left": as_document(balance.left_minor, balance.currency),
        **{name: getattr(balance, name) for name in same},
    }


def _movements(balances: list[Balance]) -> Iterator[dict[str, Any]]:
    known = {(balance.account, balance.currency): balance.pk for balance in balances}
    for rows in walk(selectors.list_movements_of(balances=balances), order=("pk",)):
        for row in rows:
            yield {"balance": known[row.account, row.currency], **movement_document(row)}


PART = PersonalPart(name="payments", output=PersonalPaymentsOutput, read=_read)
