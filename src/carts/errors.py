from __future__ import annotations

from core.errors import Conflict, Invalid, NotFound


class CartItemNotFound(NotFound):
    """There is no such item in this cart."""

    code = "carts.item_not_found"
    title = "There is no such item in your cart."


class CartNotFound(NotFound):
    """There is no open cart of that name."""

    code = "carts.cart_not_found"
    title = "There is no such cart."


class NotForSale(Invalid):
    """The variant is not sold in this market."""

    code = "carts.not_for_sale"
    title = "This is not for sale here."
    example = {"skus": ["MUG-BLUE"]}


class TooMuch(Invalid):
    """More of one thing, or more different things, than a cart holds."""

    code = "carts.too_much"
    title = "That is more than a cart holds."
    example = {"max_quantity": 999}


class CartEmpty(Conflict):
    """There is nothing in the cart."""

    code = "carts.cart_empty"
    title = "There is nothing in your cart."
