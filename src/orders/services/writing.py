"""Writing an order down: what carts, drafts and exchanges become, all in the same way."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from carts.domain import Terms, refused_coupon
from carts.errors import VatIdRefused
from core import outbox
from core.crypto import first_secret_key
from core.errors import Malformed
from core.ids import new_id
from core.models import remember_related
from core.money import Money, as_document
from core.sql import insert_together
from core.statements import fetch
from core.transactions import step
from inventory import services as inventory
from inventory.errors import OutOfStock
from orders.domain import MovedBy, OrderStatus, order_number
from orders.errors import (
    CouponRefused,
    CouponUnknown,
    ItemsUnavailable,
    NotDelivered,
    ShippingMethodUnknown,
    TotalChanged,
)
from orders.events import OrderPlaced
from orders.models import Order, OrderLine, OrderMove, OrderReceipt
from pricing.domain import NOT_DELIVERED, UNKNOWN_METHOD, vat_id_is_wrong
from promotions import services as promotions
from promotions.domain import Reason

if TYPE_CHECKING:
    from accounts.models import User
    from markets.models import Market
    from pricing.domain import Quote, QuoteLine


# Sums are kept in 64 bits, and taxes come on top.
_MOST_MINOR = 10**18


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What was agreed beside goods and prices: who buys, where it goes, until when it may be paid.

    ``buyer`` is the key by which promotions know them. ``is_explained`` is off where the prices were agreed elsewhere:
    there is nothing to tell of how they came about.
    """

    market: Market
    customer: User | None
    email: str
    buyer: str
    # As ``AddressData.as_dict`` has them.
    shipping_address: Any
    billing_address: Any = None
    coupon: str = ""
    vat_id: str = ""
    note: str = ""
    placed_at: datetime
    expires_at: datetime
    cart_id: UUID | None = None
    external_number: str = ""
    actor: User | None = None
    by: MovedBy = MovedBy.CUSTOMER
    is_explained: bool = True


@step
def write_order(*, agreement: Agreement, quote: Quote) -> Order:
    """Write a pending order of what was quoted, with its uses of promotions and its stock. Announces it.

    Locks promotions with limits, then the stock rows, then the products that sell out.

    :raises PromotionUsedUp, FirstOrderOnly: somebody else was faster
    :raises OutOfStock: some line asks for more than is free
    """
    order = _compose(agreement, quote)
    promotions.use_promotions(
        uses=uses_of(quote=quote), order_id=order.pk, buyer=agreement.buyer, at=agreement.placed_at
    )
    promotions.count_order(buyer=agreement.buyer, difference=1)
    inventory.reserve_stock(reference=order.pk, wanted=quote.units, expires_at=agreement.expires_at)
    lines = lines_of(order=order, quote=quote)
    move = OrderMove(
        order=order,
        from_status="",
        to_status=OrderStatus.PENDING.value,
        at=order.placed_at,
        actor=agreement.actor,
        by=agreement.by.value,
    )
    receipts = [receipt_of(order=order, quote=quote)] if agreement.is_explained else []
    insert_together([order], lines, [move], receipts)
    remember_related(order, lines=lines, moves=[move], fulfilments=[])
    outbox.publish(
        OrderPlaced(
            order_id=order.pk,
            total_minor=order.total_minor,
            currency=order.currency,
            is_drafted=agreement.by is MovedBy.STAFF,
        ),
        at=agreement.placed_at,
    )
    return order


def refuse_other_than_agreed(
    *, quote: Quote, terms: Terms, expected: Money | None = None, held: Mapping[UUID, int] | None = None
) -> None:
    """Refuse what nobody has agreed to: other goods, another way, other offers, another total.

    :param held: variant id -> units that the order has reserved already
    :raises Malformed: it costs more than can be written down (400)
    :raises VatIdRefused: the VAT id is none
    :raises ItemsUnavailable: something is no longer sold (409, naming it)
    :raises NotDelivered, ShippingMethodUnknown: it cannot be sent there, or not so
    :raises CouponUnknown, CouponRefused: the coupon does not apply (any more)
    :raises TotalChanged: the total is not the expected one (409, with the new quote)
    :raises OutOfStock: some line asks for more than is free (409, naming every one)
    """
    if quote.subtotal_minor > _MOST_MINOR:
        raise Malformed.field("items", "That is more than an order holds.", code="max_value")
    if vat_id_is_wrong(terms.vat_id):
        raise VatIdRefused(vat_id=terms.vat_id)
    if quote.gone:
        raise ItemsUnavailable(variants=[str(variant) for variant in quote.gone])
    if quote.priced.refusal == UNKNOWN_METHOD:
        raise ShippingMethodUnknown(shipping_method=terms.shipping_method)
    if quote.priced.refusal == NOT_DELIVERED:
        raise NotDelivered(country=terms.country)
    if refused := refused_coupon(quote):
        if refused == Reason.UNKNOWN_CODE.value:
            raise CouponUnknown(coupon=terms.coupon)
        raise CouponRefused(coupon=terms.coupon, reason=refused)
    if expected is not None and expected != Money(quote.total_minor, quote.currency):
        raise TotalChanged(expected=as_document(expected.minor, expected.currency), quote=_summary(quote))
    refuse_short(quote=quote, held=held)


def refuse_short(*, quote: Quote, held: Mapping[UUID, int] | None = None) -> None:
    """Refuse what is not there.

    :raises OutOfStock: some line asks for more than is free (409, naming every one)
    """
    mine = held or {}
    short = {
        line.offer.variant_id: line.quantity - line.free - mine.get(line.offer.variant_id, 0)
        for line in quote.lines
        if line.is_short and line.quantity > line.free + mine.get(line.offer.variant_id, 0)
    }
    if short:
        raise OutOfStock(short=short)


def uses_of(*, quote: Quote) -> list[promotions.Use]:
    """Return what a quote uses of promotions."""
    return [
        promotions.Use(
            promotion_id=use.rule.id,
            coupon_id=use.rule.coupon_id,
            amount_minor=use.amount_minor,
            currency=quote.currency,
        )
        for use in quote.priced.uses
    ]


def sums_of(*, quote: Quote) -> dict[str, Any]:
    """Return an order's columns that follow from its goods: money, shipping, and whether gift cards are among them."""
    return {
        "subtotal_minor": quote.subtotal_minor,
        "discount_minor": quote.discount_minor,
        "shipping_minor": quote.shipping_minor,
        "tax_minor": quote.tax_minor,
        "total_minor": quote.total_minor,
        "contained_minor": quote.priced.contained_minor,
        "shipping_method": quote.priced.method.code if quote.priced.method else "",
        "has_gift_cards": any(line.offer.is_gift_card for line in quote.lines),
    }


def lines_of(*, order: Order, quote: Quote, ids: Mapping[UUID, UUID] | None = None) -> list[OrderLine]:
    """Return the order's lines, not yet written.

    :param ids: variant id -> id of the line that it had before
    """
    known = ids or {}
    return [
        _line(order, position, line, known.get(line.offer.variant_id) or new_id())
        for position, line in enumerate(quote.lines, start=1)
    ]


def receipt_of(*, order: Order, quote: Quote, revision: int = 1) -> OrderReceipt:
    """Return why it costs what it costs, not yet written."""
    facts, steps = (msgspec.json.encode(part).decode() for part in (quote.facts, quote.priced.receipt))
    return OrderReceipt(order=order, revision=revision, facts=facts, steps=steps)


def _line(order: Order, position: int, line: QuoteLine, line_id: UUID) -> OrderLine:
    return OrderLine(
        id=line_id,
        order=order,
        position=position,
        product_id=line.offer.product_id,
        variant_id=line.offer.variant_id,
        sku=line.offer.sku,
        name=line.offer.name,
        options=dict(line.offer.options),
        quantity=line.quantity,
        unit_price_minor=line.unit_price_minor,
        subtotal_minor=line.line_total_minor,
        discount_minor=line.price.discount_minor,
        tax_minor=line.price.tax_minor,
        contained_minor=line.price.contained_minor,
        tax_ppm=line.price.rate.ppm,
        is_gift_card=line.offer.is_gift_card,
    )


def _compose(agreement: Agreement, quote: Quote) -> Order:
    """Make the order, not yet written."""
    return Order(
        id=new_id(),
        number=_next_number(),
        cart_id=agreement.cart_id,
        external_number=agreement.external_number,
        customer=agreement.customer,
        guest_token="" if agreement.customer else secrets.token_urlsafe(24),
        email=agreement.email,
        market=agreement.market,
        currency=quote.currency,
        shipping_address=agreement.shipping_address,
        billing_address=agreement.billing_address,
        coupon=agreement.coupon,
        vat_id=agreement.vat_id,
        note=agreement.note,
        placed_at=agreement.placed_at,
        expires_at=agreement.expires_at,
        **sums_of(quote=quote),
    )


def _next_number() -> str:
    number: int = fetch("SELECT nextval('orders_number')")[0][0]
    return order_number(number, first_secret_key())


def _summary(quote: Quote) -> dict[str, Any]:
    amounts = {
        "subtotal": quote.subtotal_minor,
        "discount": quote.discount_minor,
        "shipping": quote.shipping_minor,
        "tax": quote.tax_minor,
        "total": quote.total_minor,
    }
    lines = [
        {
            "variant": str(line.offer.variant_id),
            "sku": line.offer.sku,
            "quantity": line.quantity,
            "unit_price": as_document(line.unit_price_minor, quote.currency),
        }
        for line in quote.lines
    ]
    return {"items": lines} | {name: as_document(minor, quote.currency) for name, minor in amounts.items()}
