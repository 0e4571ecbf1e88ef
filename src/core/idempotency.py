"""``Idempotency-Key`` (draft-ietf-httpapi-idempotency-key-header): the first answer, once.

The key is claimed in a transaction of its own. The request then runs in one transaction that locks the claim, does the
work and stores the answer: a crash before the commit leaves an open claim and no effect, a crash after it replays.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import OperationalError, transaction
from django.utils import timezone

from core import crypto
from core.errors import Conflict, Invalid, Malformed
from core.ids import new_id
from core.models import IdempotencyRecord
from core.transactions import command, hosted

_MAX_KEY = 255


class KeyReused(Invalid):
    """The key was used for another request."""

    code = "core.idempotency_key_reused"
    title = "This Idempotency-Key was used for a different request."


class StillRunning(Conflict):
    """The first request with this key has not ended."""

    code = "core.idempotency_still_running"
    title = "The first request with this Idempotency-Key is still running."

    def __init__(self) -> None:
        super().__init__(retry_after=1)


@dataclass(frozen=True, slots=True)
class Answer:
    """A response as it is sent: status, headers that belong to it, bytes."""

    status: int
    headers: dict[str, str]
    body: bytes
    replayed: bool = False


def check_key(key: str) -> str:
    """Return the key as the store keeps it.

    :raises Malformed: empty, too long, or not printable ASCII (RFC 8941, string)
    """
    key = key.strip().strip('"')
    if not key or len(key) > _MAX_KEY or not key.isascii() or not key.isprintable():
        raise Malformed.field("Idempotency-Key", f"1 to {_MAX_KEY} printable ASCII characters")
    return key


def answer_once(*, scope: str, key: str, fingerprint: str, run: Callable[[], Answer]) -> Answer:
    """Run the request in one transaction with the record of its answer, or return the first answer again.

    A refusal (4xx) undoes the work and is then recorded; a 5xx is not recorded. Two statements to claim, one to record.

    :param run: does the work through at most one command and returns the answer, refusals included
    :raises KeyReused: the key belongs to another request
    :raises StillRunning: the first request has not ended
    """
    _claim(scope, key, fingerprint)
    refusal: Answer | None = None
    try:
        with hosted():
            record = _take(scope, key)
            if record.fingerprint != fingerprint:
                raise KeyReused
            if record.is_answered():
                return _replay(record)
            answer = run()
            if answer.status >= 400:
                refusal = answer
                raise _Refused
            _record(record, answer)
            return answer
    except _Refused:
        assert refusal is not None  # noqa: S101 - set right above the raise
    if refusal.status < 500:
        _record_refusal(scope=scope, key=key, answer=refusal)
    return refusal


class _Refused(Exception):  # noqa: N818 - control flow of this module only
    pass


def _claim(scope: str, key: str, fingerprint: str) -> None:
    """Write the claim if there is none that lives, and commit it. One statement."""
    now = timezone.now()
    from_sql = """
        INSERT INTO core_idempotencyrecord AS r (id, scope, key, fingerprint, headers, expires_at)
        VALUES (%s, %s, %s, %s, '{}', %s)
        ON CONFLICT (scope, key) DO UPDATE
           SET fingerprint = excluded.fingerprint, status = NULL, headers = '{}', body = NULL,
               expires_at = excluded.expires_at
         WHERE r.expires_at <= %s
    """
    with transaction.atomic(durable=True), transaction.get_connection().cursor() as cursor:
        cursor.execute(from_sql, [new_id(), scope, key, fingerprint, now + settings.IDEMPOTENCY_TTL, now])


def _take(scope: str, key: str) -> IdempotencyRecord:
    try:
        record: IdempotencyRecord | None = (
            IdempotencyRecord.objects.filter(scope=scope, key=key).locked(nowait=True).first()
        )
    except OperationalError as error:
        raise StillRunning from error
    if record is None:
        raise StillRunning
    return record


def _record(record: IdempotencyRecord, answer: Answer) -> None:
    record.status = answer.status
    record.headers = answer.headers
    record.body = crypto.seal_bytes(answer.body)
    record.save(update_fields=["status", "headers", "body"])


@command
def _record_refusal(*, scope: str, key: str, answer: Answer) -> None:
    record = _take(scope, key)
    if not record.is_answered():
        _record(record, answer)


def _replay(record: IdempotencyRecord) -> Answer:
    assert record.status is not None and record.body is not None  # noqa: S101 - is_answered() was asked
    return Answer(record.status, record.headers, crypto.open_bytes(bytes(record.body)), replayed=True)


@command
def forget_expired(*, now: datetime) -> int:
    """Remove expired keys and return how many there were."""
    count, _ = IdempotencyRecord.objects.filter(expires_at__lte=now).delete()
    return int(count)
