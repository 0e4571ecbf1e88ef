"""Carts in and out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework import serializers

from core.api.fields import IdField, IntegerField, MoneyField, TextField
from core.api.serializers import Input
from core.money import as_document

if TYPE_CHECKING:
    from carts.domain import CartLine, CartView

CART_EXAMPLE = {
    "id": "01937f5e-7c3a-7b60-9a57-0d6a4bd3c001",
    "token": "pT4m…",
    "currency": "GBP",
    "items": [
        {
            "id": "01937f5e-7c3a-7b60-9a57-0d6a4bd3c002",
            "product": "01937f5e-7c3a-7b60-9a57-0d6a4bd3c003",
            "variant": "01937f5e-7c3a-7b60-9a57-0d6a4bd3c004",
            "sku": "MUG-BLUE",
            "name": "Blue mug",
            "slug": "blue-mug",
            "options": {},
            "image": None,
            "quantity": 2,
            "unit_price": {"amount": "12.50", "currency": "GBP"},
            "line_total": {"amount": "25.00", "currency": "GBP"},
            "in_stock": True,
        }
    ],
    "subtotal": {"amount": "25.00", "currency": "GBP"},
    "discount": {"amount": "0.00", "currency": "GBP"},
    "shipping": {"amount": "0.00", "currency": "GBP"},
    "tax": {"amount": "0.00", "currency": "GBP"},
    "total": {"amount": "25.00", "currency": "GBP"},
    "warnings": [],
}


class AddItemInput(Input):
    """``variant`` or ``sku``, and how many."""

    variant = IdField(required=False)
    sku = TextField(required=False, max_length=64)
    quantity = IntegerField(min_value=1, max_value=2**31 - 1, default=1)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("variant" in attrs) == ("sku" in attrs):
            raise serializers.ValidationError({"variant": ["Give either variant or sku."]}, code="either")
        return attrs


class ChangeItemInput(Input):
    """How many are wanted."""

    quantity = IntegerField(min_value=1, max_value=2**31 - 1)


class QuoteItemInput(Input):
    """One line of a cart that the client keeps."""

    sku = TextField(max_length=64)
    quantity = IntegerField(min_value=1, max_value=999)


class QuoteInput(Input):
    """A cart that the client keeps."""

    items = QuoteItemInput(many=True, allow_empty=True, max_length=100)  # type: ignore[call-arg]


class MergeInput(Input):
    """A guest cart's ``token``, or the ``items`` of a cart that the client kept."""

    token = TextField(required=False, max_length=200)
    items = AddItemInput(many=True, required=False, max_length=100)  # type: ignore[call-arg]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("token" in attrs) == ("items" in attrs):
            raise serializers.ValidationError({"token": ["Give either token or items."]}, code="either")
        return attrs


class CartItemOutput(serializers.Serializer[Any]):
    """One line, priced now."""

    id = serializers.UUIDField(allow_null=True)
    product = serializers.UUIDField(allow_null=True)
    variant = serializers.UUIDField()
    sku = serializers.CharField(allow_null=True)
    name = serializers.CharField(allow_null=True)
    slug = serializers.CharField(allow_null=True)
    options = serializers.DictField(child=serializers.CharField())
    image = serializers.CharField(allow_null=True)
    quantity = serializers.IntegerField()
    unit_price = MoneyField(allow_null=True)
    line_total = MoneyField(allow_null=True)
    in_stock = serializers.BooleanField()


class WarningOutput(serializers.Serializer[Any]):
    """Something that changed, in plain words."""

    code = serializers.ChoiceField(choices=["not_for_sale", "out_of_stock", "low_stock", "price_changed"])
    message = serializers.CharField()
    item = serializers.UUIDField(allow_null=True)
    variant = serializers.UUIDField()


class CartOutput(serializers.Serializer[Any]):
    """A cart: its totals are computed at each answer."""

    id = serializers.UUIDField(allow_null=True)
    token = serializers.CharField(allow_null=True)
    currency = serializers.CharField()
    items = CartItemOutput(many=True)
    subtotal = MoneyField()
    discount = MoneyField()
    shipping = MoneyField()
    tax = MoneyField()
    total = MoneyField()
    warnings = WarningOutput(many=True)


def cart_document(view: CartView) -> dict[str, Any]:
    """Return the contract's cart."""
    quote, currency = view.quote, view.quote.currency
    return {
        "id": view.cart_id,
        "token": view.token,
        "currency": currency,
        "items": [_line(line, currency) for line in view.lines],
        "subtotal": as_document(quote.subtotal_minor, currency),
        "discount": as_document(quote.discount_minor, currency),
        "shipping": as_document(quote.shipping_minor, currency),
        "tax": as_document(quote.tax_minor, currency),
        "total": as_document(quote.total_minor, currency),
        "warnings": [
            {"code": w.code, "message": w.message, "item": w.item_id, "variant": w.variant_id} for w in view.warnings
        ],
    }


def _line(line: CartLine, currency: str) -> dict[str, Any]:
    priced = line.priced
    offer = priced.offer if priced else None
    named = offer or line.label
    return {
        "id": line.item_id,
        "product": named.product_id if named else None,
        "variant": line.variant_id,
        "sku": named.sku if named else None,
        "name": named.name if named else None,
        "slug": offer.slug if offer else None,
        "options": dict(offer.options) if offer else {},
        "image": offer.image_url if offer else None,
        "quantity": line.quantity,
        "unit_price": as_document(priced.unit_price_minor, currency) if priced else None,
        "line_total": as_document(priced.line_total_minor, currency) if priced else None,
        "in_stock": bool(priced and not priced.is_short),
    }
