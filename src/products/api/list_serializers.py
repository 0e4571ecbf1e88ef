"""Bodies of price lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework import serializers

from core import money
from core.api.fields import BooleanField, IdField, IntegerField, MoneyField, TextField, TimeField
from core.api.pages import PageQuery
from core.api.serializers import Input
from products.api.serializers import MAX_PRICE_LINES, PriceField
from products.services import ListPriceLine

if TYPE_CHECKING:
    from products.models import ListPrice, PriceList

MAX_QUANTITY = 10**6


class PriceListChanges(Input):
    """What changes of a price list. Group and market go by code; null: everybody, all markets of the currency."""

    name = TextField(max_length=100)
    group = TextField(max_length=50, required=False, allow_null=True)
    market = TextField(max_length=20, required=False, allow_null=True)
    priority = IntegerField(required=False, help_text="The highest decides; among equals the lower price.")
    starts_at = TimeField(required=False, allow_null=True)
    ends_at = TimeField(required=False, allow_null=True)
    is_active = BooleanField(required=False)


class PriceListInput(PriceListChanges):
    """A new price list. Its code and currency stay."""

    code = TextField(max_length=50)
    currency = TextField(max_length=3)


class ListPriceInput(Input):
    """One price of a list; null removes it."""

    variant = IdField(required=False)
    sku = TextField(max_length=64, required=False)
    min_quantity = IntegerField(required=False, min_value=1, max_value=MAX_QUANTITY)
    price = PriceField(allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("variant" in attrs) == ("sku" in attrs):
            raise serializers.ValidationError({"sku": "Give either sku or variant."}, code="ambiguous")
        return attrs


class ListPricesInput(Input):
    """Prices of a list, written all or none; others stay."""

    items = ListPriceInput(many=True, min_length=1, max_length=MAX_PRICE_LINES)  # type: ignore[call-arg]


def list_price_lines(values: dict[str, Any]) -> list[ListPriceLine]:
    """Return what a validated ``ListPricesInput`` asks for."""
    return [ListPriceLine(**item) for item in values["items"]]


class ListPriceQuery(PageQuery):
    """Which prices of a list."""

    search = TextField(max_length=64, required=False, help_text="Part of a SKU.")


class PriceListOutput(serializers.Serializer[Any]):
    """A price list; ``is_shown``: documents show its prices, within a minute of the clock."""

    code = serializers.CharField()
    name = serializers.CharField()
    currency = serializers.CharField()
    group = serializers.CharField(allow_null=True)
    market = serializers.CharField(allow_null=True)
    priority = serializers.IntegerField()
    starts_at = TimeField(allow_null=True)
    ends_at = TimeField(allow_null=True)
    is_active = serializers.BooleanField()
    is_shown = serializers.BooleanField()
    price_count = serializers.IntegerField()


class PriceListPage(serializers.Serializer[Any]):
    """A page of price lists."""

    count = serializers.IntegerField()
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
    results = PriceListOutput(many=True)


class ListPriceOutput(serializers.Serializer[Any]):
    """A price of a list: of each unit, from ``min_quantity`` on."""

    variant = serializers.UUIDField()
    product = serializers.UUIDField()
    sku = serializers.CharField()
    name = serializers.CharField()
    min_quantity = serializers.IntegerField()
    price = MoneyField()


class ListPricePage(serializers.Serializer[Any]):
    """A page of a list's prices."""

    count = serializers.IntegerField()
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
    next_cursor = serializers.CharField(required=False)
    count_is_estimate = serializers.BooleanField(required=False)
    results = ListPriceOutput(many=True)


def price_list_document(row: PriceList) -> dict[str, Any]:
    """Show a price list, as ``selectors.list_price_lists`` returns it. No query."""
    return {
        "code": row.code,
        "name": row.name,
        "currency": row.currency,
        "group": row.group.code if row.group else None,
        "market": row.market.code if row.market else None,
        "priority": row.priority,
        "starts_at": row.starts_at,
        "ends_at": row.ends_at,
        "is_active": row.is_active,
        "is_shown": row.is_shown,
        "price_count": row.price_count,  # type: ignore[attr-defined]
    }


def list_price_document(row: ListPrice) -> dict[str, Any]:
    """Show a price of a list, as ``selectors.list_list_prices`` returns it. No query."""
    return {
        "variant": str(row.variant_id),
        "product": str(row.variant.product_id),
        "sku": row.variant.sku,
        "name": row.variant.product.name,
        "min_quantity": row.min_quantity,
        "price": money.as_document(row.amount_minor, row.price_list.currency),
    }
