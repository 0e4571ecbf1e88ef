"""The sandbox: ``GET /sandbox/v1/settlement``."""

from __future__ import annotations

from collections.abc import Iterator

from payments.domain import SettledKind
from payments.settlements.base import Line, Settled, read_lines

_NEEDED = ("type", "id", "charge", "currency", "amount", "at")
_KINDS = {
    "captured": SettledKind.CHARGE,
    "refunded": SettledKind.REFUND,
    "disputed": SettledKind.CHARGE_BACK,
}


def read(content: bytes) -> Iterator[Settled]:
    """Return what the file says.

    :raises SettlementUnreadable: it is none of the sandbox
    """
    return read_lines(content, needed=_NEEDED, read=_line)


def _line(line: Line) -> Settled:
    kind, currency = _KINDS.get(line.text("type"), SettledKind.OTHER), line.currency("currency")
    return Settled(
        kind=kind,
        reference=line.text("id"),
        keys=(line.text("charge"),),
        currency=currency,
        gross_minor=line.minor("amount", currency=currency),
        at=line.at("at"),
    )
