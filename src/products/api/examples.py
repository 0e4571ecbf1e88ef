"""What requests and answers look like, for the schema."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample

_ID = "01993f5e-7c11-7b3a-9c55-3d1f6a0f7e21"
_VARIANT_ID = "01993f5e-7c12-7d40-8f0a-2b6c1a9d3e55"
_PRICE = {"amount": "49.00", "currency": "GBP"}
_VARIANT: dict[str, Any] = {
    "id": _VARIANT_ID,
    "sku": "LAMP-OAK",
    "options": {"Wood": "Oak"},
    "in_stock": True,
    "weight_grams": 1200,
    "needs_shipping": True,
    "is_gift_card": False,
    "price": _PRICE,
    "compare_at_price": None,
}
_SHOWN_VARIANT: dict[str, Any] = {
    **_VARIANT,
    "lowest_price_30d": None,
    "quantity_prices": [{"quantity": 10, "price": {"amount": "45.00", "currency": "GBP"}}],
}
_DESCRIBED: dict[str, Any] = {
    "id": _ID,
    "name": "Oak lamp",
    "slug": "oak-lamp",
    "description": "A lamp of *oak*.",
    "description_html": "<p>A lamp of <em>oak</em>.</p>\n",
    "category": {
        "id": "01993f5e-7c13-7c1a-bb0e-6f1d2c3b4a59",
        "name": "Table lamps",
        "slug": "table-lamps",
        "path": "lighting/table-lamps",
    },
    "tags": ["oak", "handmade"],
    "brand": "Nexus",
    "tax_class": "standard",
    "price": _PRICE,
    "compare_at_price": None,
    "in_stock": True,
    "images": [],
    "options": [{"name": "Wood", "values": ["Oak", "Ash"]}],
    "attributes": {"height": "42 cm"},
    "rating": {"average": 0, "count": 0},
    "is_active": True,
    "created_at": "2026-07-01T09:30:00Z",
    "updated_at": "2026-07-01T09:30:00Z",
}
_STOCK = {"total": 7, "variants": {_VARIANT_ID: 7}}
PRODUCT: dict[str, Any] = {
    **_DESCRIBED,
    "market": "uk",
    "lowest_price_30d": None,
    "variants": [_SHOWN_VARIANT],
}
STAFF_PRODUCT: dict[str, Any] = {
    **_DESCRIBED,
    "variants": [{**_VARIANT, "prices": [{"price": _PRICE, "compare_at_price": None}]}],
    "deleted_at": None,
    "stock": _STOCK,
}


def _answer(title: str, value: Any) -> OpenApiExample:
    return OpenApiExample(title, value=value, response_only=True, status_codes=["200", "201"])


def _request(title: str, value: Any) -> OpenApiExample:
    return OpenApiExample(title, value=value, request_only=True)


def page_of(row: dict[str, Any]) -> dict[str, Any]:
    """Return a list's body with one row."""
    return {"count": 1, "next": None, "previous": None, "results": [row]}


PAGE = _answer("A page", page_of(PRODUCT))
DETAIL = _answer("A product", {**PRODUCT, "stock": _STOCK})
STAFF_PAGE = _answer("A page", page_of(STAFF_PRODUCT))
STAFF_DETAIL = _answer("A product", STAFF_PRODUCT)
PRICES_DONE = _answer("Done", {"products_changed": 2})

SIMPLE = _request(
    "A simple product",
    {"name": "Oak lamp", "category": "table-lamps", "price": "49.00", "sku": "LAMP-OAK", "stock": 7},
)
WITH_VARIANTS = _request(
    "A product with variants",
    {
        "name": "Lamp",
        "category": "table-lamps",
        "options": [{"name": "Wood", "values": ["Oak", "Ash"]}],
        "variants": [
            {"sku": "LAMP-OAK", "options": {"Wood": "Oak"}, "price": "49.00", "stock": 7},
            {"sku": "LAMP-ASH", "options": {"Wood": "Ash"}, "price": "45.00", "stock": 3},
        ],
    },
)
CHANGES = _request("Another price and name", {"name": "Oak table lamp", "price": "52.00"})
RESTORE = _request("Under another slug", {"slug": "oak-lamp-2"})
NEW_VARIANT = _request("A variant", {"sku": "LAMP-ASH", "options": {"Wood": "Ash"}, "price": "45.00", "stock": 3})
VARIANT_CHANGES = _request("A lower price", {"price": "39.00", "compare_at_price": "45.00"})
PRICES = _request(
    "Two prices",
    {
        "items": [
            {"sku": "LAMP-OAK", "price": "52.00"},
            {"sku": "LAMP-ASH", "price": {"amount": "55.00", "currency": "EUR"}},
        ]
    },
)

_PRICE_LIST: dict[str, Any] = {
    "code": "wholesale",
    "name": "Wholesale",
    "currency": "GBP",
    "group": "wholesale",
    "market": None,
    "priority": 10,
    "starts_at": "2026-12-01T00:00:00Z",
    "ends_at": None,
    "is_active": True,
}
_LIST_PRICE: dict[str, Any] = {
    "variant": _VARIANT_ID,
    "product": _ID,
    "sku": "LAMP-OAK",
    "name": "Oak lamp",
    "min_quantity": 10,
    "price": {"amount": "45.00", "currency": "GBP"},
}
PRICE_LIST = _answer("A price list", {**_PRICE_LIST, "is_shown": False, "price_count": 1})
PRICE_LIST_PAGE = _answer("A page", page_of({**_PRICE_LIST, "is_shown": False, "price_count": 1}))
NEW_PRICE_LIST = _request("Prices of a customer group", _PRICE_LIST)
PRICE_LIST_CHANGES = _request("It ends", {"ends_at": "2026-12-31T23:00:00Z"})
LIST_PRICE_PAGE = _answer("A page", page_of(_LIST_PRICE))
LIST_PRICES = _request(
    "A price from ten on, and one that goes",
    {
        "items": [
            {"sku": "LAMP-OAK", "min_quantity": 10, "price": "45.00"},
            {"sku": "LAMP-ASH", "price": None},
        ]
    },
)
