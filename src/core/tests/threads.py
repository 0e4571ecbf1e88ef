"""Several at once, for tests of locks: each in a thread with a database connection of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from threading import Barrier
from typing import TypeVar

from django.db import connection

T = TypeVar("T")
R = TypeVar("R")

_WAITING = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


def at_once(work: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """Run ``work`` for all items, let loose together, and return the results in the order of the items."""
    todo = list(items)
    start = Barrier(len(todo))

    def run(item: T) -> R:
        with closing(connection):
            connection.ensure_connection()
            start.wait()
            return work(item)

    with ThreadPoolExecutor(max_workers=len(todo)) as threads:
        return list(threads.map(run, todo))


def in_thread(work: Callable[..., R], *given: object) -> R:
    """Run ``work`` in the thread of an executor, and give its database connection back."""
    with closing(connection):
        return work(*given)


def waits_for_a_lock(working: Future[R]) -> bool:
    """Tell whether a thread comes to wait for a lock of the database, rather than to an end."""
    while not working.done():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(_WAITING)
            if cursor.fetchone() is not None:
                return True
    return False
