"""Turning a cart into an order."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
from django.conf import settings
from django.db import connection

from accounts import selectors as account_reads
from carts import selectors as cart_reads
from carts import services as carts
from carts.domain import CartState, Holder, Terms, refused_coupon
from carts.errors import CartEmpty, VatIdRefused
from core import outbox
from core.ids import new_id
from core.money import Money, as_document
from core.sql import insert_together
from core.transactions import command, step
from inventory import services as inventory
from inventory.errors import OutOfStock
from orders.domain import MovedBy, OrderStatus, order_number
from orders.errors import (
    AddressMissing,
    CouponRefused,
    CouponUnknown,
    EmailMissing,
    ItemsUnavailable,
    NotDelivered,
    ShippingMethodUnknown,
    TotalChanged,
)
from orders.events import OrderPlaced
from orders.models import Order, OrderLine, OrderMove, OrderReceipt
from pricing import selectors as pricing
from pricing.domain import NOT_DELIVERED, UNKNOWN_METHOD, vat_id_is_wrong
from promotions import services as promotions
from promotions.domain import Reason

if TYPE_CHECKING:
    from accounts.domain import AddressData
    from accounts.models import User
    from carts.models import Cart
    from pricing.domain import Quote


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceOrder:
    """What is needed beside the cart. Of a customer nothing is: e-mail and address are known."""

    email: str | None = None
    shipping_address: AddressData | None = None
    shipping_address_id: UUID | None = None
    billing_address: AddressData | None = None
    shipping_method: str = ""
    coupon: str = ""
    vat_id: str = ""
    expected_total: Money | None = None
    note: str = ""
    # For imports: unit prices agreed elsewhere, and the number there.
    agreed_minor: Mapping[UUID, int] | None = None
    external_number: str = ""


@command
def place_order(*, customer: User | None, cart_token: str | None, wish: PlaceOrder, placed_at: datetime) -> Order:
    """Turn the cart of a customer, or of a guest's token, into an order. The same cart twice is the same order.

    Locks the cart, then promotions with limits, then the stock rows, then the products that sell out. At most 14
    statements, whatever the number of lines; no network call. What the wish leaves open is as the cart has it.

    :raises CartEmpty: there is nothing in the cart, or no cart
    :raises EmailMissing, AddressMissing, AddressNotFound: whom and where is not known
    :raises ItemsUnavailable: something is no longer sold (409, naming it)
    :raises VatIdRefused: the VAT id is none
    :raises NotDelivered, ShippingMethodUnknown: it cannot be sent there, or not so
    :raises CouponUnknown, CouponRefused, PromotionUsedUp: the coupon does not apply (any more)
    :raises TotalChanged: the total is not ``expected_total`` (409, with the new quote)
    :raises OutOfStock: some line asks for more than is free (409, naming every one)
    """
    return turn_into_order(customer=customer, cart_token=cart_token, wish=wish, placed_at=placed_at)


@step
def turn_into_order(*, customer: User | None, cart_token: str | None, wish: PlaceOrder, placed_at: datetime) -> Order:
    """Do what ``place_order`` does, in the caller's transaction."""
    holder = _holder(customer, cart_token)
    cart = carts.lock_cart(holder=holder)
    if cart.state == CartState.ORDERED.value:
        return Order.objects.select_related("market").get(cart_id=cart.pk)

    wanted = {item.variant_id: item.quantity for item in cart_reads.items_of(cart=cart)}
    if not wanted:
        raise CartEmpty
    email, address = _email(customer, wish), _address(customer, wish)
    terms = _terms(cart, wish, address)
    asking = cart_reads.asking_of(terms=terms, holder=holder, at=placed_at, email=email)
    quote = pricing.quote(wanted=wanted, market=cart.market, asking=asking, agreed_minor=wish.agreed_minor)
    _refuse_other_than_agreed(quote, terms, wish)
    order = _compose(customer, cart, quote, wish, placed_at)
    order.email, order.shipping_address, order.coupon, order.vat_id = email, address, terms.coupon, terms.vat_id
    promotions.use_promotions(uses=_uses(quote), order_id=order.pk, buyer=asking.buyer, at=placed_at)
    promotions.count_order(buyer=asking.buyer, difference=1)
    inventory.reserve_stock(reference=order.pk, wanted=quote.units, expires_at=placed_at + settings.UNPAID_ORDER_TTL)
    _write(order, quote, actor=customer)
    carts.close_cart(cart=cart, at=placed_at)
    outbox.publish(OrderPlaced(order_id=order.pk, total_minor=order.total_minor, currency=order.currency), at=placed_at)
    return order


def _holder(customer: User | None, cart_token: str | None) -> Holder:
    if customer is None:
        return Holder(token=cart_token)
    return Holder(user_id=customer.pk, group_id=customer.customer_group_id)


def _terms(cart: Cart, wish: PlaceOrder, address: Mapping[str, str]) -> Terms:
    """Return what the order goes by: what is said now before what the cart has, and where it goes for certain."""
    return Terms(
        coupon=wish.coupon or cart.coupon,
        shipping_method=wish.shipping_method or cart.shipping_method,
        country=address["country"],
        region=address["region"],
        postal_code=address["postal_code"],
        vat_id=wish.vat_id or cart.vat_id,
    )


def _refuse_other_than_agreed(quote: Quote, terms: Terms, wish: PlaceOrder) -> None:
    """Refuse what the shopper has not agreed to: other goods, another way, other offers, another total."""
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
    expected = wish.expected_total
    if expected is not None and expected != Money(quote.total_minor, quote.currency):
        raise TotalChanged(expected=as_document(expected.minor, expected.currency), quote=_summary(quote))
    short = {line.offer.variant_id: line.quantity - line.free for line in quote.lines if line.is_short}
    if short:
        raise OutOfStock(short=short)


def _uses(quote: Quote) -> list[promotions.Use]:
    return [
        promotions.Use(
            promotion_id=use.rule.id,
            coupon_id=use.rule.coupon_id,
            amount_minor=use.amount_minor,
            currency=quote.currency,
        )
        for use in quote.priced.uses
    ]


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


def _compose(customer: User | None, cart: Cart, quote: Quote, wish: PlaceOrder, placed_at: datetime) -> Order:
    """Make the order, not yet written, and without what its customer is known by."""
    billing: Any = wish.billing_address.as_dict() if wish.billing_address else None
    return Order(
        id=new_id(),
        number=_next_number(),
        cart_id=cart.pk,
        external_number=wish.external_number,
        customer=customer,
        guest_token="" if customer else secrets.token_urlsafe(24),
        market=cart.market,
        currency=quote.currency,
        subtotal_minor=quote.subtotal_minor,
        discount_minor=quote.discount_minor,
        shipping_minor=quote.shipping_minor,
        tax_minor=quote.tax_minor,
        total_minor=quote.total_minor,
        contained_minor=quote.priced.contained_minor,
        billing_address=billing,
        shipping_method=quote.priced.method.code if quote.priced.method else "",
        note=wish.note,
        placed_at=placed_at,
        expires_at=placed_at + settings.UNPAID_ORDER_TTL,
    )


def _email(customer: User | None, wish: PlaceOrder) -> str:
    email = customer.email if customer else wish.email
    if not email:
        raise EmailMissing
    return email


def _address(customer: User | None, wish: PlaceOrder) -> dict[str, str]:
    """Return the snapshot of where it goes: given, named from the book, or the book's default."""
    if wish.shipping_address is not None:
        return wish.shipping_address.as_dict()
    if customer is None:
        raise AddressMissing
    if wish.shipping_address_id is not None:
        return account_reads.get_address(user=customer, address_id=wish.shipping_address_id).as_data().as_dict()
    default = account_reads.default_address(user=customer)
    if default is None:
        raise AddressMissing
    return default.as_data().as_dict()


def _next_number() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('orders_number')")
        return order_number(cursor.fetchone()[0], settings.SECRET_KEY.encode())


def _write(order: Order, quote: Quote, *, actor: User | None) -> None:
    lines = [
        OrderLine(
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
        )
        for position, line in enumerate(quote.lines, start=1)
    ]
    move = OrderMove(
        order=order,
        from_status="",
        to_status=OrderStatus.PENDING.value,
        at=order.placed_at,
        actor=actor,
        by=MovedBy.CUSTOMER.value,
    )
    insert_together([order], lines, [move], _receipts(order, quote))
    order.remember(lines=lines, moves=[move], fulfilments=[])


def _receipts(order: Order, quote: Quote) -> list[OrderReceipt]:
    """Keep why it costs what it costs. Of prices that were agreed elsewhere there is nothing to tell."""
    if any(line.is_agreed for line in quote.facts.lines):
        return []
    facts, steps = (msgspec.json.encode(part).decode() for part in (quote.facts, quote.priced.receipt))
    return [OrderReceipt(order=order, facts=facts, steps=steps)]
