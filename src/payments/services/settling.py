"""Taking in a provider's settlement file: each line beside our books; its fees and payouts booked, once."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import connection
from django.db.models import Q

from core.ids import new_id
from core.sql import insert_all, insert_missing
from core.transactions import command, step
from payments.domain import CASH, FEES, FRESH, SettledKind, Verdict, account_of
from payments.errors import ProviderUnknown, SettlementUnreadable
from payments.models import Attempt, Payment, Settlement, SettlementLine
from payments.selectors.settling import known_of, missing_in
from payments.services.comparing import compare, fee_of, missing_lines
from payments.services.ledger import Entry, post_entries
from payments.settlements import READERS, Settled

if TYPE_CHECKING:
    from uuid import UUID

    from accounts.models import User

_FRESH = frozenset(verdict.value for verdict in FRESH)


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementFile:
    """A file as it came, and whose it is."""

    provider: str
    name: str
    content: bytes


@command
def import_settlement(*, file: SettlementFile, actor: User | None, at: datetime) -> Settlement:
    """Compare a settlement file with our books and keep what came of it. The same file twice is the same settlement.

    Files of one provider wait for each other; then the payments are locked whose fees are news. A constant number of
    statements, whatever the number of lines. What our books have in the file's time and the file lacks is a line too.

    :raises ProviderUnknown: we read no files of that provider (422)
    :raises SettlementUnreadable: it is none of that provider's, or a line cannot be read (422, naming it)
    """
    reader = READERS.get(file.provider)
    if reader is None:
        raise ProviderUnknown(provider=file.provider)
    lines = list(reader(file.content))
    if not lines:
        raise SettlementUnreadable(reason="there are no lines in it")
    times = [line.at for line in lines if line.at is not None]
    settlement = Settlement(
        id=new_id(),
        provider=file.provider,
        name=file.name,
        digest=hashlib.sha256(file.content).hexdigest(),
        begins_at=min(times, default=None),
        ends_at=max(times, default=None),
        actor=actor,
        created_at=at,
    )
    _wait_for_turn(file.provider)
    if not insert_missing(settlement):
        earlier: Settlement = Settlement.objects.get(provider=file.provider, digest=settlement.digest)
        return earlier
    _take(settlement, lines, at)
    return settlement


def _wait_for_turn(provider: str) -> None:
    """Let one file of a provider after the other decide what was in none before; a constraint says the same."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('payments_settlement'), hashtext(%s))", [provider])


@step
def _take(settlement: Settlement, lines: Sequence[Settled], at: datetime) -> None:
    rows = compare(settlement, lines, known_of(provider=settlement.provider, lines=lines))
    fresh = [row for row in rows if row.verdict in _FRESH]
    _raise_fees(fresh, at)
    insert_all(rows)
    _found_at_last(fresh)
    insert_all(missing_lines(settlement, missing_in(settlement=settlement), after=len(rows)))
    post_entries(entries=_entries(settlement, fresh), at=at)


def _raise_fees(fresh: Iterable[SettlementLine], at: datetime) -> None:
    """Take over what charges cost, as a provider's webhook does: the larger of what was said. Locks the payments."""
    told: dict[UUID, int] = {}
    held: set[UUID] = set()
    for row in fresh:
        attempt = row.attempt if row.kind == SettledKind.CHARGE.value and row.booked_minor is not None else None
        if attempt is not None and row.fee_minor > attempt.fee_minor:
            told[attempt.pk] = row.fee_minor
            held.add(attempt.payment_id)
    if not told:
        return
    payments = {row.pk: row for row in Payment.objects.filter(pk__any_of=held).locked()}
    entries, changed = [], []
    for attempt in Attempt.objects.filter(pk__any_of=set(told)).order_by("pk"):
        fee = told[attempt.pk] - attempt.fee_minor
        if fee <= 0:
            continue
        attempt.fee_minor = told[attempt.pk]
        changed.append(attempt)
        entries.append(
            Entry(
                kind="fee",
                reference=f"{attempt.pk}:{attempt.fee_minor}",
                currency=payments[attempt.payment_id].currency,
                amounts={FEES: fee, account_of(attempt.provider): -fee},
            )
        )
    Attempt.objects.bulk_update(changed, ["fee_minor"])
    post_entries(entries=entries, at=at)


def _found_at_last(fresh: Iterable[SettlementLine]) -> None:
    """Note what an earlier file lacked and this one has."""
    charges = {row.attempt_id for row in fresh if row.kind == SettledKind.CHARGE.value and row.attempt_id}
    refunds = {row.refund_id for row in fresh if row.refund_id}
    lacking = SettlementLine.objects.filter(verdict=Verdict.MISSING.value)
    found = Q(kind=SettledKind.CHARGE.value, attempt__any_of=charges) | Q(refund__any_of=refunds)
    lacking.filter(found).update(verdict=Verdict.SETTLED_LATER.value)


def _entries(settlement: Settlement, fresh: Iterable[SettlementLine]) -> list[Entry]:
    """Return what the provider kept beside the fees of charges, and what it paid out: one entry each per currency."""
    fees: dict[str, int] = defaultdict(int)
    paid: dict[str, int] = defaultdict(int)
    for row in fresh:
        fees[row.currency] += fee_of(row)
        if row.kind == SettledKind.PAYOUT.value:
            paid[row.currency] -= row.gross_minor
    held = account_of(settlement.provider)
    booked = [("settled_fee", FEES, fees), ("payout", CASH, paid)]
    return [
        Entry(kind=kind, reference=f"{settlement.pk}:{currency}", currency=currency, amounts={to: minor, held: -minor})
        for kind, to, sums in booked
        for currency, minor in sorted(sums.items())
    ]
