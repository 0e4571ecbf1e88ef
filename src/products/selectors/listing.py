"""The public read side: documents ready to send. A list is one statement, a detail is one statement.

Statements run with their values apart, so that the server plans each of them only once per connection.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

import orjson
import pycountry

from core import money
from core.errors import Malformed
from core.pagination import DEFAULT_SIZE, EXACT_COUNT_LIMIT, MAX_SIZE, PageRequest, decode_cursor, encode_cursor
from markets.errors import UnknownMarket
from products import domain
from products.selectors.prepared import fetch_one
from products.selectors.reading import DEFAULT_MARKET, NAMED_MARKET, OVERLAY, for_group

_SHORTEST_PREFIX = 2
_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,30})?([eE][-+]?[0-9]{1,3})?")
_INTEGER = re.compile("-?[0-9]{1,18}")
# As many as both ``numeric`` and ``float8`` hold, before or behind the point.
_MOST_DIGITS = 300

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

# In a query of its own: PostgreSQL plans the statement once, rather than for each word anew, which takes longer than to
# find it.
_AS_SKU = "ARRAY[(SELECT upper(%(search)s::text))]::varchar[]"

# filter -> condition; the values are bound by the same names.
_CONDITIONS = {
    "category": "d.category_ids @> ARRAY[c.id]",
    "tag": "d.tags @> ARRAY[%(tag)s::text]::varchar[]",
    "min_price": f"d.price_minor >= ceil(%(min_price)s::numeric * {_SCALE})::bigint",
    "max_price": f"d.price_minor <= floor(%(max_price)s::numeric * {_SCALE})::bigint",
    "in_stock": "d.in_stock = %(in_stock)s::boolean",
    "rating": "d.rating >= %(rating)s::numeric",
    "search": f"(d.search @@ q.query OR d.skus @> {_AS_SKU})",
}
_SCORE = f"(ts_rank(d.search, q.query)::float8 + CASE WHEN d.skus @> {_AS_SKU} THEN 1000 ELSE 0 END)"
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


# How many rows are looked at, more than a page has. The number stands in the statement: where PostgreSQL does not know
# it, it plans for a tenth of all rows.
_PAGES = (DEFAULT_SIZE + 1, MAX_SIZE + 1)
# Of rows with their number, some more than the page has: what is sent, and where the next page begins.
_PAGE = """
    string_agg(r.document, ',' ORDER BY r.n) FILTER (WHERE r.n <= %(size)s::int),
    string_agg(r.version, '' ORDER BY r.n) FILTER (WHERE r.n <= %(size)s::int),
    max(r.n), max(r.key::text) FILTER (WHERE r.n = %(size)s::int),
    max(r.product_id::text) FILTER (WHERE r.n = %(size)s::int)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Which products are wanted. ``filters`` has values by the names of ``_CONDITIONS``, prices in major units.

    A customer group, where one reads, has its own prices in documents, filters and sorts.
    """

    market: str | None = None
    group_id: UUID | None = None
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
    asked = _Asked(
        filters=tuple(sorted(listing.filters)),
        sort=listing.sort,
        is_default_market=listing.market is None,
        is_after="after_key" in values,
        of_group=listing.group_id is not None,
        most=next(most for most in _PAGES if most > listing.page.size),
        is_further=values["offset"] > 0,
    )
    statement = _statement(asked)
    row = fetch_one(statement, values)
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


def _values(listing: Listing) -> dict[str, Any]:
    page = listing.page
    values = {**listing.filters, "size": page.size, "offset": 0 if page.cursor is not None else page.offset}
    if listing.market is not None:
        values["market"] = listing.market
    if listing.group_id is not None:
        values["group"] = listing.group_id
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


class _Asked(NamedTuple):
    """What the statement of a list depends on."""

    filters: Sequence[str]
    sort: str
    is_default_market: bool
    is_after: bool
    of_group: bool
    most: int
    is_further: bool


class _Parts(NamedTuple):
    """What a statement is made of: names of columns and conditions, as the asker's group has them."""

    source: str
    document: str
    version: str
    where: str
    key: str
    kind: str
    direction: str
    is_after: bool
    part: str

    def chosen(self, where: str, key: str, product_id: str) -> str:
        """Return how the page's rows are chosen of those that are so."""
        comparison = ">" if self.direction == "ASC" else "<"
        after = f" AND ({key}, {product_id}) {comparison} (%(after_key)s::{self.kind}, %(after_id)s::uuid)"
        return (
            f"WHERE {where}{after if self.is_after else ''}"
            f" ORDER BY {key} {self.direction}, {product_id} {self.direction} {self.part}"
        )


@lru_cache(maxsize=512)
def _statement(asked: _Asked) -> str:
    filters = asked.filters
    category = (
        "(SELECT id FROM products_category WHERE slug = %(category)s::text)" if "category" in filters else "NULL::uuid"
    )
    query = _QUERY if "search" in filters else "NULL::tsquery"
    page = _page_by_index if _is_counted(dict.fromkeys(filters)) else _page_of_found
    return f"""
        SELECT c.id, p.*
          FROM markets_market m
          CROSS JOIN LATERAL (SELECT {category} AS id) c
          CROSS JOIN LATERAL (SELECT {query} AS query) q
          CROSS JOIN LATERAL ({page(_parts(asked))}) p
         WHERE {DEFAULT_MARKET if asked.is_default_market else NAMED_MARKET} AND m.is_active
    """  # noqa: S608 - of our own parts; values are bound


def _parts(asked: _Asked) -> _Parts:
    key, kind, direction = SORTS[asked.sort]
    where = " AND ".join(["d.market_id = m.id", *(_CONDITIONS[name] for name in asked.filters)])
    source, document, version = "products_productdocument d", "d.document", "d.version"
    if asked.of_group:
        source += OVERLAY
        document, version, where, key = map(for_group, (document, version, where, key))
    part = f"LIMIT {asked.most}" + (" OFFSET %(offset)s::bigint" if asked.is_further else "")
    return _Parts(source, document, version, where, key, kind, direction, asked.is_after, part)


def _page_by_index(parts: _Parts) -> str:
    """Return the page of what an index has in this order, whose number is kept."""
    return f"""
            SELECT coalesce((SELECT n.products FROM products_listingcount n
                              WHERE n.market_id = m.id AND n.category_id IS NOT DISTINCT FROM c.id), 0),
                   {_PAGE}
              FROM (SELECT s.*, row_number() OVER () AS n FROM (
                SELECT {parts.document} AS document, {parts.version} AS version, {parts.key} AS key, d.product_id
                  FROM {parts.source} {parts.chosen(parts.where, parts.key, "d.product_id")}
                   ) s) r"""  # noqa: S608 - of our own parts; values are bound


def _page_of_found(parts: _Parts) -> str:
    """Return the page of what is found, which is looked for once, and counted and sorted then.

    Where that is more than is counted, the page is looked for by itself: an index may have it in this order.
    """
    is_whole = f"(SELECT n FROM counted) <= {EXACT_COUNT_LIMIT}"  # noqa: S608 - as below
    return f"""
            WITH found AS MATERIALIZED (
                SELECT {parts.key} AS key, d.product_id
                  FROM {parts.source} WHERE {parts.where} LIMIT {EXACT_COUNT_LIMIT + 1}
            ), counted AS MATERIALIZED (SELECT count(*) AS n FROM found)
            SELECT (SELECT n FROM counted), {_PAGE}
              FROM (SELECT {parts.document} AS document, {parts.version} AS version, s.*
                      FROM (SELECT t.*, row_number() OVER () AS n FROM (
                            (SELECT f.key, f.product_id FROM found f
                              {parts.chosen(is_whole, "f.key", "f.product_id")})
                            UNION ALL
                            (SELECT {parts.key}, d.product_id FROM {parts.source}
                              {parts.chosen(f"NOT {is_whole} AND {parts.where}", parts.key, "d.product_id")})
                           ) t) s
                      JOIN {parts.source} ON d.market_id = m.id AND d.product_id = s.product_id) r"""  # noqa: S608


def _is_number(text: str) -> bool:
    return _NUMBER.fullmatch(text) is not None and abs(Decimal(text).adjusted()) < _MOST_DIGITS


def _is_integer(text: str) -> bool:
    return _INTEGER.fullmatch(text) is not None


def _is_text(text: str) -> bool:
    return "\0" not in text and len(text) <= 300 and text.isprintable()


_CURSOR_KEYS = {
    "timestamptz": domain.is_timestamp,
    "bigint": _is_integer,
    "text": _is_text,
    "numeric": _is_number,
    "float8": _is_number,
}
