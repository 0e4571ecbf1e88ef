"""Connections for public reads: kept open, in autocommit, unable to write, and never in anybody's transaction.

Django gives a connection back after every request and readies it anew for the next, which costs more than a read does.
They lead to ``settings.DATABASE_READ`` where that is set: read replicas, whose answers are as new as the primary's if
its commits wait for them (docs/scaling.md). While none of them answers, to the primary.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import monotonic
from typing import Any

import psycopg
import structlog
from django.conf import settings
from django.db import Error, connection

log = structlog.get_logger(__name__)

_PREPARE_AFTER = 2
# As long as Django's pool keeps its own.
_LIFETIME_SECONDS = 3600
# Not set by a statement: behind a pooler, that could reach whoever has the session next. What is slow is given up
# early, since it is read once more in Django's way.
_OPTIONS = "-c timezone={timezone} -c default_transaction_read_only=on -c statement_timeout=5s"

# So long replicas that did not answer are not asked again: whoever asks them first waits for their timeout.
_SECONDS_AWAY = 10
_PLACE = frozenset({"host", "port", "user", "password", "dbname"})

# The one that was used last is used first.
_free: deque[Any] = deque()
# The child forgets those of its parent, and psycopg closes a connection only in the process that opened it.
os.register_at_fork(after_in_child=_free.clear)


class _Current(threading.local):
    line: Any = None


_current = _Current()


class _Replicas:
    away_until = 0.0


_replicas = _Replicas()


@contextmanager
def on_line() -> Iterator[None]:
    """Have the block's reads (``current_line``) go over a line.

    A line that fails is closed; the next block opens another.
    """
    line = _current.line = _take()
    try:
        yield
    except Error:
        line.close()
        raise
    finally:
        _current.line = None
        if not line.closed:
            _free.append(line)


def current_line() -> Any:
    """Return the line that this thread's block reads over, or ``None``."""
    return _current.line


def close_lines() -> None:
    """Close those that are free."""
    while _free:
        _free.pop().close()


def _take() -> Any:
    while True:
        try:
            line = _free.pop()
        except IndexError:
            return _open()
        if not line.closed and monotonic() < line.good_until:
            return line
        line.close()


def _open() -> Any:
    if not settings.DATABASE_READ:
        return _connect(seconds=_LIFETIME_SECONDS)
    if monotonic() >= _replicas.away_until:
        try:
            return _connect(settings.DATABASE_READ, seconds=_LIFETIME_SECONDS)
        except psycopg.OperationalError as error:
            _replicas.away_until = monotonic() + _SECONDS_AWAY
            log.warning("read replicas do not answer", error=type(error).__name__)
    return _connect(seconds=_SECONDS_AWAY)


def _connect(replicas: Mapping[str, Any] | None = None, *, seconds: float) -> Any:
    """Return a line to the shop's database, or to replicas, that is good for so long."""
    where: dict[str, Any]
    params = connection.get_connection_params()
    options = f"{params.get('options', '')} {_OPTIONS.format(timezone=connection.timezone_name)}"
    ours = {"autocommit": True, "options": options, "prepare_threshold": _PREPARE_AFTER}
    if replicas is None:
        # To libpq, a session that is told not to write looks like a standby.
        where = {"target_session_attrs": "primary"}
    else:
        params = {name: value for name, value in params.items() if name not in _PLACE}
        where = {"target_session_attrs": "any", **replicas}
    line: Any = psycopg.connect(**params | where | ours)
    line.good_until = monotonic() + seconds
    return line
