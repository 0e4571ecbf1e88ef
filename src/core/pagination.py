"""Lists in pages: by number for people, by cursor for deep walks. Both are totally ordered."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import orjson
from django.db.models import Q, QuerySet
from django.db.models.fields import DateTimeField

from core.errors import Malformed

DEFAULT_SIZE = 20
MAX_SIZE = 100
# Pages by number end here; deeper walks take the cursor.
MAX_PAGE = 100_000
EXACT_COUNT_LIMIT = 10_000
WALKED_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which part of a list is wanted."""

    number: int = 1
    size: int = DEFAULT_SIZE
    cursor: str | None = None

    @property
    def offset(self) -> int:
        return (self.number - 1) * self.size


def encode_cursor(values: Sequence[Any]) -> str:
    """Pack the sort values of a page's last row."""
    return base64.urlsafe_b64encode(orjson.dumps(list(values), default=str)).decode().rstrip("=")


def decode_cursor(text: str, *, length: int) -> list[Any]:
    """Unpack what ``encode_cursor`` made. The empty text starts a walk and is not decoded.

    :raises Malformed: it is not one of ours, or belongs to another sort
    """
    try:
        values = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError) as error:
        raise Malformed.field("cursor", "This is not a cursor of this list.") from error
    if not isinstance(values, list) or len(values) != length or None in values:
        raise Malformed.field("cursor", "This is not a cursor of this list.")
    return values


def page_links(
    address: str, query: dict[str, str], page: PageRequest, *, has_more: bool, cursor: str | None
) -> tuple[str | None, str | None]:
    """Return the addresses of the next and the previous page.

    :param address: the absolute address of the list, without its query
    :param query: the request's other parameters, as sent
    :param cursor: where the next page begins, if the walk goes by cursor
    """
    kept = {name: value for name, value in query.items() if name not in ("page", "cursor")}
    if page.cursor is not None:
        return (f"{address}?{urlencode({**kept, 'cursor': cursor})}" if has_more and cursor else None), None
    has_next = has_more and page.number < MAX_PAGE
    following = f"{address}?{urlencode({**kept, 'page': page.number + 1})}" if has_next else None
    before = f"{address}?{urlencode({**kept, 'page': page.number - 1})}" if page.number > 1 else None
    return following, before


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list with its whole count."""

    rows: list[Any]
    count: int
    count_is_estimate: bool
    has_more: bool
    next_cursor: str | None


def paginate(rows: QuerySet[Any], *, page: PageRequest, order: tuple[str, ...]) -> Page:
    """Return one page of a queryset in that total order (field names, ``-`` for descending; the last must be unique).

    Two statements: the page, and the count, which stops at 10,000.

    :raises Malformed: the cursor is not one of this list
    """
    ordered = rows.order_by(*order)
    if page.cursor:
        ordered = ordered.filter(_after(order, _typed(rows, order, decode_cursor(page.cursor, length=len(order)))))
    start = 0 if page.cursor is not None else page.offset
    found = list(ordered[start : start + page.size + 1])
    shown = found[: page.size]
    has_more = len(found) > page.size
    last = encode_cursor([getattr(shown[-1], name.lstrip("-")) for name in order]) if shown and has_more else None
    if page.cursor is None and not has_more and (found or page.number == 1):
        count = start + len(found)
        return Page(shown, count, False, has_more, last)
    count = rows.order_by()[: EXACT_COUNT_LIMIT + 1].count()
    return Page(shown, count, count > EXACT_COUNT_LIMIT, has_more, last)


def walk(rows: QuerySet[Any], *, order: tuple[str, ...], size: int = WALKED_AT_ONCE) -> Iterator[list[Any]]:
    """Return all rows of a queryset in that total order, so many at a time, so that memory does not grow with them.

    One statement (and what is prefetched) for each part; rows that come meanwhile are left out or not, none is twice.

    :param order: field names, ``-`` for descending; the last must be unique
    """
    ordered = rows.order_by(*order)
    found = list(ordered[:size])
    while found:
        yield found
        if len(found) < size:
            return
        last = [getattr(found[-1], name.lstrip("-")) for name in order]
        found = list(ordered.filter(_after(order, last))[:size])


def page_body(
    page: Page, *, wanted: PageRequest, address: str, query: dict[str, str], show: Callable[[Any], Any]
) -> dict[str, Any]:
    """Return the contract's list object."""
    following, before = page_links(address, query, wanted, has_more=page.has_more, cursor=page.next_cursor)
    body: dict[str, Any] = {
        "count": page.count,
        "next": following,
        "previous": before,
        "results": [show(row) for row in page.rows],
    }
    if page.count_is_estimate:
        body["count_is_estimate"] = True
    if page.next_cursor is not None:
        body["next_cursor"] = page.next_cursor
    return body


def _after(order: tuple[str, ...], values: list[Any]) -> Q:
    """Rows behind the given sort values: (a > x) or (a = x and b > y) …; and a >= x, by which an index begins there."""
    condition, equal = Q(), Q()
    first = f"{order[0][1:]}__lte" if order[0].startswith("-") else f"{order[0]}__gte"
    for name, value in zip(order, values, strict=True):
        field, comparison = (name[1:], "lt") if name.startswith("-") else (name, "gt")
        condition |= equal & Q(**{f"{field}__{comparison}": value})
        equal &= Q(**{field: value})
    return Q(**{first: values[0]}) & condition


def _typed(rows: QuerySet[Any], order: tuple[str, ...], values: list[Any]) -> list[Any]:
    typed = []
    for name, value in zip(order, values, strict=True):
        plain = name.lstrip("-")
        field = rows.model._meta.pk if plain == "pk" else rows.model._meta.get_field(plain)
        try:
            typed.append(_parse(field, value))
        except Exception as error:
            raise Malformed.field("cursor", "This is not a cursor of this list.") from error
    return typed


def _parse(field: Any, value: Any) -> Any:
    """:raises Exception: of several kinds, where the value is not one that the column may hold"""
    if isinstance(field, DateTimeField):
        at = datetime.fromisoformat(value)
        if at.tzinfo is None:
            raise ValueError("a time without an offset")
        return at
    if field.get_internal_type() == "UUIDField":
        return UUID(value)
    typed = field.to_python(value)
    if "\0" in str(typed):
        raise ValueError("NUL")
    field.run_validators(typed)
    return typed
