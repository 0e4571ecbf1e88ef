"""A charge, from the merchant's question to the money or its refusal. Each step decides on the locked charge."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.conf import settings

from core.sql import insert_all
from core.transactions import command, step
from sandbox import selectors
from sandbox.domain import (
    DECLINED,
    NOT_AUTHENTICATED,
    Card,
    EntryKind,
    NewCharge,
    Status,
    can_become,
    outcome_of,
    paid_status,
)
from sandbox.errors import NotPossible, TooLittleLeft
from sandbox.models import Charge, Method
from sandbox.services import booking, keys
from sandbox.services.keeping import find_method

log = structlog.get_logger(__name__)


@command
def create_charge(*, wanted: NewCharge, key: str | None, at: datetime) -> Charge:
    """Make a charge and, where a card is shown or was kept, decide it. The same key is the same charge, as it is now.

    :raises KeyReused: the key belongs to another request
    :raises MethodNotFound: there is no such card that was kept
    """
    charge = Charge(
        reference=wanted.reference,
        amount_minor=wanted.amount,
        currency=wanted.currency,
        card=wanted.card or "",
        captures=wanted.capture,
        saves=wanted.save and wanted.saved is None,
        status=Status.REQUIRES_ACTION.value,
        return_url=wanted.return_url,
        created_at=at,
    )
    earlier = keys.claim(key=key, action="charge", asked=wanted.as_dict(), makes=charge.pk)
    if earlier is not None:
        return selectors.get_charge(charge_id=earlier)

    if wanted.saved is not None:
        charge.method = find_method(token=wanted.saved)
        charge.card = charge.method.card
    status = outcome_of(charge.card, captures=charge.captures) if charge.card else Status.REQUIRES_ACTION
    _become(charge, status, at, failure=DECLINED)
    return charge


@command
def pay(*, charge_id: UUID, card: Card, keeps: bool = True, at: datetime) -> Charge:
    """Show a card on the gateway's page. A charge that is finished stays as it is.

    :param keeps: the shopper lets the card be kept, where that was asked for
    :raises ChargeNotFound: there is none
    """
    charge = booking.lock_charge(charge_id=charge_id)
    if charge.status != Status.REQUIRES_ACTION or charge.card:
        return charge
    charge.card, charge.saves = card.value, charge.saves and keeps
    _become(charge, outcome_of(card.value, captures=charge.captures), at, failure=DECLINED)
    return charge


@command
def authenticate(*, charge_id: UUID, is_approved: bool, at: datetime) -> Charge:
    """Answer the 3-D Secure challenge. A charge that is finished stays as it is.

    :raises ChargeNotFound: there is none, or no challenge was asked of it
    """
    charge = booking.lock_charge(charge_id=charge_id)
    if charge.status != Status.REQUIRES_ACTION or charge.card != Card.CHALLENGED:
        return charge
    status = paid_status(captures=charge.captures) if is_approved else Status.FAILED
    _become(charge, status, at, failure=NOT_AUTHENTICATED)
    return charge


@command
def capture_charge(*, charge_id: UUID, amount: int | None, key: str | None, at: datetime) -> Charge:
    """Take what was authorised, or a part of it; the rest is released. Once per charge.

    :param amount: minor units; ``None`` is all
    :raises ChargeNotFound: there is none
    :raises NotPossible: it is not authorised
    :raises TooLittleLeft: more than was authorised
    :raises KeyReused: the key belongs to another request
    """
    if _is_repeated(key, "capture", charge_id, amount):
        return selectors.get_charge(charge_id=charge_id)
    charge = booking.lock_charge(charge_id=charge_id)
    if charge.status != Status.AUTHORISED:
        raise NotPossible(state=charge.status)
    taken = charge.amount_minor if amount is None else amount
    if taken > charge.amount_minor:
        raise TooLittleLeft(left=charge.amount_minor)
    charge.status, charge.captured_minor = Status.CAPTURED.value, taken
    lines = {EntryKind.CAPTURED: taken, EntryKind.RELEASED: charge.amount_minor - taken}
    booking.record(charge=charge, told_as=charge.status, lines=lines, at=at)
    return charge


@command
def void_charge(*, charge_id: UUID, key: str | None, at: datetime) -> Charge:
    """Give up a charge of which nothing was captured.

    :raises ChargeNotFound: there is none
    :raises NotPossible: it is captured, failed or voided
    :raises KeyReused: the key belongs to another request
    """
    if _is_repeated(key, "void", charge_id):
        return selectors.get_charge(charge_id=charge_id)
    charge = booking.lock_charge(charge_id=charge_id)
    if not can_become(charge.status, Status.VOIDED):
        raise NotPossible(state=charge.status)
    held = charge.amount_minor if charge.status == Status.AUTHORISED else 0
    charge.status = Status.VOIDED.value
    booking.record(charge=charge, told_as=charge.status, lines={EntryKind.RELEASED: held}, at=at)
    return charge


def look_up(*, charge_id: UUID, at: datetime) -> Charge:
    """Return the charge, decided first if it was pending and its time is over. One query, else.

    :raises ChargeNotFound: there is none
    """
    charge = selectors.get_charge(charge_id=charge_id)
    return settle_charge(charge_id=charge_id, at=at) if charge.is_due(at) else charge


@command
def settle_charge(*, charge_id: UUID, at: datetime) -> Charge:
    """Decide one pending charge if its time is over.

    :raises ChargeNotFound: there is none
    """
    charge = booking.lock_charge(charge_id=charge_id)
    if charge.is_due(at):
        _become(charge, paid_status(captures=charge.captures), at)
    return charge


def look_up_all(*, reference: str, at: datetime) -> list[Charge]:
    """Return the charges with the merchant's reference, the newest first, decided where their time is over.

    One query, else; at most a hundred charges.
    """
    found = selectors.list_charges(reference=reference)
    return [settle_charge(charge_id=charge.pk, at=at) if charge.is_due(at) else charge for charge in found]


def settle_due(*, at: datetime) -> int:
    """Decide all pending charges whose time is over, each by itself, and return how many.

    One that cannot be decided holds up no other.
    """
    count, due = 0, selectors.list_due(at=at)
    while due:
        count += (settled := sum(_try_to_settle(charge_id, at) for charge_id in due))
        due = selectors.list_due(at=at) if settled else []
    return count


def _try_to_settle(charge_id: UUID, at: datetime) -> bool:
    try:
        settle_charge(charge_id=charge_id, at=at)
    except Exception:
        log.exception("charge cannot be decided", charge_id=str(charge_id))
        return False
    return True


def _is_repeated(key: str | None, action: str, charge_id: UUID, amount: int | None = None) -> bool:
    asked = {"charge": str(charge_id), "amount": amount}
    return keys.claim(key=key, action=action, asked=asked, makes=charge_id) is not None


@step
def _become(charge: Charge, status: Status, at: datetime, *, failure: str = "") -> None:
    if not can_become(charge.status, status):
        raise NotPossible(state=charge.status)
    charge.status = status.value
    lines: dict[EntryKind, int] = {}
    if status is Status.PENDING:
        charge.due_at = at + timedelta(seconds=settings.SANDBOX_SLOW_SECONDS)
    elif status is Status.FAILED:
        charge.failure = failure
    elif status in (Status.AUTHORISED, Status.CAPTURED):
        charge.captured_minor = charge.amount_minor if status is Status.CAPTURED else 0
        lines = {EntryKind.AUTHORISED: charge.amount_minor, EntryKind.CAPTURED: charge.captured_minor}
        _keep_card(charge, at)
    is_told = status not in (Status.REQUIRES_ACTION, Status.PENDING)
    booking.record(charge=charge, told_as=status.value if is_told else None, lines=lines, at=at)


@step
def _keep_card(charge: Charge, at: datetime) -> None:
    if charge.saves and charge.method_id is None:
        (charge.method,) = insert_all([Method(card=charge.card, created_at=at)])
