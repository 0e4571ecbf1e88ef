"""Which deliveries are handed to workers next.

Each handler has a queue of its own, of which so many are under way at once: a hundred thousand mails hold up no
payment, workers that are behind are not sent the same again and again, and the broker holds little. A claim costs as
much beside a million owed deliveries as beside ten.

PostgreSQL knows of what is owed what it counted last, which after a burst is nothing, and takes any index for as good
as another. So the two indexes of what is owed have words of their own: no question can be answered by the wrong one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import cache
from operator import attrgetter
from typing import NamedTuple

from django.conf import settings
from django.db.models import OuterRef, Q, Subquery

from core.compiled import Compiled
from core.lookups import array_literal
from core.models import STILL_OWED, Delivery
from core.statements import execute, fetch
from core.transactions import command

# Of one handler, as many deliveries are with workers, or tried again within a lease, at a time.
UNDER_WAY = 1000
_TOGETHER = 10
# Handed out so often, and never heard of again, it may be what its workers are lost with. A broker with dead letters
# counts that by itself (``core.deadletters``).
_SUSPECT = 4
# What is due for longer was left by a relay that had handed out enough.
_LEFT_OVER = timedelta(seconds=1)

# One step in an index for each handler, however much is owed to it.
HANDLERS = """
handlers AS (
    (SELECT handler FROM core_delivery WHERE done_at IS NULL AND dead_at IS NULL ORDER BY handler LIMIT 1)
     UNION ALL
    SELECT (SELECT handler FROM core_delivery
             WHERE done_at IS NULL AND dead_at IS NULL AND handler > handlers.handler ORDER BY handler LIMIT 1)
      FROM handlers WHERE handler IS NOT NULL
)
"""

_WAITING = f"""
WITH RECURSIVE {HANDLERS}
SELECT handler FROM handlers
 WHERE (SELECT due_at FROM core_delivery d
         WHERE d.handler = handlers.handler AND done_at IS NULL AND dead_at IS NULL
         ORDER BY due_at LIMIT 1) <= %s
   AND (SELECT count(*) FROM (SELECT FROM core_delivery d
         WHERE d.handler = handlers.handler AND done_at IS NULL AND dead_at IS NULL AND due_at > %s AND due_at <= %s
         LIMIT {UNDER_WAY}) AS under_way) < {UNDER_WAY}
"""  # nosec B608  # noqa: S608 - words and numbers of ours

_LEASE = """
UPDATE core_delivery SET due_at = %s, handed_out = handed_out + 1 WHERE id = ANY((SELECT %s::uuid[])::uuid[])
"""

_IS_MORE_OWED = """
SELECT coalesce((
    SELECT due_at FROM core_delivery WHERE handler = %s AND done_at IS NULL AND dead_at IS NULL ORDER BY due_at LIMIT 1
) <= %s, false) OR coalesce(bool_or((
    SELECT true FROM core_delivery AS other
     WHERE other.aggregate = done.aggregate AND other.handler = done.handler
       AND coalesce(other.done_at, other.dead_at) IS NULL
     LIMIT 1
)), false)
  FROM core_delivery AS done
 WHERE done.id = ANY((SELECT %s::uuid[])::uuid[]) AND done.aggregate <> ''
   AND coalesce(done.done_at, done.dead_at) IS NOT NULL
"""


@command
def claim_due(*, now: datetime, most: int = 100) -> list[Delivery]:
    """Take up to ``most`` due deliveries of each handler for the length of a lease, and return them oldest first.

    Of one aggregate a handler gets one at a time, in the order of the facts; a dead one does not hold up the rest. A
    handler that has ``UNDER_WAY`` already gets none. One query where nothing is due, else two and one for each handler.
    """
    waiting = [handler for (handler,) in fetch(_WAITING, [now, now, now + settings.OUTBOX_LEASE])]
    taken = [delivery for handler in waiting for delivery in _due(most).all(handler=handler, now=now)]
    if taken:
        execute(_LEASE, [now + settings.OUTBOX_LEASE, array_literal([delivery.pk for delivery in taken])])
    return sorted(taken, key=attrgetter("due_at", "pk"))


@cache
def _due(most: int) -> Compiled[Delivery]:
    first = Delivery.objects.filter(STILL_OWED, aggregate=OuterRef("aggregate"), handler=OuterRef("handler"))
    return Compiled(
        lambda handler, now: (
            Delivery.objects.filter(handler=handler, done_at__isnull=True, dead_at__isnull=True, due_at__lte=now)
            .filter(Q(aggregate="") | Q(pk=Subquery(first.order_by("pk").values("pk")[:1])))
            .locked(skip_locked=True)
            .order_by("due_at", "pk")[:most]
        ),
        handler=str,
        now=datetime,
    )


def is_more_owed(*, delivery_ids: Sequence[str], handler: str, now: datetime) -> bool:
    """Tell whether a relay would find something after these: of the same aggregates, or left to the same handler."""
    return bool(fetch(_IS_MORE_OWED, [handler, now - _LEFT_OVER, array_literal(delivery_ids)])[0][0])


class Parcel(NamedTuple):
    """What one message to a worker holds: deliveries of one handler, by id, in their order."""

    handler: str
    delivery_ids: list[str]
    is_suspect: bool


def parcelled(deliveries: Iterable[Delivery]) -> Iterator[Parcel]:
    """Split deliveries into messages for workers: few together.

    A message costs a worker more than most handlers do. A slow handler keeps nobody waiting but its own kind. What
    was handed out again and again goes with its like.
    """
    alike: dict[tuple[str, bool], list[str]] = {}
    for delivery in deliveries:
        is_suspect = delivery.handed_out >= _SUSPECT and not settings.DEAD_LETTER_QUEUE
        alike.setdefault((delivery.handler, is_suspect), []).append(str(delivery.pk))
    for (handler, is_suspect), ids in alike.items():
        for start in range(0, len(ids), _TOGETHER):
            yield Parcel(handler, ids[start : start + _TOGETHER], is_suspect)
