"""Payment links: an address at which whoever has it pays an order."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from core import outbox
from core.transactions import command, step
from orders import selectors
from orders.domain import LinkState, OrderStatus
from orders.errors import OrderNotFound
from orders.events import OrderToPay
from orders.models import Order, PaymentLink
from orders.services.paying import Payer, pay_order
from payments import selectors as payment_reads
from payments import services as payments
from payments.domain import GIFT_CARD, Wish
from payments.errors import NotPayable, ProviderUnknown

if TYPE_CHECKING:
    from accounts.models import User
    from payments.models import Payment


@command
def make_payment_link(*, order_id: UUID, actor: User, at: datetime, is_sent: bool = False) -> PaymentLink:
    """Return the link by which an unpaid order is paid; there is one, good for as long as the order waits.

    Locks the order.

    :param is_sent: mail it to the buyer
    :raises OrderNotFound: there is none
    :raises NotPayable: it waits for no payment (409)
    """
    order: Order | None = Order.objects.filter(pk=order_id).locked().first()
    if order is None:
        raise OrderNotFound
    return link_order(order=order, actor=actor, at=at, is_sent=is_sent)


@step
def link_order(*, order: Order, actor: User | None, at: datetime, is_sent: bool) -> PaymentLink:
    """Do what ``make_payment_link`` does, of an order that this transaction locked or wrote.

    :raises NotPayable: it waits for no payment (409)
    """
    expires_at = order.expires_at
    if order.status != OrderStatus.PENDING.value or expires_at is None or expires_at <= at:
        raise NotPayable(order_status=order.status)
    link: PaymentLink | None = PaymentLink.objects.filter(order=order).first()
    if link is None:
        token = secrets.token_urlsafe(24)
        digest = selectors.digest_of_link(token=token)
        link = PaymentLink(order=order, token=token, token_digest=digest, expires_at=expires_at, actor=actor)
        link.save(force_insert=True)
    elif link.expires_at != expires_at:
        link.expires_at = expires_at
        link.save(update_fields=["expires_at", "updated_at"])
    if is_sent:
        outbox.publish(OrderToPay(order_id=order.pk), at=at)
    return link


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkPage:
    """What a payment link shows: the order with its lines, how it is paid so far, and what can be done."""

    order: Order
    payment: Payment | None
    state: LinkState


def open_payment_link(*, token: str, at: datetime) -> LinkPage:
    """Return what a link shows; of a payment that is under way the provider is asked first.

    :raises PaymentLinkNotFound: there is no such link
    """
    link = selectors.get_payment_link(token=token)
    payment = _payment_of(link)
    live = next((each for each in payment.attempts.all() if each.is_worth_asking(at=at)), None) if payment else None
    if live is not None:
        payments.ask(attempt_id=live.pk, at=at)
        link = selectors.get_payment_link(token=token)
        payment = _payment_of(link)
    return LinkPage(order=link.order, payment=payment, state=selectors.state_of_link(link=link, payment=payment, at=at))


def _payment_of(link: PaymentLink) -> Payment | None:
    return payment_reads.list_payments(order_ids=[link.order_id]).first()


def pay_by_link(*, token: str, wish: Wish, address: str, at: datetime) -> Payment:
    """Begin to pay the order of a link, in the name of its buyer. Raises what ``pay_order`` does.

    Whoever has the link pays with their own: by a provider or a gift card, not from what the buyer has in the shop.

    :raises PaymentLinkNotFound: there is no such link
    :raises ProviderUnknown: there is no such way to pay here (422)
    :raises NotPayable: it has lapsed (409)
    """
    link = selectors.get_payment_link(token=token)
    if link.expires_at <= at:
        raise NotPayable(order_status=link.order.status)
    if wish.provider not in (*payment_reads.list_providers(), GIFT_CARD) or wish.saved_method_id is not None:
        raise ProviderUnknown(provider=wish.provider)
    payer = Payer(viewer=link.order.customer, token=link.order.guest_token or None, address=address)
    return pay_order(order_id=link.order_id, wish=wish, payer=payer, at=at)
