"""The log of what staff do: a row for each command that they had carried out, in the command's own transaction.

Each row holds the hash of the one before, so that a row that is altered, removed or moved breaks the chain; the head
holds the last, so that the end cannot be cut off. Whoever can write all of it could make another chain: the head is
told to the log every hour (``manage.py verify_audit`` compares with one that was kept).

The chain is serialised by the head's row. It is locked when a command's work is done, so that staff wait for each
other's last two statements and commit, and never for their work. It is the last lock of all.

Of a command's arguments ids, numbers, times and choices are kept, of all else the names: no text that anyone wrote, and
so no password, code or address, can be in it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

import orjson
import structlog

from core.acting import Actor, acting
from core.batching import send_batch
from core.statements import execute, fetch

log = structlog.get_logger("nexus.security")

F = TypeVar("F", bound=Callable[..., Any])

BEGINNING = "0" * 64
_MOST_ITEMS = 50
_BATCH = 1000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_COLUMNS = "position, at, actor_id, via, request_id, path, action, details, previous, hash"


class Row(NamedTuple):
    """A row of the log, as it is hashed."""

    position: int
    at: datetime
    actor_id: UUID
    via: str
    request_id: str
    path: str
    action: str
    details: str
    previous: str
    hash: str = ""

    def hashed(self) -> str:
        """Return the SHA-256, in hex, of all that the row says and of its place."""
        said = orjson.dumps([*self[:1], (self.at - _EPOCH) // timedelta(microseconds=1), *map(str, self[2:-1])])
        return hashlib.sha256(said).hexdigest()


def unnoted(function: F) -> F:
    """Mark the function of a ``@command`` as no action of anyone's: what counts tries, or keeps answers."""
    function.is_unnoted = True  # type: ignore[attr-defined]
    return function


def note(function: Callable[..., Any], arguments: Mapping[str, Any]) -> None:
    """Write down who had this command carried out, if it is someone of the staff. Two statements, else none."""
    actor = acting()
    if actor is not None and not getattr(function, "is_unnoted", False):
        append(actor=actor, action=f"{function.__module__}.{function.__qualname__}", arguments=arguments)


def append(*, actor: Actor, action: str, arguments: Mapping[str, Any]) -> None:
    """Add a row to the log's end. Locks the head until the transaction ends. Two statements."""
    send_batch()
    position, previous = _lock_head()
    details = orjson.dumps(_kept(arguments), option=orjson.OPT_SORT_KEYS).decode()
    at = datetime.now(UTC)
    row = Row(position + 1, at, actor.user_id, actor.via, actor.request_id, actor.path[:300], action, details, previous)
    execute(
        f"WITH head AS (UPDATE core_audithead SET position = %s, hash = %s) "  # nosec B608  # noqa: S608 - constants
        f"INSERT INTO core_auditentry ({_COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [row.position, row.hashed(), *row[:-1], row.hashed()],
    )


def head() -> tuple[int, str]:
    """Return the position and the hash of the last row: what to keep elsewhere. One query."""
    rows = fetch("SELECT position, hash FROM core_audithead")
    return (rows[0][0], rows[0][1]) if rows else (0, BEGINNING)


def tell_head() -> None:
    """Tell the head to the log, which is kept where nobody gets at it by the database. One query."""
    position, digest = head()
    log.info("audit head", head=f"{position}:{digest}")


def find_breaks(*, kept: tuple[int, str] | None = None) -> Iterator[str]:
    """Return in words where the chain does not hold: a row altered, removed, added or moved, an end cut off.

    Reads the log in parts; what is appended meanwhile is left for the next time.

    :param kept: a head that was kept elsewhere: a chain that was made anew does not hold it
    """
    last, said = head()
    position, previous = 0, BEGINNING
    while position < last and (rows := _rows(after=position, most=_BATCH, until=last)):
        for row in rows:
            if row.position != position + 1:
                yield f"missing: {position + 1} to {row.position - 1}"
            if row.previous != previous:
                yield f"row {row.position} does not follow from the one before"
            if row.hash != row.hashed():
                yield f"row {row.position} is not as it was written"
            if kept is not None and row.position == kept[0] and row.hash != kept[1]:
                yield f"row {row.position} is another than the one that was kept"
            position, previous = row.position, row.hash
    if (position, previous) != (last, said):
        yield f"the log ends at row {position}, and its head says {last}"
    top = fetch("SELECT coalesce(max(position), 0) FROM core_auditentry")[0][0]
    # Read after the rows: a row is never seen before its head.
    if top > head()[0]:
        yield f"the head does not know of row {top}"
    if kept is not None and kept[0] > last:
        yield f"row {kept[0]}, which was kept, is not there"


def _rows(*, after: int, most: int, until: int) -> list[Row]:
    found = fetch(
        f"SELECT {_COLUMNS} FROM core_auditentry "  # nosec B608  # noqa: S608 - constants
        "WHERE position > %s AND position <= %s ORDER BY position LIMIT %s",
        [after, until, most],
    )
    return [Row(*row) for row in found]


def _lock_head() -> tuple[int, str]:
    statement = "SELECT position, hash FROM core_audithead FOR UPDATE"
    rows = fetch(statement)
    if not rows:  # the first row of all
        execute("INSERT INTO core_audithead (id, position, hash) VALUES (1, 0, %s) ON CONFLICT DO NOTHING", [BEGINNING])
        rows = fetch(statement)
    return rows[0][0], rows[0][1]


def _kept(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _told(value) for name, value in arguments.items()}


def _told(value: Any) -> Any:
    """Return what of a value may stand in the log: ``None`` is told as such, a text as ``…``, of a dict the names."""
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, (UUID, Decimal, date)):
        return str(value)
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, Mapping):
        return sorted(str(key) for key in value)[:_MOST_ITEMS]
    if isinstance(value, (list, tuple, set, frozenset)) and not hasattr(value, "_fields"):
        return [_told(item) for item in list(value)[:_MOST_ITEMS]]
    key = getattr(value, "pk", None)
    return f"{value.__class__.__name__} {key}" if isinstance(key, (UUID, int)) else "…"
