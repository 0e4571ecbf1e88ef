"""Writes of the catalogue."""

from __future__ import annotations

from products.services.availability import set_availability
from products.services.bulk import create_many
from products.services.categories import create_category, delete_category, set_category_image, update_category
from products.services.changing import add_variant, remove_variant, update_variant
from products.services.documents import (
    lock_products,
    rebuild_documents,
    render_category,
    render_market,
    render_once,
    render_products,
)
from products.services.drafts import check_new_product
from products.services.editing import ImageEdit, ProductEdit, VariantEdit, edit_product
from products.services.images import add_images, make_thumbnails, remove_image, update_image
from products.services.indexing import fill_missing, list_indexable, rebuild_index
from products.services.list_prices import ListPriceLine, set_list_prices
from products.services.lists import (
    PriceListData,
    create_price_list,
    delete_price_list,
    follow_clock,
    update_price_list,
)
from products.services.prices import PriceLine, change_prices_by_percent, set_prices
from products.services.products import (
    create_product,
    delete_product,
    restore_product,
    set_active,
    update_product,
)
from products.services.tallies import gather_tallies

__all__ = [
    "ImageEdit",
    "ListPriceLine",
    "PriceLine",
    "PriceListData",
    "ProductEdit",
    "VariantEdit",
    "add_images",
    "add_variant",
    "change_prices_by_percent",
    "check_new_product",
    "create_category",
    "create_many",
    "create_price_list",
    "create_product",
    "delete_category",
    "delete_price_list",
    "delete_product",
    "edit_product",
    "fill_missing",
    "follow_clock",
    "gather_tallies",
    "list_indexable",
    "lock_products",
    "make_thumbnails",
    "rebuild_documents",
    "rebuild_index",
    "remove_image",
    "remove_variant",
    "render_category",
    "render_market",
    "render_once",
    "render_products",
    "restore_product",
    "set_active",
    "set_availability",
    "set_category_image",
    "set_list_prices",
    "set_prices",
    "update_category",
    "update_image",
    "update_price_list",
    "update_product",
    "update_variant",
]
