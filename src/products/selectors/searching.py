"""Which products a search finds, where an engine beside PostgreSQL is asked. It is never waited for long.

The engine tells ids and their rank, and nothing else: whether a product is shown, how, and by which other filters, says
the statement that follows (``selectors.statements``). ``None`` always means that PostgreSQL is to answer alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import structlog
from django.conf import settings

from core import tally
from core.transactions import in_transaction
from markets import selectors as market_reads
from products import engine
from products.domain import searching
from products.selectors.prepared import fetch_one
from products.selectors.reading import DEFAULT_MARKET, NAMED_MARKET

log = structlog.get_logger(__name__)

_SECONDS_FOR_STATE = 1.0
_MARKET = {
    is_default: f"SELECT m.id::text, m.language FROM markets_market m WHERE {which} AND m.is_active"  # nosec B608  # noqa: S608 - of our own parts
    for is_default, which in ((True, DEFAULT_MARKET), (False, NAMED_MARKET))
}


class Place(NamedTuple):
    """Where a market's documents are found: its id, and the language by which they were taken apart."""

    market_id: str
    language: str


class Found(NamedTuple):
    """What the engine found, and where: an answer holds only while the market is still that."""

    place: Place
    ids: Sequence[str]
    scores: Sequence[float]


# Code, or ``None`` for the default -> as it was last seen. No answer goes by it unseen.
_places: dict[str | None, Place] = {}


def is_asked(search: str) -> bool:
    """Tell whether an engine is to be asked for these words. By operators, PostgreSQL finds."""
    return engine.is_on() and searching.is_plain(search)


def find(*, market: str | None, search: str) -> Found | None:
    """Return what is found by plain words; where nothing is, by words that are nearly these.

    ``None`` where the engine does not answer in time, has no index of the market, or finds too much to tell; within a
    transaction it is not asked. One call, two where nothing is found; a query where the market is not known yet.
    """
    if in_transaction():
        return None
    place = _places.get(market) or _look_for(market)
    if place is None:
        return None
    try:
        taken = _take(name_of(place), search)
    except (engine.NoIndex, engine.EngineAway):
        taken = None
    except engine.Refused:
        log.exception("search engine refuses a question")
        taken = None
    is_told = taken is not None and taken.total <= searching.MOST_FOUND
    tally.count("searches", "opensearch" if is_told else "postgresql")
    return Found(place, taken.ids, taken.scores) if taken is not None and is_told else None


def forget_place(*, market: str | None) -> None:
    """Look anew where that market's documents are found."""
    _places.pop(market, None)


def name_of(place: Place) -> str:
    """Return the name by which the whole index of a market is asked."""
    market, language = place.market_id.replace("-", ""), place.language[:2].lower()
    return f"{settings.SEARCH_INDEX}-{market}-{language}"


def search_state() -> str:
    """Whether the engine answers searches: ``ok``, ``away``, ``filling`` or ``off``. It is waited for a second."""
    if not engine.is_on():
        return "off"
    server = engine.engine()
    if not server.is_there(seconds=_SECONDS_FOR_STATE):
        return "away"
    try:
        known = {
            name for names in server.list_indexes(beginning=f"{settings.SEARCH_INDEX}-").values() for name in names
        }
    except (engine.EngineAway, engine.Refused):
        return "away"
    return "ok" if all(name_of(place) in known for place in list_places()) else "filling"


def list_places() -> list[Place]:
    """Return those of all active markets. One query."""
    return [Place(str(pk), language) for pk, language in market_reads.list_markets().values_list("pk", "language")]


def _take(index: str, search: str) -> engine.Taken:
    server, most, seconds = engine.engine(), searching.MOST_FOUND, settings.SEARCH_TIMEOUT_SECONDS
    taken = server.find(index=index, query=searching.question_of(search), most=most, seconds=seconds)
    guess = None if taken.total else searching.guess_of(search)
    return taken if guess is None else server.find(index=index, query=guess, most=most, seconds=seconds)


def _look_for(market: str | None) -> Place | None:
    row = fetch_one(_MARKET[market is None], {} if market is None else {"market": market})
    if row is None:
        return None
    place = _places[market] = Place(*row)
    return place
