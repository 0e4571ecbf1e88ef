"""Reads of carts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from carts.domain import CartState, CartView, Holder, Item, compose
from carts.errors import NotForSale
from carts.models import Cart, CartItem
from core.models import LockingQuerySet
from pricing import selectors as pricing
from products import selectors as product_reads

if TYPE_CHECKING:
    from markets.models import Market


def open_carts(*, holder: Holder) -> LockingQuerySet[Cart]:
    """Return the holder's open cart, as a queryset of at most one row. A customer's token does not count."""
    rows: LockingQuerySet[Cart] = Cart.objects.filter(state=CartState.OPEN.value).select_related("market")
    if holder.user_id is not None:
        return rows.filter(owner_id=holder.user_id)
    if holder.token_digest is not None:
        return rows.filter(token_digest=holder.token_digest, owner__isnull=True)
    return rows.none()


def view_cart(*, holder: Holder, market: Market) -> CartView:
    """Return the holder's cart, priced now; an empty one where there is none. Four queries for any number of lines.

    :param market: where an empty cart would stand; a cart that exists has its own
    """
    cart = open_carts(holder=holder).first()
    if cart is None:
        return compose(cart_id=None, token=None, quote=pricing.quote(wanted={}, market=market), items=())
    return show(cart=cart, holder=holder, items=items_of(cart=cart))


def items_of(*, cart: Cart) -> list[Item]:
    """Return a cart's items in the order in which they came in. One query."""
    rows = CartItem.objects.filter(cart=cart).order_by("created_at", "pk")
    return [Item(*row) for row in rows.values_list("pk", "variant_id", "quantity", "seen_price_minor")]


def show(*, cart: Cart, holder: Holder, items: Sequence[Item]) -> CartView:
    """Price a cart whose items were read. Two queries."""
    quote = pricing.quote(wanted={item.variant_id: item.quantity for item in items}, market=cart.market)
    return compose(cart_id=cart.pk, token=None if cart.owner_id else holder.token, quote=quote, items=items)


def quote_items(*, wanted: Mapping[str, int], market: Market) -> CartView:
    """Price a cart that the client keeps (SKU -> units). Stores nothing. Three queries.

    :raises NotForSale: a SKU is not sold in this market
    """
    offers = product_reads.offers_by_sku(skus=wanted.keys(), market=market)
    unknown = [sku for sku in wanted if sku not in offers]
    if unknown:
        raise NotForSale(skus=unknown)
    units = {offers[sku].variant_id: quantity for sku, quantity in wanted.items()}
    quote = pricing.quote(wanted=units, market=market)
    items = [Item(None, variant_id, quantity, None) for variant_id, quantity in units.items()]
    return compose(cart_id=None, token=None, quote=quote, items=items)
