"""What buyers are told of parcels, and of what will not be sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from notifications.domain import Kind, Message
from notifications.services.wording import order_context, order_data

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orders.models import Fulfilment, Order


def order_fulfilled(*, order: Order, fulfilment: Fulfilment) -> Message:
    """To the buyer, when a part of the order has left and more is to follow."""
    sentences = ["A part of your order has left our warehouse; the rest will follow.", tracking(fulfilment=fulfilment)]
    parcel = [
        {"name": each.line.name, "options": ", ".join(map(str, each.line.options.values())), "quantity": each.quantity}
        for each in sorted(fulfilment.lines.all(), key=lambda each: each.line.position)
    ]
    return Message(
        kind=Kind.ORDER_FULFILLED,
        title=f"A part of order {order.number} is on its way",
        body=" ".join(filter(None, sentences)),
        data=order_data(order) | {"fulfilment_id": str(fulfilment.pk)},
        context=order_context(order) | {"parcel": parcel, "tracking_url": fulfilment.link},
    )


def part_cancelled(*, order: Order, units: Mapping[str, int], is_refunded: bool) -> Message:
    """To the buyer, when some units will not be sent.

    :param units: line id -> units
    """
    lines = sorted(order.lines.all(), key=lambda line: line.position)
    gone = [f"{count} x {line.name}" for line in lines if (count := units.get(str(line.pk)))]
    sentences = [f"This will not be sent: {', '.join(gone)}."]
    if is_refunded:
        sentences.append("What you paid for it comes back by itself.")
    return Message(
        kind=Kind.ORDER_MOVED,
        title=f"A part of order {order.number} was cancelled",
        body=" ".join(sentences),
        data=order_data(order),
        context=order_context(order),
    )


def tracking(*, fulfilment: Fulfilment) -> str:
    """Return how a parcel is followed, in words; empty where nothing is known of it."""
    told = {"Carrier": fulfilment.carrier, "Tracking number": fulfilment.tracking_number}
    words = [f"{name}: {value}." for name, value in told.items() if value]
    if fulfilment.link:
        words.append(f"Follow it: {fulfilment.link}")
    return " ".join(words)
