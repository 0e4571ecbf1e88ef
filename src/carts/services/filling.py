"""Putting things into a cart, changing and removing them."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings

from carts import selectors
from carts.domain import CartView, Holder, Item, Wish, compose
from carts.errors import CartItemNotFound, CartNotFound, NotForSale, TooMuch
from carts.models import Cart, CartItem
from core import tally
from core.compiled import Compiled
from core.ids import new_id
from core.sql import insert_all, insert_missing, upsert_values
from core.transactions import command, step
from inventory.errors import OutOfStock
from markets import selectors as markets
from pricing import selectors as pricing
from products import selectors as product_reads

if TYPE_CHECKING:
    from markets.models import Market
    from pricing.domain import Quote
    from products.domain import Offer


_OF_CUSTOMER = Compiled(lambda owner_id: selectors.open_carts(owner_id=owner_id).locked(), owner_id=UUID)
_OF_GUEST = Compiled(lambda token_digest: selectors.open_carts(token_digest=token_digest).locked(), token_digest=str)


def _lock_open_cart(holder: Holder) -> Cart | None:
    return selectors.of_holder(holder, _OF_CUSTOMER, _OF_GUEST)


@command
def add_item(*, holder: Holder, wish: Wish, market: Market | None, at: datetime) -> CartView:
    """Put something in, on top of what is there; opens a cart (and makes a guest's token) where there is none.

    At most eight statements; five for the first item of a guest. Locks the cart.

    :param market: where a new cart stands; ``None`` for the default
    :raises NotForSale: the variant is not sold in the cart's market
    :raises TooMuch: more than ``CART_MAX_QUANTITY`` of it, or more than ``CART_MAX_LINES`` different things
    :raises OutOfStock: more than are free, with what is in the cart
    """
    offers: dict[UUID, Offer] = {}
    if holder.is_nobody:
        market = market or markets.get_market(code=None)
        offers = _first_offers(wish, holder.group_id, market, at)
    variant_id = wish.variant_id or next(iter(offers), None) or _variant_of_sku(wish.sku or "")
    cart, holder, is_new = open_cart(holder=holder, market=market, at=at)
    items = [] if is_new else selectors.items_of(cart=cart)
    added = {variant_id: wish.quantity}
    return put(cart=cart, holder=holder, items=items, added=added, at=at, offers=offers or None)


def _first_offers(wish: Wish, group_id: UUID | None, market: Market, at: datetime) -> dict[UUID, Offer]:
    """Return variant id -> offer of what a guest without a cart names by SKU: all that their cart will hold."""
    if wish.sku is None or wish.variant_id is not None:
        return {}
    found = product_reads.offers_by_sku(skus=[wish.sku], market=market, group_id=group_id, at=at)
    return {offer.variant_id: offer for offer in found.values()}


@step
def fill_cart(*, holder: Holder, units: Mapping[UUID, int], market: Market, at: datetime) -> CartView:
    """Make the cart hold exactly these (variant id -> units), in one go. Locks the cart.

    :raises NotForSale, TooMuch, OutOfStock: as ``add_item``; the cart is then as it was
    """
    cart, holder, is_new = open_cart(holder=holder, market=market, at=at)
    if not is_new:
        CartItem.objects.filter(cart=cart).delete()
    return put(cart=cart, holder=holder, items=[], added=units, at=at)


@command
def change_item(*, holder: Holder, item_id: UUID, quantity: int, at: datetime) -> CartView:
    """Set how many of an item are wanted. Locks the cart.

    :raises CartItemNotFound: it is not in the holder's cart
    :raises TooMuch: more than ``CART_MAX_QUANTITY``
    :raises OutOfStock: more than are free
    """
    cart = _locked(holder)
    items = selectors.items_of(cart=cart)
    item = next((item for item in items if item.item_id == item_id), None)
    if item is None:
        raise CartItemNotFound
    return put(cart=cart, holder=holder, items=items, added={item.variant_id: quantity - item.quantity}, at=at)


@command
def remove_item(*, holder: Holder, item_id: UUID, at: datetime) -> None:
    """Take an item out.

    :raises CartItemNotFound: it is not in the holder's cart
    """
    cart = _locked(holder)
    count, _ = CartItem.objects.filter(cart=cart, pk=item_id).delete()
    if not count:
        raise CartItemNotFound
    _touch(cart, at)


@command
def clear_cart(*, holder: Holder, at: datetime) -> None:
    """Take everything out; nothing happens where there is no cart."""
    cart = _lock_open_cart(holder)
    if cart is not None:
        CartItem.objects.filter(cart=cart).delete()
        _touch(cart, at)


@step
def open_cart(*, holder: Holder, market: Market | None, at: datetime) -> tuple[Cart, Holder, bool]:
    """Lock the holder's open cart, or open one: the cart, its holder (a new guest gets a token), whether it is new.

    One whose market was closed goes on in the one that is given.
    """
    cart = _lock_open_cart(holder)
    if cart is not None:
        leave_closed_market(cart=cart, holder=holder, market=market, at=at)
        return cart, holder, False
    market = market or markets.get_market(code=None)
    if holder.user_id is None:
        holder = Holder(token=secrets.token_urlsafe(32), group_id=holder.group_id)
        [cart] = insert_all([Cart(token_digest=holder.token_digest, market=market, used_at=at)])
        tally.count_once_committed("carts_opened")
        return cart, holder, True
    # Two first items at once: the constraint lets one cart in, and the other request waits for it here.
    cart = Cart(owner_id=holder.user_id, market=market, used_at=at)
    if not insert_missing(cart):
        return _locked(holder), holder, False
    tally.count_once_committed("carts_opened")
    return cart, holder, True


@step
def leave_closed_market(*, cart: Cart, holder: Holder, market: Market | None, at: datetime) -> None:
    """Take a locked cart from a market that was closed to another, at its prices. Nothing otherwise.

    :param market: where to; ``None`` for the default
    """
    if cart.market.is_active:
        return
    cart.market = market or markets.get_market(code=None)
    Cart.objects.filter(pk=cart.pk).update(market=cart.market, updated_at=at)
    held = {item.variant_id: item for item in selectors.items_of(cart=cart)}
    wanted = {item.variant_id: item.quantity for item in held.values()}
    asking = selectors.asking_of(terms=cart.terms, holder=holder, at=at)
    quote = pricing.quote(wanted=wanted, market=cart.market, asking=asking)
    _write(cart, held, quote.units, quote, at)


@step
def put(
    *,
    cart: Cart,
    holder: Holder,
    items: Sequence[Item],
    added: Mapping[UUID, int],
    at: datetime,
    cap: bool = False,
    offers: Mapping[UUID, Offer] | None = None,
) -> CartView:
    """Add units (variant id -> units) to a locked cart whose items were read, and return it priced. Four statements.

    :param cap: rather than refuse, take as many as can be had (merging)
    :param offers: of all that it will hold, where they were read already (one statement less)
    """
    held = {item.variant_id: item for item in items}
    wanted = {item.variant_id: item.quantity for item in items}
    for variant_id, units in added.items():
        wanted[variant_id] = wanted.get(variant_id, 0) + units
    asking = selectors.asking_of(terms=cart.terms, holder=holder, at=at)
    quote = pricing.quote(wanted=wanted, market=cart.market, asking=asking, offers=offers)
    chosen = _capped(quote, wanted, added) if cap else _checked(quote, wanted, added)
    if chosen != wanted:
        quote = pricing.quote(wanted=chosen, market=cart.market, asking=asking)

    changed = _write(cart, held, {variant: chosen[variant] for variant in added if variant in chosen}, quote, at)
    _touch(cart, at)
    shown = [changed.get(v) or held[v]._replace(quantity=units) for v, units in chosen.items()]
    token = None if cart.owner_id else holder.token
    return compose(cart_id=cart.pk, token=token, quote=quote, items=shown, terms=cart.terms)


def _write(
    cart: Cart, held: Mapping[UUID, Item], chosen: Mapping[UUID, int], quote: Quote, at: datetime
) -> dict[UUID, Item]:
    """Write what changed, at today's prices: variant id -> item."""
    prices = {line.offer.variant_id: line.unit_price_minor for line in quote.lines}
    changed = {
        variant: Item(held[variant].item_id if variant in held else new_id(), variant, units, prices[variant])
        for variant, units in chosen.items()
    }
    upsert_values(
        CartItem,
        [
            {
                "id": item.item_id,
                "cart_id": cart.pk,
                "variant_id": item.variant_id,
                "quantity": item.quantity,
                "seen_price_minor": item.seen_price_minor,
                "created_at": at,
            }
            for item in changed.values()
        ],
        unique=("cart_id", "variant_id"),
        change=("quantity", "seen_price_minor", "updated_at"),
    )
    return changed


def _checked(quote: Quote, wanted: dict[UUID, int], added: Mapping[UUID, int]) -> dict[UUID, int]:
    """Refuse what cannot be had of what is added; what was there before is only warned of."""
    if set(added) & set(quote.gone):
        raise NotForSale(variants=[str(variant) for variant in added if variant in quote.gone])
    if len(wanted) > settings.CART_MAX_LINES:
        raise TooMuch(max_lines=settings.CART_MAX_LINES)
    if any(wanted[variant] > settings.CART_MAX_QUANTITY for variant in added):
        raise TooMuch(max_quantity=settings.CART_MAX_QUANTITY)
    short = {
        line.offer.variant_id: line.quantity - line.free
        for line in quote.lines
        if line.is_short and added.get(line.offer.variant_id, 0) > 0
    }
    if short:
        raise OutOfStock(short=short)
    return wanted


def _capped(quote: Quote, wanted: dict[UUID, int], added: Mapping[UUID, int]) -> dict[UUID, int]:
    """Take of what is added as much as is free and as a cart holds; never less than was there before."""
    free = {line.offer.variant_id: line.free for line in quote.lines}
    chosen: dict[UUID, int] = {}
    for variant, units in wanted.items():
        if variant not in added:
            chosen[variant] = units
            continue
        before = units - added[variant]
        most = max(min(units, free.get(variant, 0), settings.CART_MAX_QUANTITY), before)
        if most > 0 and (before or len(chosen) < settings.CART_MAX_LINES) and (before or variant in free):
            chosen[variant] = most
    return chosen


def _variant_of_sku(sku: str) -> UUID:
    found = product_reads.variants_by_sku(skus=[sku])
    if sku not in found:
        raise NotForSale(skus=[sku])
    return found[sku]


def _locked(holder: Holder) -> Cart:
    cart: Cart | None = _lock_open_cart(holder)
    if cart is None:
        raise CartNotFound
    return cart


def _touch(cart: Cart, at: datetime) -> None:
    if cart.used_at == at:
        return
    Cart.objects.filter(pk=cart.pk).update(used_at=at, updated_at=at)
