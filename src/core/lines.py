"""Connections for public reads: kept open, in autocommit, unable to write, and never in anybody's transaction.

Django gives a connection back after every request and readies it anew for the next, which costs more than a read does.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import Error, connection

_PREPARE_AFTER = 2
_READ_ONLY = "SELECT set_config('timezone', %s, false), set_config('default_transaction_read_only', 'on', false)"


class _Lines:
    """Those that are free, in this process; the one that was used last is used first."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.free: deque[Any] = deque()
        # Of a parent. Kept, for to forget one is to end it, in the parent, too.
        self.inherited: deque[Any] = deque()


class _Current(threading.local):
    line: Any = None


_lines = _Lines()
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
            _lines.free.append(line)


def current_line() -> Any:
    """Return the line that this thread's block reads over, or ``None``."""
    return _current.line


def close_lines() -> None:
    """Close those that are free."""
    while _lines.free:
        _lines.free.pop().close()


def _take() -> Any:
    if _lines.pid != os.getpid():
        _lines.pid, _lines.free, _lines.inherited = os.getpid(), deque(), _lines.free
    while _lines.free:
        try:
            line = _lines.free.pop()
        except IndexError:  # another thread was faster
            break
        if not line.closed:
            return line
    return _open()


def _open() -> Any:
    line = psycopg.connect(**connection.get_connection_params(), autocommit=True)
    line.prepare_threshold = _PREPARE_AFTER
    line.execute(_READ_ONLY, [connection.timezone_name])
    return line
