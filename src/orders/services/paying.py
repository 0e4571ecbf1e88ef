"""Paying for an order: its money and its state move together.

Everything here locks the payment first, then the order, then stock.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings
from django.db import transaction

from accounts import services as accounts
from core.compiled import Compiled
from core.transactions import command, step
from inventory import services as inventory
from inventory.errors import OutOfStock
from orders.domain import MovedBy, OrderStatus
from orders.errors import GiftCardForGiftCard, OrderNotFound
from orders.models import Order, OrderMove
from orders.selectors import visible_orders
from orders.services.moving import count_for_buyer, settle_move
from orders.services.refunding import was_paid
from payments import selectors as payment_reads
from payments import services as payments
from payments.domain import GIFT_CARD, STORE_CREDIT, BalanceKind, Wish, store_credit_of
from payments.errors import (
    AlreadyPaid,
    BalanceNotUsable,
    NotPayable,
    PaymentInProgress,
    PaymentNotFound,
    ProviderUnknown,
)
from promotions import services as promotions
from promotions.errors import FirstOrderOnly, PromotionUsedUp

if TYPE_CHECKING:
    from accounts.models import User
    from payments.models import Payment
    from payments.services import Attempted

_PAID = (OrderStatus.PAID.value, OrderStatus.SHIPPED.value, OrderStatus.DELIVERED.value)


_BY_ID: Compiled[Order] = Compiled(lambda order_id: Order.objects.filter(pk=order_id), order_id=UUID)
_LOCKED: Compiled[Order] = Compiled(lambda order_id: Order.objects.filter(pk=order_id).locked(), order_id=UUID)


@dataclass(frozen=True, slots=True, kw_only=True)
class Payer:
    """Who wants to pay: a customer, or the guest with the order's token; and from which network address."""

    viewer: User | None
    token: str | None = None
    address: str = ""


def pay_order(*, order_id: UUID, wish: Wish, payer: Payer, at: datetime) -> Payment:
    """Begin to pay an order, in three beats: write the attempt down, ask the provider, take in its answer.

    At most one attempt lives at a time; a live one that fulfils the wish is returned as it stands, and one that waits
    for a shopper who changed their mind is called off first. A gift card or store credit pays at once, as far as it
    goes; the next attempt is for the rest.

    :raises OrderNotFound: there is no such order, or it is not the payer's
    :raises AlreadyPaid: it is paid (409)
    :raises NotPayable: it waits for no payment (409)
    :raises PaymentInProgress: an earlier attempt has not ended (409)
    :raises ProviderUnknown: there is no such provider (422)
    :raises GiftCardUnknown: there is no gift card of that code (422)
    :raises GiftCardForGiftCard: the order is for gift cards, among others (409)
    :raises BalanceNotUsable: the gift card or store credit cannot be spent here (422)
    :raises TooManyAttempts: too many codes of gift cards were tried (429)
    :raises SavedMethodNotFound: there is no such saved way to pay, or it is not the payer's (404)
    :raises SavingNeedsAccount: a guest wants to keep a way to pay (422)
    :raises CannotSave: the provider keeps nothing (422)
    :raises TooManyDeclines: too many cards were declined (429)
    :raises ProviderDown: the provider was not reached, nothing was charged (503)
    """
    if wish.code:
        accounts.count_guess(of=GIFT_CARD, address=payer.address, at=at)
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
    wish = _from_own_account(wish, order, payer)
    subjects = [("order", str(order.pk)), ("address", payer.address), ("account", str(order.customer_id or ""))]
    triers = payments.check_tries(subjects=subjects, at=at)
    payment = payments.hold_payment(order_id=order.pk, amount_minor=order.total_minor, currency=order.currency)
    begun = payments.find_begun(payment=payment, request_key=wish.request_key, at=at)
    if begun is not None:
        return begun
    order = _LOCKED.first(order_id=order_id) or order
    if order.status in _PAID:
        raise AlreadyPaid
    if order.status != OrderStatus.PENDING.value or payment.amount_minor != order.total_minor:
        raise NotPayable(order_status=order.status)
    if wish.provider == GIFT_CARD and order.has_gift_cards:
        raise GiftCardForGiftCard
    wish = payments.choose_method(wish=wish, customer_id=payer.viewer.pk if payer.viewer else None)
    return payments.begin_attempt(payment=payment, wish=wish, triers=triers, at=at)


def _from_own_account(wish: Wish, order: Order, payer: Payer) -> Wish:
    """Name the balance where none is named by a code: store credit is its customer's alone."""
    if wish.provider == BalanceKind.EXCHANGE.value:
        raise ProviderUnknown(provider=wish.provider)
    if wish.provider != STORE_CREDIT:
        return wish
    if order.customer_id is None or payer.viewer is None or payer.viewer.pk != order.customer_id:
        raise BalanceNotUsable(reason="no_account")
    return replace(wish, account=store_credit_of(order.customer_id))


def _find_payable(order_id: UUID, payer: Payer) -> Order:
    """Return the payer's order; staff pay for nobody but themselves."""
    order = _BY_ID.first(order_id=order_id)
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
    order = _LOCKED.first(order_id=order_id)
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
            promotions.renew_uses(order_id=order.pk, given_back_at=last.at, at=at)
            count_for_buyer(order=order, difference=1)
            inventory.renew_stock(reference=order.pk, wanted=wanted, expires_at=at + settings.UNPAID_ORDER_TTL)
    except (OutOfStock, PromotionUsedUp, FirstOrderOnly):
        return False
    settle_move(order=order, reason="Its payment came late.", at=at)
    return True


@step
def pay_from_balance(*, order: Order, account: str, at: datetime) -> int:
    """Pay an order that this transaction made from a balance, as far as it goes; return what that took, in minor units.

    The order is paid if that is all of it. Locks its payment, the order, the balance.

    :param account: as ``payments.domain.exchange_of`` and ``store_credit_of`` name it
    :raises BalanceNotUsable: there is nothing on it (422)
    """
    payment = payments.hold_payment(order_id=order.pk, amount_minor=order.total_minor, currency=order.currency)
    Order.objects.filter(pk=order.pk).locked().get()
    wish = Wish(provider=account.partition(":")[0], account=account)
    return payments.begin_attempt(payment=payment, wish=wish, triers=[], at=at).attempt.captured_minor


@step
def stop_paying(*, order_id: UUID, at: datetime) -> None:
    """Call off what was begun to pay a cancelled order, and send back what was captured of it.

    Locks the payment, then the order: one that was taken up again meanwhile stays as it is.
    """
    payment = payments.lock_payment_of(order_id=order_id)
    order: Order | None = Order.objects.filter(pk=order_id).locked().first()
    if payment is None or order is None or order.status != OrderStatus.CANCELLED.value:
        return
    payments.abandon(payment=payment, was_sold=was_paid(order=order), at=at)
