"""Reads of carts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import QuerySet

from carts.domain import CartState, CartView, Holder, Item, Terms, compose
from carts.errors import NotForSale
from carts.models import Cart, CartItem
from core.compiled import Compiled
from core.models import LockingQuerySet
from core.statements import fetch
from markets import selectors as markets
from pricing import selectors as pricing
from products import selectors as product_reads
from promotions import selectors as promotions

if TYPE_CHECKING:
    from markets.models import Market
    from pricing.domain import Asking, Quote


def open_carts(**whose: object) -> LockingQuerySet[Cart]:
    """Return the open cart of an ``owner_id`` or of a guest's ``token_digest``: at most one row, with its market."""
    rows: LockingQuerySet[Cart] = Cart.objects.filter(state=CartState.OPEN.value).select_related("market")
    return rows.filter(**whose) if "owner_id" in whose else rows.filter(**whose, owner__isnull=True)


_OF_CUSTOMER = Compiled(lambda owner_id: open_carts(owner_id=owner_id), owner_id=UUID)
_OF_GUEST = Compiled(lambda token_digest: open_carts(token_digest=token_digest), token_digest=str)
_ITEMS = Compiled(
    lambda cart: (
        CartItem.objects.filter(cart=cart)
        .order_by("created_at", "pk")
        .values_list("pk", "variant_id", "quantity", "seen_price_minor")
    ),
    cart=UUID,
)


# In one statement: a cart that becomes an order meanwhile is open with its units still free, or is not open.
_SHORT = """
SELECT i.variant_id, i.quantity - coalesce(f.units, 0)
  FROM carts_cart c
  JOIN carts_cartitem i ON i.cart_id = c.id
  LEFT JOIN LATERAL (SELECT sum(s.on_hand - s.reserved)::bigint AS units
                       FROM inventory_stock s WHERE s.variant_id = i.variant_id) f ON true
 WHERE {} AND c.state = 'open' AND i.quantity > coalesce(f.units, 0)
"""
_SHORT_OF_CUSTOMER = _SHORT.format("c.owner_id = %s")
_SHORT_OF_GUEST = _SHORT.format("c.token_digest = %s AND c.owner_id IS NULL")


def find_open_cart(*, holder: Holder) -> Cart | None:
    """Return the holder's open cart, with its market. A customer's token does not count. One query."""
    return of_holder(holder, _OF_CUSTOMER, _OF_GUEST)


def of_holder(holder: Holder, of_customer: Compiled[Cart], of_guest: Compiled[Cart]) -> Cart | None:
    """Ask for the cart in the way that fits the holder; nobody has none."""
    if holder.user_id is not None:
        return of_customer.first(owner_id=holder.user_id)
    return of_guest.first(token_digest=holder.token_digest) if holder.token_digest is not None else None


def short_items(*, holder: Holder) -> dict[UUID, int]:
    """Return variant id -> units missing, of what the holder's open cart asks for beyond what is free. One query."""
    if holder.user_id is not None:
        return dict(fetch(_SHORT_OF_CUSTOMER, [holder.user_id]))
    return dict(fetch(_SHORT_OF_GUEST, [holder.token_digest])) if holder.token_digest is not None else {}


def view_cart(*, holder: Holder, market: Market | None, at: datetime) -> CartView:
    """Return the holder's cart, priced now; an empty one where there is none. Four queries for any number of lines.

    :param market: where an empty cart would stand, ``None`` for the default; a cart that exists has its own
    """
    cart = find_open_cart(holder=holder)
    if cart is None:
        market, terms = market or markets.get_market(code=None), Terms()
        quote = pricing.quote(wanted={}, market=market, asking=asking_of(terms=terms, holder=holder, at=at))
        return compose(cart_id=None, token=None, quote=quote, items=(), terms=terms)
    return show(cart=cart, holder=holder, items=items_of(cart=cart), at=at)


def list_carts(*, owner_id: UUID) -> QuerySet[Cart]:
    """Return all carts that a customer ever filled, with market and items; three queries when read."""
    rows: QuerySet[Cart] = Cart.objects.filter(owner=owner_id)
    return rows.select_related("market").prefetch_related("items__variant")


def items_of(*, cart: Cart) -> list[Item]:
    """Return a cart's items in the order in which they came in. One query."""
    return [Item(*row) for row in _ITEMS.all(cart=cart.pk)]


def show(*, cart: Cart, holder: Holder, items: Sequence[Item], at: datetime) -> CartView:
    """Price a cart whose items were read. Two queries; a third about the coupon, if there is one."""
    quote = pricing.quote(
        wanted={item.variant_id: item.quantity for item in items},
        market=cart.market,
        asking=asking_of(terms=cart.terms, holder=holder, at=at),
    )
    token = None if cart.owner_id else holder.token
    return compose(cart_id=cart.pk, token=token, quote=quote, items=items, terms=cart.terms)


def preview(*, cart: Cart, at: datetime) -> Quote:
    """Return what a cart would cost its holder now, for staff. Four queries at most."""
    group_id = cart.owner.customer_group_id if cart.owner else None
    holder = Holder(user_id=cart.owner_id, group_id=group_id)
    return show(cart=cart, holder=holder, items=items_of(cart=cart), at=at).quote


def asking_of(*, terms: Terms, holder: Holder, at: datetime, email: str = "") -> Asking:
    """Return how the holder asks for a price on these terms. A guest is known by the e-mail, as soon as it is given."""
    known = holder.user_id is not None or bool(email)
    buyer = promotions.buyer_key(customer_id=holder.user_id, email=email) if known else ""
    return terms.asked_by(group_id=holder.group_id, buyer=buyer, at=at)


def quote_items(*, wanted: Mapping[str, int], terms: Terms, holder: Holder, market: Market, at: datetime) -> CartView:
    """Price a cart that the client keeps (SKU -> units). Stores nothing. Two queries, three with a coupon.

    :raises NotForSale: a SKU is not sold in this market
    """
    found = product_reads.offers_by_sku(skus=wanted.keys(), market=market, group_id=holder.group_id, at=at)
    unknown = [sku for sku in wanted if sku not in found]
    if unknown:
        raise NotForSale(skus=unknown)
    units = {found[sku].variant_id: quantity for sku, quantity in wanted.items()}
    offers = {offer.variant_id: offer for offer in found.values()}
    asking = asking_of(terms=terms, holder=holder, at=at)
    quote = pricing.quote(wanted=units, market=market, asking=asking, offers=offers)
    items = [Item(None, variant_id, quantity, None) for variant_id, quantity in units.items()]
    return compose(cart_id=None, token=None, quote=quote, items=items, terms=terms)
