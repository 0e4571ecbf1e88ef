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


class CouponRefused(Invalid):
    """The code cannot be used; ``reason`` says why."""

    code = "carts.coupon_refused"
    title = "This coupon cannot be used."
    example = {"coupon": "SPRING", "reason": "ended"}


class ShippingMethodRefused(Invalid):
    """No such shipping method is offered for this cart."""

    code = "carts.shipping_method_refused"
    title = "This shipping method cannot be had for this cart."
    example = {"shipping_method": "by-balloon"}


class VatIdRefused(Invalid):
    """It is not a VAT id of the state whose prefix it has."""

    code = "carts.vat_id_refused"
    title = "This is not a VAT id."
    example = {"vat_id": "DE123"}
