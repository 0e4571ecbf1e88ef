"""A settlement's lines beside our books: what each is about, and whether both say the same."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from payments.domain import RefundStatus, SettledKind, Verdict
from payments.models import SettlementLine

if TYPE_CHECKING:
    from uuid import UUID

    from payments.models import Attempt, Refund, Settlement
    from payments.selectors.settling import Known, Missing
    from payments.settlements import Settled

_COMPARED = frozenset({SettledKind.CHARGE, SettledKind.REFUND, SettledKind.CHARGE_BACK})
# Of what is not ours it is not known whose fees they are; those of charges are kept with the attempts.
_WITH_FEES = frozenset({SettledKind.REFUND.value, SettledKind.CHARGE_BACK.value, SettledKind.PAYOUT.value})


def compare(settlement: Settlement, lines: Iterable[Settled], known: Known) -> list[SettlementLine]:
    """Return a line of ours for each of the file's, in its order, not written."""
    seen, used = set(known.seen), set(known.settled_refunds)
    rows = []
    for position, line in enumerate(lines, start=1):
        row = SettlementLine(
            settlement=settlement,
            provider=settlement.provider,
            position=position,
            kind=line.kind.value,
            reference=line.reference,
            currency=line.currency,
            gross_minor=line.gross_minor,
            fee_minor=line.fee_minor,
            at=line.at,
        )
        _judge(row, line, known, used)
        name = (line.kind.value, line.reference)
        if line.reference and name in seen:
            row.verdict = Verdict.REPEATED.value
        else:
            seen.add(name)
            if row.refund is not None:
                used.add(row.refund.pk)
        rows.append(row)
    return rows


def _judge(row: SettlementLine, line: Settled, known: Known, used: set[UUID]) -> None:
    """Say what the line is about, what our books say of that, and whether it is the same."""
    row.verdict = Verdict.NOT_COMPARED.value
    if line.kind not in _COMPARED:
        return
    row.attempt = next((known.attempts[key] for key in (line.reference, *line.keys) if key in known.attempts), None)
    if line.kind is SettledKind.REFUND:
        row.refund = _refund_of(line, row.attempt, known, used)
        row.attempt = row.refund.attempt if row.refund is not None else row.attempt
    is_known = row.refund is not None if line.kind is SettledKind.REFUND else row.attempt is not None
    if not is_known or row.attempt is None:
        row.verdict = Verdict.UNKNOWN.value
        return
    if row.attempt.payment.currency == line.currency:
        row.booked_minor = _booked(line.kind, row.attempt, row.refund)
    is_same = row.booked_minor == line.gross_minor
    row.verdict = Verdict.MATCHED.value if is_same else Verdict.AMOUNT_DIFFERS.value


def _refund_of(line: Settled, attempt: Attempt | None, known: Known, used: set[UUID]) -> Refund | None:
    """Return the refund of that name; where we never learned its name, one of the charge over that amount."""
    if (named := known.refunds.get(line.reference)) is not None:
        return named
    if attempt is None:
        return None
    alike = (
        refund
        for refund in known.refunds_of.get(attempt.pk, ())
        if refund.pk not in used and not refund.provider_reference and refund.amount_minor == -line.gross_minor
    )
    return next(alike, None)


def _booked(kind: SettledKind, attempt: Attempt, refund: Refund | None) -> int:
    if kind is SettledKind.CHARGE_BACK:
        return -attempt.disputed_minor
    if refund is None:
        return attempt.captured_minor
    return -refund.amount_minor if refund.status == RefundStatus.SUCCEEDED.value else 0


def fee_of(row: SettlementLine) -> int:
    """Return what a line that is in no other file says of fees, beside those of charges."""
    if row.kind == SettledKind.FEE.value:
        return row.fee_minor - row.gross_minor
    is_ours = row.verdict != Verdict.UNKNOWN.value
    return row.fee_minor if row.kind in _WITH_FEES and is_ours else 0


def missing_lines(settlement: Settlement, missing: Sequence[Missing], *, after: int) -> list[SettlementLine]:
    """Return lines for what our books have and the file lacks, behind those of the file, not written."""
    return [
        SettlementLine(
            settlement=settlement,
            provider=settlement.provider,
            position=position,
            kind=found.kind.value,
            reference=found.reference,
            currency=found.currency,
            booked_minor=found.booked_minor,
            at=found.at,
            verdict=Verdict.MISSING.value,
            attempt_id=found.attempt_id,
            refund_id=found.refund_id,
        )
        for position, found in enumerate(missing, start=after + 1)
    ]
