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
from core.money import NotMoney, share, to_minor
from core.transactions import command, step
from inventory import services as inventory
from inventory.domain import Reason
from orders.domain import OrderStatus
from orders.errors import MoveRefused
from orders.models import Order, OrderLine
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
    """Units of a variant that are paid back, and whether they go back on the shelf."""

    variant: UUID
    quantity: int
    restock: bool = False


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
    """
    payment = payments.lock_payment(payment_id=payment_id)
    if promised := payments.find_promised(payment=payment, request_key=wish.request_key):
        return promised
    order: Order = Order.objects.filter(pk=payment.order_id).locked().get()
    lines = {line.variant_id: line for line in order.lines.order_by("position")}
    earlier = payment_reads.refunded_items(payment_id=payment_id)
    refunds = payments.promise_refund(
        payment=payment,
        wish=RefundWish(
            account=_borne_by(order),
            amount_minor=_amount(payment, order, lines, earlier, wish),
            reason=wish.reason,
            to=wish.to,
            items=tuple(_noted(item) for item in wish.items),
            customer_id=order.customer_id,
            actor_id=actor.pk if actor else None,
            request_key=wish.request_key,
            credited=wish.credited,
        ),
        at=at,
    )
    _restock(order, wish.items, reference=str(refunds[0].pk), actor=actor, at=at)
    return refunds


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


def _noted(item: RefundItem) -> dict[str, object]:
    return {"variant": str(item.variant), "quantity": item.quantity, "restock": item.restock}


def _amount(
    payment: Payment,
    order: Order,
    lines: Mapping[UUID, OrderLine],
    earlier: Sequence[Mapping[str, object]],
    wish: RefundOrder,
) -> int | None:
    if wish.amount is not None:
        try:
            return to_minor(wish.amount, payment.currency)
        except NotMoney as error:
            raise Malformed.field("amount", str(error)) from error
    if not wish.items:
        return None
    paid = _paid_per_line(order, lines)
    done: Counter[UUID] = Counter()
    for refunded in earlier:
        done[UUID(str(refunded["variant"]))] += int(str(refunded["quantity"]))
    total = 0
    for item in wish.items:
        line, before = lines.get(item.variant), done[item.variant]
        after = before + item.quantity
        if line is None or after > line.quantity:
            raise RefundTooLarge(variant=str(item.variant), left=line.quantity - before if line else 0)
        # From running totals, so that all units of a line give back what it cost, to the minor unit.
        total += paid[item.variant] * after // line.quantity - paid[item.variant] * before // line.quantity
        done[item.variant] = after
    return total


def _paid_per_line(order: Order, lines: Mapping[UUID, OrderLine]) -> dict[UUID, int]:
    """Return variant id -> what its line cost, with its part of discounts and tax, without delivery."""
    weights = [line.subtotal_minor for line in lines.values()]
    if not sum(weights):
        return dict.fromkeys(lines, 0)
    return dict(zip(lines, share(order.total_minor - order.shipping_minor, weights), strict=True))


def _restock(order: Order, items: Sequence[RefundItem], *, reference: str, actor: User | None, at: datetime) -> None:
    units: Counter[UUID] = Counter()
    for item in items:
        if item.restock:
            units[item.variant] += item.quantity
    if not units:
        return
    if order.status not in _LEFT_THE_HOUSE:
        raise MoveRefused(from_status=order.status, wanted="restock", order=order.number)
    actor_id = actor.pk if actor else None
    inventory.receive_stock(units=units, reason=Reason.RETURNED, reference=reference, actor_id=actor_id, at=at)
