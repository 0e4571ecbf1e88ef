"""What the database tells about how the shop is: one statement, which reads indexes and never more than their ends."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from core.deadletters import DELIVER
from core.relaying import HANDLERS, UNDER_WAY
from core.statements import fetch

MOST = 10_000
# As many of each handler as are under way, and one.
NEXT = UNDER_WAY + 1

# Of what the broker gave up, deliveries are dead in the outbox; what cannot be read cannot be sent again, and is told
# of for a day.
# In their order of being due; those that are tried again and again stand behind. 10,000 of a kind are as bad as more.
_READ = f"""
WITH RECURSIVE now AS (SELECT clock_timestamp() AS at), {HANDLERS},
owed AS (SELECT FROM core_delivery WHERE done_at IS NULL AND dead_at IS NULL LIMIT {MOST}),
next AS (SELECT d.id, d.due_at FROM handlers CROSS JOIN LATERAL (
    SELECT id, due_at FROM core_delivery WHERE handler = handlers.handler AND done_at IS NULL AND dead_at IS NULL
     ORDER BY due_at, id LIMIT {NEXT}) d),
dead AS (SELECT FROM core_delivery WHERE dead_at IS NOT NULL LIMIT {MOST}),
letter AS (SELECT FROM core_deadletter, now WHERE resent_at IS NULL AND task <> '{DELIVER}'
            AND (task <> '' OR noted_at > now.at - interval '1 day') LIMIT {MOST}),
mail AS (SELECT due_at FROM notifications_mail WHERE state = 'queued' ORDER BY due_at, id LIMIT {MOST}),
asked AS (SELECT status, unknown_since FROM payments_attempt WHERE ask_at IS NOT NULL ORDER BY ask_at LIMIT {MOST}),
refund AS (SELECT FROM payments_refund WHERE ask_at IS NOT NULL ORDER BY ask_at LIMIT {MOST})
SELECT (SELECT count(*) FROM owed),
       (SELECT id FROM next ORDER BY id LIMIT 1),
       (SELECT extract(epoch FROM now.at - min(due_at))::float8 FROM next),
       (SELECT count(*) FROM dead),
       (SELECT count(*) FROM mail),
       (SELECT extract(epoch FROM now.at - min(due_at))::float8 FROM mail),
       (SELECT coalesce(json_object_agg(status, many), '{{}}'::json)
          FROM (SELECT status, count(*) AS many FROM asked GROUP BY status) AS counted),
       (SELECT extract(epoch FROM now.at - min(unknown_since))::float8 FROM asked WHERE status = 'unknown'),
       (SELECT count(*) FROM refund),
       (SELECT coalesce(json_object_agg(queue, json_build_array(
            extract(epoch FROM now.at - ran_at)::float8, extract(epoch FROM ran_at - sent_at)::float8)), '{{}}'::json)
          FROM core_heartbeat),
       (SELECT count(*) FROM letter),
       (SELECT coalesce(json_object_agg(name, json_build_array(
            coalesce(extract(epoch FROM good_at)::float8, 0), found)), '{{}}'::json) FROM core_inspection),
       extract(epoch FROM now.at)::float8
  FROM now
"""  # nosec B608  # noqa: S608 - a number of ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """How the shop is. Ages are in seconds, 0 where nothing waits; counts end at ``MOST``."""

    owed: int
    lag_seconds: float
    outbox_age_seconds: float
    dead: int
    mails_waiting: int
    mail_age_seconds: float
    # Status -> attempts to pay that are still asked about.
    unresolved: dict[str, int]
    unknown_seconds: float
    refunds_unresolved: int
    # Queue -> seconds since its last heartbeat, and how long that was under way.
    heartbeats: dict[str, tuple[float, float]]
    dead_letters: int = 0
    # What was looked into -> until when it is known (seconds since 1970, 0: not yet), and how much was wrong.
    inspections: dict[str, tuple[float, int]] = field(default_factory=dict)

    def queue_ages(self, every_seconds: float) -> dict[str, float]:
        """Return how long each queue lets wait. Of one whose heartbeat is overdue, since when it is.

        :param every_seconds: how often a heartbeat is sent
        """
        ages = {"outbox": self.outbox_age_seconds, "mail": self.mail_age_seconds}
        for queue, (silent, took) in self.heartbeats.items():
            ages[queue] = max(took, silent - every_seconds)
        return ages


def read_figures() -> Figures:
    """Read them now. One query.

    :raises django.db.Error: the database does not answer
    """
    [row] = fetch(_READ)
    owed, oldest, due, dead, mails, mail_due, unresolved, unknown, refunds, heartbeats, letters, known, now = row
    return Figures(
        owed=owed,
        lag_seconds=max(0.0, now - _made_at(oldest)) if oldest else 0.0,
        outbox_age_seconds=max(0.0, due or 0.0),
        dead=dead,
        mails_waiting=mails,
        mail_age_seconds=max(0.0, mail_due or 0.0),
        unresolved=unresolved,
        unknown_seconds=max(0.0, unknown or 0.0),
        refunds_unresolved=refunds,
        heartbeats={queue: (silent, took) for queue, (silent, took) in heartbeats.items()},
        dead_letters=letters,
        inspections={name: (good_at, found) for name, (good_at, found) in known.items()},
    )


def _made_at(key: UUID) -> float:
    """Return the time that a UUIDv7 carries (RFC 9562, section 5.7), in seconds since 1970."""
    return (key.int >> 80) / 1000
