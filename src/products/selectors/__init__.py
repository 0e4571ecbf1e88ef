"""Reads of the catalogue."""

from __future__ import annotations

from products.selectors.categories import get_category, list_categories, page_of_categories
from products.selectors.conditions import SORTS
from products.selectors.details import get_document
from products.selectors.editions import edition_of
from products.selectors.listing import Documents, Listing, list_documents
from products.selectors.lists import get_price_list, list_list_prices, list_price_lists
from products.selectors.naming import get_product_for_message
from products.selectors.offers import labels, offers, offers_by_sku, unknown_variants, variants_by_sku
from products.selectors.searching import search_state
from products.selectors.staff import get_product_for_staff, get_product_id, page_of_products_for_staff

__all__ = [
    "SORTS",
    "Documents",
    "Listing",
    "edition_of",
    "get_category",
    "get_document",
    "get_price_list",
    "get_product_for_message",
    "get_product_for_staff",
    "get_product_id",
    "labels",
    "list_categories",
    "list_documents",
    "list_list_prices",
    "list_price_lists",
    "offers",
    "offers_by_sku",
    "page_of_categories",
    "page_of_products_for_staff",
    "search_state",
    "unknown_variants",
    "variants_by_sku",
]
