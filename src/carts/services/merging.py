"""Bringing a guest's cart to a customer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Q

from carts import selectors
from carts.domain import CartState, CartView, Holder, Wish, digest_of
from carts.errors import NotForSale
from carts.models import Cart, CartItem
from carts.services.filling import leave_closed_market, open_cart, put
from core.transactions import command, step
from products import selectors as product_reads

if TYPE_CHECKING:
    from markets.models import Market


@command
def merge_token(*, holder: Holder, token: str, market: Market, at: datetime) -> CartView:
    """Merge the guest cart of that token into the customer's, up to what is in stock, and return it.

    A token that names no open cart changes nothing. Locks both carts, in id order.
    """
    if holder.user_id is not None:
        merge_guest_cart(user_id=holder.user_id, token_digest=digest_of(token), at=at)
    return selectors.view_cart(holder=holder, market=market, at=at)


@command
def merge_items(*, holder: Holder, wishes: Sequence[Wish], market: Market, at: datetime) -> CartView:
    """Merge a cart that the client kept into the customer's, up to what is in stock. Locks the cart.

    :raises NotForSale: a SKU that nobody knows
    """
    added = _resolve(wishes)
    cart, holder, _ = open_cart(holder=holder, market=market, at=at)
    return put(cart=cart, holder=holder, items=selectors.items_of(cart=cart), added=added, at=at, cap=True)


@step
def merge_guest_cart(*, user_id: UUID, token_digest: str, at: datetime) -> None:
    """Merge the guest cart of that digest into the customer's. Doing it twice, or twice at once, adds once."""
    carts = list(
        Cart.objects.filter(state=CartState.OPEN.value)
        .filter(Q(owner_id=user_id) | Q(token_digest=token_digest, owner__isnull=True))
        .select_related("market")
        .locked()
    )
    guest = next((cart for cart in carts if cart.owner_id is None), None)
    if guest is None:
        return
    mine = next((cart for cart in carts if cart.owner_id == user_id), None)
    holder, market = Holder(user_id=user_id), guest.market if guest.market.is_active else None
    if mine is None:
        mine, _, _ = open_cart(holder=holder, market=market, at=at)
    else:
        leave_closed_market(cart=mine, holder=holder, market=market, at=at)
    added = {item.variant_id: item.quantity for item in selectors.items_of(cart=guest)}
    put(
        cart=mine,
        holder=holder,
        items=selectors.items_of(cart=mine),
        added=added,
        at=at,
        cap=True,
    )
    CartItem.objects.filter(cart=guest).delete()
    Cart.objects.filter(pk=guest.pk).update(state=CartState.MERGED.value, updated_at=at)
    _take_terms(mine, guest, at)


def _take_terms(mine: Cart, guest: Cart, at: datetime) -> None:
    """Let the customer's cart have what was wished as a guest, where it has no wish of its own."""
    before = asdict(mine.terms)
    taken = {name: value for name, value in asdict(guest.terms).items() if value and not before[name]}
    if mine.country:
        taken = {name: value for name, value in taken.items() if name not in ("region", "postal_code")}
    if taken:
        Cart.objects.filter(pk=mine.pk).update(**taken, updated_at=at)


def _resolve(wishes: Sequence[Wish]) -> Mapping[UUID, int]:
    skus = [wish.sku for wish in wishes if wish.sku]
    by_sku = product_reads.variants_by_sku(skus=skus) if skus else {}
    unknown = [sku for sku in skus if sku not in by_sku]
    if unknown:
        raise NotForSale(skus=unknown)
    added: dict[UUID, int] = {}
    for wish in wishes:
        variant = wish.variant_id or by_sku[wish.sku or ""]
        added[variant] = added.get(variant, 0) + wish.quantity
    return added
