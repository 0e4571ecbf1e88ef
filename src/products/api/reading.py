"""Public reads of products, past DRF: the query string is read, one statement is sent, its bytes are answered.

``read_list`` and ``read_detail`` answer what can be answered; ``answer_list`` and ``answer_detail`` explain the rest.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
from django.conf import settings
from django.http import HttpResponsePermanentRedirect

from accounts.api.viewer import group_of
from core.api.problems import as_domain_error, plain_problem
from core.api.public import PublicAnswer
from core.errors import Malformed
from core.lines import current_line
from core.pagination import DEFAULT_SIZE, MAX_PAGE, MAX_SIZE, PageRequest, page_links
from core.remembering import Memory
from markets.api.market import CODE, market_code_of
from products import selectors
from products.domain import is_slug
from products.errors import ProductMoved

if TYPE_CHECKING:
    from uuid import UUID

    from django.http import HttpRequest, HttpResponse

    from core.api.public import Asked

_HEADERS = {
    "Content-Type": "application/json",
    "Cache-Control": "public, max-age=0, must-revalidate",
    "Vary": "X-Market, Authorization",
}
_OF_GROUP = {**_HEADERS, "Cache-Control": "private, max-age=0, must-revalidate"}
_AMOUNT = re.compile(r"[0-9]{1,13}(\.[0-9]{1,4})?")
_RATING = re.compile(r"[0-5](\.[0-9]{1,2})?")
_UNSAFE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_MAX_TEXT = 200
# So many questions, in the words they were last asked in, are understood already.
_REMEMBERED = 1024

# Each parameter's name, and all that was given for it.
_Parameters = tuple[tuple[str, ...], ...]


class _Question(NamedTuple):
    """Which part of which list is asked for. Whoever has it changes nothing in it."""

    filters: Mapping[str, Any]
    sort: str
    page: PageRequest


class _ListAnswer(NamedTuple):
    """What was answered, and for which edition. Without its documents there is no ``body``; nobody changes anything."""

    edition: str | None
    headers: dict[str, str]
    body: bytes | None


# By address and market. Of customer groups nothing is remembered.
_memory = Memory[_ListAnswer](settings.LIST_MEMORY)


def _integer(most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not (text.isascii() and text.isdecimal() and len(text) <= 10 and 1 <= int(text) <= most):
            raise ValueError(f"a whole number from 1 to {most}")
        return int(text)

    return read


def _matching(pattern: re.Pattern[str], meaning: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if not pattern.fullmatch(text):
            raise ValueError(meaning)
        return text

    return read


def _text(text: str) -> str:
    if not text.strip() or len(text) > _MAX_TEXT or _UNSAFE.search(text):
        raise ValueError(f"a text of 1 to {_MAX_TEXT} characters, none of them control characters")
    return text


def _slug(text: str) -> str:
    if not is_slug(text):
        raise ValueError("a slug")
    return text


def _truth(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError("true or false")
    return text == "true"


def _sort(text: str) -> str:
    if text not in selectors.SORTS:
        raise ValueError("one of " + ", ".join(selectors.SORTS))
    return text


def _cursor(text: str) -> str:
    if len(text) > 1000 or not text.isascii():
        raise ValueError("a cursor of this list, or empty to begin a walk")
    return text


_READERS: dict[str, Callable[[str], Any]] = {
    "page": _integer(MAX_PAGE),
    "size": _integer(MAX_SIZE),
    "cursor": _cursor,
    "market": _matching(CODE, "the code of a market"),
    "sort": _sort,
    "category": _slug,
    "tag": _text,
    "min_price": _matching(_AMOUNT, "a price such as 12.50"),
    "max_price": _matching(_AMOUNT, "a price such as 12.50"),
    "in_stock": _truth,
    "rating": _matching(_RATING, "a rating from 0 to 5"),
    "search": _text,
}


def answer_list(request: HttpRequest) -> HttpResponse:
    """Answer ``GET products``: one statement; another asks whose token it is, where there is one."""
    return _answered(request, lambda: read_list(request).as_response())


def answer_detail(request: HttpRequest, key: str) -> HttpResponse:
    """Answer ``GET products/{id or slug}``: one statement, as ``answer_list``; a former slug is redirected."""
    return _answered(request, lambda: _detail(request, key))


def _detail(request: HttpRequest, key: str) -> HttpResponse:
    try:
        return read_detail(request, key).as_response()
    except ProductMoved as moved:
        return _redirect(request, key, moved.slug)


def _answered(request: HttpRequest, answer: Callable[[], HttpResponse]) -> HttpResponse:
    try:
        return answer()
    except Exception as error:
        problem = as_domain_error(error)
        if problem is None:
            raise
        return plain_problem(request, problem)


def read_list(request: Asked) -> PublicAnswer:
    """Read the list that is asked for.

    :raises Malformed: naming every wrong parameter
    """
    parameters = _parameters(request)
    question = _question(parameters)
    address = request.build_absolute_uri(request.path)
    group_id = group_of(request)
    listing = selectors.Listing(market=_market(request), group_id=group_id, **question._asdict())
    # Over a line, what is read is committed.
    may_remember = group_id is None and current_line() is not None
    key = (address, parameters, listing.market) if may_remember else None

    def read(wanted: selectors.Listing) -> _ListAnswer:
        found = selectors.list_documents(listing=wanted)
        head = _head(address, parameters, question.page, found)
        etag = hashlib.blake2b(found.versions.encode() + head, digest_size=16).hexdigest()
        body = None if wanted.of_versions else b'%b,"results":[%b]}' % (head[:-1], found.results.encode())
        answered = _ListAnswer(found.edition, _headers(group_id, etag), body)
        if key and found.edition is not None:
            _memory.keep(key, answered, len(body or b""))
        return answered

    # What was answered before is answered again while nothing has changed. Else, whoever has an answer already is asked
    # whether it is still the same before its documents are read.
    answered = _still_true(key, listing) if key else None
    if answered is None and request.META.get("HTTP_IF_NONE_MATCH"):
        answered = read(replace(listing, of_versions=True))
    if answered is None or (answered.body is None and not _is_held(request, answered.headers)):
        answered = read(listing)
    return _tagged(request, answered.headers, answered.body or b"")


def _still_true(key: Hashable, listing: selectors.Listing) -> _ListAnswer | None:
    """Return what was answered last, if nothing of it can have changed since."""
    known = _memory.get(key)
    if known is None:
        return None
    edition = selectors.edition_of(market=listing.market, category=listing.filters.get("category"))
    return known if edition == known.edition else None


def _head(address: str, parameters: _Parameters, page: PageRequest, found: selectors.Documents) -> bytes:
    """Return a list without its results, as JSON."""
    cursor = None if page.cursor is None else found.next_cursor
    following, before = _links(address, parameters, page, found.has_more, cursor)
    rest: dict[str, Any] = {"next_cursor": found.next_cursor} if found.next_cursor else {}
    if found.count_is_estimate:
        rest["count_is_estimate"] = True
    return orjson.dumps({"count": found.count, "next": following, "previous": before, **rest})


def read_detail(request: Asked, key: str) -> PublicAnswer:
    """Read the product of that id or slug.

    :raises Malformed: naming every wrong parameter
    :raises ProductMoved: it had that slug once
    :raises ProductNotFound: there is none, or it is not sold there
    """
    _refuse_unknown(_parameters(request), {"market"})
    group_id = group_of(request)
    found = selectors.get_document(key=key, market=_market(request), group_id=group_id)
    stock = orjson.dumps({"stock": {"total": sum(found.units.values()), "variants": found.units}})
    live = hashlib.blake2b(stock, digest_size=8).hexdigest()
    headers = _headers(group_id, f"{found.version}.{live}")
    return _tagged(request, headers, b"%b,%b" % (found.document[:-1].encode(), stock[1:]))


def _redirect(request: HttpRequest, key: str, slug: str) -> HttpResponse:
    address = request.path.rstrip("/").removesuffix(key) + slug
    query = request.META.get("QUERY_STRING")
    response = HttpResponsePermanentRedirect(f"{address}?{query}" if query else address, preserve_request=True)
    response.headers["Vary"] = _HEADERS["Vary"]
    return response


def _headers(group_id: UUID | None, version: str) -> dict[str, str]:
    """What a group reads, no cache keeps for others."""
    return {**(_HEADERS if group_id is None else _OF_GROUP), "ETag": f'"{version}"'}


def _tagged(request: Asked, headers: dict[str, str], body: bytes) -> PublicAnswer:
    if _is_held(request, headers):
        return PublicAnswer(304, {name: text for name, text in headers.items() if name != "Content-Type"}, b"")
    return PublicAnswer(200, headers, b"" if request.method == "HEAD" else body)


def _is_held(request: Asked, headers: Mapping[str, str]) -> bool:
    """Tell whether whoever asks has this already."""
    asked: str = request.META.get("HTTP_IF_NONE_MATCH", "")
    return asked.strip() == "*" or headers["ETag"] in [tag.strip().removeprefix("W/") for tag in asked.split(",")]


def _market(request: Asked) -> str | None:
    code = market_code_of(request)
    if code is not None and not CODE.fullmatch(code):
        raise Malformed.field("market", "There is no such market.")
    return code


def _parameters(request: Asked) -> _Parameters:
    if not request.META.get("QUERY_STRING"):
        return ()
    return tuple((name, *texts) for name, texts in request.GET.lists())


@lru_cache(maxsize=_REMEMBERED)
def _question(parameters: _Parameters) -> _Question:
    """Understand what is asked.

    :raises Malformed: naming every unknown, doubled or wrong parameter
    """
    _refuse_unknown(parameters, _READERS.keys())
    values: dict[str, Any] = {}
    wrong = []
    for name, text in parameters:
        try:
            values[name] = _READERS[name](text)
        except ValueError as error:
            wrong.append({"field": name, "code": "invalid", "message": f"This must be {error}."})
    if wrong:
        raise Malformed("Some parameters are wrong.", errors=wrong)
    page = PageRequest(values.pop("page", 1), values.pop("size", DEFAULT_SIZE), values.pop("cursor", None))
    values.pop("market", None)
    sort = values.pop("sort", "relevance" if "search" in values else "newest")
    if sort == "relevance" and "search" not in values:
        raise Malformed.field("sort", "Only a search sorts by relevance.")
    return _Question(values, sort, page)


@lru_cache(maxsize=_REMEMBERED)
def _links(
    address: str, parameters: _Parameters, page: PageRequest, has_more: bool, cursor: str | None
) -> tuple[str | None, str | None]:
    """Return the addresses of the next and the previous page of what was understood."""
    return page_links(address, {name: texts[-1] for name, *texts in parameters}, page, has_more=has_more, cursor=cursor)


def _refuse_unknown(parameters: _Parameters, known: Any) -> None:
    wrong = [
        {"field": name.encode("utf-8", "replace").decode()[:100], "code": code, "message": message}
        for name, *texts in parameters
        for code, message in (
            ("unknown", "This parameter is not known here."),
            ("doubled", "Give this once."),
        )
        if (code == "unknown" and name not in known) or (code == "doubled" and len(texts) > 1)
    ]
    if wrong:
        raise Malformed("Some parameters are wrong.", errors=wrong[:20])
