"""What orders do when others announce a fact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from orders import services


def scrub_customer(*, user_id: str, **_: object) -> None:
    """Remove a deleted person from their orders."""
    services.scrub_customer(user_id=UUID(user_id))


def confirm_payment(
    *, at: datetime, order_id: str, attempt_id: str, amount_minor: int, currency: str, **_: object
) -> None:
    """Move an order to paid, in the transaction that captured its payment."""
    services.confirm_payment(
        order_id=UUID(order_id), attempt_id=UUID(attempt_id), amount_minor=amount_minor, currency=currency, at=at
    )


def refuse_to_pay_back_twice(*, order_id: str, payment_id: str, refund_id: str, **_: object) -> None:
    """Refuse to try a refund again whose units were paid back since."""
    services.refuse_to_pay_back_twice(order_id=UUID(order_id), payment_id=UUID(payment_id), refund_id=UUID(refund_id))


def stop_paying(*, order_id: str, **_: object) -> None:
    """Call off what was begun to pay a cancelled order."""
    services.stop_paying(order_id=UUID(order_id), at=timezone.now())


def invoice_order(**fact: Any) -> None:
    """Write the invoice of an order that was paid."""
    invoice_orders(facts=[fact])


def invoice_orders(*, facts: Sequence[Mapping[str, Any]]) -> None:
    """Do as ``invoice_order`` does for several, with a few statements for all."""
    services.invoice_paid_orders(order_ids={UUID(fact["order_id"]) for fact in facts}, at=timezone.now())


def issue_gift_cards(*, order_id: str, **_: object) -> None:
    """Make and send the gift cards of an order that was paid."""
    services.issue_gift_cards(order_id=UUID(order_id), at=timezone.now())


def block_gift_cards(*, order_id: str, **_: object) -> None:
    """Block the gift cards of an order whose payment was charged back."""
    services.block_gift_cards(order_id=UUID(order_id))


def credit_refund(*, order_id: str, refund_id: str, amount_minor: int, is_of_sale: bool = True, **_: object) -> None:
    """Write the credit note of a refund; what was never a sale was never invoiced."""
    if is_of_sale:
        services.credit_refund(
            order_id=UUID(order_id), refund_id=UUID(refund_id), amount_minor=amount_minor, at=timezone.now()
        )


def pass_on_exchange(*, order_id: str, **_: object) -> None:
    """Send on what went back to an exchange."""
    services.pass_on_exchange(order_id=UUID(order_id), at=timezone.now())
