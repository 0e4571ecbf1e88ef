"""Connections for public reads: kept open, in autocommit, unable to write, and never in anybody's transaction.

Django gives a connection back after every request and readies it anew for the next, which costs more than a read does.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

import psycopg
from django.db import Error, connection

_PREPARE_AFTER = 2
# As long as Django's pool keeps its own.
_LIFETIME_SECONDS = 3600
# Not set by a statement: behind a pooler, that could reach whoever has the session next. What is slow is given up
# early, since it is read once more in Django's way.
_OPTIONS = "-c timezone={timezone} -c default_transaction_read_only=on -c statement_timeout=5s"

# The one that was used last is used first.
_free: deque[Any] = deque()
# The child forgets those of its parent, and psycopg closes a connection only in the process that opened it.
os.register_at_fork(after_in_child=_free.clear)


class _Current(threading.local):
    line: Any = None


_current = _Current()


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
    params = connection.get_connection_params()
    options = f"{params.get('options', '')} {_OPTIONS.format(timezone=connection.timezone_name)}"
    line: Any = psycopg.connect(
        **params
        | {"autocommit": True, "options": options, "prepare_threshold": _PREPARE_AFTER}
        # To libpq, a session that is told not to write looks like a standby.
        | {"target_session_attrs": "primary"}
    )
    line.good_until = monotonic() + _LIFETIME_SECONDS
    return line
