"""Statements of public reads: over a line where there is one, else as any other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import connection

from core.lines import current_line
from core.statements import fetch


def fetch_one(statement: str, values: Mapping[str, Any]) -> Any:
    """Run a statement and return its first row, or ``None``. One query."""
    found = fetch_all(statement, values)
    return found[0] if found else None


def fetch_all(statement: str, values: Mapping[str, Any]) -> list[Any]:
    """Run a statement and return its rows. One query."""
    line = current_line()
    if line is None:
        return fetch(statement, values)
    with connection.wrap_database_errors, line.cursor() as plain:
        cursor = connection.make_debug_cursor(plain) if connection.queries_logged else plain
        cursor.execute(statement, values)
        rows: list[Any] = cursor.fetchall()
        return rows
