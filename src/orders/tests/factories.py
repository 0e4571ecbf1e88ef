"""Orders for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from accounts.domain import AddressData
from accounts.tests.factories import make_user
from carts.models import Cart
from carts.tests.factories import make_cart, make_guest_cart
from inventory.tests.factories import NOON, make_stock
from orders import services

if TYPE_CHECKING:
    from accounts.models import User
    from inventory.models import Stock
    from orders.models import Order

ADDRESS = AddressData(
    name="Ada Lovelace",
    line1="12 St James's Square",
    line2="",
    city="London",
    region="",
    postal_code="SW1Y 4JH",
    country="GB",
    phone="",
)


def place(cart: Cart, **wish: Any) -> Order:
    """Place the order of a customer's cart."""
    return services.place_order(
        customer=cart.owner,
        cart_token=None,
        wish=services.PlaceOrder(**{"shipping_address": ADDRESS} | wish),
        placed_at=NOON,
    )


def make_order(*wanted: tuple[Stock, int], customer: User | None = None) -> Order:
    """Return a customer's pending order; without lines named, of one unit."""
    return place(make_cart(*(wanted or ((make_stock(), 1),)), owner=customer or make_user()))


def make_guest_order(*wanted: tuple[Stock, int], email: str = "guest@example.com") -> Order:
    """Return a guest's pending order."""
    token = make_guest_cart(*(wanted or ((make_stock(), 1),)))
    return services.place_order(
        customer=None,
        cart_token=token,
        wish=services.PlaceOrder(email=email, shipping_address=ADDRESS),
        placed_at=NOON,
    )
