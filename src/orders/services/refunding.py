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
from core.transactions import command
from inventory import services as inventory
from inventory.domain import Reason
from orders.domain import OrderStatus
from orders.errors import MoveRefused
from orders.models import Order, OrderLine
from payments import selectors as payment_reads
from payments import services as payments
from payments.domain import REFUNDS_DUE, RETURNS, RefundTo, RefundWish
from payments.errors import RefundTooLarge

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


def refund_payment(*, payment_id: UUID, wish: RefundOrder, actor: User, at: datetime) -> Refund:
    """Give money back, in three beats: promise it under the lock, tell the provider, take in its answer.

    :raises PaymentNotFound: there is no such payment
    :raises RefundTooLarge: more than what is left of the captured amount, or more units than were bought (409)
    :raises NothingToCredit: store credit for a guest (422)
    :raises MoveRefused: goods go back on the shelf that never left the house (409)
    """
    refund = _promise(payment_id=payment_id, wish=wish, actor=actor, at=at)
    payments.carry_out_refund(refund_id=refund.pk, at=at)
    return payment_reads.get_refund(refund_id=refund.pk)


def refund_order(*, order_id: UUID, wish: RefundOrder, actor: User, at: datetime) -> Refund:
    """Do what ``refund_payment`` does, of an order.

    :raises PaymentNotFound: nothing was paid through us
    """
    payment_id = payment_reads.payment_of(order_id=order_id)
    return refund_payment(payment_id=payment_id, wish=wish, actor=actor, at=at)


@command
def _promise(*, payment_id: UUID, wish: RefundOrder, actor: User, at: datetime) -> Refund:
    payment = payments.lock_payment(payment_id=payment_id)
    if (promised := payments.find_promised(payment=payment, request_key=wish.request_key)) is not None:
        return promised
    order: Order = Order.objects.filter(pk=payment.order_id).locked().get()
    lines = {line.variant_id: line for line in order.lines.order_by("position")}
    earlier = payment_reads.refunded_items(payment_id=payment_id)
    refund = payments.promise_refund(
        payment=payment,
        wish=RefundWish(
            # What a cancelled order owes was noted when it was cancelled.
            account=REFUNDS_DUE if order.status == OrderStatus.CANCELLED.value else RETURNS,
            amount_minor=_amount(payment, order, lines, earlier, wish),
            reason=wish.reason,
            to=wish.to,
            items=tuple(_noted(item) for item in wish.items),
            customer_id=order.customer_id,
            actor_id=actor.pk,
            request_key=wish.request_key,
        ),
        at=at,
    )
    _restock(order, wish.items, reference=str(refund.pk), actor=actor, at=at)
    return refund


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


def _restock(order: Order, items: Sequence[RefundItem], *, reference: str, actor: User, at: datetime) -> None:
    units: Counter[UUID] = Counter()
    for item in items:
        if item.restock:
            units[item.variant] += item.quantity
    if not units:
        return
    if order.status not in _LEFT_THE_HOUSE:
        raise MoveRefused(from_status=order.status, wanted="restock", order=order.number)
    inventory.receive_stock(units=units, reason=Reason.RETURNED, reference=reference, actor_id=actor.pk, at=at)
