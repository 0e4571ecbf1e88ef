"""Reads of payments and of the money ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import F, QuerySet, Sum
from django.db.models.functions import Coalesce, TruncMonth

from core.compiled import Compiled
from core.models import remember_related
from payments.domain import AttemptStatus, RefundStatus
from payments.errors import PaymentNotFound
from payments.models import Attempt, LedgerEntry, Payment, Posting, Refund
from payments.selectors.settling import CHECKS as SETTLED

_CHECKS = {
    "payment {0}: {1} captured, but its attempts captured {2} (I2)": """
        SELECT p.id, p.captured_minor, coalesce(sum(a.captured_minor), 0) FROM payments_payment p
          LEFT JOIN payments_attempt a ON a.payment_id = p.id AND NOT a.is_surplus
         GROUP BY p.id HAVING p.captured_minor <> coalesce(sum(a.captured_minor), 0)""",
    "payment {0}: it is {1}, but {2} of its amount was captured (I2)": """
        SELECT id, status, captured_minor FROM payments_payment
         WHERE amount_minor > 0 AND (status = 'captured') <>
               (captured_minor > 0 AND captured_minor >= amount_minor AND refunded_minor = 0)""",
    "attempt {0}: {1} captured, but {2} was booked (I2)": """
        SELECT a.id, a.captured_minor, coalesce(l.amount, 0) FROM payments_attempt a
          LEFT JOIN (SELECT split_part(e.reference, ':', 1) AS attempt, -sum(p.amount_minor) AS amount
                       FROM payments_ledgerentry e
                       JOIN payments_posting p ON p.entry_id = e.id AND p.account = 'deposits'
                      WHERE e.kind = 'capture' GROUP BY 1) l ON l.attempt = a.id::text
         WHERE a.captured_minor <> coalesce(l.amount, 0)""",
    "payment {0}: {1} refunded, but its refunds add up to {2} (I5)": """
        SELECT p.id, p.refunded_minor, coalesce(sum(r.amount_minor), 0) FROM payments_payment p
          LEFT JOIN (SELECT r.payment_id, r.amount_minor FROM payments_refund r
                       JOIN payments_attempt a ON a.id = r.attempt_id AND NOT a.is_surplus
                      WHERE r.status = 'succeeded' AND r.account <> 'exchanges_due') r ON r.payment_id = p.id
         GROUP BY p.id HAVING p.refunded_minor <> coalesce(sum(r.amount_minor), 0)""",
    "attempt {0}: {1} promised or given back, but its refunds add up to {2} (I5)": """
        SELECT a.id, a.promised_minor, coalesce(sum(r.amount_minor), 0) FROM payments_attempt a
          LEFT JOIN payments_refund r ON r.attempt_id = a.id AND r.status <> 'failed' AND r.account <> 'exchanges_due'
         GROUP BY a.id HAVING a.promised_minor <> coalesce(sum(r.amount_minor), 0)""",
    "refund {0}: {1} given back, but {2} was booked (I5)": """
        SELECT r.id, r.amount_minor, coalesce(sum(p.amount_minor) FILTER (WHERE p.amount_minor > 0), 0)
          FROM payments_refund r
          LEFT JOIN payments_ledgerentry e ON e.kind = 'refund' AND e.reference = r.id::text
          LEFT JOIN payments_posting p ON p.entry_id = e.id
         GROUP BY r.id
        HAVING coalesce(sum(p.amount_minor) FILTER (WHERE p.amount_minor > 0), 0)
               <> CASE WHEN r.status = 'succeeded' THEN r.amount_minor ELSE 0 END""",
    "balance {0}: {1} left, but {2} was booked": """
        SELECT b.account || ' in ' || b.currency, b.left_minor, coalesce(-sum(p.amount_minor), 0)
          FROM payments_balance b
          LEFT JOIN payments_posting p ON p.account = b.account AND p.currency = b.currency
         GROUP BY b.id HAVING b.left_minor <> coalesce(-sum(p.amount_minor), 0)""",
    "account {0}: {1} was booked in {2}, but there is no such balance": """
        SELECT p.account, -sum(p.amount_minor), p.currency FROM payments_posting p
         WHERE split_part(p.account, ':', 1) IN ('gift_card', 'store_credit', 'exchange')
           AND NOT EXISTS (SELECT FROM payments_balance b WHERE b.account = p.account AND b.currency = p.currency)
         GROUP BY p.account, p.currency""",
    "cancelled order {0}: {1} is owed, but {2} was captured and did not go back": """
        SELECT k.order_id, k.owed, k.left_minor FROM (
          SELECT p.order_id, coalesce(-(SELECT sum(l.amount_minor) FROM payments_posting l
                   JOIN payments_ledgerentry e ON e.id = l.entry_id
                  WHERE l.account = 'refunds_due' AND (e.kind IN ('order_cancelled', 'returned_before')
                        AND e.reference = p.order_id::text OR e.kind = 'refund' AND e.reference IN
                        (SELECT r.id::text FROM payments_refund r WHERE r.payment_id = p.id))), 0) AS owed,
                 (SELECT sum(a.captured_minor) FROM payments_attempt a WHERE a.payment_id = p.id AND NOT a.is_surplus)
                 - (SELECT coalesce(sum(r.amount_minor), 0) FROM payments_refund r
                      JOIN payments_attempt a ON a.id = r.attempt_id AND NOT a.is_surplus
                     WHERE r.payment_id = p.id AND r.status = 'succeeded')
                 - coalesce((SELECT -sum(l.amount_minor) FROM payments_posting l
                      JOIN payments_ledgerentry e ON e.id = l.entry_id AND e.kind = 'returned_before'
                     WHERE l.account = 'charge_backs' AND e.reference = p.order_id::text), 0) AS left_minor
            FROM payments_payment p
           WHERE p.closed_at IS NOT NULL AND EXISTS (SELECT FROM payments_ledgerentry e
                 WHERE e.kind = 'order_cancelled' AND e.reference = p.order_id::text)) k
         WHERE k.owed <> k.left_minor""",
    "payment {0}: {1} refunded of {2} captured (I5)": """
        SELECT id, refunded_minor, captured_minor FROM payments_payment WHERE refunded_minor > captured_minor""",
}


_ATTEMPTS: Compiled[Attempt] = Compiled(
    lambda payment: Attempt.objects.filter(payment=payment).select_related("payment").order_by("pk"), payment=UUID
)


def get_payment(*, payment_id: UUID) -> Payment:
    """Return a payment with its attempts. One query, two for one without any.

    :raises PaymentNotFound: there is none
    """
    attempts = _ATTEMPTS.all(payment=payment_id)
    payment = attempts[0].payment if attempts else Payment.objects.filter(pk=payment_id).first()
    if payment is None:
        raise PaymentNotFound
    remember_related(payment, attempts=attempts)
    return payment


def payment_of(*, order_id: UUID) -> UUID:
    """Return the id of an order's payment. One query.

    :raises PaymentNotFound: there is none
    """
    payment_id: UUID | None = Payment.objects.filter(order_id=order_id).values_list("pk", flat=True).first()
    if payment_id is None:
        raise PaymentNotFound
    return payment_id


def list_payments(
    *, order_ids: QuerySet[Any] | Collection[UUID], order: UUID | None = None, status: str | None = None
) -> QuerySet[Payment]:
    """Return the payments of these orders with their attempts; order them by ``-created_at, -pk``. Two queries."""
    rows: QuerySet[Payment] = Payment.objects.filter(order_id__in=order_ids).prefetch_related("attempts")
    if order is not None:
        rows = rows.filter(order_id=order)
    return rows if status is None else rows.filter(status=status)


def payments_of_orders(*, order_ids: Collection[UUID]) -> dict[UUID, Payment]:
    """Return order id -> its payment with attempts and refunds, of those that have one. Four queries."""
    rows = list_payments(order_ids=order_ids).prefetch_related("refunds__attempt")
    return {payment.order_id: payment for payment in rows}


def get_attempt(*, attempt_id: UUID) -> Attempt:
    """Return an attempt with its payment. One query.

    :raises PaymentNotFound: there is none
    """
    attempt: Attempt | None = Attempt.objects.select_related("payment").filter(pk=attempt_id).first()
    if attempt is None:
        raise PaymentNotFound
    return attempt


def get_refund(*, refund_id: UUID) -> Refund:
    """Return a refund with its attempt and payment. One query.

    :raises PaymentNotFound: there is none
    """
    refund: Refund | None = Refund.objects.select_related("attempt", "payment").filter(pk=refund_id).first()
    if refund is None:
        raise PaymentNotFound
    return refund


def get_refunds(*, refund_ids: Collection[UUID]) -> list[Refund]:
    """Return refunds with their attempts and payment, in the order in which they were promised. One query."""
    rows = Refund.objects.select_related("attempt", "payment").filter(pk__in=refund_ids)
    return list(rows.order_by("pk"))


def list_means(*, order_id: UUID) -> list[Attempt]:
    """Return what took money for an order and counts, with its payment, as it would give back. One query."""
    rows = Attempt.objects.filter(payment__order_id=order_id, status=AttemptStatus.CAPTURED.value, is_surplus=False)
    return list(rows.select_related("payment").order_by(F("balance").asc(nulls_first=True), "-pk"))


def list_refunds(*, payment_id: UUID) -> QuerySet[Refund]:
    """Return the refunds of a payment with their attempts; order them by ``-pk``. Two queries.

    :raises PaymentNotFound: there is no such payment
    """
    if not Payment.objects.filter(pk=payment_id).exists():
        raise PaymentNotFound
    rows: QuerySet[Refund] = Refund.objects.filter(payment=payment_id).select_related("attempt", "payment")
    return rows


def refunded_items(*, payment_id: UUID) -> list[dict[str, Any]]:
    """Return what the refunds of a payment that did not fail were for, as their callers put it. One query.

    Of those that were made together the first notes it: one that did not fail speaks for all.
    """
    of = Refund.objects.filter(payment=payment_id).annotate(first=Coalesce("group", "pk"))
    rows = list(of.order_by("pk").values_list("first", "status", "items"))
    alive = {group for group, status, _ in rows if status != RefundStatus.FAILED.value}
    return [item for group, _, items in rows if group in alive for item in items]


def restocked_units(*, order_id: UUID) -> Counter[str]:
    """Return line id -> units that came back to the shelf with an order's refunds, failed ones too. One query."""
    units: Counter[str] = Counter()
    for items in Refund.objects.filter(payment__order_id=order_id).values_list("items", flat=True):
        for item in items:
            units[str(item.get("line"))] += int(item["quantity"]) if item.get("restock") else 0
    return units


def items_of(*, refund_id: UUID) -> list[dict[str, Any]]:
    """Return what a refund was for, as its caller put it; refunds that were made together were for the same. One query.

    Empty where an amount was named.
    """
    first = Refund.objects.filter(pk=refund_id).values(first=Coalesce("group", "pk"))
    return [item for items in Refund.objects.filter(pk__in=first).values_list("items", flat=True) for item in items]


def taken_at(*, provider: str) -> dict[str, dict[str, int]]:
    """Return currency -> what our books say that a provider captured and refunded, to compare with its own.

    One query.
    """
    rows = Attempt.objects.filter(provider=provider).values("payment__currency")
    sums = rows.annotate(captured=Sum("captured_minor"), refunded=Sum("refunded_minor"))
    return {
        row["payment__currency"]: {"captured": row["captured"], "refunded": row["refunded"]}
        for row in sums.order_by("payment__currency")
    }


def list_providers() -> list[str]:
    """Return the names of the ways to pay."""
    return list(settings.PAYMENT_PROVIDERS)


def balance(*, account: str, currency: str, before: datetime | None = None) -> int:
    """Return an account's balance in minor units: debits less credits. One query."""
    rows = Posting.objects.filter(account=account, currency=currency)
    if before is not None:
        rows = rows.filter(entry__at__lt=before)
    total: int | None = rows.aggregate(total=Sum("amount_minor"))["total"]
    return total or 0


def entry_references(*, prefix: str) -> set[str]:
    """Return the references of entries that begin like this. One query."""
    return set(LedgerEntry.objects.filter(reference__startswith=prefix).values_list("reference", flat=True))


def monthly_balances(*, accounts: Collection[str], currency: str) -> dict[str, int]:
    """Return month ("2011-03", in UTC) -> debits less credits of these accounts together. One query."""
    rows = Posting.objects.filter(account__in=accounts, currency=currency)
    months = rows.values_list(TruncMonth("entry__at", tzinfo=UTC)).annotate(total=Sum("amount_minor"))
    return {f"{month:%Y-%m}": total for month, total in months if total}


def find_differences() -> list[str]:
    """Re-derive payments from attempts, refunds and the ledger; return, in words, what does not agree."""
    rows = Posting.objects.values("entry_id", "currency").annotate(total=Sum("amount_minor")).exclude(total=0)
    found = [f"entry {row['entry_id']}: off by {row['total']} {row['currency']} (I4)" for row in rows]
    with connection.cursor() as cursor:
        for sentence, query in {**_CHECKS, **SETTLED}.items():
            cursor.execute(query)
            found += [sentence.format(*row) for row in cursor.fetchall()]
    return found
