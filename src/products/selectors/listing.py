"""The public read side: documents ready to send. A list is one statement, a detail is one statement.

Statements run with their values apart, so that the server plans each of them only once per connection.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from core.errors import Malformed
from core.lookups import array_literal
from core.pagination import EXACT_COUNT_LIMIT, PageRequest, decode_cursor, encode_cursor
from markets.errors import UnknownMarket
from products import domain
from products.domain.searching import split_last
from products.selectors import named, searching
from products.selectors.conditions import SORTS
from products.selectors.prepared import fetch_one
from products.selectors.statements import Asked, is_counted, rows_for, statement_of

# How a cursor says that the walk goes by an engine's scores.
_TOLD = "told"
# Category's slug -> the level of the tree on which it was last seen. No answer goes by it unseen.
_levels: dict[str, int] = {}
_MOST_LEVELS = 10_000
_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,30})?([eE][-+]?[0-9]{1,3})?")
_INTEGER = re.compile("-?[0-9]{1,18}")
# As many as both ``numeric`` and ``float8`` hold, before or behind the point.
_MOST_DIGITS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Which products are wanted. ``filters`` has values by their names, prices in major units.

    A customer group, where one reads, has its own prices in documents, filters and sorts. ``of_versions`` asks for all
    but the documents themselves, which are most of what a page costs.
    """

    market: str | None = None
    group_id: UUID | None = None
    filters: Mapping[str, Any] = field(default_factory=dict)
    sort: str = "newest"
    page: PageRequest = field(default_factory=PageRequest)
    of_versions: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Documents:
    """A part of a list as it is sent: ``results`` are the documents, joined by commas.

    ``edition`` is that of the market's lists when it was read, as ``edition_of`` gives it. ``None``: it is not to be
    remembered.
    """

    edition: str | None
    results: str
    versions: str
    count: int
    count_is_estimate: bool
    has_more: bool
    next_cursor: str | None


def list_documents(*, listing: Listing) -> Documents:
    """Return one page of what a market lists. One statement, whatever is asked; another where a category has moved.

    Counts are exact up to 10,000, and for a whole market or a category without other filters always.

    :raises UnknownMarket: there is none of that code
    :raises Malformed: there is no such category, or the cursor is not one of this list
    """
    values = _values(listing)
    search = listing.filters.get("search")
    is_asked = search is not None and searching.is_asked(search)
    row = _fetch_told(listing, values) if is_asked else None
    is_told = row is not None
    if row is None:
        row = _fetch(_asked(listing, values), values)
    if row is None:
        raise UnknownMarket.field("market", "There is no such market.")
    edition, category, _, count, results, versions, fetched, last_key, last_id = row
    if "category" in listing.filters and category is None:
        raise Malformed.field("category", "There is no such category.", code="unknown_category")
    has_more = (fetched or 0) > listing.page.size
    walked = _TOLD if is_told and listing.sort == "relevance" else listing.sort
    cursor = encode_cursor([walked, last_key, last_id]) if has_more else None
    exact = is_counted(listing.filters) or count <= EXACT_COUNT_LIMIT
    return Documents(
        # What an engine finds may change without a change of the market's lists; and so may it that it answers.
        edition=None if is_asked else edition,
        results=results or "",
        versions=versions or "",
        count=count if exact else EXACT_COUNT_LIMIT,
        count_is_estimate=not exact,
        has_more=has_more,
        next_cursor=cursor,
    )


def _asked(listing: Listing, values: Mapping[str, Any], *, is_told: bool = False) -> Asked:
    is_after = "after_key" in values
    if is_after and listing.sort == "relevance" and (values["walked"] == _TOLD) != is_told:
        raise Malformed.field("cursor", "This walk cannot go on: begin it anew.")
    return Asked(
        filters=tuple(sorted(listing.filters)),
        sort=listing.sort,
        is_default_market=listing.market is None,
        is_after=is_after,
        of_group=listing.group_id is not None,
        most=rows_for(listing.page.size),
        is_further=values["offset"] > 0,
        is_by_time=not is_told and listing.sort == "relevance" and _is_time(values.get("after_key", "")),
        is_by_name=not is_told and listing.sort == "relevance" and _is_by_name(values.get("after_key", "")),
        of_versions=listing.of_versions,
        is_told=is_told,
    )


def _fetch_told(listing: Listing, values: Mapping[str, Any]) -> Any:
    """Return the statement's row for what the engine finds; ``None`` where PostgreSQL is to look for it.

    A walk by PostgreSQL's relevance is walked to its end.
    """
    if listing.sort == "relevance" and values.get("walked") == listing.sort:
        return None
    found = searching.find(market=listing.market, search=listing.filters["search"])
    if found is None:
        return None
    told = {
        "told": array_literal(found.ids),
        "scores": array_literal(found.scores),
        "told_market": found.place.market_id,
        "told_language": found.place.language,
    }
    row = fetch_one(statement_of(_asked(listing, values, is_told=True)), {**values, **told})
    if row is None:
        searching.forget_place(market=listing.market)
    return row


def _fetch(asked: Asked, values: Mapping[str, Any]) -> Any:
    """Return the statement's row. Where a category stood at the last look is looked first, and then everywhere."""
    slug = values.get("category")
    if slug is None or (known := _levels.get(slug)) is None:
        row = fetch_one(statement_of(asked), values)
    else:
        row = fetch_one(statement_of(asked._replace(level=known)), values)
        if row is not None and row[2] != known:
            row = fetch_one(statement_of(asked), values)
    if slug is not None and row is not None and row[2] is not None:
        if len(_levels) >= _MOST_LEVELS:
            _levels.clear()
        _levels[slug] = row[2]
    return row


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
    """``word`` is the only one, where there is but one."""
    head, prefix = split_last(search)
    return {"head": head, "prefix": prefix, "word": "" if head else prefix}


def _after(listing: Listing) -> dict[str, Any]:
    sort, key, product_id = decode_cursor(listing.page.cursor or "", length=3)
    wrong = Malformed.field("cursor", "This is not a cursor of this list.")
    wanted = (listing.sort, _TOLD) if listing.sort == "relevance" else (listing.sort,)
    if sort not in wanted or not isinstance(key, str) or not isinstance(product_id, str):
        raise wrong
    if not domain.is_uuid(product_id) or not _CURSOR_KEYS[SORTS[listing.sort][1]](key):
        raise wrong
    if sort == _TOLD and not _is_number(key):
        raise wrong
    return {"after_key": key, "after_id": product_id, "walked": sort}


def _is_number(text: str) -> bool:
    return _NUMBER.fullmatch(text) is not None and abs(Decimal(text).adjusted()) < _MOST_DIGITS


def _is_integer(text: str) -> bool:
    return _INTEGER.fullmatch(text) is not None


def _is_time(text: str) -> bool:
    return text == "infinity" or domain.is_timestamp(text)


def _is_by_name(text: str) -> bool:
    return _is_number(text) and named.is_key(float(text))


def _is_score(text: str) -> bool:
    """Tell whether a walk by relevance may go on behind it: where very much is found, it goes by time."""
    return _is_number(text) or _is_time(text)


def _is_text(text: str) -> bool:
    return "\0" not in text and len(text) <= 300 and text.isprintable()


_CURSOR_KEYS = {
    "timestamptz": domain.is_timestamp,
    "bigint": _is_integer,
    "text": _is_text,
    "numeric": _is_number,
    "float8": _is_score,
}
