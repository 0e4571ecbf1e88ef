"""What becomes of a cart: an order, or nothing."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings

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
    cart_id: UUID | None = selectors.open_carts(holder=holder).values_list("pk", flat=True).first()
    lookup = {"pk": cart_id} if cart_id else {"token_digest": holder.token_digest or "", "owner": None}
    cart: Cart | None = Cart.objects.filter(**lookup).select_related("market").locked().first()
    if cart is None or cart.state == CartState.MERGED.value:
        raise CartEmpty
    return cart


@step
def close_cart(*, cart: Cart, at: datetime) -> None:
    """Mark a locked cart as ordered. One statement."""
    cart.state = CartState.ORDERED.value
    cart.used_at = at
    cart.save(update_fields=["state", "used_at", "updated_at"])


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
