"""Turning a cart into an order."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.db import connection

from accounts import selectors as account_reads
from carts import selectors as cart_reads
from carts import services as carts
from carts.domain import CartState, Holder
from carts.errors import CartEmpty
from core import outbox
from core.ids import new_id
from core.money import Money, as_document
from core.sql import insert_all
from core.transactions import command, step
from inventory import services as inventory
from inventory.errors import OutOfStock
from orders.domain import MovedBy, OrderStatus, order_number
from orders.errors import (
    AddressMissing,
    CouponUnknown,
    EmailMissing,
    ItemsUnavailable,
    ShippingMethodUnknown,
    TotalChanged,
)
from orders.events import OrderPlaced
from orders.models import Order, OrderLine, OrderMove
from pricing import selectors as pricing

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
    expected_total: Money | None = None
    note: str = ""
    # For imports: unit prices agreed elsewhere, and the number there.
    agreed_minor: Mapping[UUID, int] | None = None
    external_number: str = ""


@command
def place_order(*, customer: User | None, cart_token: str | None, wish: PlaceOrder, placed_at: datetime) -> Order:
    """Turn the cart of a customer, or of a guest's token, into an order. The same cart twice is the same order.

    Locks the cart, then the stock rows, then the products that sell out. At most 15 statements, whatever the number of
    lines; no network call.

    :raises CartEmpty: there is nothing in the cart, or no cart
    :raises EmailMissing, AddressMissing, AddressNotFound: whom and where is not known
    :raises ItemsUnavailable: something is no longer sold (409, naming it)
    :raises TotalChanged: the total is not ``expected_total`` (409, with the new quote)
    :raises OutOfStock: some line asks for more than is free (409, naming every one)
    """
    return turn_into_order(customer=customer, cart_token=cart_token, wish=wish, placed_at=placed_at)


@step
def turn_into_order(*, customer: User | None, cart_token: str | None, wish: PlaceOrder, placed_at: datetime) -> Order:
    """Do what ``place_order`` does, in the caller's transaction."""
    holder = Holder(user_id=customer.pk) if customer else Holder(token=cart_token)
    cart = carts.lock_cart(holder=holder)
    if cart.state == CartState.ORDERED.value:
        return Order.objects.select_related("market").get(cart_id=cart.pk)

    quote = _quote(cart, wish)
    order = _compose(customer, cart, quote, wish, placed_at)
    inventory.reserve_stock(reference=order.pk, wanted=quote.units, expires_at=placed_at + settings.UNPAID_ORDER_TTL)
    _write(order, quote, actor=customer)
    carts.close_cart(cart=cart, at=placed_at)
    outbox.publish(OrderPlaced(order_id=order.pk, total_minor=order.total_minor, currency=order.currency), at=placed_at)
    return order


def _quote(cart: Cart, wish: PlaceOrder) -> Quote:
    """Price the locked cart and refuse what the shopper has not agreed to."""
    if wish.shipping_method:
        raise ShippingMethodUnknown(shipping_method=wish.shipping_method)
    if wish.coupon:
        raise CouponUnknown(coupon=wish.coupon)
    wanted = {item.variant_id: item.quantity for item in cart_reads.items_of(cart=cart)}
    if not wanted:
        raise CartEmpty
    quote = pricing.quote(wanted=wanted, market=cart.market, agreed_minor=wish.agreed_minor)
    if quote.gone:
        raise ItemsUnavailable(variants=[str(variant) for variant in quote.gone])
    expected = wish.expected_total
    if expected is not None and expected != Money(quote.total_minor, quote.currency):
        raise TotalChanged(expected=as_document(expected.minor, expected.currency), quote=_summary(quote))
    short = {line.offer.variant_id: line.quantity - line.free for line in quote.lines if line.is_short}
    if short:
        raise OutOfStock(short=short)
    return quote


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
    """Make the order, not yet written."""
    email = customer.email if customer else wish.email
    if not email:
        raise EmailMissing
    address: Any = _address(customer, wish)
    billing: Any = wish.billing_address.as_dict() if wish.billing_address else None
    return Order(
        id=new_id(),
        number=_next_number(),
        cart_id=cart.pk,
        external_number=wish.external_number,
        customer=customer,
        guest_token="" if customer else secrets.token_urlsafe(24),
        email=email,
        market=cart.market,
        currency=quote.currency,
        subtotal_minor=quote.subtotal_minor,
        discount_minor=quote.discount_minor,
        shipping_minor=quote.shipping_minor,
        tax_minor=quote.tax_minor,
        total_minor=quote.total_minor,
        shipping_address=address,
        billing_address=billing,
        note=wish.note,
        placed_at=placed_at,
        expires_at=placed_at + settings.UNPAID_ORDER_TTL,
    )


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
    insert_all([order])
    lines = insert_all(
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
        )
        for position, line in enumerate(quote.lines, start=1)
    )
    move = OrderMove(
        order=order,
        from_status="",
        to_status=OrderStatus.PENDING.value,
        at=order.placed_at,
        actor=actor,
        by=MovedBy.CUSTOMER.value,
    )
    insert_all([move])
    order.remember(lines=lines, moves=[move], shipments=[])
