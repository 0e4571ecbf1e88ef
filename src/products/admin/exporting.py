"""Products as a file that the import takes again."""

from __future__ import annotations

from typing import Any

from django.db.models import Prefetch, QuerySet
from import_export.fields import Field

from core import money
from core.admin import SafeResource
from markets import selectors as market_reads
from products.models import Category, Price, Product

_COLUMNS = (
    "sku",
    "name",
    "description",
    "category",
    "brand",
    "tags",
    "price",
    "compare_at_price",
    "weight_grams",
    "tax_class",
    "needs_shipping",
    "is_gift_card",
)


class ProductResource(SafeResource):
    """A row per product with its first variant, and prices of the default market: the columns of our own import.

    Without stock: what is free now is no count of what is on hand.
    """

    sku = Field(column_name="sku")
    category = Field(column_name="category")
    tags = Field(column_name="tags")
    price = Field(column_name="price")
    compare_at_price = Field(column_name="compare_at_price")
    weight_grams = Field(column_name="weight_grams")
    needs_shipping = Field(column_name="needs_shipping")
    is_gift_card = Field(column_name="is_gift_card")

    class Meta:
        model = Product
        fields = _COLUMNS
        export_order = _COLUMNS

    def filter_export(self, queryset: QuerySet[Product], **kwargs: Any) -> QuerySet[Product]:
        """Read what cells need beside the rows once."""
        self.currency = market_reads.get_market(code=None).currency
        self.names = dict(Category.objects.values_list("pk", "name"))
        priced = Price.objects.filter(currency=self.currency)
        return queryset.select_related("category").prefetch_related(
            Prefetch("living__prices", queryset=priced, to_attr="in_market")
        )

    def dehydrate_sku(self, product: Any) -> str:
        return product.living[0].sku if product.living else ""

    def dehydrate_category(self, product: Any) -> str:
        return " > ".join(self.names[pk] for pk in product.category.ancestor_ids)

    def dehydrate_tags(self, product: Any) -> str:
        return "|".join(product.tags)

    def dehydrate_price(self, product: Any) -> str:
        return self._amount(product, "amount_minor")

    def dehydrate_compare_at_price(self, product: Any) -> str:
        return self._amount(product, "compare_at_minor")

    def dehydrate_weight_grams(self, product: Any) -> str:
        grams = product.living[0].weight_grams if product.living else None
        return "" if grams is None else str(grams)

    def dehydrate_needs_shipping(self, product: Any) -> str:
        return str(product.living[0].needs_shipping).lower() if product.living else ""

    def dehydrate_is_gift_card(self, product: Any) -> str:
        return str(product.living[0].is_gift_card).lower() if product.living else ""

    def _amount(self, product: Any, name: str) -> str:
        prices = product.living[0].in_market if product.living else []
        minor = getattr(prices[0], name) if prices else None
        return "" if minor is None else money.to_text(minor, self.currency)
