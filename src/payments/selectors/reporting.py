"""What was asked for at which provider, and what came of it, by period."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar

from django.db import connection

from core.money import to_text
from core.periods import Period
from payments.domain import DECLINED

_ATTEMPTS = """
SELECT width_bucket(a.created_at, %(edges)s::timestamptz[]), a.provider, a.status, p.currency, count(*),
       count(*) FILTER (WHERE a.failure = %(declined)s), sum(a.captured_minor)::bigint,
       coalesce(sum(r.refunded), 0)::bigint, coalesce(sum(r.credited), 0)::bigint,
       sum(a.disputed_minor)::bigint, sum(a.fee_minor)::bigint
  FROM payments_attempt a
  JOIN payments_payment p ON p.id = a.payment_id
  LEFT JOIN LATERAL (
      SELECT sum(amount_minor) FILTER (WHERE "to" = 'payment') AS refunded,
             sum(amount_minor) FILTER (WHERE "to" <> 'payment') AS credited
        FROM payments_refund WHERE attempt_id = a.id AND status = 'succeeded'
  ) r ON true
 WHERE a.created_at >= %(begins)s AND a.created_at < %(ends)s
   AND (%(provider)s::text IS NULL OR a.provider = %(provider)s)
   AND (%(status)s::text IS NULL OR a.status = %(status)s)
 GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentsRow:
    """The attempts that were begun in a part of the period and stand at ``status`` now; minor units.

    ``refunded`` went back the way it came, ``credited`` became store credit or goes to an exchange.
    """

    HEADS: ClassVar = (
        *("period", "provider", "status", "currency", "attempts", "declines"),
        *("captured", "refunded", "credited", "charged_back", "fees"),
    )

    period: str
    provider: str
    status: str
    currency: str
    attempts: int
    declines: int
    captured_minor: int
    refunded_minor: int
    credited_minor: int
    charged_back_minor: int
    fees_minor: int

    @property
    def cells(self) -> tuple[str, ...]:
        """The row as texts, by ``HEADS``."""
        amounts = (
            *(self.captured_minor, self.refunded_minor, self.credited_minor),
            *(self.charged_back_minor, self.fees_minor),
        )
        words = (self.period, self.provider, self.status, self.currency, str(self.attempts), str(self.declines))
        return (*words, *(to_text(minor, self.currency) for minor in amounts))


def report_payments(*, period: Period, provider: str | None = None, status: str | None = None) -> list[PaymentsRow]:
    """Return the attempts by the period in which they were begun, provider, state and currency. One query."""
    values: dict[str, Any] = {
        "begins": period.begins_at,
        "ends": period.ends_at,
        "edges": period.edges,
        "declined": DECLINED,
        "provider": provider,
        "status": status,
    }
    names = [field.name for field in fields(PaymentsRow)]
    with connection.cursor() as cursor:
        cursor.execute(_ATTEMPTS, values)
        return [
            PaymentsRow(**dict(zip(names, (period.label(part), *rest), strict=True)))
            for part, *rest in cursor.fetchall()
        ]
