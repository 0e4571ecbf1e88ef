"""Statements past the layers of Django's cursors, which cost Python as much as all that psycopg does.

What psycopg reads in a statement (where its parameters stand) it remembers of short ones: of 4,096 characters at most,
and of 128. Here it remembers long ones too, and more: to read one of ours anew takes longer than to send it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import _queries as reading

_LONGEST, _REMEMBERED = 20_000, 512
reading.MAX_CACHED_STATEMENT_LENGTH = _LONGEST
reading._query2pg = lru_cache(_REMEMBERED)(reading._query2pg_nocache)  # noqa: SLF001 - nothing public says how many

Values = Sequence[Any] | Mapping[str, Any]


class Waiting(ABC):
    """An ``execute_wrapper`` that does nothing but send what waits ahead of a statement."""

    @abstractmethod
    def send(self) -> None:
        """Send it."""


def fetch(statement: str, values: Values | None = None) -> list[Any]:
    """Run a statement that gives rows, and return them. One query.

    It takes part in the transaction of Django's connection, and is watched and logged by whoever watches and logs
    that.

    :raises django.db.Error: as Django's cursor does
    """
    wrapper = connections[DEFAULT_DB_ALIAS]
    with wrapper.wrap_database_errors, _cursor(wrapper) as cursor:
        cursor.execute(statement, values)
        rows: list[Any] = cursor.fetchall()
        return rows


def execute(statement: str, values: Values | None = None) -> None:
    """Run a statement of which nothing is asked back: as ``fetch``, but nobody waits within ``core.sql.sent_ahead``."""
    wrapper = connections[DEFAULT_DB_ALIAS]
    with wrapper.wrap_database_errors, _cursor(wrapper) as cursor:
        cursor.execute(statement, values)


def _cursor(wrapper: BaseDatabaseWrapper) -> Any:
    """Return a cursor of psycopg's, or of Django's where somebody watches or logs."""
    watchers: list[Any] = wrapper.execute_wrappers
    waiting = [each for each in watchers if isinstance(each, Waiting)]
    if wrapper.queries_logged or len(waiting) < len(watchers):
        return wrapper.cursor()
    for each in waiting:
        each.send()
    wrapper.validate_no_broken_transaction()
    wrapper.close_if_health_check_failed()
    if wrapper.connection is None:
        wrapper.ensure_connection()
    raw: Any = wrapper.connection
    return raw.cursor()
