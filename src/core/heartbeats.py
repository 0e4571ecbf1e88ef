"""Whether the queues are served: the clock sends a message down each, and whoever gets it says so."""

from __future__ import annotations

from datetime import datetime

from core.models import Heartbeat
from core.statements import execute
from core.transactions import command

_BEAT = """
INSERT INTO core_heartbeat (queue, sent_at, ran_at) VALUES (%s, %s, %s)
ON CONFLICT (queue) DO UPDATE SET sent_at = excluded.sent_at, ran_at = excluded.ran_at
 WHERE core_heartbeat.ran_at < excluded.ran_at
"""


@command
def note_heartbeat(*, queue: str, sent_at: datetime, now: datetime) -> None:
    """Write down that the queue brought a message. The latest counts, whatever the order."""
    execute(_BEAT, [queue[:100], min(sent_at, now), now])


def list_heartbeats() -> list[Heartbeat]:
    """Return the last of each queue. One query."""
    return list(Heartbeat.objects.order_by("pk"))
