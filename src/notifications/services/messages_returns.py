"""What messages say of returns and withdrawals."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from notifications.domain import Kind, Message
from notifications.services.wording import link, money_text, order_data, order_link
from orders.domain import Resolution, ReturnStatus

if TYPE_CHECKING:
    from orders.models import Return, Withdrawal

_MOVES = {
    ReturnStatus.REQUESTED: ("We have your request", "We will look at it and tell you what to do next."),
    ReturnStatus.APPROVED: ("You may send it back", "Please send it back within 14 days."),
    ReturnStatus.REJECTED: ("We cannot take it back", "Please write to us if you do not agree."),
    ReturnStatus.RECEIVED: ("It has arrived", "We are having a look at it."),
    ReturnStatus.COMPLETED: ("Your return is settled", ""),
    ReturnStatus.CANCELLED: ("Your return is cancelled", "Nothing more follows."),
}


def return_moved(*, back: Return, status: ReturnStatus) -> Message:
    """To the buyer, whenever a return goes from one state to another."""
    heading, sentence = _MOVES[status]
    sentences = [_outcome(back) if status is ReturnStatus.COMPLETED else sentence]
    if back.answer and status in (ReturnStatus.APPROVED, ReturnStatus.REJECTED):
        sentences.insert(0, back.answer)
    return Message(
        kind=Kind.RETURN_MOVED,
        title=f"{heading}: order {back.order.number}",
        body=" ".join(sentences),
        data=order_data(back.order) | {"return_id": str(back.pk), "status": status.value},
        context={"number": back.order.number, "lines": _lines(back), "action_url": order_link(back.order)},
    )


def return_to_handle(*, back: Return) -> Message:
    """To staff who handle returns: one waits for an answer."""
    return Message(
        kind=Kind.STAFF_RETURN,
        title=f"Return of order {back.order.number}",
        body=f"{_count(sum(line.quantity for line in back.lines.all()))} are to come back. Approve or reject it.",
        data=order_data(back.order) | {"return_id": str(back.pk)},
    )


def withdrawal_declared(*, withdrawal: Withdrawal, token: str) -> Message:
    """To whoever said an order's number and e-mail, with the link that confirms the withdrawal."""
    url = link(f"withdrawals/{withdrawal.pk}", number=withdrawal.order.number)
    return Message(
        kind=Kind.WITHDRAWAL_DECLARED,
        title=f"Confirm your withdrawal: order {withdrawal.order.number}",
        context={
            "number": withdrawal.order.number,
            # Behind the hash, which browsers keep to themselves.
            "action_url": f"{url}#{urlencode({'token': token})}",
        },
    )


def withdrawal_confirmed(*, withdrawal: Withdrawal) -> Message:
    """To the consumer: the acknowledgement on a durable medium, with the content of the withdrawal and its time.

    Directive 2011/83/EU, Art. 11a (4).
    """
    order = withdrawal.order
    return Message(
        kind=Kind.WITHDRAWAL_CONFIRMED,
        title=f"We have your withdrawal: order {order.number}",
        body=_what_follows(withdrawal),
        data=order_data(order) | {"withdrawal_id": str(withdrawal.pk)},
        context={
            "number": order.number,
            "name": withdrawal.name,
            "email": withdrawal.email,
            "lines": _withdrawn(withdrawal),
            "statement": withdrawal.statement,
            "declared_at": _time(withdrawal.declared_at),
            "confirmed_at": _time(withdrawal.confirmed_at),
        },
    )


def withdrawal_to_handle(*, withdrawal: Withdrawal, shipped_units: int, open_units: int) -> Message:
    """To staff who handle returns: money has to go back within 14 days (Directive 2011/83/EU, Art. 13 (1))."""
    parts = [f"{_count(shipped_units)} will be sent back." if shipped_units else ""]
    parts += [f"{_count(open_units)} were not sent yet: see that they stay here." if open_units else ""]
    parts += ["It came after the withdrawal period: decide on it." if withdrawal.is_late else ""]
    parts += ["Money goes back within 14 days."]
    return Message(
        kind=Kind.STAFF_RETURN,
        title=f"Withdrawal from order {withdrawal.order.number}",
        body=" ".join(part for part in parts if part),
        data=order_data(withdrawal.order) | {"withdrawal_id": str(withdrawal.pk)},
    )


def _outcome(back: Return) -> str:
    owed_minor, currency = back.worth_minor + back.delivery_minor - back.deduction_minor, back.order.currency
    owed, replacement = money_text(owed_minor, currency), back.exchange_order
    if replacement is not None:
        taken_minor = min(owed_minor, replacement.total_minor)
        taken, rest = money_text(taken_minor, currency), money_text(owed_minor - taken_minor, currency)
        left = "" if replacement.status != "pending" else " Please pay what is left of it."
        left += f" {rest} go back to you in the way you paid." if owed_minor > taken_minor else ""
        return f"Your new order is {replacement.number}; {taken} of it are paid with what you sent back.{left}"
    if back.settled_as == Resolution.STORE_CREDIT.value:
        return f"{owed} are on your account with us."
    return f"{owed} go back to you in the way you paid."


def _what_follows(withdrawal: Withdrawal) -> str:
    if withdrawal.is_late:
        return "It came after the withdrawal period. We will look at it and write to you."
    sentences = ["What you paid for it goes back to you within 14 days."]
    if withdrawal.back_id is not None:
        sentences.insert(0, "Please send what you have back within 14 days.")
    return " ".join(sentences)


def _withdrawn(withdrawal: Withdrawal) -> list[dict[str, Any]]:
    """Return what was withdrawn from: the lines that were named, or all of the order."""
    named = {item["line"]: item["quantity"] for item in withdrawal.items}
    lines = sorted(withdrawal.order.lines.all(), key=lambda line: line.position)
    return [
        {"name": line.name, "sku": line.sku, "quantity": named.get(str(line.pk), line.quantity)}
        for line in lines
        if not named or str(line.pk) in named
    ]


def _lines(back: Return) -> list[dict[str, Any]]:
    lines = sorted(back.lines.all(), key=lambda row: row.line.position)
    return [{"name": row.line.name, "sku": row.line.sku, "quantity": row.quantity} for row in lines]


def _count(units: int) -> str:
    return "1 item" if units == 1 else f"{units} items"


def _time(at: datetime | None) -> str:
    return f"{at.astimezone(UTC):%d %B %Y, %H:%M:%S} UTC" if at else ""
