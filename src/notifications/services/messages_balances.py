"""What people are told of money that comes back, and of gift cards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from notifications.domain import Kind, Message
from notifications.services.wording import money_text, order_context, order_data
from payments.domain import BalanceKind, RefundTo

if TYPE_CHECKING:
    from orders.models import Order
    from payments.models import Balance, Refund

_TO = {
    RefundTo.STORE_CREDIT: "It is yours to spend in the shop.",
    RefundTo.EXCHANGE: "It goes towards what you get instead.",
}
_BY = {
    BalanceKind.GIFT_CARD.value: "It is on your gift card again.",
    BalanceKind.STORE_CREDIT.value: "It is yours to spend in the shop again.",
}
_PASSED_ON = "It goes on the way you paid for what you sent back."
_OUTSIDE = "It goes back the way it came, and may take a few days to arrive."


def refund_sent(*, order: Order, refund: Refund) -> Message:
    """To the buyer, for each refund that succeeded."""
    to = RefundTo(refund.to)
    by = refund.attempt.provider
    where = _TO.get(to) or (_goes_on(order) if by == BalanceKind.EXCHANGE.value else _BY.get(by, _OUTSIDE))
    amount = money_text(refund.amount_minor, refund.payment.currency)
    return Message(
        kind=Kind.REFUND_SENT,
        title=f"{amount} back for order {order.number}",
        body=f"We gave back {amount}. {where}",
        data=order_data(order) | {"refund_id": str(refund.pk)},
        context=order_context(order),
    )


def _goes_on(order: Order) -> str:
    """Say where what was paid with goods that came back goes."""
    return _TO[RefundTo.STORE_CREDIT] if order.customer_id else _PASSED_ON


def gift_card_sent(*, card: Balance, code: str) -> Message:
    """To whom a gift card was made for, with its code."""
    return Message(
        kind=Kind.GIFT_CARD_SENT,
        title=f"A gift card of {money_text(card.left_minor, card.currency)}",
        context={
            "code": code,
            "amount": money_text(card.left_minor, card.currency),
            "until": f"{card.expires_at:%d %B %Y}" if card.expires_at else "",
        },
    )
