"""Several at once, for tests of locks: each in a thread with a database connection of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Barrier
from typing import TypeVar

from django.db import connection

T = TypeVar("T")
R = TypeVar("R")


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
