"""Migrations beside a shop that sells: one at a time, no lock waited for longer than buyers can, tried again.

Whoever waits for a lock on a table has all later readers of it wait behind. So a migration gives up soon, and comes
back when whoever held the table may be through. See docs/runbooks/migrations.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import Migration
from psycopg import sql
from psycopg.errors import DeadlockDetected, LockNotAvailable, QueryCanceled

LOCK_TIMEOUT_MS = 1_500
STATEMENT_TIMEOUT_MS = 15_000
# A number of ours among PostgreSQL's advisory locks: "migrate".
_ONE_AT_A_TIME = 0x6D696772
# What a build left behind that was broken off; one that runs is none of it.
_BROKEN_INDEXES = """
SELECT format('%I.%I', n.nspname, c.relname)
  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE NOT i.indisvalid AND n.nspname = current_schema()
   AND NOT EXISTS (SELECT 1 FROM pg_stat_progress_create_index p WHERE p.index_relid = i.indexrelid)"""


def limit_waits(connection: BaseDatabaseWrapper, migration: Migration) -> None:
    """Give up early on what stands in the way of others.

    A migration outside a transaction (an index built concurrently) holds nobody up, and may take as long as it does.
    """
    in_way = migration.atomic
    with connection.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = {LOCK_TIMEOUT_MS if in_way else 0}")
        cursor.execute(f"SET statement_timeout = {STATEMENT_TIMEOUT_MS if in_way else 0}")


def with_patience(
    connection: BaseDatabaseWrapper,
    migrate: Callable[[], Any],
    *,
    tries: int,
    pause: Callable[[int], object],
    say: Callable[[str], object],
) -> Any:
    """Do it until nothing is in the way; what is done by then stays done.

    :param pause: waits before a try, the number of which it is given
    :raises OperationalError: something was in the way each time
    """
    for attempt in range(1, tries + 1):
        try:
            return migrate()
        except OperationalError as error:
            if attempt == tries or not isinstance(error.__cause__, LockNotAvailable | DeadlockDetected | QueryCanceled):
                raise
            say(f"in the way of others, given up ({attempt} of {tries}): {str(error).splitlines()[0]}")
        pause(attempt)
        remove_broken_indexes(connection, say=say)
    raise AssertionError("tries must be positive")


def remove_broken_indexes(connection: BaseDatabaseWrapper, *, say: Callable[[str], object]) -> None:
    """Remove the halves of indexes that a broken concurrent build leaves, so that it can be tried again."""
    with connection.cursor() as cursor:
        cursor.execute(_BROKEN_INDEXES)
        for (name,) in cursor.fetchall():
            say(f"{name} was left half built, and is removed")
            cursor.execute(sql.SQL("DROP INDEX CONCURRENTLY IF EXISTS {}").format(sql.SQL(name)))


@contextmanager
def alone(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Have whoever migrates at the same time wait until we are done: each of several new machines may want to."""
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = 0; SET statement_timeout = 0")
        cursor.execute("SELECT pg_advisory_lock(%s)", [_ONE_AT_A_TIME])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_ONE_AT_A_TIME])
            cursor.execute("RESET lock_timeout")
            cursor.execute("RESET statement_timeout")
