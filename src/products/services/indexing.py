"""The search engine's indexes follow the documents: after the commit, in bulk, as often as it takes.

An index belongs to a market and the language by which its documents are taken apart. It is written to from its first
moment, but asked only when it is whole: then the market's name means it, at once, and the one before is removed.

What is written bears a number of the moment at which it was read from the database, and never takes the place of what
was read later (``external_gte``). So a message that comes late or twice does no harm, and a rebuild may go on while
products change: both read what is committed, and the later one stays.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol
from uuid import UUID

import structlog
from django.conf import settings

from core.lookups import array_literal
from core.statements import fetch
from products import engine
from products.domain import SEARCHED_CHARACTERS
from products.domain.searching import Searchable, entry_of, index_for
from products.selectors.searching import Place, list_places, name_of

log = structlog.get_logger(__name__)

_BATCH = 500
# Who began to fill an index so long ago does so no more.
_GIVEN_UP = timedelta(hours=6)
# Of that name an index is written to. One that was removed is not made anew by whoever did not hear of it.
_TO_WRITE = "{}.w"

_COLUMNS = f"""
    d.product_id::text, d.market_id::text, d.name, d.tags || p.brand, d.skus, left(p.description, {SEARCHED_CHARACTERS})
      FROM products_productdocument d JOIN products_product p ON p.id = d.product_id"""
# The moment stands beside what was read, in one statement: it is that of all of it.
_OF_PRODUCTS = f"""
    SELECT pg_current_snapshot()::text, f.* FROM (VALUES (1)) v
      LEFT JOIN LATERAL (SELECT {_COLUMNS} WHERE d.product_id = ANY(%s::uuid[])) f ON true
"""  # nosec B608  # noqa: S608 - of our own parts; values are bound
_OF_MARKET = f"""
    SELECT pg_current_snapshot()::text, {_COLUMNS}
     WHERE d.market_id = %s::uuid AND d.product_id > %s::uuid ORDER BY d.product_id LIMIT {_BATCH}
"""
_FIRST = UUID(int=0)
# Whose, of which market and language, begun when.
_NAME = re.compile("[a-z][a-z0-9_]{0,40}-[0-9a-f]{32}-[a-z]{2}-[0-9a-f]{1,16}")


class Progress(Protocol):
    """Is told how many more documents were written."""

    def __call__(self, count: int, /) -> None:
        """Take note."""


class _Read(NamedTuple):
    """Documents, and the number of the moment at which they were so."""

    moment: int
    documents: Sequence[tuple[str, Searchable]]
    """by the market's id"""


def index_products(*, product_ids: Collection[UUID]) -> None:
    """Write what is committed of these products to all indexes there are. Searches find it a second later.

    One statement and one call for 500 of them, and one call more; no transaction may be open.

    :raises EngineAway, Refused: it is to be tried again
    :raises NoIndex: one was removed meanwhile, for another that was begun before; likewise
    """
    if not product_ids or not engine.is_on():
        return
    server, indexes, ordered = engine.engine(), _indexes(), sorted(product_ids)
    for part in (ordered[start : start + _BATCH] for start in range(0, len(ordered), _BATCH)):
        read = _read(_OF_PRODUCTS, array_literal(part))
        server.write(line for index, market in indexes for line in _lines(index, market, read, part))


def rebuild_index(*, place: Place, at: datetime, progress: Progress = lambda _: None) -> int:
    """Fill a new index of a market, have it asked from then on, and return how many documents it got.

    Constant memory: 500 documents at a time, a statement and a call for each.

    :raises EngineAway, Refused: what was asked before is still asked
    :raises NoIndex: somebody else was faster, and theirs is asked
    """
    server, name = engine.engine(), name_of(place)
    index, count = f"{name}-{int(at.timestamp() * 1000):x}", 0
    server.create(index=index, made=index_for(place.language), also=_TO_WRITE.format(index))
    after: str = str(_FIRST)
    while (read := _read(_OF_MARKET, place.market_id, after)).documents:
        server.write(_entries(index, read))
        after = read.documents[-1][1].product_id
        count += len(read.documents)
        progress(len(read.documents))
    market = name.rpartition("-")[0]
    others = [each for each in _ours(server.list_indexes(beginning=f"{market}-")) if each != index]
    server.switch(name=name, to=index, instead_of=others)
    log.info("search index filled", index=index, documents=count)
    return count


def fill_missing(*, at: datetime) -> list[Place]:
    """Fill the indexes of markets that have none, or none of their language; remove those of markets that are closed.

    An index that somebody fills just now is left to them.

    :returns: the places that were filled
    """
    if not engine.is_on():
        return []
    server, places = engine.engine(), list_places()
    known = _ours(server.list_indexes(beginning=f"{settings.SEARCH_INDEX}-"))
    asked = {name for names in known.values() for name in names}
    begun = {index.rpartition("-")[0] for index in known if _is_under_way(index, at)}
    wanted = [place for place in places if name_of(place) not in asked | begun]
    for place in wanted:
        rebuild_index(place=place, at=at)
    markets = {name_of(place).rpartition("-")[0] for place in places}
    server.remove([index for index in known if index.rsplit("-", 2)[0] not in markets])
    return wanted


def list_indexable() -> list[Place]:
    """Return the places that an index may be filled for. One query."""
    return list_places()


def _ours(found: Mapping[str, Sequence[str]]) -> dict[str, Sequence[str]]:
    """Leave out what others keep under a name that begins like ours."""
    return {index: names for index, names in found.items() if _NAME.fullmatch(index)}


def _is_under_way(index: str, at: datetime) -> bool:
    began = int(index.rpartition("-")[2], 16) / 1000
    return at.timestamp() - began < _GIVEN_UP.total_seconds()


def _indexes() -> list[tuple[str, str]]:
    """Return all indexes, with the digits of the market's id."""
    found = _ours(engine.engine().list_indexes(beginning=f"{settings.SEARCH_INDEX}-"))
    return [(index, index.rsplit("-", 2)[0].rpartition("-")[2]) for index in found]


def _read(statement: str, *values: str) -> _Read:
    rows = fetch(statement, values)
    moment = _number(rows[0][0]) if rows else 0
    return _Read(
        moment,
        [
            (
                market,
                Searchable(product_id=product, name=name, labels=labels, skus=skus, description=description),
            )
            for _, product, market, name, labels, skus, description in rows
            if product is not None
        ],
    )


def _number(snapshot: str) -> int:
    """Return a number that grows from each snapshot to each that sees more: ``xmin:xmax:xip,xip`` (PostgreSQL, 9.28.8).

    Of two, the later one knows of more transactions that have ended (``xmax``), or has fewer before it that have not.
    """
    _, until, under_way = snapshot.split(":")
    return (int(until) << 16) + 0xFFFF - min(len(under_way.split(",")) if under_way else 0, 0xFFFF)


def _lines(index: str, market: str, read: _Read, wanted: Sequence[UUID]) -> Iterator[Mapping[str, Any]]:
    """Return what becomes of these products in one index.

    Of those that are not listed there, a line without words stays until the index is filled anew. The engine forgets
    after a while at which moment something was removed, and would take what was read before.
    """
    here = _Read(read.moment, [(of, each) for of, each in read.documents if of.replace("-", "") == market])
    yield from _entries(index, here)
    listed = {each.product_id for _, each in here.documents}
    for product in map(str, wanted):
        if product not in listed:
            yield {"index": _target(index, product, read.moment)}
            yield {}


def _entries(index: str, read: _Read) -> Iterator[Mapping[str, Any]]:
    for _, document in read.documents:
        yield {"index": _target(index, document.product_id, read.moment)}
        yield entry_of(document)


def _target(index: str, product_id: str, moment: int) -> dict[str, Any]:
    return {"_index": _TO_WRITE.format(index), "_id": product_id, "version": moment, "version_type": "external_gte"}
