"""Statements that run again and again, with their values apart: the server plans each of them once per connection."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import connection

from core.batching import send_batch
from core.lines import current_line

_PREPARE_AFTER = 2


def fetch_one(statement: str, values: Mapping[str, Any]) -> Any:
    """Run a statement and return its first row, or ``None``. One query."""
    with _executed(statement, values) as cursor:
        return cursor.fetchone()


def fetch_all(statement: str, values: Mapping[str, Any]) -> list[Any]:
    """Run a statement and return its rows. One query."""
    with _executed(statement, values) as cursor:
        rows: list[Any] = cursor.fetchall()
        return rows


@contextmanager
def _executed(statement: str, values: Mapping[str, Any]) -> Iterator[Any]:
    raw: Any = current_line()
    if raw is None:
        send_batch()
        connection.ensure_connection()
        raw = connection.connection
    if raw.prepare_threshold is None:
        raw.prepare_threshold = _PREPARE_AFTER
    with connection.wrap_database_errors, psycopg.Cursor(raw) as plain_cursor:
        plain: Any = plain_cursor
        cursor = connection.make_debug_cursor(plain) if connection.queries_logged else plain
        cursor.execute(statement, values)
        yield cursor
