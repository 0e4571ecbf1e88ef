"""Inspecting what came in, and what follows: money back, store credit, or an exchange."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

from core.errors import Malformed
from core.money import NotMoney, as_document, to_minor
from core.transactions import command, step
from inventory import services as inventory
from inventory.domain import Reason
from orders.domain import Resolution, ReturnStatus
from orders.errors import DeductionTooLarge, ReturnNotFound
from orders.models import Return, ReturnLine
from orders.selectors import get_return
from orders.services.gift_cards import give_up_cards
from orders.services.returns.exchanging import exchange
from orders.services.returns.rows import check_units, let_go, lines_of, lock_return, move_return
from orders.services.returns.worth import delivery_left, is_all_back, noted, worth_of
from orders.services.shares import refunded_units
from payments import services as payments
from payments.domain import RETURNS, RefundTo, RefundWish
from payments.errors import NothingToCredit, RefundTooLarge

if TYPE_CHECKING:
    from accounts.models import User
    from payments.models import Payment, Refund

_TO = {Resolution.REFUND: RefundTo.PAYMENT, Resolution.STORE_CREDIT: RefundTo.STORE_CREDIT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """What was found of a line: units taken back for good, those of them fit for the shelf, and in what condition."""

    accepted: int
    restocked: int = 0
    condition: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """How staff settle a return.

    :param items: order line's id -> what was found; lines left out, and all lines without any, are taken back whole
    :param is_restocked: whether those are fit for the shelf
    :param resolution: what is done instead of what the customer wants
    :param deduction: what is kept, in major units, such as for wear (Directive 2011/83/EU, Art. 14 (2))
    :param with_delivery: whether delivery is paid back; if it is not said, where all goods of an order come back by
        withdrawal (Directive 2011/83/EU, Art. 13 (1))
    """

    items: Mapping[UUID, Inspected] = field(default_factory=dict)
    is_restocked: bool = False
    resolution: Resolution | None = None
    deduction: Decimal = Decimal(0)
    with_delivery: bool | None = None


def settle_return(*, return_id: UUID, wish: Settlement, actor: User, at: datetime) -> Return:
    """Take goods back for good and give what they are worth, in three beats as every refund.

    Settling twice changes nothing. Locks the payment, the order, the return, the replacement's stock.

    :raises ReturnNotFound: there is none
    :raises ReturnMoveRefused: its goods are not here (409)
    :raises UnitsDisagree: more units than were received (409)
    :raises DeductionTooLarge: more is kept than the goods are worth (409)
    :raises RefundTooLarge: more than what is left of the captured amount (409)
    :raises NothingToCredit: store credit for a guest (422)
    :raises ExchangeRefused, OutOfStock: what is wanted instead is not there
    :raises GiftCardsOut: it would pay back gift cards that were spent (409)
    """
    for refund in _settle(return_id=return_id, wish=wish, actor=actor, at=at):
        payments.carry_out_refund(refund_id=refund.pk, at=at)
    return get_return(return_id=return_id, viewer=actor)


@command
def _settle(*, return_id: UUID, wish: Settlement, actor: User, at: datetime) -> Sequence[Refund]:
    payment = _lock_payment(return_id)
    back = lock_return(return_id=return_id)
    if back.status == ReturnStatus.COMPLETED.value:
        return []
    lines = lines_of(back=back)
    _inspect(lines, wish)
    resolution = wish.resolution or Resolution(back.wanted)
    if resolution is Resolution.STORE_CREDIT and back.order.customer_id is None:
        raise NothingToCredit
    _weigh(back, lines, wish, payment)
    if payment is not None and back.order.has_gift_cards:
        _give_up_cards(back, lines, payment, at)
    back.settled_as = resolution.value
    move_return(back=back, to=ReturnStatus.COMPLETED, at=at)
    let_go(lines=lines)
    ReturnLine.objects.bulk_update(lines.values(), ["accepted", "restocked", "condition"])
    refunds = _pay(back, lines, payment, actor=actor, at=at)
    _restock(back, lines, actor=actor, at=at)
    back.refund_id = refunds[0].pk if refunds else None
    back.save(update_fields=["refund_id", "exchange_order", "updated_at"])
    return refunds


def _lock_payment(return_id: UUID) -> Payment | None:
    """Lock the payment before the order; of an order that was not paid through us there is none."""
    order_id: UUID | None = Return.objects.filter(pk=return_id).values_list("order_id", flat=True).first()
    if order_id is None:
        raise ReturnNotFound
    return payments.lock_payment_of(order_id=order_id)


def _inspect(lines: Mapping[UUID, ReturnLine], wish: Settlement) -> None:
    received = {line_id: line.received for line_id, line in lines.items()}
    accepted = {line_id: found.accepted for line_id, found in wish.items.items()}
    check_units(wanted=accepted, most=received)
    check_units(wanted={line_id: found.restocked for line_id, found in wish.items.items()}, most=accepted)
    for line_id, line in lines.items():
        whole = Inspected(accepted=line.received, restocked=line.received if wish.is_restocked else 0)
        found = wish.items.get(line_id, whole)
        line.accepted, line.restocked, line.condition = found.accepted, found.restocked, found.condition


def _weigh(back: Return, lines: Mapping[UUID, ReturnLine], wish: Settlement, payment: Payment | None) -> None:
    """Say what the goods are worth, what of delivery goes back, and what is kept."""
    currency = back.order.currency
    back.worth_minor = worth_of(order=back.order, lines=lines, payment=payment)
    is_withdrawn = hasattr(back, "withdrawal") and is_all_back(order=back.order, lines=lines)
    if is_withdrawn if wish.with_delivery is None else wish.with_delivery:
        back.delivery_minor = delivery_left(order=back.order)
    try:
        back.deduction_minor = to_minor(wish.deduction, currency)
    except NotMoney as error:
        raise Malformed.field("deduction", str(error)) from error
    if back.deduction_minor > back.worth_minor + back.delivery_minor:
        raise DeductionTooLarge(worth=as_document(back.worth_minor + back.delivery_minor, currency))


def _give_up_cards(back: Return, lines: Mapping[UUID, ReturnLine], payment: Payment, at: datetime) -> None:
    """Take the gift cards of what was accepted back, before their price is given."""
    bought = list(back.order.lines.order_by("position"))
    before = refunded_units(lines=bought, payment_id=payment.pk)
    back_now = {
        line.pk: min(lines[line.pk].accepted, line.quantity - before[line.pk]) for line in bought if line.pk in lines
    }
    give_up_cards(
        order=back.order,
        payment=payment,
        lines=bought,
        units=back_now,
        before=before,
        amount_minor=back.worth_minor + back.delivery_minor - back.deduction_minor,
        at=at,
    )


@step
def _pay(
    back: Return, lines: Mapping[UUID, ReturnLine], payment: Payment | None, *, actor: User, at: datetime
) -> Sequence[Refund]:
    """Give what the goods are worth, less what is kept, in the way that was chosen."""
    owed = back.worth_minor + back.delivery_minor - back.deduction_minor
    resolution = Resolution(back.settled_as)
    if resolution is Resolution.EXCHANGE:
        return exchange(back=back, lines=lines, payment=payment, actor=actor, at=at)
    if not owed:
        return []
    if payment is None:
        raise RefundTooLarge(left=as_document(0, back.order.currency))
    wish = RefundWish(
        account=RETURNS,
        amount_minor=owed,
        reason="Returned goods.",
        to=_TO[resolution],
        items=noted(lines=lines),
        customer_id=back.order.customer_id,
        actor_id=actor.pk,
    )
    return payments.promise_refund(payment=payment, wish=wish, at=at)


def _restock(back: Return, lines: Mapping[UUID, ReturnLine], *, actor: User, at: datetime) -> None:
    units: dict[UUID, int] = {}
    for line in lines.values():
        if line.restocked:
            units[line.line.variant_id] = units.get(line.line.variant_id, 0) + line.restocked
    if units:
        inventory.receive_stock(units=units, reason=Reason.RETURNED, reference=str(back.pk), actor_id=actor.pk, at=at)
