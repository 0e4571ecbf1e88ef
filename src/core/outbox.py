"""Facts and the promise to tell of them: ``publish`` writes both in the caller's transaction.

The table, not the broker, remembers what is owed. After the commit the courier asks a worker to relay; the clock asks
again.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.module_loading import import_string

from core import courier, logs, tally, tracing
from core.compiled import Compiled
from core.errors import NotFound
from core.events import Event
from core.lookups import array_literal
from core.models import Delivery, OutboxEvent
from core.privacy import redact
from core.relaying import claim_due, is_more_owed
from core.sql import insert_together, update_together
from core.statements import execute
from core.sweeping import sweep
from core.transactions import command, step

log = structlog.get_logger(__name__)

MAX_ATTEMPTS = 12
# The third loss is the last.
_ATTEMPTS_OF_A_LOSS = MAX_ATTEMPTS // 3
_LOST = "its worker was lost with it, again and again"

_FREE: Compiled[Delivery] = Compiled(
    lambda delivery: Delivery.objects.select_related("event").filter(pk=delivery).locked(skip_locked=True),
    delivery=UUID,
)
_ALL_FREE: Compiled[Delivery] = Compiled(
    lambda deliveries: Delivery.objects.select_related("event").filter(pk__any_of=deliveries).locked(skip_locked=True),
    deliveries=[UUID],
)
_DONE = "UPDATE core_delivery SET done_at = %s WHERE id = ANY((SELECT %s::uuid[])::uuid[])"

_told: ContextVar[bool] = ContextVar("told", default=True)


@contextmanager
def untold() -> Iterator[None]:
    """Write the block's facts down without owing them to anybody: they are history, of which no mail is due."""
    token = _told.set(False)
    try:
        yield
    finally:
        _told.reset(token)


@step
def publish(event: Event, *, at: datetime) -> None:
    """Write the event with one delivery per subscriber; run the inline subscribers now. One statement."""
    publish_many([(event, at)])


@step
def publish_many(facts: Iterable[tuple[Event, datetime]]) -> None:
    """Write several events, each with its time. One statement for any number of them."""
    trace = tracing.here()
    rows = [
        OutboxEvent(name=event.name, aggregate=event.aggregate, payload=event.payload(), occurred_at=at, trace=trace)
        for event, at in facts
    ]
    owed = [
        Delivery(event=row, handler=handler, aggregate=row.aggregate, due_at=row.occurred_at)
        for row in rows
        for handler in (settings.EVENT_SUBSCRIPTIONS.get(row.name, ()) if _told.get() else ())
        if _concerns(handler, row.payload)
    ]
    insert_together(rows, owed)
    if owed:
        transaction.on_commit(courier.wake)

    for row in rows:
        tally.count_once_committed("facts", row.name, row.payload.get("to_status", ""))
        for handler in settings.EVENT_INLINE_SUBSCRIPTIONS.get(row.name, ()):
            import_string(handler)(at=row.occurred_at, **row.payload)


def deliver(*, delivery_ids: Sequence[str], handler: str = "", is_suspect: bool = False) -> bool:
    """Run a handler for each of some events, one after another: each in a transaction with the mark that it is done.

    A handler that takes many (``EVENT_HANDLERS_OF_MANY``) takes them in one; where that fails they go one by one. So
    does one that calls others (``EVENT_HANDLERS_OUTSIDE``), while no transaction is open.
    A second copy of the message finds them done, or being done, and stops. A failure is counted and tried again later,
    at last given up; the others go on.

    :param handler: of all of them, where that is known
    :param is_suspect: they were handed out before, and nobody lived to tell: each try is counted before it is made
    :returns: whether more is owed to the same handlers about the same aggregates, or was left to that handler
    """
    if is_suspect:
        for delivery_id in delivery_ids:
            if _may_try(delivery_id=delivery_id, now=timezone.now()):
                _deliver(handler, [delivery_id])
    else:
        _deliver(handler, delivery_ids)
    # After the last commit: a relay that came before it saw them as owed still, and held back what comes after them.
    return is_more_owed(delivery_ids=delivery_ids, handler=handler, now=timezone.now())


def _deliver(handler: str, delivery_ids: Sequence[str]) -> None:
    of_many = settings.EVENT_HANDLERS_OF_MANY.get(handler) if len(delivery_ids) > 1 else None
    if handler in settings.EVENT_HANDLERS_OUTSIDE:
        _run_outside(handler, delivery_ids)
    elif of_many is None or not _went_together(of_many, delivery_ids):
        for delivery_id in delivery_ids:
            _try(delivery_id)


def _went_together(of_many: str, delivery_ids: Sequence[str]) -> bool:
    try:
        _run_together(of_many=of_many, delivery_ids=delivery_ids)
    except Exception as error:  # noqa: BLE001 - whose fault it is shows when they go one by one
        log.warning("deliveries go one by one", handler=of_many, error=redact(f"{type(error).__name__}: {error}"))
        return False
    return True


@command
def _run_together(*, of_many: str, delivery_ids: Sequence[str]) -> None:
    owed = [delivery for delivery in _ALL_FREE.all(deliveries=delivery_ids) if delivery.state == "owed"]
    if not owed:
        return
    # Of several traces it can be part of none: each mail goes on with its own.
    with logs.about(handler=of_many), tracing.span(of_many):
        import_string(of_many)(facts=[{"delivery_id": str(each.pk), **each.event.payload} for each in owed])
    execute(_DONE, [timezone.now(), array_literal([delivery.pk for delivery in owed])])
    for delivery in owed:
        tally.count_once_committed("deliveries", delivery.handler, "done")


def _run_outside(handler: str, delivery_ids: Sequence[str]) -> None:
    """Have a handler call others, and write down how it went.

    Two copies of a message may do so at the same time: it has to be of no matter to whoever is called.
    """
    rows = Delivery.objects.select_related("event").filter(pk__in=delivery_ids).order_by("pk")
    owed = [delivery for delivery in rows if delivery.state == "owed"]
    if not owed:
        return
    facts = [{"delivery_id": str(each.pk), **each.event.payload} for each in owed]
    try:
        with logs.about(handler=handler), tracing.span(handler):
            import_string(handler)(facts=facts)
    except Exception as error:  # noqa: BLE001 - whatever it raises, it is tried again
        told = redact(f"{type(error).__name__}: {error}")
        log.warning("call failed", handler=handler, facts=len(facts), error=told)
        if len(owed) == 1:
            _record_failure(delivery_id=str(owed[0].pk), error=told, now=timezone.now())
            return
        for each in owed:
            _run_outside(handler, [str(each.pk)])
        return
    _record_done(delivery_ids=[delivery.pk for delivery in owed], handler=handler, now=timezone.now())


@command
def _record_done(*, delivery_ids: Sequence[UUID], handler: str, now: datetime) -> None:
    execute(_DONE, [now, array_literal(delivery_ids)])
    for _ in delivery_ids:
        tally.count_once_committed("deliveries", handler, "done")


def _try(delivery_id: str) -> None:
    with logs.about(delivery_id=delivery_id):
        try:
            _run_handler(delivery_id=delivery_id)
        except Exception as error:
            log.exception("delivery failed")
            told = redact(f"{type(error).__name__}: {error}")
            _record_failure(delivery_id=delivery_id, error=told, now=timezone.now())


@command
def _run_handler(*, delivery_id: str) -> None:
    delivery = _FREE.first(delivery=delivery_id)
    if delivery is None or delivery.state != "owed":
        return
    event = delivery.event
    # An event that was written while traces were not kept goes on from nothing: a trace of its own.
    with (
        logs.about(event=event.name, handler=delivery.handler, **_ids_in(event.payload)),
        tracing.span(delivery.handler, parent=event.trace, **{"nexus.delivery_id": delivery_id}),
    ):
        # It may have been owed before a release that asks for less.
        if _concerns(delivery.handler, event.payload):
            import_string(delivery.handler)(delivery_id=str(delivery.pk), **event.payload)
    delivery.done_at = timezone.now()
    update_together((delivery, ("done_at",)))
    tally.count_once_committed("deliveries", delivery.handler, "done")


def _ids_in(payload: dict[str, Any]) -> dict[str, Any]:
    """Return what log lines tell of a fact: ids alone."""
    return {name: value for name, value in payload.items() if name.endswith("_id")}


def trace_of(*, delivery_id: str) -> str:
    """Return the ``traceparent`` of what a delivery follows from; empty where it is not known. One query."""
    try:
        found = OutboxEvent.objects.filter(deliveries__pk=UUID(delivery_id)).values_list("trace", flat=True).first()
    except ValueError:
        return ""
    return found or ""


@command
def _record_failure(*, delivery_id: str, error: str, now: datetime) -> None:
    delivery = Delivery.objects.filter(pk=delivery_id).locked().first()
    if delivery is None or delivery.state != "owed":
        return
    delivery.handed_out = 0
    _fail(delivery, attempts=1, error=error, now=now)


@command
def _may_try(*, delivery_id: str, now: datetime) -> bool:
    """Count a try that may take this worker down, too, and tell whether it is to be made.

    It is due again after a lease and a pause, later than those that came with it: should the worker be lost, they go on
    without it.
    """
    delivery = _FREE.first(delivery=delivery_id)
    if delivery is None or delivery.state != "owed":
        return False
    if delivery.attempts >= MAX_ATTEMPTS:
        _fail(delivery, attempts=0, error=_LOST, now=now)
        return False
    delivery.attempts += 1
    delivery.due_at = now + settings.OUTBOX_LEASE + back_off(delivery.attempts)
    delivery.save(update_fields=["attempts", "due_at"])
    return True


@step
def lose(*, delivery: Delivery, why: str, now: datetime) -> None:
    """Note that workers were lost with a locked delivery, so often that the broker gave its message up.

    It may not be the delivery's fault, and is tried again after a pause; the third time it is given up. Until then each
    of its messages takes workers down, so that this counts as several failures.
    """
    _fail(delivery, attempts=_ATTEMPTS_OF_A_LOSS, error=f"{_LOST} ({why})", now=now)


def _fail(delivery: Delivery, *, attempts: int, error: str, now: datetime) -> None:
    delivery.attempts += attempts
    delivery.last_error = error[:2000].replace("\0", "")
    delivery.due_at = now + back_off(delivery.attempts)
    if delivery.attempts >= MAX_ATTEMPTS:
        delivery.dead_at = now
    tally.count_once_committed("deliveries", delivery.handler, "dead" if delivery.dead_at else "failed")
    delivery.save(update_fields=["attempts", "last_error", "due_at", "dead_at", "handed_out"])


def _concerns(handler: str, payload: Mapping[str, Any]) -> bool:
    """Tell whether a handler wants to hear of a fact, by ``EVENT_CONDITIONS``."""
    wanted: Mapping[str, object] = settings.EVENT_CONDITIONS.get(handler, {})
    return all(payload.get(name) == value for name, value in wanted.items())


def back_off(attempts: int) -> timedelta:
    """Return the pause before the next try: 2, 4, 8 … seconds, at most an hour, spread by a fifth."""
    seconds = min(2.0 ** min(attempts, 12), 3600.0)
    return timedelta(seconds=seconds * random.uniform(0.9, 1.1))  # noqa: S311 - not a secret


def drain(*, now: datetime | None = None) -> int:
    """Deliver all that is due, here and now, and return how many. For tests, imports and one-process set-ups."""
    count = 0
    while due := claim_due(now=now or timezone.now()):
        for delivery in due:
            deliver(delivery_ids=[str(delivery.pk)], handler=delivery.handler)
            count += 1
    return count


def deliver_owed(*, event: str) -> int:
    """Deliver what is owed of one kind of fact, due or not, here and now; return how much of it is still owed.

    For who has no workers, and wants nothing else to happen.
    """
    owed = Delivery.objects.filter(event__name=event, done_at__isnull=True, dead_at__isnull=True)
    for delivery_id, handler in owed.order_by("pk").values_list("pk", "handler"):
        deliver(delivery_ids=[str(delivery_id)], handler=handler)
    return owed.count()


@command
def retry_dead(*, delivery_ids: Collection[UUID], now: datetime) -> int:
    """Owe dead deliveries again, with all their tries, and return how many there were.

    :raises NotFound: none of them is dead
    """
    dead = [d.pk for d in Delivery.objects.filter(pk__in=delivery_ids, dead_at__isnull=False).locked()]
    if not dead:
        raise NotFound("None of these deliveries is dead.")
    Delivery.objects.filter(pk__in=dead).update(dead_at=None, attempts=0, due_at=now)
    transaction.on_commit(courier.wake)
    return len(dead)


def forget_finished(*, before: datetime) -> int:
    """Remove deliveries done before that time, and the events that owe nothing any more; return how many deliveries."""
    count = sweep(Delivery.objects.filter(done_at__lt=before), by="done_at")
    remaining = Delivery.objects.filter(event=OuterRef("pk"))
    sweep(OutboxEvent.objects.filter(occurred_at__lt=before).exclude(Exists(remaining)), by="occurred_at")
    return count
