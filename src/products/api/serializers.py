"""Bodies of products: what comes in, and the shapes that go out, for the schema."""

from __future__ import annotations

import re
from typing import Any

from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from core import money
from core.api.fields import (
    MONEY_SCHEMA,
    AmountField,
    BooleanField,
    IdField,
    IntegerField,
    MoneyField,
    TextField,
    TimeField,
)
from core.api.pages import PageQuery
from core.api.serializers import Input
from products.domain import MAX_VARIANTS, AmountGiven, ProductData, VariantData
from products.services import PriceLine

MAX_STOCK = 10**9
MAX_WEIGHT_GRAMS = 10**8
MAX_PRICE_LINES = 1000
_AMOUNT_SCHEMA = {"type": "string", "pattern": r"^\d{1,13}(\.\d{1,4})?$", "example": "12.50"}
_UNSAFE_KEY = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")


@extend_schema_field({"oneOf": [_AMOUNT_SCHEMA, {"type": "integer", "minimum": 0}, MONEY_SCHEMA]})
class PriceField(AmountField):
    """A price: ``"12.50"`` in the default market's currency, or ``{"amount", "currency"}``."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, dict):
            return AmountGiven(amount=super().to_internal_value(data))
        currency, amount = data.get("currency"), data.get("amount")
        if set(data) != {"amount", "currency"} or not isinstance(currency, str) or not money.is_currency(currency):
            self.fail("currency")
        if not isinstance(amount, str):
            self.fail("invalid")
        return AmountGiven(amount=super().to_internal_value(amount), currency=currency)


@extend_schema_field(
    {"type": "object", "additionalProperties": {"type": "string"}, "example": {"material": "oak", "width_cm": "80"}}
)
class TextMapField(serializers.DictField):
    """Names and texts, neither with control characters."""

    child = TextField(max_length=1000, allow_blank=True)

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) and any(len(name) > 100 or _UNSAFE_KEY.search(name) for name in data):
            raise serializers.ValidationError("A name has up to 100 characters, none of them control characters.")
        if isinstance(data, dict) and len(data) > 100:
            raise serializers.ValidationError("At most 100 entries.")
        return super().to_internal_value(data)


class OptionInput(Input):
    """One option and the values to choose from."""

    name = TextField(max_length=50)
    values = serializers.ListField(child=TextField(max_length=100), min_length=1, max_length=100)


class VariantInput(Input):
    """A new variant."""

    sku = TextField(max_length=64, required=False)
    options = TextMapField(required=False)
    price = PriceField(required=False)
    compare_at_price = PriceField(required=False, allow_null=True)
    stock = IntegerField(required=False, min_value=0, max_value=MAX_STOCK)
    weight_grams = IntegerField(required=False, allow_null=True, min_value=0, max_value=MAX_WEIGHT_GRAMS)
    needs_shipping = BooleanField(required=False)
    is_gift_card = BooleanField(required=False)


class VariantChanges(VariantInput):
    """What changes of a variant."""


class ProductInput(Input):
    """A new product. Simple ones have price, SKU and stock at the top; others list ``variants``."""

    name = TextField(max_length=300)
    category = TextField(max_length=150, help_text="The slug or the id of a category.")
    slug = TextField(max_length=150, required=False)
    description = TextField(max_length=100_000, multiline=True, required=False, allow_blank=True, help_text="Markdown.")
    tags = serializers.ListField(child=TextField(max_length=100), max_length=50, required=False)
    brand = TextField(max_length=100, required=False, allow_blank=True)
    options = OptionInput(many=True, required=False, max_length=10)  # type: ignore[call-arg]
    attributes = TextMapField(required=False)
    is_active = BooleanField(required=False)
    tax_class = TextField(max_length=50, required=False, help_text="Which rate of tax is due, such as `reduced`.")
    price = PriceField(required=False)
    compare_at_price = PriceField(required=False, allow_null=True)
    sku = TextField(max_length=64, required=False)
    stock = IntegerField(required=False, min_value=0, max_value=MAX_STOCK)
    weight_grams = IntegerField(required=False, allow_null=True, min_value=0, max_value=MAX_WEIGHT_GRAMS)
    needs_shipping = BooleanField(required=False)
    is_gift_card = BooleanField(required=False)
    variants = VariantInput(many=True, required=False, min_length=1, max_length=MAX_VARIANTS)  # type: ignore[call-arg]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        own = OF_VARIANT & attrs.keys()
        if "variants" in attrs and own:
            raise serializers.ValidationError(
                dict.fromkeys(sorted(own), "With variants, each has its own."), code="ambiguous"
            )
        if not self.partial and "variants" not in attrs and "price" not in attrs:
            raise serializers.ValidationError({"price": "This field is required."}, code="required")
        return attrs


OF_VARIANT = frozenset({"price", "compare_at_price", "sku", "stock", "weight_grams", "needs_shipping", "is_gift_card"})


class ProductChanges(ProductInput):
    """What changes of a product. ``price``, ``sku``, ``stock`` are those of its only variant."""

    variants = None  # type: ignore[assignment]


def product_data(values: dict[str, Any]) -> ProductData:
    """Return what a validated ``ProductInput`` asks for."""
    own = {name: values.pop(name) for name in OF_VARIANT & values.keys()}
    variants = [VariantData(**variant) for variant in values.pop("variants", None) or [own]]
    return ProductData(**values, variants=variants)


class RestoreInput(Input):
    """How a product comes back."""

    slug = TextField(max_length=150, required=False, help_text="Another slug, where its own is taken.")


class PriceLineInput(Input):
    """One price: of a variant by id or by SKU."""

    variant = IdField(required=False)
    sku = TextField(max_length=64, required=False)
    price = PriceField()
    compare_at_price = PriceField(required=False, allow_null=True)
    currency = TextField(max_length=3, required=False, help_text="For amounts that name none.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("variant" in attrs) == ("sku" in attrs):
            raise serializers.ValidationError({"sku": "Give either sku or variant."}, code="ambiguous")
        return attrs


class PricesInput(Input):
    """Many prices, written all or none."""

    items = PriceLineInput(many=True, min_length=1, max_length=MAX_PRICE_LINES)  # type: ignore[call-arg]


def price_lines(values: dict[str, Any]) -> list[PriceLine]:
    """Return what a validated ``PricesInput`` asks for."""
    lines = []
    for item in values["items"]:
        currency = item.pop("currency", None)
        for name in ("price", "compare_at_price"):
            given = item.get(name)
            if given is not None and given.currency is None:
                item[name] = AmountGiven(amount=given.amount, currency=currency)
        lines.append(PriceLine(**item))
    return lines


class StaffProductQuery(PageQuery):
    """The filters of the list for staff."""

    state = serializers.ChoiceField(choices=["active", "inactive", "deleted"], required=False)
    category = TextField(max_length=150, required=False)
    search = TextField(max_length=200, required=False)


class CategoryBrief(serializers.Serializer):  # type: ignore[type-arg]
    """A product's category."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    slug = serializers.CharField()
    path = serializers.CharField()


class ImageBrief(serializers.Serializer):  # type: ignore[type-arg]
    """A product's picture; ``thumbnails`` is width -> address. Of an imported one, width and height may be 0."""

    id = serializers.UUIDField()
    url = serializers.CharField(allow_blank=True)
    alt = serializers.CharField(allow_blank=True)
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    thumbnails = serializers.DictField(child=serializers.CharField())


class OptionOutput(serializers.Serializer):  # type: ignore[type-arg]
    """An option with its values, in the order in which they are shown."""

    name = serializers.CharField()
    values = serializers.ListField(child=serializers.CharField())


class VariantOutput(serializers.Serializer):  # type: ignore[type-arg]
    """A variant."""

    id = serializers.UUIDField()
    sku = serializers.CharField()
    options = serializers.DictField(child=serializers.CharField())
    in_stock = serializers.BooleanField()
    weight_grams = serializers.IntegerField(allow_null=True)
    needs_shipping = serializers.BooleanField()
    is_gift_card = serializers.BooleanField()
    price = MoneyField()
    compare_at_price = MoneyField(allow_null=True)


class QuantityPriceOutput(serializers.Serializer):  # type: ignore[type-arg]
    """What each unit costs from so many on."""

    quantity = serializers.IntegerField()
    price = MoneyField()


class SoldVariantOutput(VariantOutput):
    """A variant that the market sells, at the reader's price.

    ``lowest_price_30d`` is the lowest price of the 30 days before a reduction that is announced.
    """

    lowest_price_30d = MoneyField(allow_null=True)
    quantity_prices = QuantityPriceOutput(many=True)


class RatingOutput(serializers.Serializer):  # type: ignore[type-arg]
    """What buyers say: numbers, 0 of 0 where nobody did."""

    average = serializers.FloatField()
    count = serializers.IntegerField()


@extend_schema_serializer(component_name="ProductStock")
class StockOutput(serializers.Serializer):  # type: ignore[type-arg]
    """Free units, now: in all, and by variant id."""

    total = serializers.IntegerField()
    variants = serializers.DictField(child=serializers.IntegerField())


class _Described(serializers.Serializer):  # type: ignore[type-arg]
    id = serializers.UUIDField()
    name = serializers.CharField()
    slug = serializers.CharField()
    description = serializers.CharField(allow_blank=True, help_text="Markdown, as written.")
    description_html = serializers.CharField(allow_blank=True, help_text="The same as clean HTML.")
    category = CategoryBrief()
    tags = serializers.ListField(child=serializers.CharField())
    brand = serializers.CharField(allow_blank=True)
    tax_class = serializers.CharField()
    in_stock = serializers.BooleanField()
    images = ImageBrief(many=True)
    options = OptionOutput(many=True)
    attributes = serializers.DictField()
    rating = RatingOutput()
    is_active = serializers.BooleanField()
    created_at = TimeField()
    updated_at = TimeField()


class ProductOutput(_Described):
    """A product as one market sells it; ``price`` is that of the cheapest variant."""

    market = serializers.CharField()
    price = MoneyField()
    compare_at_price = MoneyField(allow_null=True)
    lowest_price_30d = MoneyField(allow_null=True)
    variants = SoldVariantOutput(many=True)


class ProductDetailOutput(ProductOutput):
    """A product with live stock."""

    stock = StockOutput()


class ProductPage(serializers.Serializer):  # type: ignore[type-arg]
    """A part of the list."""

    count = serializers.IntegerField()
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
    next_cursor = serializers.CharField(required=False)
    count_is_estimate = serializers.BooleanField(required=False)
    results = ProductOutput(many=True)


class PricePair(serializers.Serializer):  # type: ignore[type-arg]
    """A price in one currency."""

    price = MoneyField()
    compare_at_price = MoneyField(allow_null=True)


class StaffVariantOutput(VariantOutput):
    """A variant with all its prices; ``price`` is that in the default market's currency."""

    price = MoneyField(allow_null=True)
    prices = PricePair(many=True)


class StaffProductOutput(_Described):
    """A product in whatever state, with all prices and live stock."""

    price = MoneyField(allow_null=True)
    compare_at_price = MoneyField(allow_null=True)
    variants = StaffVariantOutput(many=True)
    deleted_at = TimeField(allow_null=True)
    stock = StockOutput()


class StaffProductPage(ProductPage):
    """A part of the list for staff."""

    results = StaffProductOutput(many=True)  # type: ignore[assignment]


class PricesOutput(serializers.Serializer):  # type: ignore[type-arg]
    """What a bulk change did."""

    products_changed = serializers.IntegerField()
