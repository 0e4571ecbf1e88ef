"""Withdrawing from a contract by the withdrawal function: Directive 2011/83/EU, Art. 11a.

First it is declared, then confirmed by the same person, then acknowledged by mail with its content and time. Whoever is
neither signed in nor has the order's token says its number and e-mail, and confirms by a link that is mailed there.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from accounts import services as accounts
from accounts.domain import email_key
from core import outbox
from core.errors import Malformed, TooManyRequests
from core.transactions import command, step
from orders.domain import (
    DECLARATIONS_PER_DAY,
    LINK_DAYS,
    LINKS_PER_HOUR,
    MovedBy,
    OrderStatus,
    ReturnReason,
    ReturnStatus,
    WithdrawalStatus,
    is_too_late,
)
from orders.errors import NothingToWithdraw, WithdrawalNotFound
from orders.events import WithdrawalConfirmed, WithdrawalDeclared
from orders.models import Order, OrderLine, Return, Withdrawal
from orders.selectors import find_delivered_at, link_digest, link_fits, returnable_units
from orders.services.cancelling import CancelWish, cancel_locked
from orders.services.moving import Cause
from orders.services.returns import Asker, ReturnItem
from orders.services.returns.requesting import write_return
from payments import services as payments
from payments.errors import RefundTooLarge

if TYPE_CHECKING:
    from accounts.models import User
    from payments.models import Payment

_DAY = timedelta(days=1)
_REASON = "Withdrawn from the contract."


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawnItem:
    """Units of a line, named by its id or its SKU."""

    quantity: int
    line: UUID | None = None
    sku: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """What a consumer declares: which order (by number or id), or which units of it, and who they are.

    Its customer, or the guest with its token, may leave name and e-mail to what the order says.
    """

    order: str
    name: str = ""
    email: str = ""
    items: Sequence[WithdrawnItem] = ()
    statement: str = ""
    request_key: str = ""


@dataclass(frozen=True, slots=True)
class Declared:
    """What was declared, where the asker may know of it. Otherwise a link may have been mailed, and none may tell."""

    withdrawal: Withdrawal | None


def declare_withdrawal(*, wish: Declaration, asker: Asker, address: str, at: datetime) -> Declared:
    """Take in a withdrawal that is still to be confirmed. Nothing happens to the order yet.

    To whoever is not known as the order's buyer it makes no difference whether number and e-mail fit; where they do, a
    link is promised to that address, five an hour at most. Locks the order.

    :param address: the network address that asks; tries of those who are not known are counted
    :raises NothingToWithdraw: it was cancelled, or is back already (409; the buyer alone)
    :raises TooManyAttempts: too many tries (429)
    :raises TooManyRequests: ten for one order within a day (429; the buyer alone)
    """
    order = _find(wish.order)
    if order is not None and order.belongs_to(token=asker.token, viewer=asker.viewer):
        return Declared(_declare(order_id=order.pk, wish=wish, actor=asker.viewer, at=at))
    if not wish.name or not wish.email:
        raise Malformed.field("email" if wish.name else "name", "Say who withdraws, and where to confirm it.")
    accounts.count_guess(of="withdrawal", address=address, at=at)
    if order is not None and _is_of(order, wish.email):
        _promise_link(order_id=order.pk, wish=wish, at=at)
    return Declared(None)


def _find(named: str) -> Order | None:
    try:
        rows = Order.objects.filter(pk=UUID(named))
    except ValueError:
        rows = Order.objects.filter(number=named.strip().upper())
    found: Order | None = rows.first()
    return found


def _is_of(order: Order, email: str) -> bool:
    return bool(order.email) and email_key(order.email) == email_key(email)


@command
def _declare(*, order_id: UUID, wish: Declaration, actor: User | None, at: datetime) -> Withdrawal:
    order: Order = Order.objects.filter(pk=order_id).locked().get()
    if Withdrawal.objects.filter(order=order, declared_at__gt=at - _DAY).count() >= DECLARATIONS_PER_DAY:
        raise TooManyRequests(retry_after=int(_DAY.total_seconds()))
    return _write(order, wish, actor, at)


@command
def _promise_link(*, order_id: UUID, wish: Declaration, at: datetime) -> None:
    """Promise a link for what is declared about an order by whoever knows its number and e-mail."""
    order: Order = Order.objects.filter(pk=order_id).locked().get()
    recent = Withdrawal.objects.filter(order=order, actor__isnull=True, declared_at__gt=at - timedelta(hours=1))
    if recent.count() >= LINKS_PER_HOUR:
        return
    with suppress(NothingToWithdraw):
        withdrawal = _write(order, wish, None, at)
        outbox.publish(WithdrawalDeclared(order_id=order.pk, withdrawal_id=withdrawal.pk), at=at)


def _write(order: Order, wish: Declaration, actor: User | None, at: datetime) -> Withdrawal:
    """Write the declaration about a locked order; the same request twice is the same declaration."""
    same = Withdrawal.objects.filter(order=order, request_key=wish.request_key).first() if wish.request_key else None
    if same is not None:
        return same
    items = _named(order, wish.items)
    address = order.shipping_address or {}
    withdrawal: Withdrawal = Withdrawal.objects.create(
        order=order,
        name=wish.name or address.get("name", ""),
        email=wish.email or order.email,
        items=[{"line": str(line), "quantity": units} for line, units in items.items()],
        statement=wish.statement,
        declared_at=at,
        actor=actor,
        request_key=wish.request_key,
    )
    return withdrawal


def _named(order: Order, items: Sequence[WithdrawnItem]) -> dict[UUID, int]:
    """Return line id -> units as they were named; none for the whole order.

    :raises NothingToWithdraw: there are not as many left, or there is nothing left at all
    """
    lines = list(order.lines.order_by("position"))
    left = _left(order, lines)
    by_sku = {line.sku: line.pk for line in reversed(lines)}
    wanted: dict[UUID, int] = {}
    for item in items:
        line_id = item.line or by_sku.get(item.sku)
        if line_id is None or item.quantity > left.get(line_id, 0) - wanted.get(line_id, 0):
            raise NothingToWithdraw(left={str(line): units for line, units in left.items()})
        wanted[line_id] = wanted.get(line_id, 0) + item.quantity
    if not left:
        raise NothingToWithdraw(left={})
    return wanted


def _left(order: Order, lines: Sequence[OrderLine]) -> dict[UUID, int]:
    """Return line id -> units from which one may still withdraw: not yet sent, or sent and neither back nor coming."""
    if order.status == OrderStatus.CANCELLED.value:
        return {}
    sent = returnable_units(order_id=order.pk, lines=lines)
    left = {line.pk: line.open + sent.get(line.pk, 0) for line in lines}
    return {line_id: units for line_id, units in left.items() if units}


@step
def make_withdrawal_link(*, withdrawal_id: UUID, at: datetime) -> str:
    """Return a fresh token for the mail that confirms a withdrawal. Only its digest is kept. Two statements.

    :raises WithdrawalNotFound: there is none
    """
    token = secrets.token_urlsafe(32)
    found = Withdrawal.objects.filter(pk=withdrawal_id).update(
        token_digest=link_digest(token=token), token_expires_at=at + timedelta(days=LINK_DAYS), updated_at=at
    )
    if not found:
        raise WithdrawalNotFound
    return token


@command
def confirm_withdrawal(*, withdrawal_id: UUID, asker: Asker, link: str = "", at: datetime) -> Withdrawal:
    """Withdraw: as the order's customer, the guest with its token, or whoever has the mailed link. Twice is once.

    What was not sent is cancelled, and its money goes back by itself; what was sent becomes an approved return. After
    the withdrawal period staff decide on it. Locks the payment, the order, the withdrawal, then stock.

    :param link: the token of the mailed link
    :raises WithdrawalNotFound: there is none, it is not the asker's, or the link is not good (any more)
    """
    order_id: UUID | None = Withdrawal.objects.filter(pk=withdrawal_id).values_list("order_id", flat=True).first()
    if order_id is None:
        raise WithdrawalNotFound
    payment = payments.lock_payment_of(order_id=order_id)
    order: Order = Order.objects.filter(pk=order_id).locked().get()
    row: Withdrawal = Withdrawal.objects.filter(pk=withdrawal_id).locked().get()
    row.order = order
    if not (order.belongs_to(token=asker.token, viewer=asker.viewer) or link_fits(withdrawal=row, token=link, at=at)):
        raise WithdrawalNotFound
    if row.status != WithdrawalStatus.CONFIRMED.value:
        _withdraw(row, payment, asker.viewer, at)
    return row


def _withdraw(row: Withdrawal, payment: Payment | None, actor: User | None, at: datetime) -> None:
    order = row.order
    lines = list(order.lines.order_by("position"))
    unsent, sent = _parts(row, lines)
    row.status, row.confirmed_at = WithdrawalStatus.CONFIRMED.value, at
    # What counts is when it was declared, not when a mail was read.
    row.is_late = is_too_late(delivered_at=find_delivered_at(order=order), at=row.declared_at)
    if sent:
        row.back = _open_return(row, sent, actor, at)
    row.save()
    if unsent:
        _cancel(order, payment, unsent, actor, at)
    confirmed = WithdrawalConfirmed(
        order_id=order.pk,
        withdrawal_id=row.pk,
        shipped_units=sum(sent.values()),
        open_units=sum(unsent.values()),
    )
    outbox.publish(confirmed, at=at)


def _parts(row: Withdrawal, lines: Sequence[OrderLine]) -> tuple[dict[UUID, int], dict[UUID, int]]:
    """Return line id -> units to cancel, and to send back, of what is still there; what was not sent goes first."""
    left = _left(row.order, lines)
    wanted = {UUID(item["line"]): int(item["quantity"]) for item in row.items} or left
    unsent: dict[UUID, int] = {}
    sent: dict[UUID, int] = {}
    for line in lines:
        units = min(wanted.get(line.pk, 0), left.get(line.pk, 0))
        if here := min(units, line.open):
            unsent[line.pk] = here
        if there := units - here:
            sent[line.pk] = there
    return unsent, sent


def _open_return(row: Withdrawal, sent: dict[UUID, int], actor: User | None, at: datetime) -> Return:
    back = Return(
        order=row.order,
        status=(ReturnStatus.REQUESTED if row.is_late else ReturnStatus.APPROVED).value,
        note=row.statement,
        requested_at=at,
        approved_at=None if row.is_late else at,
        actor=actor,
    )
    items = [ReturnItem(line=line, quantity=units, reason=ReturnReason.WITHDRAWAL) for line, units in sent.items()]
    return write_return(back=back, items=items)


def _cancel(
    order: Order, payment: Payment | None, unsent: Mapping[UUID, int], actor: User | None, at: datetime
) -> None:
    """Cancel what was not sent. Some units of an order that is not paid are taken out by staff, who are told."""
    is_all = all(line.open == unsent.get(line.pk, 0) for line in order.lines.all())
    if is_all or order.status == OrderStatus.PAID.value:
        wish = CancelWish(reason=_REASON, items=unsent)
        cause = Cause(actor=actor, by=MovedBy.CUSTOMER, reason=_REASON)
        try:
            cancel_locked(order=order, payment=payment, wish=wish, cause=cause, at=at)
        except RefundTooLarge:
            # It was paid back before. Whoever withdraws is not refused for that.
            wish = replace(wish, is_refunded=False)
            cancel_locked(order=order, payment=payment, wish=wish, cause=cause, at=at)
