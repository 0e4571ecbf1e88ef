"""What staff see to afterwards: returns they refuse, money they give back by hand or again, files of a provider."""

from __future__ import annotations

from typing import Any

from orders.models import Order
from orders.tests.gateway import RETURN_URL, set_faults
from payments.models import Attempt, Refund, SavedMethod
from payments.tests.files import SANDBOX, STRIPE, stripe_row, table
from tests.crashes.desk import Desk, paying
from tests.crashes.stories import Story, paid, pending, shipped


def _asks(desk: Desk, order: Order, **wish: Any) -> str:
    """Have a unit sent back, and return where that is handled."""
    items = [{"line": str(order.lines.get().pk), "quantity": 1, "reason": "damaged"}]
    said = desk.ask(desk.customer, "post", f"orders/{order.pk}/returns", {"items": items, **wish})
    return f"returns/{said['id']}"


def _is_here(desk: Desk, order: Order, **wish: Any) -> str:
    back = _asks(desk, order, **wish)
    desk.ask(desk.staff, "post", f"{back}/approve", {})
    desk.ask(desk.staff, "post", f"{back}/receive", {})
    return back


def _return_is_rejected(desk: Desk, order: Order) -> None:
    desk.ask(desk.staff, "post", f"{_asks(desk, order)}/reject", {"answer": "It was worn."})


def _return_is_called_off(desk: Desk, order: Order) -> None:
    back = _asks(desk, order)
    desk.ask(desk.staff, "post", f"{back}/approve", {})
    desk.ask(desk.customer, "post", f"{back}/cancel")


def _something_is_kept(desk: Desk, order: Order) -> None:
    found = {"restock": True, "deduction": "2.00", "with_delivery": True}
    desk.ask(desk.staff, "post", f"{_is_here(desk, order)}/settle", found)


def _is_credited(desk: Desk, order: Order) -> None:
    desk.ask(desk.staff, "post", f"{_is_here(desk, order, wanted='store_credit')}/settle", {})


def _paid_by_hand_and_cancelled(desk: Desk) -> Order:
    order = desk.order()
    desk.move(order, "paid")
    desk.move(order, "cancelled")
    desk.work()
    return order


def _is_given_back_by_hand(desk: Desk, order: Order) -> None:
    desk.ask(desk.staff, "post", f"refunds/{_refund_of(order)}/confirm")


def _refused_a_refund(desk: Desk) -> Order:
    order = paid(desk)
    set_faults(refunds_fail=1)
    desk.refund(order, amount="5.00")
    set_faults()
    return order


def _is_given_back_after_all(desk: Desk, order: Order) -> None:
    desk.ask(desk.staff, "post", f"refunds/{_refund_of(order)}/retry")


def _refund_of(order: Order) -> str:
    return str(Refund.objects.get(payment__order_id=order.pk).pk)


def _is_settled(desk: Desk, order: Order) -> None:
    """Take in a file that has the order, and one with fees and a payout to book; by mistake each once more."""
    attempt = Attempt.objects.get(payment__order_id=order.pk)
    pounds, at = f"{attempt.captured_minor / 100:.2f}", desk.clock.now().isoformat()
    charge = ["captured", attempt.provider_reference, attempt.provider_reference, attempt.idempotency_key]
    own = {"balance_transaction_id": f"txn_{order.pk}", "source_id": f"po_{order.pk}"}
    rows = [stripe_row("payout", "-9.00", **own), stripe_row("charge", "10.00", fee="1.00", net="9.00")]
    for provider, content in (
        ("sandbox", table(SANDBOX, [[*charge, "GBP", pounds, at]])),
        ("stripe", table(STRIPE, rows)),
    ):
        file = {"provider": provider, "file": content}
        first, again = (desk.ask(desk.staff, "post", "settlements", file) for _ in range(2))
        assert first["id"] == again["id"]


def _orders_again_with_a_card_that_is_kept(desk: Desk) -> Order:
    desk.ask(desk.customer, "post", "payments", paying(desk.order()) | {"save": True})
    desk.work()
    return pending(desk)


def _pays_with_what_is_kept(desk: Desk, order: Order) -> None:
    kept = SavedMethod.objects.get(customer=desk.buyer)
    wish = {"order": str(order.pk), "saved_method": str(kept.pk), "return_url": RETURN_URL}
    desk.ask(desk.customer, "post", "payments", wish)


HANDLING = {
    "a return is rejected": Story(shipped, _return_is_rejected, "shipped"),
    "a return is called off": Story(shipped, _return_is_called_off, "shipped"),
    "something is kept of a return": Story(shipped, _something_is_kept, "shipped"),
    "a return becomes store credit": Story(shipped, _is_credited, "shipped"),
    "staff give back what came by hand": Story(_paid_by_hand_and_cancelled, _is_given_back_by_hand, "cancelled"),
    "a refund is tried again that failed": Story(_refused_a_refund, _is_given_back_after_all, "paid"),
    "a provider's file is taken in twice": Story(paid, _is_settled, "paid"),
    "a card that is kept pays": Story(_orders_again_with_a_card_that_is_kept, _pays_with_what_is_kept, "paid"),
}
