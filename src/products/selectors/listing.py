"""The public read side: documents ready to send. A list is one statement, a detail is one statement.

Statements run with their values apart, so that the server plans each of them only once per connection.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any

import orjson
import psycopg
import pycountry
from django.db import connection

from core import money
from core.errors import Malformed
from core.pagination import EXACT_COUNT_LIMIT, PageRequest, decode_cursor, encode_cursor
from markets.errors import UnknownMarket
from products import domain
from products.errors import ProductMoved, ProductNotFound

_PREPARE_AFTER = 2
_SHORTEST_PREFIX = 2

# How many digits a price in each currency has (ISO 4217), for the filters, which are asked in major units.
_DIGITS = orjson.dumps(
    {c.alpha_3: money.digits(c.alpha_3) for c in pycountry.currencies if money.digits(c.alpha_3) != 2}
).decode()
_SCALE = f"10 ^ coalesce(('{_DIGITS}'::jsonb ->> m.currency)::int, 2)"

_QUERY = """(
    SELECT CASE WHEN %(prefix)s::text = '' THEN words
                ELSE words || (websearch_to_tsquery(products_text_config(m.language), unaccent(%(head)s::text))
                               && to_tsquery('simple',
                                             '''' || replace(unaccent(%(prefix)s::text), '''', '') || ''':*')) END
      FROM websearch_to_tsquery(products_text_config(m.language), unaccent(%(search)s::text)) words)"""

# filter -> condition; the values are bound by the same names.
_CONDITIONS = {
    "category": "d.category_ids @> ARRAY[c.id]",
    "tag": "d.tags @> ARRAY[%(tag)s::text]::varchar[]",
    "min_price": f"d.price_minor >= ceil(%(min_price)s::numeric * {_SCALE})::bigint",
    "max_price": f"d.price_minor <= floor(%(max_price)s::numeric * {_SCALE})::bigint",
    "in_stock": "d.in_stock = %(in_stock)s::boolean",
    "rating": "d.rating >= %(rating)s::numeric",
    "search": "(d.search @@ q.query OR d.skus @> ARRAY[upper(%(search)s::text)]::varchar[])",
}
_SCORE = (
    "(ts_rank(d.search, q.query)::float8"
    " + CASE WHEN d.skus @> ARRAY[upper(%(search)s::text)]::varchar[] THEN 1000 ELSE 0 END)"
)
# sort -> what rows go by, its type, and the direction; the product's id follows in the same one.
SORTS: Mapping[str, tuple[str, str, str]] = {
    "newest": ("d.published_at", "timestamptz", "DESC"),
    "price": ("d.price_minor", "bigint", "ASC"),
    "-price": ("d.price_minor", "bigint", "DESC"),
    "name": ("d.name", "text", "ASC"),
    "-name": ("d.name", "text", "DESC"),
    "rating": ("d.rating", "numeric", "DESC"),
    "relevance": (_SCORE, "float8", "DESC"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Which products are wanted. ``filters`` has values by the names of ``_CONDITIONS``, prices in major units."""

    market: str | None = None
    filters: Mapping[str, Any] = field(default_factory=dict)
    sort: str = "newest"
    page: PageRequest = field(default_factory=PageRequest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Documents:
    """A part of a list as it is sent: ``results`` are the documents, joined by commas."""

    results: str
    versions: str
    count: int
    count_is_estimate: bool
    has_more: bool
    next_cursor: str | None


def list_documents(*, listing: Listing) -> Documents:
    """Return one page of what a market lists. One statement, whatever is asked.

    Counts are exact up to 10,000, and for a whole market or a category without other filters always.

    :raises UnknownMarket: there is none of that code
    :raises Malformed: there is no such category, or the cursor is not one of this list
    """
    values = _values(listing)
    statement = _statement(tuple(sorted(listing.filters)), listing.sort, listing.market is None, "after_key" in values)
    row = _fetch(statement, values)
    if row is None:
        raise UnknownMarket.field("market", "There is no such market.")
    category, count, results, versions, fetched, last_key, last_id = row
    if "category" in listing.filters and category is None:
        raise Malformed.field("category", "There is no such category.", code="unknown_category")
    has_more = (fetched or 0) > listing.page.size
    cursor = encode_cursor([listing.sort, last_key, last_id]) if has_more else None
    exact = _is_counted(listing.filters) or count <= EXACT_COUNT_LIMIT
    return Documents(
        results=results or "",
        versions=versions or "",
        count=count if exact else EXACT_COUNT_LIMIT,
        count_is_estimate=not exact,
        has_more=has_more,
        next_cursor=cursor,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """One product's document as it is sent, its version, and live units by variant (those that the market sells)."""

    document: str
    version: str
    units: Mapping[str, int]


_DETAIL = """
    SELECT d.document, d.version, products_live_stock(d.product_id)::text
      FROM markets_market m LEFT JOIN products_productdocument d ON d.market_id = m.id AND {key}
     WHERE {market} AND m.is_active
"""
_DEFAULT_MARKET, _NAMED_MARKET = "m.is_default", "m.code = %(market)s::text"


def get_document(*, key: str, market: str | None) -> Detail:
    """Return the document of the product of that id or slug, with live stock. One statement; a second on a miss.

    :param market: its code; ``None`` is the default one
    :raises UnknownMarket: there is none of that code
    :raises ProductMoved: the product had that slug once
    :raises ProductNotFound: there is none, or it is not sold there
    """
    is_id = domain.is_uuid(key)
    if not is_id and not domain.is_slug(key):
        raise ProductNotFound
    statement = _DETAIL.format(
        key="d.product_id = %(key)s::uuid" if is_id else "d.slug = %(key)s::text",
        market=_DEFAULT_MARKET if market is None else _NAMED_MARKET,
    )
    row = _fetch(statement, {"key": key} if market is None else {"key": key, "market": market})
    if row is None:
        raise UnknownMarket.field("market", "There is no such market.")
    document, version, units = row
    if document is None:
        raise _missing(key)
    sold = {variant: count for variant, count in orjson.loads(units).items() if f'"id":"{variant}"' in document}
    return Detail(document=document, version=version, units=sold)


def _missing(key: str) -> ProductMoved | ProductNotFound:
    moved = """
        SELECT p.slug FROM products_formerslug f JOIN products_product p ON p.id = f.product_id
         WHERE f.slug = %(key)s::text AND p.deleted_at IS NULL AND p.is_active AND p.slug <> f.slug
    """
    row = _fetch(moved, {"key": key})
    return ProductMoved(slug=row[0]) if row else ProductNotFound()


def _fetch(statement: str, values: Mapping[str, Any]) -> Any:
    """Run a statement with its values apart (prepared by the server after the second time) and return its first row."""
    connection.ensure_connection()
    raw: Any = connection.connection
    if raw.prepare_threshold is None:
        raw.prepare_threshold = _PREPARE_AFTER
    with connection.wrap_database_errors, psycopg.Cursor(raw) as plain_cursor:
        plain: Any = plain_cursor
        cursor = connection.make_debug_cursor(plain) if connection.queries_logged else plain
        cursor.execute(statement, values)
        return cursor.fetchone()


def _values(listing: Listing) -> dict[str, Any]:
    page = listing.page
    values = {**listing.filters, "size": page.size, "offset": 0 if page.cursor is not None else page.offset}
    if listing.market is not None:
        values["market"] = listing.market
    if "search" in listing.filters:
        values |= _words(listing.filters["search"])
    if page.cursor:
        values |= _after(listing)
    return values


def _words(search: str) -> dict[str, str]:
    """The words before the last, and the last one as a beginning; only where no operator is among them."""
    words = search.split()
    if not words or not all(word.isalnum() for word in words) or len(words[-1]) < _SHORTEST_PREFIX:
        return {"head": "", "prefix": ""}
    return {"head": " ".join(words[:-1]), "prefix": words[-1]}


def _after(listing: Listing) -> dict[str, Any]:
    sort, key, product_id = decode_cursor(listing.page.cursor or "", length=3)
    wrong = Malformed.field("cursor", "This is not a cursor of this list.")
    if sort != listing.sort or not isinstance(key, str) or not isinstance(product_id, str):
        raise wrong
    if not domain.is_uuid(product_id) or not _CURSOR_KEYS[SORTS[sort][1]](key):
        raise wrong
    return {"after_key": key, "after_id": product_id}


def _is_counted(filters: Mapping[str, Any]) -> bool:
    """Tell whether the database keeps the count of what is asked."""
    return not filters or set(filters) == {"category"}


@lru_cache(maxsize=512)
def _statement(filters: Sequence[str], sort: str, is_default_market: bool, is_after: bool) -> str:
    key, kind, direction = SORTS[sort]
    conditions = ["d.market_id = m.id", *(_CONDITIONS[name] for name in filters)]
    where = " AND ".join(conditions)
    comparison = ">" if direction == "ASC" else "<"
    after = f" AND ({key}, d.product_id) {comparison} (%(after_key)s::{kind}, %(after_id)s::uuid)" if is_after else ""
    category = (
        "(SELECT id FROM products_category WHERE slug = %(category)s::text)" if "category" in filters else "NULL::uuid"
    )
    query = _QUERY if "search" in filters else "NULL::tsquery"
    count = (
        "coalesce((SELECT n.products FROM products_listingcount n"
        " WHERE n.market_id = m.id AND n.category_id IS NOT DISTINCT FROM c.id), 0)"
        if _is_counted(dict.fromkeys(filters))
        else f"(SELECT count(*) FROM (SELECT FROM products_productdocument d WHERE {where}"  # noqa: S608 - as below
        f" LIMIT {EXACT_COUNT_LIMIT + 1}) counted)"
    )
    return f"""
        SELECT c.id, {count}, p.*
          FROM markets_market m
          CROSS JOIN LATERAL (SELECT {category} AS id) c
          CROSS JOIN LATERAL (SELECT {query} AS query) q
          CROSS JOIN LATERAL (
            SELECT string_agg(r.document, ',') FILTER (WHERE r.n <= %(size)s::int),
                   string_agg(r.version, '') FILTER (WHERE r.n <= %(size)s::int),
                   max(r.n), max(r.key::text) FILTER (WHERE r.n = %(size)s::int),
                   max(r.product_id::text) FILTER (WHERE r.n = %(size)s::int)
              FROM (SELECT s.*, row_number() OVER () AS n FROM (
                SELECT d.document, d.version, {key} AS key, d.product_id
                  FROM products_productdocument d
                 WHERE {where}{after}
                 ORDER BY {key} {direction}, d.product_id {direction}
                 LIMIT %(size)s::int + 1 OFFSET %(offset)s::bigint) s) r) p
         WHERE {_DEFAULT_MARKET if is_default_market else _NAMED_MARKET} AND m.is_active
    """  # noqa: S608 - of our own parts; values are bound


def _is_number(text: str) -> bool:
    try:
        return Decimal(text).is_finite() and len(text) < 40
    except ArithmeticError:
        return False


def _is_integer(text: str) -> bool:
    return text.lstrip("-").isdecimal() and text.isascii() and len(text) < 19


def _is_text(text: str) -> bool:
    return "\0" not in text and len(text) <= 300 and text.isprintable()


_CURSOR_KEYS = {
    "timestamptz": domain.is_timestamp,
    "bigint": _is_integer,
    "text": _is_text,
    "numeric": _is_number,
    "float8": _is_number,
}
