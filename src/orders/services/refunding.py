"""Giving money back for an order: an amount, all that is left, or what certain goods cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

from core.errors import Malformed
from core.money import NotMoney, to_minor
from core.transactions import command, step
from inventory import services as inventory
from inventory.domain import Reason
from orders.domain import OrderStatus, worth_of_units
from orders.errors import MoveRefused
from orders.models import Order, OrderLine
from orders.services.gift_cards import give_up_cards, units_to_give_back
from orders.services.shares import paid_of_lines, refunded_units
from payments import selectors as payment_reads
from payments import services as payments
from payments.domain import DEPOSITS, REFUNDS_DUE, RETURNS, RefundTo, RefundWish
from payments.errors import NotPayable, RefundTooLarge

if TYPE_CHECKING:
    from accounts.models import User
    from payments.models import Payment, Refund

_LEFT_THE_HOUSE = (OrderStatus.SHIPPED.value, OrderStatus.DELIVERED.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundItem:
    """Units that are paid back, and whether they go back on the shelf.

    Of the ``line`` with that id, else of a ``variant``: of its lines in their order.
    """

    quantity: int
    line: UUID | None = None
    variant: UUID | None = None
    restock: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Units:
    """Units of one line, of which so many were paid back before."""

    line: OrderLine
    before: int
    quantity: int
    restock: bool = False

    def noted(self) -> dict[str, object]:
        return {
            "line": str(self.line.pk),
            "variant": str(self.line.variant_id),
            "quantity": self.quantity,
            "restock": self.restock,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundOrder:
    """What is given back: an amount in major units, or goods; without either, all that is left."""

    amount: Decimal | None = None
    items: Sequence[RefundItem] = ()
    reason: str = ""
    to: RefundTo = RefundTo.PAYMENT
    request_key: str = ""
    # With ``RefundTo.EXCHANGE``: the account that takes it, as ``payments.domain.exchange_of`` names it.
    credited: str = ""


def refund_payment(*, payment_id: UUID, wish: RefundOrder, actor: User, at: datetime) -> list[Refund]:
    """Give money back, in three beats: promise it under the lock, tell each provider, take in its answer.

    :returns: one refund per means that gives back, with its payment and attempt

    :raises PaymentNotFound: there is no such payment
    :raises RefundTooLarge: more than what is left of the captured amount, or more units than were bought (409)
    :raises NothingToCredit: store credit for a guest (422)
    :raises MoveRefused: goods go back on the shelf that never left the house (409)
    :raises GiftCardsOut: it would pay back gift cards that were spent (409)
    """
    promised = _promise(payment_id=payment_id, wish=wish, actor=actor, at=at)
    for refund in promised:
        payments.carry_out_refund(refund_id=refund.pk, at=at)
    return payment_reads.get_refunds(refund_ids=[refund.pk for refund in promised])


def refund_order(*, order_id: UUID, wish: RefundOrder, actor: User, at: datetime) -> list[Refund]:
    """Do what ``refund_payment`` does, of an order.

    :raises PaymentNotFound: nothing was paid through us
    """
    payment_id = payment_reads.payment_of(order_id=order_id)
    return refund_payment(payment_id=payment_id, wish=wish, actor=actor, at=at)


@command
def _promise(*, payment_id: UUID, wish: RefundOrder, actor: User, at: datetime) -> list[Refund]:
    return promise_refund(payment_id=payment_id, wish=wish, actor=actor, at=at)


@step
def promise_refund(*, payment_id: UUID, wish: RefundOrder, actor: User | None, at: datetime) -> list[Refund]:
    """Promise money back within the caller's command, which locked nothing but, at most, this payment and its order.

    Locks the payment, then the order, then balances, then stock. What goes to store credit, to a gift card or to an
    exchange is given at once. Afterwards, outside the transaction, ``payments.carry_out_refund`` tells the provider of
    each; the sweep does it where a crash came between. The same request key twice is the same refund.

    :param actor: without one, what came by hand is given back by staff, who are asked to
    :raises PaymentNotFound: there is no such payment
    :raises RefundTooLarge: more than what is left of the captured amount, or more units than were bought (409)
    :raises NothingToCredit: store credit for a guest (422)
    :raises NotPayable: the order is not paid yet: it is changed or cancelled instead (409)
    :raises MoveRefused: goods go back on the shelf that never left the house (409)
    :raises GiftCardsOut: it would pay back gift cards that were spent (409)
    """
    payment = payments.lock_payment(payment_id=payment_id)
    if promised := payments.find_promised(payment=payment, request_key=wish.request_key):
        return promised
    order: Order = Order.objects.filter(pk=payment.order_id).locked().get()
    account = _borne_by(order)
    lines = list(order.lines.order_by("position")) if wish.items or order.has_gift_cards else []
    before = refunded_units(lines=lines, payment_id=payment_id if lines else None)
    units = _resolve(wish.items, lines, before)
    amount = _amount(payment, order, lines, units, wish)
    if order.has_gift_cards and account == RETURNS:
        given = _counted(units) if wish.items or amount is not None else units_to_give_back(lines=lines, before=before)
        give_up_cards(order=order, payment=payment, lines=lines, units=given, before=before, amount_minor=amount, at=at)
    refunds = payments.promise_refund(
        payment=payment,
        wish=RefundWish(
            account=account,
            amount_minor=amount,
            reason=wish.reason,
            to=wish.to,
            items=tuple(each.noted() for each in units),
            customer_id=order.customer_id,
            actor_id=actor.pk if actor else None,
            request_key=wish.request_key,
            credited=wish.credited,
        ),
        at=at,
    )
    _restock(order, units, refund=refunds[0], actor=actor, at=at)
    return refunds


@step
def promise_units(
    *, payment: Payment, order: Order, lines: Sequence[OrderLine], units: Mapping[UUID, int], reason: str, at: datetime
) -> list[Refund]:
    """Promise what units that are about to be cancelled cost; what costs nothing gives nothing back.

    :param payment: locked by this transaction, as the order is
    :param lines: all of the order's
    :param units: line id -> units
    :raises RefundTooLarge: they were paid back before, or that is more than is left of the captured amount (409)
    :raises GiftCardsOut: units among them became gift cards that were spent (409)
    """
    done = refunded_units(lines=lines, payment_id=payment.pk)
    # Units that cost less than a minor unit each are noted by no refund, and yet were counted.
    before = Counter({line.pk: max(done[line.pk], line.cancelled) for line in lines})
    items = [RefundItem(line=line, quantity=count) for line, count in units.items()]
    cancelled = _resolve(items, lines, before)
    amount = _cost(order, lines, cancelled)
    if order.has_gift_cards:
        owed = Counter({line.pk: min(line.open, units.get(line.pk, 0)) for line in lines})
        give_up_cards(
            order=order,
            payment=payment,
            lines=lines,
            units=Counter(units) - owed,
            before=before,
            amount_minor=amount,
            at=at,
            cancelled=owed,
        )
    if not amount:
        return []
    noted = tuple(each.noted() for each in cancelled)
    wish = RefundWish(account=_borne_by(order), amount_minor=amount, reason=reason, items=noted)
    return payments.promise_refund(payment=payment, wish=wish, at=at)


@step
def refuse_to_pay_back_twice(*, order_id: UUID, payment_id: UUID, refund_id: UUID) -> None:
    """Refuse to try a refund again that failed, where units that it was for were paid back by another since.

    :param payment_id: of a payment that this transaction locked: under its lock units are paid back
    :raises RefundTooLarge: naming the line, and how many of its units are left (409)
    """
    lines = list(OrderLine.objects.filter(order=order_id).order_by("position"))
    noted = payment_reads.get_refund(refund_id=refund_id).items
    items = [RefundItem(line=UUID(item["line"]), quantity=item["quantity"]) for item in noted if item.get("line")]
    _resolve(items, lines, refunded_units(lines=lines, payment_id=payment_id))


def _counted(units: Sequence[_Units]) -> Counter[UUID]:
    """Return line id -> units."""
    found: Counter[UUID] = Counter()
    for each in units:
        found[each.line.pk] += each.quantity
    return found


def _borne_by(order: Order) -> str:
    """Return the account that bears a refund: what a cancelled order owes was noted when it was cancelled."""
    if order.status == OrderStatus.PENDING.value:
        raise NotPayable(order_status=order.status)
    if order.status != OrderStatus.CANCELLED.value:
        return RETURNS
    return REFUNDS_DUE if was_paid(order=order) else DEPOSITS


def was_paid(*, order: Order) -> bool:
    """Tell whether an order was ever paid, so that its sale was booked. One query."""
    return bool(order.moves.filter(to_status=OrderStatus.PAID.value).exists())


def _resolve(items: Sequence[RefundItem], lines: Sequence[OrderLine], before: Mapping[UUID, int]) -> list[_Units]:
    """Return the units of each line that are meant.

    :param before: line id -> units that were paid back already
    :raises RefundTooLarge: there are fewer left
    """
    done = Counter(before)
    found: list[_Units] = []
    for item in items:
        of = [line for line in lines if item.line == line.pk or (item.line is None and item.variant == line.variant_id)]
        left = sum(line.quantity - done[line.pk] for line in of)
        if item.quantity > left:
            named = {"variant": str(item.variant)} if item.line is None else {"line": str(item.line)}
            raise RefundTooLarge(left=left, **named)
        wanted = item.quantity
        for line in of:
            if part := min(wanted, line.quantity - done[line.pk]):
                found.append(_Units(line=line, before=done[line.pk], quantity=part, restock=item.restock))
                done[line.pk] += part
                wanted -= part
    return found


def _amount(
    payment: Payment, order: Order, lines: Sequence[OrderLine], units: Sequence[_Units], wish: RefundOrder
) -> int | None:
    if wish.amount is not None:
        try:
            return to_minor(wish.amount, payment.currency)
        except NotMoney as error:
            raise Malformed.field("amount", str(error)) from error
    return _cost(order, lines, units) if units else None


def _cost(order: Order, lines: Sequence[OrderLine], units: Sequence[_Units]) -> int:
    """Return what units cost, with their part of discounts and tax, without delivery."""
    paid = paid_of_lines(order=order, lines=lines)
    return sum(
        worth_of_units(paid[each.line.pk], quantity=each.line.quantity, before=each.before, units=each.quantity)
        for each in units
    )


def _restock(order: Order, gone: Sequence[_Units], *, refund: Refund, actor: User | None, at: datetime) -> None:
    """Put units on the shelf: no more of a line than were sent and are neither there nor on their way otherwise."""
    came = [each for each in gone if each.restock]
    if not came:
        return
    there = payment_reads.restocked_units(order_id=order.pk)
    lines = [each.line for each in came]
    is_beyond = any(there[str(line.pk)] > line.shipped - line.returned - line.returning for line in lines)
    if is_beyond or order.status not in _LEFT_THE_HOUSE:
        raise MoveRefused(from_status=order.status, wanted="restock", order=order.number)
    units: Counter[UUID] = Counter()
    for each in came:
        units[each.line.variant_id] += each.quantity
    actor_id = actor.pk if actor else None
    inventory.receive_stock(units=units, reason=Reason.RETURNED, reference=str(refund.pk), actor_id=actor_id, at=at)
