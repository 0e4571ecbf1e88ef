"""One call at a time about one thing, in all processes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from core.statements import fetch


@contextmanager
def alone_with(*, row_id: UUID) -> Iterator[bool]:
    """Tell whether nobody else is in such a block for the same row, and keep them out until the block ends.

    A lock of the session: no transaction is open while a provider is asked, and the death of a process frees it.
    """
    is_free = _ask("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", row_id)
    try:
        yield is_free
    finally:
        if is_free:
            _ask("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", row_id)


def _ask(statement: str, row_id: UUID) -> bool:
    return bool(fetch(statement, [f"payments:{row_id}"])[0][0])
