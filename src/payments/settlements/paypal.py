"""PayPal: the settlement report (``STL``, developer.paypal.com/docs/reports/sftp-reports/settlement-report) and the
activity download, in English. What we call a charge stands in its custom field."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from core.money import digits
from payments.domain import SettledKind
from payments.errors import SettlementUnreadable
from payments.settlements.base import Line, Settled, read_lines

_OF_REPORT = ("transaction id", "transaction event code", "gross transaction amount", "gross transaction currency")
_OF_ACTIVITY = ("transaction id", "type", "status", "currency", "gross", "fee")
_WHEN = "%Y/%m/%d %H:%M:%S %z"
# PayPal knows no decimals of these, although ISO 4217 does (developer.paypal.com/api/rest/reference/currency-codes).
_WHOLE = frozenset({"HUF", "TWD"})
# developer.paypal.com/docs/transaction-search/transaction-event-codes: by code, then by group.
_CODES = {
    "T1106": SettledKind.CHARGE_BACK,
    "T1107": SettledKind.REFUND,
    "T1108": SettledKind.FEE,
    "T1109": SettledKind.FEE,
    "T1201": SettledKind.CHARGE_BACK,
}
_GROUPS = {"T00": SettledKind.CHARGE, "T01": SettledKind.FEE, "T04": SettledKind.PAYOUT}
_WORDS = {
    "refund": SettledKind.REFUND,
    "chargeback": SettledKind.CHARGE_BACK,
    "reversal": SettledKind.CHARGE_BACK,
    "withdrawal": SettledKind.PAYOUT,
    "fee": SettledKind.FEE,
    "payment": SettledKind.CHARGE,
}


def read(content: bytes) -> Iterator[Settled]:
    """Return what the file says.

    :raises SettlementUnreadable: it is none of PayPal
    """
    if b"gross transaction amount" in content[:20_000].lower():
        return read_lines(content, needed=_OF_REPORT, read=_of_report)
    return read_lines(content, needed=_OF_ACTIVITY, read=_of_activity)


def _of_report(line: Line) -> Settled:
    currency, code = line.currency("gross transaction currency"), line.text("transaction event code")
    gross = _signed(line, "transaction debit or credit", "gross transaction amount", currency)
    return Settled(
        kind=_kind(_CODES.get(code) or _GROUPS.get(code[:3], SettledKind.OTHER), gross),
        reference=line.text("transaction id"),
        keys=_keys(line, "custom field", "paypal reference id"),
        currency=currency,
        gross_minor=gross,
        fee_minor=-_signed(line, "fee debit or credit", "fee amount", currency),
        at=line.at("transaction completion date", "transaction initiation date", form=_WHEN),
    )


def _signed(line: Line, direction: str, amount: str, currency: str) -> int:
    """Amounts are without sign and point; another column says whether they came (``CR``) or went."""
    text = line.text(amount) or "0"
    if not (text.isascii() and text.isdigit()) or len(text) > 15:
        raise SettlementUnreadable(line=line.number, reason=f"{text[:30]} is no amount in {currency}")
    minor = int(text) * (10 ** digits(currency) if currency in _WHOLE else 1)
    return minor if line.text(direction).upper() == "CR" else -minor


def _of_activity(line: Line) -> Settled | None:
    if line.text("status").casefold() != "completed":
        return None
    currency, said = line.currency("currency"), line.text("type").casefold()
    gross = line.minor("gross", currency=currency)
    kind = next((kind for word, kind in _WORDS.items() if word in said), SettledKind.OTHER)
    return Settled(
        kind=_kind(kind, gross),
        reference=line.text("transaction id"),
        keys=_keys(line, "custom number", "reference txn id"),
        currency=currency,
        gross_minor=gross,
        fee_minor=-line.minor("fee", currency=currency),
        at=_day(line),
    )


def _day(line: Line) -> datetime | None:
    """Dates are written as the account's language has them: only those of ISO 8601 can be told for sure."""
    found = line.at("date")
    return found if line.text("date")[4:5] == "-" else None


def _kind(kind: SettledKind, gross_minor: int) -> SettledKind:
    """What we paid to others is no charge of ours."""
    return SettledKind.OTHER if kind is SettledKind.CHARGE and gross_minor < 0 else kind


def _keys(line: Line, *names: str) -> tuple[str, ...]:
    return tuple(filter(None, map(line.text, (*names, "transaction id", "invoice id", "invoice number"))))
