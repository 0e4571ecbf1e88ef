"""What the broker gave up: messages that took their worker down again and again, or that no worker could read.

They are taken from the broker's queue into a table, where staff see them. A delivery of the outbox that was on its way
in such a message is owed again after a pause, since workers are lost for reasons of their own, too. The third time it
is dead: its next message would take the next workers down.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import datetime
from functools import partial
from hashlib import sha256
from typing import Any
from uuid import UUID

import structlog
from celery import current_app
from django.conf import settings
from django.db import DataError, transaction
from kombu import Queue

from core import courier, outbox
from core.errors import NotFound, Unavailable
from core.models import DeadLetter, Delivery
from core.sweeping import sweep
from core.transactions import command

log = structlog.get_logger(__name__)

DELIVER = "core.tasks.deliver"
_PREVIEW_CHARACTERS = 2000


def collect(*, now: datetime, most: int = 10_000) -> int:
    """Take what the broker gave up into the table, and return how many there were.

    Nothing where the broker keeps none. A message is taken from the queue once it is written down; what is met again
    after a crash between the two is known.
    """
    if not settings.DEAD_LETTER_QUEUE:
        return 0
    count = 0
    with current_app.connection_for_read() as broker, broker.channel() as channel:
        queue = Queue(settings.DEAD_LETTER_QUEUE)(channel)
        while count < most and (message := queue.get(no_ack=False)) is not None:
            letter = _read(message)
            try:
                _note(letter=letter, now=now)
            except DataError:
                # It would be met first each time, and hold up all behind it.
                _note(letter=_unread(letter, message), now=now)
            message.ack()
            count += 1
    return count


@command
def _note(*, letter: DeadLetter, now: datetime) -> None:
    letter.noted_at = now
    if DeadLetter.objects.filter(digest=letter.digest).exists():
        return
    if letter.task == DELIVER:
        if _is_tried_again(letter, now=now):
            letter.resent_at = now
        elif DeadLetter.objects.filter(task=DELIVER, kwargs=letter.kwargs, resent_at=None).exists():
            # A lease ends while workers are lost, and then there are two messages of one delivery.
            return
    DeadLetter.objects.bulk_create([letter], ignore_conflicts=True)
    say, event = (log.error, "message given up") if letter.resent_at is None else (log.warning, "message lost")
    say(event, task=letter.task, queue=letter.queue, reason=letter.reason, digest=letter.digest)


def _is_tried_again(letter: DeadLetter, *, now: datetime) -> bool:
    """Note the loss for the delivery that was being done, and tell whether it is owed still.

    Those before it in the message are done; those after it are owed as they were. The lock on them is the order in
    which two collectors note two messages.
    """
    delivery_ids = _deliveries_in(letter)
    owed = {str(row.pk): row for row in Delivery.objects.filter(pk__in=delivery_ids).locked() if row.state == "owed"}
    first = next((owed[name] for name in delivery_ids if name in owed), None)
    if first is None:
        return False
    outbox.lose(delivery=first, why=letter.reason, now=now)
    return first.state == "owed"


def resend(*, letter_ids: Collection[UUID], now: datetime) -> int:
    """Send messages once more, and return how many. Whoever reads one twice finds it done.

    :raises NotFound: none of them can be sent again
    :raises Unavailable: the broker does not answer
    """
    letters = list(DeadLetter.objects.filter(pk__in=letter_ids, resent_at=None).exclude(task="").order_by("pk"))
    if not letters:
        raise NotFound("None of these messages can be sent again.")
    for letter in letters:
        if letter.task != DELIVER:
            try:
                current_app.send_task(letter.task, kwargs=letter.kwargs, retry=False, ignore_result=True)
            except Exception as error:
                log.warning("broker does not answer", error=str(error))
                raise Unavailable(retry_after=5) from error
        _mark_resent(letter=letter, now=now)
    return len(letters)


@command
def _mark_resent(*, letter: DeadLetter, now: datetime) -> None:
    DeadLetter.objects.filter(pk=letter.pk).update(resent_at=now)
    if letter.task == DELIVER:
        dead = Delivery.objects.filter(pk__in=_deliveries_in(letter), dead_at__isnull=False)
        ids = [row.pk for row in dead.locked()]
        Delivery.objects.filter(pk__in=ids).update(dead_at=None, attempts=0, due_at=now)
        transaction.on_commit(partial(courier.wake))


def forget(*, before: datetime) -> int:
    """Remove what was noted before that time, and return how many."""
    return sweep(DeadLetter.objects.filter(noted_at__lt=before), by="noted_at")


def _deliveries_in(letter: DeadLetter) -> list[str]:
    ids = letter.kwargs.get("delivery_ids", [])
    found = []
    for each in ids if isinstance(ids, list) else []:
        try:
            found.append(str(UUID(str(each))))
        except ValueError:
            continue
    return found


def _read(message: Any) -> DeadLetter:
    """Return the message as a row: of Celery's (protocol 2) its task and arguments, of any other the beginning."""
    headers: Mapping[str, Any] = message.headers or {}
    died: Mapping[str, Any] = next(iter(headers.get("x-death") or ()), {})
    body = _body(message)
    kwargs = _arguments(body)
    letter = DeadLetter(
        queue=str(died.get("queue", ""))[:100],
        reason=str(died.get("reason", ""))[:50],
        task=str(headers.get("task", ""))[:200],
        kwargs=kwargs or {},
    )
    letter.digest = sha256(repr((headers.get("id"), died.get("time"), died.get("count"), body)).encode()).hexdigest()
    return letter if kwargs is not None else _unread(letter, message)


def _unread(letter: DeadLetter, message: Any) -> DeadLetter:
    """Return the letter of a message that cannot be read, or whose arguments no table takes: with its beginning."""
    return DeadLetter(
        digest=letter.digest,
        queue=_written(letter.queue),
        reason=_written(letter.reason),
        body=_written(_body(message)[:_PREVIEW_CHARACTERS].decode(errors="replace")),
    )


def _body(message: Any) -> bytes:
    return message.body if isinstance(message.body, bytes) else str(message.body).encode(errors="replace")


def _written(text: str) -> str:
    """Return the text without what PostgreSQL does not take: NUL, and halves of characters."""
    return text.replace("\0", "").encode(errors="replace").decode()


def _arguments(body: bytes) -> dict[str, Any] | None:
    try:
        _, kwargs, _ = json.loads(body)
    except (ValueError, TypeError):
        return None
    return kwargs if isinstance(kwargs, dict) else None
