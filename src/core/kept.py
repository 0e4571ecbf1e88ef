"""What caches before the shop keep of public reads: they are told when it is old, those of ``CACHE_PURGE_URLS``.

They are told after the commit, by a worker, and forget everything. One that is away is told again for as long as it may
keep an answer, and holds up no other.
"""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import urlsplit, urlunsplit

import structlog
from django.conf import settings
from django.utils import timezone

from core import outbox
from core.circuits import Circuit
from core.events import Event
from core.transactions import command, step

log = structlog.get_logger(__name__)

# It answers by itself, asking nobody.
_SECONDS_TO_WAIT = 1.0


class CacheAway(Exception):
    """A cache could not be told."""


@dataclass(frozen=True, kw_only=True)
class PublicReadsChanged(Event):
    """Something changed that everybody may read. Announced where caches are told of it."""

    name: ClassVar[str] = "core.public_reads_changed"

    changed_at: datetime


@dataclass(frozen=True, kw_only=True)
class CacheMissed(Event):
    """One cache could not be told of a change."""

    name: ClassVar[str] = "core.cache_missed"
    aggregate_field: ClassVar[str | None] = "door"

    door: str
    changed_at: datetime


_circuits: dict[str, Circuit] = {}


@step
def announce_change(*, at: datetime) -> None:
    """Have caches forget what they keep, after the commit. One event where there are caches, else nothing."""
    if settings.CACHE_PURGE_URLS:
        outbox.publish(PublicReadsChanged(changed_at=at), at=at)


def tell_caches(*, facts: Sequence[Mapping[str, Any]]) -> None:
    """Tell every cache, once for all the facts. Those that are away are noted, to be told again by themselves."""
    doors = {door for url in settings.CACHE_PURGE_URLS for door in _doors_at(url)}
    missed = sorted(door for door in doors if not _is_told(door))
    if missed:
        _note_missed(missed, changed_at=_newest(facts), now=timezone.now())


def tell_again(*, facts: Sequence[Mapping[str, Any]]) -> None:
    """Tell the caches that were away.

    :raises CacheAway: one still is, and may keep what is older than the change
    """
    for url in sorted({fact["door"] for fact in facts}):
        changed_at = _newest(fact for fact in facts if fact["door"] == url)
        if timezone.now() - changed_at > timedelta(seconds=settings.CACHE_KEPT_SECONDS):
            log.warning("cache was not told, and keeps nothing that old", cache=url)
        elif away := [door for door in _doors_at(url) if not _is_told(door)]:
            raise CacheAway(*away)


@command
def _note_missed(doors: Iterable[str], *, changed_at: datetime, now: datetime) -> None:
    outbox.publish_many([(CacheMissed(door=door, changed_at=changed_at), now) for door in doors])


def _newest(facts: Iterable[Mapping[str, Any]]) -> datetime:
    return max(datetime.fromisoformat(fact["changed_at"]) for fact in facts)


def _doors_at(url: str) -> list[str]:
    """Return the addresses behind a name, each as an URL: of several caches all have to be told.

    A name that is not known now stays as it is.
    """
    parts = urlsplit(url)
    port = parts.port or http.client.HTTP_PORT
    try:
        found = socket.getaddrinfo(parts.hostname, port, socket.AF_INET, socket.SOCK_STREAM)
    except OSError as error:
        log.warning("cache is not known by that name", cache=url, error=str(error))
        return [url]
    return sorted({urlunsplit(parts._replace(netloc=f"{address[0]}:{port}")) for *_, address in found})


def _is_told(door: str) -> bool:
    """Tell one cache, unless it is known to be away, and return whether it has heard."""
    circuit = _circuits.setdefault(door, Circuit())
    if not circuit.enter():
        return False
    parts = urlsplit(door)
    try:
        with closing(http.client.HTTPConnection(parts.netloc, timeout=_SECONDS_TO_WAIT)) as connection:
            connection.request("POST", parts.path or "/")
            status = connection.getresponse().status
        error = "" if status == http.client.NO_CONTENT else f"answered {status}"
    except (OSError, http.client.HTTPException) as failure:
        error = f"{type(failure).__name__}: {failure}"
    if error:
        log.warning("cache does not answer", cache=door, error=error)
    circuit.leave(is_well=not error)
    return not error
