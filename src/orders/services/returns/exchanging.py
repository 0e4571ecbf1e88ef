"""Sending something else for goods that came back: an order of its own, paid with what the goods are worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from core.money import as_document
from core.transactions import step
from inventory import services as inventory
from orders.domain import OrderStatus, net_unit_minor
from orders.errors import ExchangeRefused
from orders.models import Order, Return, ReturnLine
from orders.services.agreeing import AgreedItem, place_agreed_order, quote_agreed
from orders.services.linking import link_order
from orders.services.moving import move_through
from orders.services.paying import pay_from_balance
from orders.services.returns.worth import noted
from payments import services as payments
from payments.domain import RETURNS, RefundTo, RefundWish, exchange_of
from payments.errors import RefundTooLarge
from products import selectors as product_reads
from products import services as products
from promotions import selectors as promotion_reads
from promotions import services as promotions

if TYPE_CHECKING:
    from accounts.models import User
    from payments.models import Payment, Refund
    from products.domain import Offer


@step
def exchange(
    *, back: Return, lines: Mapping[UUID, ReturnLine], payment: Payment | None, actor: User, at: datetime
) -> Sequence[Refund]:
    """Place the order that replaces what came back, and pay it with what that is worth; the rest goes back.

    A replacement that costs more waits for its buyer to pay the difference, who is sent the link. Locks balances, then
    what placing an order locks, and the stock of what came back with it.

    :returns: the refunds, of which some may have to be told to a provider
    :raises ExchangeRefused: nothing is taken back, something is not sold, or a gift card is among it (422)
    :raises OutOfStock: there is not enough of what is wanted (409)
    :raises RefundTooLarge: the order's payment does not hold as much (409)
    """
    owed = back.worth_minor + back.delivery_minor - back.deduction_minor
    items, total = _agree(back, lines, owed, at)
    taken = min(owed, total)
    refunds = _give(back, lines, payment, {RefundTo.EXCHANGE: taken, RefundTo.PAYMENT: owed - taken}, actor, at)
    _lock_below(back.order, lines, items)
    order = place_agreed_order(like=back.order, items=items, note=f"In exchange, order {back.order.number}.", at=at)
    if taken:
        pay_from_balance(order=order, account=exchange_of(back.pk), at=at)
    elif not order.total_minor:
        move_through(order=order, moves={OrderStatus.PAID: at}, reason="Exchanged.")
    if taken < order.total_minor:
        link_order(order=order, actor=actor, at=at, is_sent=True)
    back.exchange_order = order
    return refunds


def _agree(back: Return, lines: Mapping[UUID, ReturnLine], owed: int, at: datetime) -> tuple[list[AgreedItem], int]:
    """Return what is sent and what it costs.

    Another variant of the same product costs what the first one did, so that an even exchange is one: where rounding
    tax by the unit would ask for pennies, it costs as many less. Anything else costs what it costs today.
    """
    accepted = [line for line in lines.values() if line.accepted]
    if not accepted:
        raise ExchangeRefused(reason="no_variant")
    wanted = {_wanted(line) for line in accepted}
    group_id = back.order.customer.customer_group_id if back.order.customer else None
    sold = product_reads.offers(variant_ids=wanted, market=back.order.market, group_id=group_id, at=at)
    if gone := wanted - sold.keys():
        raise ExchangeRefused(reason="not_sold", variants=sorted(map(str, gone)))
    if any(line.line.is_gift_card for line in accepted) or any(offer.is_gift_card for offer in sold.values()):
        raise ExchangeRefused(reason="gift_card")
    items = [_item(line, sold[_wanted(line)]) for line in accepted]
    total = quote_agreed(like=back.order, items=items, at=at).total_minor
    is_even = all(sold[_wanted(line)].product_id == line.line.product_id for line in accepted)
    if is_even and not back.deduction_minor and 0 < total - owed <= sum(item.quantity for item in items):
        items = [replace(item, unit_price_minor=max(0, item.unit_price_minor - 1)) for item in items]
        total = quote_agreed(like=back.order, items=items, at=at).total_minor
    return items, total


def _wanted(line: ReturnLine) -> UUID:
    return line.wanted_variant_id or line.line.variant_id


def _item(line: ReturnLine, offer: Offer) -> AgreedItem:
    bought = line.line
    price = offer.price_for(line.accepted)[0]
    if offer.product_id == bought.product_id:
        price = net_unit_minor(
            subtotal_minor=bought.subtotal_minor, discount_minor=bought.discount_minor, quantity=bought.quantity
        )
    return AgreedItem(variant_id=offer.variant_id, quantity=line.accepted, unit_price_minor=price)


def _give(
    back: Return,
    lines: Mapping[UUID, ReturnLine],
    payment: Payment | None,
    parts: Mapping[RefundTo, int],
    actor: User,
    at: datetime,
) -> list[Refund]:
    """Give the parts of what is owed; what it is for is noted once."""
    refunds: list[Refund] = []
    for to, amount in parts.items():
        if not amount:
            continue
        if payment is None:
            raise RefundTooLarge(left=as_document(0, back.order.currency))
        wish = RefundWish(
            account=RETURNS,
            amount_minor=amount,
            reason="Exchanged goods.",
            to=to,
            items=() if refunds else noted(lines=lines),
            customer_id=back.order.customer_id,
            actor_id=actor.pk,
            credited=exchange_of(back.pk) if to is RefundTo.EXCHANGE else "",
        )
        refunds += payments.promise_refund(payment=payment, wish=wish, at=at)
    return refunds


def _lock_below(order: Order, lines: Mapping[UUID, ReturnLine], items: Sequence[AgreedItem]) -> None:
    """Lock the stock of what is sent and of what came back together: one after the other would go up and down."""
    promotions.lock_uses(
        order_ids=[], buyers=[promotion_reads.buyer_key(customer_id=order.customer_id, email=order.email)]
    )
    back = [line.line for line in lines.values() if line.restocked]
    inventory.lock_stock(variant_ids={item.variant_id for item in items} | {line.variant_id for line in back})
    named = product_reads.labels(variant_ids=[item.variant_id for item in items])
    products.lock_products(
        product_ids={label.product_id for label in named.values()} | {row.product_id for row in back}
    )
