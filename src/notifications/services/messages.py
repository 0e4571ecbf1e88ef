"""What each message says: its heading, its line in the app, and what its mail's templates show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings

from notifications.domain import Kind, Message
from notifications.services.messages_parcels import tracking
from notifications.services.wording import link, money_text, order_context, order_data
from orders.domain import OrderStatus

if TYPE_CHECKING:
    from orders.models import Order, OrderMove
    from products.models import Product

_MOVES = {
    OrderStatus.PENDING: ("is waiting for payment", "We are waiting for its payment."),
    OrderStatus.PAID: ("is paid", "Thank you. We are getting it ready."),
    OrderStatus.SHIPPED: ("is on its way", "It has left our warehouse."),
    OrderStatus.DELIVERED: ("was delivered", "We hope that you enjoy it."),
    OrderStatus.CANCELLED: ("was cancelled", "Nothing more will be sent or charged for it."),
}

_ALERTS = {
    "late_charge_kept": "{} came after it had lapsed. Its goods are reserved again, and it is paid.",
    "late_charge_returned": "{} came after it was cancelled, and goes back by itself.",
    "second_charge_returned": "{} was charged although it was paid, and goes back by itself.",
    "part_captured": "{} came, which is less than its total. It waits for the rest, or for you.",
    "refund_by_hand": "{} has to be given back by hand, as it came. Confirm it on the refund's page.",
    "refund_failed": "{} could not be given back. Its buyer still waits for it.",
    "charged_back": "{} was charged back by the buyer's bank.",
    "charge_mismatch": "{} was asked for, and its provider speaks of another sum or currency. It was not taken in.",
}


def welcome(*, name: str) -> Message:
    """To who registered."""
    return Message(
        kind=Kind.WELCOME,
        title="Welcome to the shop",
        body="Your account is ready. Happy browsing!",
        context={"name": name, "products_url": link("products")},
    )


def verification(*, token: str) -> Message:
    """To who registered, with the link that proves the address."""
    return Message(
        kind=Kind.VERIFY_EMAIL,
        title="Confirm your e-mail address",
        context={"action_url": link("verify-email", token=token), "minutes": _token_minutes()},
    )


def password_reset(*, token: str) -> Message:
    """To who forgot their password, with the link that sets a new one."""
    return Message(
        kind=Kind.PASSWORD_RESET,
        title="Choose a new password",
        context={"action_url": link("reset-password", token=token), "minutes": _token_minutes()},
    )


def password_changed() -> Message:
    """To whose password was changed."""
    return Message(
        kind=Kind.PASSWORD_CHANGED,
        title="Your password was changed",
        body="If this was not you, reset your password now and sign out everywhere.",
        context={"action_url": link("forgot-password")},
    )


def order_placed(*, order: Order) -> Message:
    """To the buyer, with the lines and sums as bought."""
    return Message(
        kind=Kind.ORDER_PLACED,
        title=f"We have your order {order.number}",
        body=f"{_count(order)} for {money_text(order.total_minor, order.currency)}. We will tell you when it moves on.",
        data=order_data(order),
        context=order_context(order),
    )


def order_moved(*, order: Order, move: OrderMove) -> Message:
    """To the buyer, whenever the order goes from one state to another; with tracking once it is shipped."""
    status = OrderStatus(move.to_status)
    heading, sentence = _MOVES[status]
    sentences = [sentence]
    fulfilments = list(order.fulfilments.all()) if status is OrderStatus.SHIPPED else []
    sentences += [text for parcel in fulfilments if (text := tracking(fulfilment=parcel))]
    if status is OrderStatus.CANCELLED and move.reason:
        sentences.append(f"Reason: {move.reason}")
    return Message(
        kind=Kind.ORDER_MOVED,
        title=f"Order {order.number} {heading}",
        body=" ".join(sentences),
        data=order_data(order) | {"status": status.value},
        context=order_context(order),
    )


def new_order(*, order: Order) -> Message:
    """To staff who watch orders."""
    return Message(
        kind=Kind.STAFF_NEW_ORDER,
        title=f"New order {order.number}",
        body=f"{_count(order)} for {money_text(order.total_minor, order.currency)}.",
        data=order_data(order),
    )


def payment_alert(*, order: Order, what: str, amount_minor: int, currency: str) -> Message:
    """To staff who watch payments."""
    return Message(
        kind=Kind.STAFF_PAYMENT,
        title=f"Payment of order {order.number}",
        body=_ALERTS.get(what, "Have a look: {}.").format(money_text(amount_minor, currency)),
        data=order_data(order),
    )


def registration(*, user_id: str) -> Message:
    """To staff who may know of it. The address is not repeated: it can be scrubbed in one place only."""
    return Message(
        kind=Kind.STAFF_REGISTRATION,
        title="Someone registered",
        body="A new customer made an account.",
        data={"user_id": user_id},
    )


def product_created(*, product: Product) -> Message:
    """To staff who watch the catalogue."""
    return _about_product(Kind.STAFF_PRODUCT_CREATED, f"New product: {product.name}", "It was added to", product)


def product_deleted(*, product: Product) -> Message:
    """To staff who watch the catalogue."""
    return _about_product(
        Kind.STAFF_PRODUCT_DELETED, f"Product deleted: {product.name}", "It was removed from", product
    )


def new_product(*, product: Product) -> Message:
    """To customers who asked to be told."""
    return _about_product(Kind.NEW_PRODUCT, f"New in the shop: {product.name}", "Have a look at it in", product)


def _about_product(kind: Kind, title: str, sentence: str, product: Product) -> Message:
    return Message(
        kind=kind,
        title=title,
        body=f"{sentence} {product.category.name}.",
        data={"product_id": str(product.pk), "product_slug": product.slug},
        context={"product_name": product.name, "action_url": link(f"products/{product.slug}")},
    )


def _count(order: Order) -> str:
    units = sum(line.quantity for line in order.lines.all())
    return "1 item" if units == 1 else f"{units} items"


def _token_minutes() -> int:
    return int(settings.ONE_TIME_TOKEN_TTL.total_seconds() // 60)
