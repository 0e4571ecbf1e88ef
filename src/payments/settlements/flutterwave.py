"""Flutterwave: the transactions of a settlement as exported, by the names of its API (``GET /v3/settlements/{id}``)."""

from __future__ import annotations

from collections.abc import Iterator

from payments.domain import SettledKind
from payments.settlements.base import Line, Settled, read_lines

_NEEDED = ("tx_ref", "currency", "status")
_DONE = frozenset({"successful", "successfull", "completed", "settled", "success"})
_KINDS = {
    "refund": SettledKind.REFUND,
    "chargeback": SettledKind.CHARGE_BACK,
    "settlement": SettledKind.PAYOUT,
    "payout": SettledKind.PAYOUT,
}


def read(content: bytes) -> Iterator[Settled]:
    """Return what the file says.

    :raises SettlementUnreadable: it is none of Flutterwave
    """
    return read_lines(content, needed=_NEEDED, read=_line)


def _line(line: Line) -> Settled | None:
    if line.text("status").casefold() not in _DONE:
        return None
    kind, currency = _KINDS.get(line.text("type").casefold(), SettledKind.CHARGE), line.currency("currency")
    gross = abs(line.minor("amount", "charged_amount", currency=currency, is_rounded=True))
    # Fees are told with more digits than the currency has.
    fee = line.minor("app_fee", "fee", currency=currency, is_rounded=True)
    reference = line.text("tx_ref")
    return Settled(
        kind=kind,
        reference=reference if kind is SettledKind.CHARGE else line.text("id", "flw_ref"),
        keys=(reference,),
        currency=currency,
        gross_minor=gross if kind is SettledKind.CHARGE else -gross,
        fee_minor=fee,
        at=line.at("created_at", "transaction_date", "date"),
    )
