"""Work that many do at once, over and over."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from django.db import connection


@contextmanager
def over_and_over(work: Callable[[], object], *, at_once: int) -> Iterator[None]:
    """Do it again and again for the length of the block, each in a thread, and finish what was begun.

    :raises Exception: what one of them came upon, at the end
    """
    is_over = threading.Event()

    def go_on() -> None:
        try:
            while not is_over.is_set():
                work()
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=at_once) as threads:
        workers = [threads.submit(go_on) for _ in range(at_once)]
        try:
            yield
        finally:
            is_over.set()
        for worker in workers:
            worker.result()
