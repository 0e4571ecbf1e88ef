"""Turning a cart into an order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings

from accounts import selectors as account_reads
from carts import selectors as cart_reads
from carts import services as carts
from carts.domain import CartState, Holder, Terms
from carts.errors import CartEmpty
from core.transactions import command, step
from orders.errors import AddressMissing, EmailMissing
from orders.models import Order
from orders.services.writing import Agreement, refuse_other_than_agreed, write_order
from pricing import selectors as pricing

if TYPE_CHECKING:
    from accounts.domain import AddressData
    from accounts.models import User
    from carts.models import Cart
    from core.money import Money


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
    holder = holder_of(customer, cart_token)
    cart = carts.lock_cart(holder=holder)
    if cart.state == CartState.ORDERED.value:
        return Order.objects.select_related("market").get(cart_id=cart.pk)

    wanted = {item.variant_id: item.quantity for item in cart_reads.items_of(cart=cart)}
    if not wanted:
        raise CartEmpty
    email, address = _email(customer, wish), _address(customer, wish)
    terms = _terms(cart, wish, address)
    asking = cart_reads.asking_of(terms=terms, holder=holder, at=placed_at, email=email)
    if wish.agreed_minor:
        asking = replace(asking, by_rules=False)
    quote = pricing.quote(wanted=wanted, market=cart.market, asking=asking, agreed_minor=wish.agreed_minor)
    refuse_other_than_agreed(quote=quote, terms=terms, expected=wish.expected_total)
    order = write_order(
        agreement=Agreement(
            market=cart.market,
            customer=customer,
            email=email,
            buyer=asking.buyer,
            shipping_address=address,
            billing_address=wish.billing_address.as_dict() if wish.billing_address else None,
            coupon=terms.coupon,
            vat_id=terms.vat_id,
            note=wish.note,
            placed_at=placed_at,
            expires_at=placed_at + settings.UNPAID_ORDER_TTL,
            cart_id=cart.pk,
            external_number=wish.external_number,
            actor=customer,
            is_explained=asking.by_rules,
        ),
        quote=quote,
    )
    carts.close_cart(cart=cart, at=placed_at)
    return order


def holder_of(customer: User | None, cart_token: str | None) -> Holder:
    """Return whose cart it is: a customer's token does not count."""
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
