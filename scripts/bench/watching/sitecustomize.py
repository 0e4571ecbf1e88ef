"""Loaded at the start of each of the shop's processes (``bench.holding``): notes how long each connection was held."""

from __future__ import annotations

import os
import struct
import time
from pathlib import Path
from typing import Any

from psycopg_pool import ConnectionPool

_FOLDER = Path(os.environ["NEXUS_BENCH_HOLDS"])
_lend, _take_back = ConnectionPool.getconn, ConnectionPool.putconn
# A connection's id -> when it was lent.
_since: dict[int, float] = {}
# Of this process; one that was forked opens its own.
_files: dict[int, Any] = {}


def _getconn(pool: ConnectionPool[Any], *arguments: Any, **options: Any) -> Any:
    connection = _lend(pool, *arguments, **options)
    _since[id(connection)] = time.monotonic()
    return connection


def _putconn(pool: ConnectionPool[Any], connection: Any) -> None:
    now = time.monotonic()
    since = _since.pop(id(connection), now)
    pid = os.getpid()
    if pid not in _files:
        _files[pid] = (_FOLDER / str(pid)).open("ab", buffering=0)
    _files[pid].write(struct.pack("dd", since, now))
    _take_back(pool, connection)


ConnectionPool.getconn, ConnectionPool.putconn = _getconn, _putconn  # type: ignore[assignment]
