"""What becomes of a cart: an order, or nothing."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet, Subquery

from carts import selectors
from carts.domain import CartState, Holder
from carts.errors import CartEmpty
from carts.models import Cart
from core.compiled import Compiled
from core.sql import update_together
from core.sweeping import sweep
from core.transactions import step


def _even_if_ordered(carts: QuerySet[Cart]) -> QuerySet[Cart]:
    """Lock what is an open cart before the lock is waited for, even if it is ordered meanwhile."""
    rows: QuerySet[Cart] = Cart.objects.select_related("market").filter(pk=Subquery(carts.values("pk"))).locked()
    return rows


_OF_CUSTOMER = Compiled(lambda owner_id: _even_if_ordered(selectors.open_carts(owner_id=owner_id)), owner_id=UUID)
_OF_GUEST = Compiled(
    lambda token_digest: _even_if_ordered(selectors.open_carts(token_digest=token_digest)), token_digest=str
)
# One that is closed stays so: nothing to lock.
_EVER_OF_GUEST = Compiled(
    lambda token_digest: Cart.objects.select_related("market").filter(token_digest=token_digest, owner=None),
    token_digest=str,
)


@step
def lock_cart(*, holder: Holder) -> Cart:
    """Lock the cart that the holder is about to order from. It may have been ordered while we waited: ask its state.

    :raises CartEmpty: the holder has no cart
    """
    cart = selectors.of_holder(holder, _OF_CUSTOMER, _OF_GUEST)
    if cart is None and holder.token_digest is not None:
        cart = _EVER_OF_GUEST.first(token_digest=holder.token_digest)
    if cart is None or cart.state == CartState.MERGED.value:
        raise CartEmpty
    return cart


@step
def close_cart(*, cart: Cart, at: datetime) -> None:
    """Mark a locked cart as ordered. One statement."""
    cart.state, cart.used_at, cart.updated_at = CartState.ORDERED.value, at, at
    update_together((cart, ("state", "used_at", "updated_at")))


def forget_abandoned(*, now: datetime, unused_for: timedelta | None = None) -> int:
    """Remove carts that nobody touched for 30 days (``ABANDONED_CART_TTL``), and merged ones; return how many."""
    before = now - (unused_for or settings.ABANDONED_CART_TTL)
    unused = Cart.objects.filter(used_at__lt=before).exclude(state__literally=CartState.ORDERED.value)
    return sweep(unused, by="used_at")
