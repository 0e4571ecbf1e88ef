"""What is said of orders that wait for their payment: how to pay them, and what staff changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from notifications.domain import Kind, Message
from notifications.services.wording import money_text, order_context, order_data

if TYPE_CHECKING:
    from orders.models import Order, OrderEdit


def order_to_pay(*, order: Order, to_pay_minor: int, url: str) -> Message:
    """To the buyer of an order that staff wrote, with the link by which it is paid.

    :param to_pay_minor: what is left to pay, of what was paid in part
    """
    to_pay = money_text(to_pay_minor, order.currency)
    return Message(
        kind=Kind.ORDER_TO_PAY,
        title=f"Your order {order.number} is ready to be paid",
        body=f"Please pay {to_pay}.",
        data=order_data(order),
        context=order_context(order) | {"action_url": url, "expires_at": order.expires_at, "to_pay": to_pay},
    )


def order_edited(*, order: Order, edit: OrderEdit, url: str | None) -> Message:
    """To the buyer, with the lines and sums as they are now; ``url`` is the link by which it is paid, if there is one.

    The sums are those of now: of two edits in a row, both mails tell the last.
    """
    was, total = edit.total_before_minor, money_text(order.total_minor, order.currency)
    is_same = was == order.total_minor
    body = (
        f"We changed your order. Its total is still {total}."
        if is_same
        else f"We changed your order. Its total is now {total} instead of {money_text(was, order.currency)}."
    )
    context = order_context(order)
    return Message(
        kind=Kind.ORDER_EDITED,
        title=f"Your order {order.number} was changed",
        body=f"{body} Reason: {edit.reason}" if edit.reason else body,
        data=order_data(order),
        context=context | {"action_url": url or context["action_url"], "label": "Pay now" if url else "See your order"},
    )
