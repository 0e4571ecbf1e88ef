"""The catalogue, in the back office."""

from products.admin.categories import CategoryAdmin
from products.admin.lists import ListPriceAdmin, PriceListAdmin, PricePointAdmin
from products.admin.products import ProductAdmin

__all__ = ["CategoryAdmin", "ListPriceAdmin", "PriceListAdmin", "PricePointAdmin", "ProductAdmin"]
