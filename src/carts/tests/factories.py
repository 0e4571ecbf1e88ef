"""Carts for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from accounts.tests.factories import make_user
from carts import services
from carts.domain import Holder, Wish
from carts.models import Cart
from inventory.tests.factories import NOON
from markets.tests.factories import make_market

if TYPE_CHECKING:
    from accounts.models import User
    from inventory.models import Stock


def make_cart(*wanted: tuple[Stock, int], owner: User | None = None) -> Cart:
    """Return a customer's open cart with these units in it."""
    owner = owner or make_user()
    for stock, quantity in wanted:
        services.add_item(
            holder=Holder(user_id=owner.pk),
            wish=Wish(variant_id=stock.variant_id, quantity=quantity),
            market=make_market(),
            at=NOON,
        )
    cart: Cart = Cart.objects.get(owner=owner, state="open")
    return cart


def make_guest_cart(*wanted: tuple[Stock, int]) -> str:
    """Return the token of a guest's cart with these units in it."""
    token: str | None = None
    for stock, quantity in wanted:
        view = services.add_item(
            holder=Holder(token=token),
            wish=Wish(variant_id=stock.variant_id, quantity=quantity),
            market=make_market(),
            at=NOON,
        )
        token = view.token
    assert token is not None
    return token


def owner_of(cart: Cart) -> User:
    """Return the customer whose cart it is."""
    assert cart.owner is not None
    return cart.owner
