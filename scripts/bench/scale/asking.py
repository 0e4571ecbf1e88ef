"""What is asked of a shop of any size."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from bench.catalogue import COLOURS, search_words
from bench.reads import API, MANY, Read
from bench.scale.sales import sign_in
from bench.shop import Shop
from core.pagination import encode_cursor

PRODUCTS = f"{API}/products"
_DEEP = 5000 * 20
# sort -> the row that so many stand before, as the cursor of a list holds it.
_ROW = "SELECT {key}::text || ' ' || product_id FROM products_productdocument ORDER BY {key} {way}, product_id {way}"
_SORTS = {"newest": ("published_at", "DESC"), "price": ("price_minor", "ASC"), "name": ("name", "ASC")}
_CATEGORIES = """
    SELECT json_agg(c.slug ORDER BY n.products, c.slug)
      FROM products_category c
      JOIN (SELECT label, sum(products) AS products FROM products_tally WHERE kind = 'c' GROUP BY 1) n
        ON n.label = c.id::text
     WHERE EXISTS (SELECT FROM products_category below WHERE below.parent_id = c.id) = %(is_upper)s
"""
_ORDER = "SELECT placed_at::text || ' ' || id FROM orders_order ORDER BY placed_at DESC, id DESC OFFSET %(n)s LIMIT 1"


def reads_of(shop: Shop) -> list[Read]:
    """Return every kind of read, each with several addresses that differ in what they find."""
    chance = random.Random(3)  # noqa: S311  # nosec B311 - the same at every run
    return [*_lists(shop), *_filtered(shop, chance), *_searches(shop, chance), *_orders(shop)]


def _lists(shop: Shop) -> Iterator[Read]:
    count = shop.sql("SELECT count(*) FROM products_productdocument")
    leaves, upper = (shop.sql(_CATEGORIES, {"is_upper": is_upper}) for is_upper in (False, True))
    yield Read(name="list", paths=[PRODUCTS])
    for sort in _SORTS:
        yield Read(name=f"list by {sort}, page 5,000 by cursor", paths=_deep(shop, sort, count))
    page = min(5000, count // 20)
    yield Read(name="list, page 5,000 by number", paths=[f"{PRODUCTS}?page={page}"])
    yield Read(name="category, small", paths=_in(leaves[:MANY]))
    yield Read(name="category, large", paths=_in(upper[-10:]))
    yield Read(name="category, large, by price", paths=_in(upper[-10:], "&sort=price"))
    yield Read(name="category, large, last page by cursor", paths=list(_deep_in(shop, upper[-10:])))


def _filtered(shop: Shop, chance: random.Random) -> Iterator[Read]:
    lowest = [chance.randrange(5, 200) for _ in range(MANY)]
    yield Read(
        name="price and stock",
        paths=[f"{PRODUCTS}?min_price={low}&max_price={low * 3}&in_stock=true" for low in lowest],
    )
    yield Read(
        name="price and stock, by price",
        paths=[f"{PRODUCTS}?min_price={low}&max_price={low * 3}&in_stock=true&sort=price" for low in lowest],
    )
    yield Read(name="tag", paths=[f"{PRODUCTS}?tag={colour.lower()}" for colour in COLOURS])
    upper = shop.sql(_CATEGORIES, {"is_upper": True})[-10:]
    yield Read(name="category and stock", paths=_in(upper, "&in_stock=true"))


def _searches(shop: Shop, chance: random.Random) -> Iterator[Read]:
    shown = [
        product
        for _ in range(MANY)
        for product in shop.get(f"{PRODUCTS}?size=1&page={chance.randrange(1, 1000)}")["results"]
    ]
    words = [word for word in search_words() if shop.get(f"{PRODUCTS}?search={word}&size=1")["count"]]
    yield Read(name="search, a SKU", paths=[f"{PRODUCTS}?search={p['variants'][0]['sku']}" for p in shown])
    yield Read(
        name="search, one product's words", paths=[f"{PRODUCTS}?search={p['slug'].replace('-', '+')}" for p in shown]
    )
    yield Read(name="search, words of products", paths=[f"{PRODUCTS}?search={word}" for word in words[:MANY]])
    yield Read(name="search, frequent words", paths=[f"{PRODUCTS}?search={colour}" for colour in COLOURS])
    yield Read(name="detail", paths=[f"{PRODUCTS}/{product['slug']}" for product in shown])


def _orders(shop: Shop) -> Iterator[Read]:
    count = shop.sql("SELECT count(*) FROM orders_order")
    if not count:
        return
    staff, buyer = sign_in(shop, as_staff=True), sign_in(shop, as_staff=False)
    yield Read(name="orders, staff", paths=[f"{API}/orders {staff}"])
    at, _, key = shop.sql(_ORDER, {"n": min(_DEEP, count - 21)}).rpartition(" ")
    cursor = encode_cursor([datetime.fromisoformat(at).isoformat(), key])
    yield Read(name="orders, staff, page 5,000 by cursor", paths=[f"{API}/orders?cursor={cursor} {staff}"])
    yield Read(name="orders, staff, paid", paths=[f"{API}/orders?status=paid {staff}"])
    yield Read(name="orders, a customer's", paths=[f"{API}/orders {buyer}"])


def _deep(shop: Shop, sort: str, count: int) -> list[str]:
    """Return addresses around page 5,000, or the last page that there is."""
    places = [min(_DEEP, count - 40) + offset for offset in range(0, 20, 5)]
    return [f"{PRODUCTS}?sort={sort}&cursor={_cursor(shop, sort, place)}" for place in places]


def _cursor(shop: Shop, sort: str, place: int) -> str:
    key, way = _SORTS[sort]
    row: Any = shop.sql(_ROW.format(key=key, way=way) + " OFFSET %(n)s LIMIT 1", {"n": place})
    at, _, product_id = row.rpartition(" ")
    return encode_cursor([sort, at, product_id])


def _deep_in(shop: Shop, slugs: Sequence[str]) -> Iterator[str]:
    """The last page of each category: behind all that is newer."""
    for slug in slugs:
        row: Any = shop.sql(
            "SELECT published_at::text || ' ' || product_id FROM products_productdocument"
            " WHERE category_ids @> ARRAY[(SELECT id FROM products_category WHERE slug = %(slug)s)]"
            " ORDER BY published_at, product_id OFFSET 20 LIMIT 1",
            {"slug": slug},
        )
        if row is not None:
            at, _, product_id = row.rpartition(" ")
            yield f"{PRODUCTS}?category={slug}&cursor={encode_cursor(['newest', at, product_id])}"


def _in(slugs: Sequence[str], rest: str = "") -> list[str]:
    return [f"{PRODUCTS}?category={slug}{rest}" for slug in slugs]
