"""What carts hold of a person: the one that is open, and those that became orders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from rest_framework import serializers

from carts import selectors
from carts.domain import CartState
from core.api.fields import MoneyField
from core.money import as_document
from core.pagination import walk
from core.personal import PersonalPart

if TYPE_CHECKING:
    from carts.models import Cart


class HeldItemOutput(serializers.Serializer[Any]):
    """One variant, and what it cost when it was put in."""

    id = serializers.UUIDField()
    variant = serializers.UUIDField()
    sku = serializers.CharField()
    quantity = serializers.IntegerField()
    seen_price = MoneyField()
    added_at = serializers.DateTimeField()


class HeldCartOutput(serializers.Serializer[Any]):
    """A cart as it is kept, not priced anew."""

    id = serializers.UUIDField()
    state = serializers.ChoiceField(choices=[state.value for state in CartState])
    market = serializers.CharField()
    items = HeldItemOutput(many=True)
    coupon = serializers.CharField(allow_blank=True)
    shipping_method = serializers.CharField(allow_blank=True)
    country = serializers.CharField(allow_blank=True)
    region = serializers.CharField(allow_blank=True)
    postal_code = serializers.CharField(allow_blank=True)
    vat_id = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()
    used_at = serializers.DateTimeField()


class PersonalCartsOutput(serializers.Serializer[Any]):
    """The person's carts, oldest first."""

    carts = HeldCartOutput(many=True)


def _read(user_id: UUID) -> Mapping[str, Any]:
    return {"carts": _carts(user_id)}


def _carts(user_id: UUID) -> Iterator[dict[str, Any]]:
    for carts in walk(selectors.list_carts(owner_id=user_id), order=("pk",)):
        yield from map(_cart, carts)


def _cart(cart: Cart) -> dict[str, Any]:
    same = ("coupon", "shipping_method", "country", "region", "postal_code", "vat_id", "created_at", "used_at")
    return {
        "id": cart.pk,
        "state": cart.state,
        "market": cart.market.code,
        "items": [
            {
                "id": item.pk,
                "variant": item.variant_id,
                "sku": item.variant.sku,
                "quantity": item.quantity,
                "seen_price": as_document(item.seen_price_minor, cart.market.currency),
                "added_at": item.created_at,
            }
            for item in sorted(cart.items.all(), key=lambda item: (item.created_at, item.pk))
        ],
        **{name: getattr(cart, name) for name in same},
    }


PART = PersonalPart(name="carts", output=PersonalCartsOutput, read=_read)
