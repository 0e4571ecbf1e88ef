"""Paying for an order: its money and its state move together.

Everything here locks the payment first, then the order, then stock.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings
from django.db import transaction

from core.transactions import command, step
from inventory import services as inventory
from inventory.errors import OutOfStock
from orders.domain import MovedBy, OrderStatus
from orders.errors import OrderNotFound
from orders.models import Order, OrderMove
from orders.selectors import visible_orders
from orders.services.moving import count_for_buyer, settle_move
from payments import selectors as payment_reads
from payments import services as payments
from payments.errors import AlreadyPaid, NotPayable, PaymentInProgress, PaymentNotFound
from promotions import services as promotions
from promotions.errors import FirstOrderOnly, PromotionUsedUp

if TYPE_CHECKING:
    from accounts.models import User
    from payments.domain import Wish
    from payments.models import Payment
    from payments.services import Attempted

_PAID = (OrderStatus.PAID.value, OrderStatus.SHIPPED.value, OrderStatus.DELIVERED.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Payer:
    """Who wants to pay: a customer, or the guest with the order's token; and from which network address."""

    viewer: User | None
    token: str | None = None
    address: str = ""


def pay_order(*, order_id: UUID, wish: Wish, payer: Payer, at: datetime) -> Payment:
    """Begin to pay an order, in three beats: write the attempt down, ask the provider, take in its answer.

    At most one attempt lives at a time; a live one that fulfils the wish is returned as it stands, and one that waits
    for a shopper who changed their mind is called off first.

    :raises OrderNotFound: there is no such order, or it is not the payer's
    :raises AlreadyPaid: it is paid (409)
    :raises NotPayable: it waits for no payment (409)
    :raises PaymentInProgress: an earlier attempt has not ended (409)
    :raises ProviderUnknown: there is no such provider (422)
    :raises TooManyDeclines: too many cards were declined (429)
    :raises ProviderDown: the provider was not reached, nothing was charged (503)
    """
    begun = _begin(order_id=order_id, wish=wish, payer=payer, at=at)
    if begun.is_in_the_way:
        payments.call_off(attempt_id=begun.attempt.pk, at=at)
        begun = _begin(order_id=order_id, wish=wish, payer=payer, at=at)
    if begun.is_in_the_way:
        raise PaymentInProgress
    payments.carry_out(attempt=begun.attempt, at=at)
    return payment_reads.get_payment(payment_id=begun.attempt.payment_id)


@command
def _begin(*, order_id: UUID, wish: Wish, payer: Payer, at: datetime) -> Attempted:
    order = _find_payable(order_id, payer)
    subjects = [("order", str(order.pk)), ("address", payer.address), ("account", str(order.customer_id or ""))]
    triers = payments.check_tries(subjects=subjects, at=at)
    payment = payments.hold_payment(order_id=order.pk, amount_minor=order.total_minor, currency=order.currency)
    begun = payments.find_begun(payment=payment, request_key=wish.request_key, at=at)
    if begun is not None:
        return begun
    order = Order.objects.filter(pk=order_id).locked().get()
    if order.status in _PAID:
        raise AlreadyPaid
    if order.status != OrderStatus.PENDING.value or payment.amount_minor != order.total_minor:
        raise NotPayable(order_status=order.status)
    return payments.begin_attempt(payment=payment, wish=wish, triers=triers, at=at)


def _find_payable(order_id: UUID, payer: Payer) -> Order:
    """Return the payer's order; staff pay for nobody but themselves."""
    order: Order | None = visible_orders(viewer=payer.viewer, token=payer.token).filter(pk=order_id).first()
    if order is None or not order.belongs_to(token=payer.token, viewer=payer.viewer):
        raise OrderNotFound
    return order


def show_payment(*, payment_id: UUID, viewer: User | None, token: str | None, at: datetime) -> Payment:
    """Return a payment with its attempts; of one that is under way the provider is asked first.

    So whoever comes back from the provider's page sees how it ended, webhook or not.

    :raises PaymentNotFound: there is none, or its order is not the viewer's
    """
    payment = payment_reads.get_payment(payment_id=payment_id)
    order: Order | None = visible_orders(viewer=viewer, token=token).filter(pk=payment.order_id).first()
    if order is None or not order.is_shown_to(token=token, viewer=viewer):
        raise PaymentNotFound
    live = next((attempt for attempt in payment.attempts.all() if attempt.is_worth_asking(at=at)), None)
    if live is None:
        return payment
    payments.ask(attempt_id=live.pk, at=at)
    return payment_reads.get_payment(payment_id=payment_id)


@step
def confirm_payment(*, order_id: UUID, attempt_id: UUID, amount_minor: int, currency: str, at: datetime) -> None:
    """Move an order to paid, for its payment was captured. The payment is locked by this transaction.

    An order that lapsed meanwhile is taken up again where there is stock for it. Otherwise the money goes back by
    itself. Staff are told of either.
    """
    order: Order | None = Order.objects.filter(pk=order_id).locked().first()
    if order is not None and order.status in _PAID:
        return
    agrees = order is not None and (order.total_minor, order.currency) == (amount_minor, currency)
    if order is not None and agrees and order.status == OrderStatus.PENDING.value:
        settle_move(order=order, reason="", at=at)
        return
    is_kept = order is not None and agrees and _take_up_again(order, at)
    payments.settle_late(attempt_id=attempt_id, is_kept=is_kept, at=at)


def _take_up_again(order: Order, at: datetime) -> bool:
    """Take the goods and promotions of a lapsed order anew and move it to paid; tell whether that was possible."""
    last: OrderMove | None = order.moves.order_by("-pk").first()
    if last is None or last.by != MovedBy.SYSTEM.value:
        return False
    wanted: dict[UUID, int] = {}
    for variant_id, quantity in order.lines.values_list("variant_id", "quantity"):
        wanted[variant_id] = wanted.get(variant_id, 0) + quantity
    try:
        with transaction.atomic():
            promotions.renew_uses(order_id=order.pk, at=at)
            count_for_buyer(order=order, difference=1)
            inventory.renew_stock(reference=order.pk, wanted=wanted, expires_at=at + settings.UNPAID_ORDER_TTL)
    except (OutOfStock, PromotionUsedUp, FirstOrderOnly):
        return False
    settle_move(order=order, reason="Its payment came late.", at=at)
    return True


@step
def stop_paying(*, order_id: UUID, at: datetime) -> None:
    """Have a live attempt called off: the order was cancelled."""
    payments.abandon(order_id=order_id, at=at)
