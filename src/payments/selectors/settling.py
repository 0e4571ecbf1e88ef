"""Reads of settlements, and of our books as they are compared with them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import connection
from django.db.models import Count, Q, QuerySet, Sum

from core.money import to_text
from payments.domain import DIFFERENCES, FRESH, RefundTo, SettledKind
from payments.errors import SettlementNotFound
from payments.models import Attempt, Refund, Settlement, SettlementLine

if TYPE_CHECKING:
    from payments.settlements import Settled

_FRESH = [verdict.value for verdict in FRESH]
_DIFFERENCES = [verdict.value for verdict in DIFFERENCES]
_OF_ATTEMPT = ("provider_reference", "idempotency_key", "captured_minor", "disputed_minor", "fee_minor", "payment_id")
# What the ledger booked of this provider in the file's time, and no file has.
_MISSING = """
SELECT 'charge', a.provider_reference, p.currency, sum(-g.amount_minor)::bigint, max(e.at), a.id, NULL::uuid
  FROM payments_ledgerentry e
  JOIN payments_posting g ON g.entry_id = e.id AND g.account = 'deposits'
  JOIN payments_attempt a ON a.id = split_part(e.reference, ':', 1)::uuid
  JOIN payments_payment p ON p.id = a.payment_id
 WHERE e.kind = 'capture' AND e.at >= %(begins)s AND e.at <= %(ends)s AND a.provider = %(provider)s
   AND NOT EXISTS (SELECT FROM payments_settlementline l
                    WHERE l.attempt_id = a.id AND l.kind = 'charge' AND l.verdict = ANY(%(fresh)s))
 GROUP BY a.id, p.currency
UNION ALL
SELECT 'refund', r.provider_reference, p.currency, -r.amount_minor, e.at, a.id, r.id
  FROM payments_ledgerentry e
  JOIN payments_refund r ON r.id = e.reference::uuid AND r."to" = 'payment'
  JOIN payments_attempt a ON a.id = r.attempt_id
  JOIN payments_payment p ON p.id = a.payment_id
 WHERE e.kind = 'refund' AND e.at >= %(begins)s AND e.at <= %(ends)s AND a.provider = %(provider)s
   AND NOT EXISTS (SELECT FROM payments_settlementline l WHERE l.refund_id = r.id AND l.verdict = ANY(%(fresh)s))
 ORDER BY 5, 6, 7"""
# Fees of charges stand with the attempts; of other lines, and payouts, with the settlement.
CHECKS = {
    "attempt {0}: a fee of {1}, but {2} was booked": """
        SELECT a.id, a.fee_minor, coalesce(l.amount, 0) FROM payments_attempt a
          LEFT JOIN (SELECT split_part(e.reference, ':', 1) AS attempt, sum(g.amount_minor) AS amount
                       FROM payments_ledgerentry e
                       JOIN payments_posting g ON g.entry_id = e.id AND g.account = 'fees'
                      WHERE e.kind = 'fee' GROUP BY 1) l ON l.attempt = a.id::text
         WHERE a.fee_minor <> coalesce(l.amount, 0)""",
    "settlement {0}: {1} paid out, but {2} was booked": """
        SELECT l.settlement_id, -sum(l.gross_minor), coalesce(max(g.amount_minor), 0) FROM payments_settlementline l
          LEFT JOIN payments_ledgerentry e
            ON e.kind = 'payout' AND e.reference = l.settlement_id::text || ':' || l.currency
          LEFT JOIN payments_posting g ON g.entry_id = e.id AND g.account = 'cash'
         WHERE l.kind = 'payout' AND l.verdict = 'not_compared'
         GROUP BY l.settlement_id, l.currency HAVING -sum(l.gross_minor) <> coalesce(max(g.amount_minor), 0)""",
    "settlement {0}: fees of {1}, but {2} was booked": """
        SELECT l.settlement_id, sum(l.fees), coalesce(max(g.amount_minor), 0)
          FROM (SELECT settlement_id, currency,
                       CASE kind WHEN 'fee' THEN fee_minor - gross_minor ELSE fee_minor END AS fees
                  FROM payments_settlementline
                 WHERE kind IN ('fee', 'refund', 'charge_back', 'payout')
                   AND verdict IN ('matched', 'amount_differs', 'not_compared')) l
          LEFT JOIN payments_ledgerentry e
            ON e.kind = 'settled_fee' AND e.reference = l.settlement_id::text || ':' || l.currency
          LEFT JOIN payments_posting g ON g.entry_id = e.id AND g.account = 'fees'
         GROUP BY l.settlement_id, l.currency HAVING sum(l.fees) <> coalesce(max(g.amount_minor), 0)""",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What our books have of a file's lines.

    :param attempts: by the provider's name of the charge, and by ours; with their payments
    :param refunds: by the provider's name
    :param refunds_of: attempt id -> its refunds that went back the way they came
    :param seen: (kind, reference) of lines that were in earlier files
    :param settled_refunds: ids of those that were in earlier files
    """

    attempts: Mapping[str, Attempt]
    refunds: Mapping[str, Refund]
    refunds_of: Mapping[UUID, Sequence[Refund]]
    seen: frozenset[tuple[str, str]]
    settled_refunds: frozenset[UUID]


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """What our books have and no file does; ``at`` is when it was booked."""

    kind: SettledKind
    reference: str
    currency: str
    booked_minor: int
    at: datetime
    attempt_id: UUID
    refund_id: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementTotal:
    """The lines of one kind, verdict and currency."""

    kind: str
    verdict: str
    currency: str
    lines: int
    gross_minor: int
    fee_minor: int


def known_of(*, provider: str, lines: Sequence[Settled]) -> Known:
    """Return what our books have of these lines. Three queries."""
    keys = {key for line in lines for key in (line.reference, *line.keys) if key}
    found = Attempt.objects.filter(provider=provider).select_related("payment")
    found = found.only(*_OF_ATTEMPT, "payment__currency")
    attempts = {}
    for attempt in found.filter(Q(provider_reference__any_of=keys) | Q(idempotency_key__any_of=keys)).order_by("-pk"):
        attempts[attempt.idempotency_key] = attempts[attempt.provider_reference] = attempt
    attempts.pop("", None)
    refunds = Refund.objects.filter(attempt__provider=provider, to=RefundTo.PAYMENT.value)
    refunds = refunds.select_related("attempt__payment").order_by("pk")
    of = {attempt.pk for attempt in attempts.values()}
    named, refunds_of = {}, defaultdict(list)
    for refund in refunds.filter(Q(provider_reference__any_of=keys) | Q(attempt__any_of=of)):
        named[refund.provider_reference] = refund
        refunds_of[refund.attempt_id].append(refund)
    named.pop("", None)
    earlier = SettlementLine.objects.filter(provider=provider, verdict__in=_FRESH)
    earlier = earlier.filter(Q(reference__any_of=keys) | Q(attempt__any_of=of))
    seen = list(earlier.values_list("kind", "reference", "refund_id"))
    return Known(
        attempts=attempts,
        refunds=named,
        refunds_of=refunds_of,
        seen=frozenset((kind, reference) for kind, reference, _ in seen),
        settled_refunds=frozenset(refund_id for *_, refund_id in seen if refund_id),
    )


def missing_in(*, settlement: Settlement) -> list[Missing]:
    """Return what our books have of the provider in the file's time, and no file does. At most one query."""
    if settlement.begins_at is None or settlement.ends_at is None:
        return []
    values: dict[str, Any] = {
        "begins": settlement.begins_at,
        "ends": settlement.ends_at,
        "provider": settlement.provider,
        "fresh": _FRESH,
    }
    with connection.cursor() as cursor:
        cursor.execute(_MISSING, values)
        return [
            Missing(
                kind=SettledKind(kind),
                reference=reference,
                currency=currency,
                booked_minor=minor,
                at=at,
                attempt_id=attempt_id,
                refund_id=refund_id,
            )
            for kind, reference, currency, minor, at, attempt_id, refund_id in cursor.fetchall()
        ]


def list_settlements(*, provider: str | None = None) -> QuerySet[Settlement]:
    """Return settlements; order them by ``-created_at, -pk``. One query."""
    rows: QuerySet[Settlement] = Settlement.objects.all()
    return rows if provider is None else rows.filter(provider=provider)


def get_settlement(*, settlement_id: UUID) -> Settlement:
    """Return a settlement. One query.

    :raises SettlementNotFound: there is none
    """
    settlement: Settlement | None = Settlement.objects.filter(pk=settlement_id).first()
    if settlement is None:
        raise SettlementNotFound
    return settlement


def settlement_totals(*, settlement_id: UUID) -> list[SettlementTotal]:
    """Return what a settlement comes to, by kind, verdict and currency. One query."""
    rows = SettlementLine.objects.filter(settlement=settlement_id).values("kind", "verdict", "currency")
    sums = rows.annotate(lines=Count("pk"), gross=Sum("gross_minor"), fee=Sum("fee_minor"))
    return [
        SettlementTotal(
            kind=row["kind"],
            verdict=row["verdict"],
            currency=row["currency"],
            lines=row["lines"],
            gross_minor=row["gross"],
            fee_minor=row["fee"],
        )
        for row in sums.order_by("kind", "verdict", "currency")
    ]


def list_settlement_lines(
    *, settlement_id: UUID, verdict: str | None = None, kind: str | None = None
) -> QuerySet[SettlementLine]:
    """Return a settlement's lines with their attempts; order them by ``position, pk``. Two queries.

    :raises SettlementNotFound: there is no such settlement
    """
    get_settlement(settlement_id=settlement_id)
    rows: QuerySet[SettlementLine] = SettlementLine.objects.filter(settlement=settlement_id)
    rows = rows.select_related("attempt__payment")
    rows = rows if verdict is None else rows.filter(verdict=verdict)
    return rows if kind is None else rows.filter(kind=kind)


DIFFERENCE_HEADS = (
    *("position", "kind", "verdict", "reference", "currency", "gross", "booked", "fee", "at"),
    *("order", "payment"),
)


def settlement_differences(*, settlement_id: UUID) -> Iterator[tuple[str, ...]]:
    """Return the lines that somebody has to look at, as texts by ``DIFFERENCE_HEADS``; a thousand at a time.

    :raises SettlementNotFound: there is no such settlement
    """
    rows = list_settlement_lines(settlement_id=settlement_id).filter(verdict__in=_DIFFERENCES)
    return map(_cells, rows.order_by("position", "pk").iterator(chunk_size=1000))


def _cells(row: SettlementLine) -> tuple[str, ...]:
    def text(minor: int | None) -> str:
        return "" if minor is None else to_text(minor, row.currency)

    payment = row.attempt.payment if row.attempt is not None else None
    return (
        *(str(row.position), row.kind, row.verdict, row.reference, row.currency),
        *(text(row.gross_minor), text(row.booked_minor), text(row.fee_minor)),
        row.at.isoformat() if row.at else "",
        *((str(payment.order_id), str(payment.pk)) if payment is not None else ("", "")),
    )
