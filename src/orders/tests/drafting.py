"""Drafts and edits for tests."""

from __future__ import annotations

from typing import Any

from accounts.models import User
from accounts.tests.factories import make_user
from inventory.models import Stock
from inventory.tests.factories import NOON
from markets.tests.factories import make_market
from orders import services
from orders.models import DraftOrder, Order
from orders.services import EditOrder, ItemWish
from orders.tests.factories import ADDRESS


def item(stock: Stock, quantity: int = 1, **more: Any) -> ItemWish:
    """Return a wish for units of a variant."""
    return ItemWish(variant=stock.variant_id, quantity=quantity, **more)


def make_draft(*items: ItemWish, author: User | None = None, **changes: Any) -> DraftOrder:
    """Return an open draft for an e-mail, or for who is named as ``customer``."""
    make_market()
    if "customer" not in changes:
        changes.setdefault("email", "ada@example.com")
    changes.setdefault("shipping_address", ADDRESS)
    author = author or make_user(is_staff=True)
    return services.create_draft(market=None, changes={"items": items, **changes}, author=author)  # type: ignore[typeddict-item]


def place_draft(draft: DraftOrder, **wish: Any) -> Order:
    """Place a draft as staff."""
    actor = wish.pop("actor", None) or draft.author
    assert actor is not None
    return services.place_draft(draft_id=draft.pk, actor=actor, at=wish.pop("at", NOON), **wish)


def edit(order: Order, *, by: User | None = None, at: Any = NOON, **said: Any) -> Order:
    """Change an order as staff; what is no part of the request itself is changed."""
    names = ("reason", "versions", "expected_total", "request_key")
    request = {name: said.pop(name) for name in names if name in said}
    wish = EditOrder(changes=said, **request)  # type: ignore[arg-type]
    return services.edit_order(order_id=order.pk, wish=wish, actor=by or make_user(is_staff=True), at=at)
