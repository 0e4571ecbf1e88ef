"""``Idempotency-Key`` (draft-ietf-httpapi-idempotency-key-header): the first answer, once.

The request runs in one transaction that holds a lock on the key, does the work and stores the answer: a crash before
the commit leaves nothing, so that a retry executes; a crash after it replays.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import timezone

from core import clock, crypto
from core.errors import Conflict, Invalid, Malformed
from core.ids import new_id
from core.models import IdempotencyRecord
from core.statements import execute, fetch
from core.sweeping import sweep
from core.transactions import hosted

_MAX_KEY = 255
_REFUSED = 400
_TOO_MANY = 429
_BROKEN = 500

_FIRST_ANSWER = "SELECT * FROM core_first_answer(%s, %s, %s)"
_RECORD = """
    SELECT fingerprint, status, headers::text, body, expires_at
      FROM core_idempotencyrecord WHERE scope = %s AND key = %s"""


class KeyReused(Invalid):
    """The key was used for another request."""

    code = "core.idempotency_key_reused"
    title = "This Idempotency-Key was used for a different request."


class StillRunning(Conflict):
    """The first request with this key has not ended."""

    code = "core.idempotency_still_running"
    title = "The first request with this Idempotency-Key is still running."
    example = {"retry_after": 1}

    def __init__(self) -> None:
        super().__init__(retry_after=1)


@dataclass(frozen=True, slots=True)
class Answer:
    """A response as it is sent: status, headers that belong to it, bytes."""

    status: int
    headers: dict[str, str]
    body: bytes
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which request it is: whose key, the key, and a digest of what was asked."""

    scope: str
    key: str
    fingerprint: str


def check_key(key: str) -> str:
    """Return the key as the store keeps it: without the quotes that the draft asks for.

    :raises Malformed: empty, too long, or not printable ASCII (RFC 8941, string)
    """
    key = key.strip(' "')
    if not key or len(key) > _MAX_KEY or not key.isascii() or not key.isprintable():
        raise Malformed.field("Idempotency-Key", f"1 to {_MAX_KEY} printable ASCII characters")
    return key


def answer_once(*, asked: Asked, run: Callable[[], Answer]) -> Answer:
    """Run the request in one transaction with the record of its answer, or return the first answer again.

    A refusal (4xx) undoes the work and is then recorded, except one that time alone mends: 429, and what says when to
    try again. A 5xx is not recorded.
    Two statements: the lock with the look, and the record. ``run`` knows the database's time (``clock.told``).

    :param run: does the work through at most one command and returns the answer, refusals included
    :raises KeyReused: the key belongs to another request
    :raises StillRunning: the first request has not ended
    """
    try:
        with hosted():
            now, first = _lock_and_find(asked)
            if first is not None:
                return first
            with clock.told(now):
                answer = run()
            if answer.status >= _REFUSED:
                raise _Refused(answer)
            _record(asked, answer)
            return answer
    except _Refused as refusal:
        answer = refusal.answer
    if _is_final(answer):
        _record(asked, answer)  # a transaction of its own
    return answer


def answer_in_beats(*, asked: Asked, run: Callable[[], Answer]) -> Answer:
    """Do as ``answer_once`` does for a request that asks others between its commands, and so opens no transaction.

    The key is held by a lock of the connection, which ends with it. A crash before the answer is stored lets a retry
    run again: the commands must know the request by themselves, by ``request_key``.

    :raises KeyReused: the key belongs to another request
    :raises StillRunning: the first request has not ended
    """
    with _held(asked):
        if (first := _find(asked)) is not None:
            return first
        answer = run()
        if _is_final(answer):
            _record(asked, answer)
        return answer


def request_key(asked: Asked) -> str:
    """Return a digest of whose key it is and which, for the rows that a request in beats leaves behind."""
    return hashlib.sha256(f"{asked.scope}\n{asked.key}".encode()).hexdigest()


def _is_final(answer: Answer) -> bool:
    """Tell whether the same request gets the same answer for ever: not where it was told when to try again."""
    return answer.status < _BROKEN and answer.status != _TOO_MANY and "Retry-After" not in answer.headers


class _Refused(Exception):
    """Leaves the transaction, and with it undoes the work."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


def _lock_and_find(asked: Asked) -> tuple[datetime, Answer | None]:
    """Hold the key until the transaction ends, or refuse at once: a lock on a name, since there is no row yet.

    :returns: the time by the database's clock, and the first answer, if there is one
    """
    is_ours, now, *first = fetch(_FIRST_ANSWER, [_name(asked), asked.scope, asked.key])[0]
    if not is_ours:
        raise StillRunning
    return now, _read(asked, *first)


@contextmanager
def _held(asked: Asked) -> Iterator[None]:
    """Hold the key for the length of the block, without a transaction, or refuse at once."""
    if fetch("SELECT pg_try_advisory_lock(%s)", [_name(asked)]) != [(True,)]:
        raise StillRunning
    try:
        yield
    finally:
        fetch("SELECT pg_advisory_unlock(%s)", [_name(asked)])


def _name(asked: Asked) -> int:
    digest = hashlib.sha256(f"{asked.scope}\n{asked.key}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def _find(asked: Asked) -> Answer | None:
    found = fetch(_RECORD, [asked.scope, asked.key])
    return _read(asked, *found[0]) if found else None


def _read(
    asked: Asked, fingerprint: str | None, status: int, headers: str, body: bytes, expires_at: datetime
) -> Answer | None:
    if fingerprint is None or expires_at <= timezone.now():
        return None
    if fingerprint != asked.fingerprint:
        raise KeyReused
    return Answer(status, json.loads(headers), crypto.open_bytes(bytes(body)), replayed=True)


def _record(asked: Asked, answer: Answer) -> None:
    """Store the answer, over an expired one if there is one. An answer that lives is never overwritten."""
    now = timezone.now()
    statement = """
        INSERT INTO core_idempotencyrecord AS r (id, scope, key, fingerprint, status, headers, body, expires_at)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
        ON CONFLICT (scope, key) DO UPDATE
           SET fingerprint = excluded.fingerprint, status = excluded.status, headers = excluded.headers,
               body = excluded.body, expires_at = excluded.expires_at
         WHERE r.expires_at <= %s
    """
    values: list[Any] = [new_id(), asked.scope, asked.key, asked.fingerprint, answer.status, json.dumps(answer.headers)]
    execute(statement, [*values, crypto.seal_bytes(answer.body), now + settings.IDEMPOTENCY_TTL, now])


def forget_expired(*, now: datetime) -> int:
    """Remove expired keys and return how many there were."""
    return sweep(IdempotencyRecord.objects.filter(expires_at__lte=now), by="expires_at")
