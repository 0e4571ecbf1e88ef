"""Carts in and out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework import serializers

from accounts.api.fields import CountryField
from carts.domain import Terms
from core.api.fields import IdField, IntegerField, MoneyField, TextField
from core.api.serializers import Input
from core.money import as_document
from pricing.domain import NOT_DELIVERED, UNKNOWN_METHOD, MethodFacts, ShippingKind, percent_text, rate_label

if TYPE_CHECKING:
    from carts.domain import CartLine, CartView
    from pricing.domain import Quote

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
            "discount": {"amount": "2.50", "currency": "GBP"},
            "in_stock": True,
        }
    ],
    "subtotal": {"amount": "25.00", "currency": "GBP"},
    "discount": {"amount": "2.50", "currency": "GBP"},
    "shipping": {"amount": "3.95", "currency": "GBP"},
    "tax": {"amount": "0.00", "currency": "GBP"},
    "total": {"amount": "26.45", "currency": "GBP"},
    "tax_included": {"amount": "4.41", "currency": "GBP"},
    "taxes": [
        {
            "name": "VAT 20 %",
            "rate": "20",
            "taxed": {"amount": "22.04", "currency": "GBP"},
            "amount": {"amount": "4.41", "currency": "GBP"},
            "is_included": True,
        }
    ],
    "discounts": [{"name": "Spring sale", "coupon": "SPRING", "amount": {"amount": "2.50", "currency": "GBP"}}],
    "coupon": "SPRING",
    "shipping_method": {
        "code": "standard",
        "name": "Standard delivery",
        "kind": "flat",
        "cost": {"amount": "3.95", "currency": "GBP"},
        "min_days": 2,
        "max_days": 4,
    },
    "shipping_address": {"country": "GB", "region": "", "postal_code": "SW1Y 4JH"},
    "vat_id": "",
    "warnings": [],
}
SHIPPING_EXAMPLE = {
    "results": [
        {
            "code": "standard",
            "name": "Standard delivery",
            "kind": "flat",
            "cost": {"amount": "3.95", "currency": "GBP"},
            "min_days": 2,
            "max_days": 4,
        },
        {
            "code": "express",
            "name": "Express delivery",
            "kind": "weight",
            "cost": {"amount": "7.50", "currency": "GBP"},
            "min_days": 1,
            "max_days": 1,
        },
    ]
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


class PlaceInput(Input):
    """Where it goes, as far as prices depend on it."""

    country = CountryField()
    region = TextField(required=False, allow_blank=True, max_length=100, default="")
    postal_code = TextField(required=False, allow_blank=True, max_length=20, default="")


class TermsInput(Input):
    """What is wished beside the goods."""

    coupon = TextField(required=False, allow_blank=True, max_length=64)
    shipping_method = TextField(required=False, allow_blank=True, max_length=40)
    shipping_address = PlaceInput(required=False)
    vat_id = TextField(required=False, allow_blank=True, max_length=20)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        place = attrs.pop("shipping_address", {})
        return {**attrs, **place}


class QuoteInput(TermsInput):
    """A cart that the client keeps."""

    items = QuoteItemInput(many=True, allow_empty=True, max_length=100)  # type: ignore[call-arg]

    @property
    def terms(self) -> Terms:
        """What is wished beside the goods."""
        return Terms(**{name: value for name, value in self.validated_data.items() if name != "items"})


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
    discount = MoneyField(allow_null=True)
    in_stock = serializers.BooleanField()


class WarningOutput(serializers.Serializer[Any]):
    """Something that changed, in plain words."""

    code = serializers.ChoiceField(
        choices=[
            "not_for_sale",
            "out_of_stock",
            "low_stock",
            "price_changed",
            "coupon_not_applied",
            NOT_DELIVERED,
            UNKNOWN_METHOD,
        ]
    )
    message = serializers.CharField()
    item = serializers.UUIDField(allow_null=True)
    variant = serializers.UUIDField(allow_null=True)


class ShippingOfferOutput(serializers.Serializer[Any]):
    """A way to send the cart. Days are working days, from to; collection is of kind `collect`."""

    code = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=[kind.value for kind in ShippingKind])
    cost = MoneyField()
    min_days = serializers.IntegerField()
    max_days = serializers.IntegerField()


class ShippingOffersOutput(serializers.Serializer[Any]):
    """All of them, cheapest first."""

    results = ShippingOfferOutput(many=True)


class TaxOutput(serializers.Serializer[Any]):
    """What one rate makes: on what, how much, and whether the prices contain it."""

    name = serializers.CharField(allow_blank=True)
    rate = serializers.CharField(help_text="In per cent.")
    taxed = MoneyField()
    amount = MoneyField()
    is_included = serializers.BooleanField()


class DiscountOutput(serializers.Serializer[Any]):
    """A promotion that applied."""

    name = serializers.CharField()
    coupon = serializers.CharField(allow_blank=True)
    amount = MoneyField()


class PlaceOutput(serializers.Serializer[Any]):
    """Where it goes."""

    country = serializers.CharField()
    region = serializers.CharField(allow_blank=True)
    postal_code = serializers.CharField(allow_blank=True)


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
    tax_included = MoneyField(help_text="Tax inside the prices. `tax` is what stands on top, and in the total.")
    taxes = TaxOutput(many=True)
    discounts = DiscountOutput(many=True)
    coupon = serializers.CharField(allow_blank=True)
    shipping_method = ShippingOfferOutput(allow_null=True)
    shipping_address = PlaceOutput(allow_null=True)
    vat_id = serializers.CharField(allow_blank=True)
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
        **price_details(quote),
        "coupon": view.terms.coupon,
        "shipping_address": _place(view.terms),
        "vat_id": view.terms.vat_id,
        "warnings": [
            {"code": w.code, "message": w.message, "item": w.item_id, "variant": w.variant_id} for w in view.warnings
        ],
    }


def price_details(quote: Quote) -> dict[str, Any]:
    """Return what the totals are made of: tax, discounts, and how it is sent."""
    priced, currency = quote.priced, quote.currency
    method = next(((method, cost) for method, cost in priced.offers if method == priced.method), None)
    return {
        "tax_included": as_document(priced.contained_minor, currency),
        "taxes": [
            {
                "name": rate_label(each.rate),
                "rate": percent_text(each.rate.ppm),
                "taxed": as_document(each.taxed_minor, currency),
                "amount": as_document(each.tax_minor + each.contained_minor, currency),
                "is_included": bool(each.contained_minor),
            }
            for each in priced.taxes
            if each.rate.name
        ],
        "discounts": [
            {"name": use.rule.name, "coupon": use.rule.code, "amount": as_document(use.amount_minor, currency)}
            for use in priced.uses
        ],
        "shipping_method": _shipping_offer(*method, currency) if method else None,
    }


def shipping_document(view: CartView) -> dict[str, Any]:
    """Return how the cart can be sent."""
    quote = view.quote
    return {"results": [_shipping_offer(method, cost, quote.currency) for method, cost in quote.priced.offers]}


def _shipping_offer(method: MethodFacts, cost_minor: int, currency: str) -> dict[str, Any]:
    return {
        "code": method.code,
        "name": method.name,
        "kind": method.kind.value,
        "cost": as_document(cost_minor, currency),
        "min_days": method.min_days,
        "max_days": method.max_days,
    }


def _place(terms: Terms) -> dict[str, str] | None:
    if not terms.country:
        return None
    return {"country": terms.country, "region": terms.region, "postal_code": terms.postal_code}


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
        "discount": as_document(priced.price.discount_minor, currency) if priced else None,
        "in_stock": bool(priced and not priced.is_short),
    }
