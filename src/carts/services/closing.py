"""What becomes of a cart: an order, or nothing."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Subquery

from carts import selectors
from carts.domain import CartState, Holder
from carts.errors import CartEmpty
from carts.models import Cart, CartItem
from core.transactions import command, step


@step
def lock_cart(*, holder: Holder) -> Cart:
    """Lock the cart that the holder is about to order from. It may have been ordered while we waited: ask its state.

    :raises CartEmpty: the holder has no cart
    """
    rows = Cart.objects.select_related("market").locked()
    # The id is found before the lock is waited for, so that the cart is found even if it was ordered meanwhile.
    cart: Cart | None = rows.filter(pk=Subquery(selectors.open_carts(holder=holder).values("pk"))).first()
    if cart is None and holder.token_digest is not None:
        cart = rows.filter(token_digest=holder.token_digest, owner=None).first()
    if cart is None or cart.state == CartState.MERGED.value:
        raise CartEmpty
    return cart


@step
def close_cart(*, cart: Cart, at: datetime) -> None:
    """Mark a locked cart as ordered. One statement."""
    cart.state, cart.used_at = CartState.ORDERED.value, at
    Cart.objects.filter(pk=cart.pk).update(state=cart.state, used_at=at, updated_at=at)


@command
def forget_abandoned(*, now: datetime, unused_for: timedelta | None = None, most: int = 1000) -> int:
    """Remove carts that nobody touched for 30 days (``ABANDONED_CART_TTL``), and merged ones; return how many."""
    before = now - (unused_for or settings.ABANDONED_CART_TTL)
    old = list(
        Cart.objects.filter(used_at__lt=before)
        .exclude(state=CartState.ORDERED.value)
        .locked(skip_locked=True)
        .values_list("pk", flat=True)[:most]
    )
    CartItem.objects.filter(cart_id__in=old).delete()
    Cart.objects.filter(pk__in=old).delete()
    return len(old)
