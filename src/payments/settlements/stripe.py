"""Stripe: the itemised balance report (``balance_change_from_activity.itemized``) and the itemised payout
reconciliation report (docs.stripe.com/reports/report-types), with ``payment_intent_id`` among its columns."""

from __future__ import annotations

from collections.abc import Iterator

from payments.domain import SettledKind
from payments.settlements.base import Line, Settled, read_lines

_NEEDED = ("balance_transaction_id", "reporting_category", "currency", "gross", "fee")
# docs.stripe.com/reports/reporting-categories. What is not here is told, and neither compared nor booked.
_KINDS = {
    "charge": SettledKind.CHARGE,
    "refund": SettledKind.REFUND,
    "dispute": SettledKind.CHARGE_BACK,
    "fee": SettledKind.FEE,
    "network_cost": SettledKind.FEE,
    "payout": SettledKind.PAYOUT,
    "payout_reversal": SettledKind.PAYOUT,
}
# These have a name that we know as well; of the others only the balance transaction is always told.
_NAMED = frozenset({SettledKind.CHARGE, SettledKind.REFUND})


def read(content: bytes) -> Iterator[Settled]:
    """Return what the file says.

    :raises SettlementUnreadable: it is none of Stripe
    """
    return read_lines(content, needed=_NEEDED, read=_line)


def _line(line: Line) -> Settled:
    kind = _KINDS.get(line.text("reporting_category"), SettledKind.OTHER)
    currency = line.currency("currency")
    intent, transaction = line.text("payment_intent_id"), line.text("balance_transaction_id")
    named = {SettledKind.CHARGE: intent, SettledKind.REFUND: line.text("source_id", "refund_id")}
    return Settled(
        kind=kind,
        reference=(named[kind] if kind in _NAMED else "") or transaction,
        keys=tuple(filter(None, [intent, line.text("charge_id"), line.text("payment_metadata[reference]")])),
        currency=currency,
        gross_minor=line.minor("gross", currency=currency),
        # It may be told with more digits than the currency has.
        fee_minor=line.minor("fee", currency=currency, is_rounded=True),
        at=line.at("created_utc", "created"),
    )
