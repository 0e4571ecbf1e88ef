"""The sandbox gateway, as the tests of paying ask it: its books are the oracle."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from django.conf import settings
from django.db import transaction
from django.test import Client
from django.utils import timezone

from core import outbox
from core.models import OutboxEvent
from orders import services
from orders.domain import OrderStatus
from orders.models import Order
from orders.services import Payer
from orders.tests.books import books_agree
from payments import selectors as payment_reads
from payments import services as payments
from payments.domain import Wish
from payments.models import Payment, Refund
from sandbox.api.inside import application
from sandbox.domain import sign

if TYPE_CHECKING:
    from accounts.models import User

RETURN_URL = "https://shop.example/thanks"
WEBHOOKS = "/api/v1/webhooks/sandbox"


def pay(order: Order, card: str = "success", *, provider: str = "sandbox", **more: Any) -> Payment:
    """Pay an order as its customer, or as the guest with its token."""
    at = more.pop("at", None) or timezone.now()
    return services.pay_order(
        order_id=order.pk,
        wish=Wish(provider=provider, return_url=RETURN_URL, method=card, **more),
        payer=Payer(viewer=order.customer, token=order.guest_token or None, address="203.0.113.7"),
        at=at,
    )


def ask_gateway(method: str, path: str, body: dict[str, Any] | None = None, *, may_refuse: bool = False) -> Any:
    """Ask the gateway something, as a merchant does; it may refuse with a conflict where that is expected."""
    with httpx.Client(transport=httpx.WSGITransport(app=application), base_url=settings.SANDBOX_URL) as client:
        answer = client.request(
            method,
            f"/sandbox/v1/{path}",
            json=body or {},
            headers={"Authorization": f"Bearer {settings.SANDBOX_SECRET_KEY}"},
        )
    assert answer.status_code < 300 or (may_refuse and answer.status_code == 409), answer.content
    return answer.json()


def set_faults(**faults: Any) -> None:
    """Switch faults on, and all others off."""
    ask_gateway("PUT", "faults", faults)


def charges() -> list[dict[str, Any]]:
    """Return every charge that the gateway knows."""
    found: list[dict[str, Any]] = ask_gateway("GET", "books")["charges"]
    return found


def webhook_bodies(reference: str = "") -> list[bytes]:
    """Return the webhooks that the gateway owes or sent, oldest first, as bytes."""
    query = f"?reference={reference}" if reference else ""
    events = ask_gateway("GET", f"events{query}")["results"]
    return [event["body"].encode() for event in reversed(events)]


def signature_of(body: bytes, *, at: datetime | None = None, secret: str | None = None) -> str:
    """Return the header by which the gateway signs a webhook."""
    stamp = int((at or timezone.now()).timestamp())
    return sign(secret=secret or settings.SANDBOX_WEBHOOK_SECRETS[0], at=stamp, body=body)


def deliver(body: bytes, *, at: datetime | None = None, secret: str | None = None, signature: str | None = None) -> int:
    """Send a webhook, signed as the gateway does unless told otherwise, and return the status of the answer."""
    signed = signature or signature_of(body, at=at, secret=secret)
    answer = Client(raise_request_exception=False).post(
        WEBHOOKS, body, content_type="application/json", headers={"Sandbox-Signature": signed}
    )
    return answer.status_code


def catch_up(*, after: timedelta = timedelta(0)) -> None:
    """Let workers and the clock do what is due then."""
    now = timezone.now() + after
    outbox.drain(now=now)
    while payments.sweep(now=now):
        pass
    outbox.drain(now=now)


def agree() -> None:
    """Compare every book: the shop's own among each other, and with the gateway's.

    :raises CommandError: the shop's differ
    """
    books_agree()
    books = ask_gateway("GET", "books")
    assert books["differences"] == []
    theirs = {
        currency: {"captured": kinds.get("captured", 0), "refunded": kinds.get("refunded", 0)}
        for currency, kinds in books["currencies"].items()
    }
    assert _moved(payment_reads.taken_at(provider="sandbox")) == _moved(theirs)


def _moved(books: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    return {currency: sums for currency, sums in books.items() if any(sums.values())}


def state_of(order: Order) -> str:
    """Return how an order stands now."""
    order.refresh_from_db()
    return order.status


def told() -> list[str]:
    """Return what staff were asked to look at, oldest first."""
    facts = OutboxEvent.objects.filter(name="payments.staff_needed").order_by("pk")
    return [fact.payload["what"] for fact in facts]


def crash(monkeypatch: pytest.MonkeyPatch, where: str, order: Order, **wish: Any) -> None:
    """Pay, and die at that beat."""

    def die(*_: Any, **__: Any) -> None:
        raise SystemExit

    with monkeypatch.context() as dying:
        dying.setattr(f"payments.services.calling.{where}", die)
        with pytest.raises(SystemExit):
            pay(order, **wish)


def cancel(order: Order, **more: Any) -> None:
    """Cancel an order as its customer."""
    services.move_order(order_id=order.pk, to=OrderStatus.CANCELLED, actor=order.customer, at=timezone.now(), **more)


def expire(order: Order) -> None:
    """Let the time of an unpaid order pass."""
    Order.objects.filter(pk=order.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    services.expire_unpaid(now=timezone.now())


def make_refund_by_hand(order: Order, staff: User) -> Refund:
    """Return what staff have to give back of an order that was paid by hand and cancelled."""
    for to in (OrderStatus.PAID, OrderStatus.CANCELLED):
        services.move_order(order_id=order.pk, to=to, actor=staff, at=timezone.now(), reason="Changed my mind.")
    with transaction.atomic():
        services.stop_paying(order_id=order.pk, at=timezone.now())
    refund: Refund = Refund.objects.get(payment__order_id=order.pk)
    return refund


def make_failed_refund(order: Order, staff: User) -> Refund:
    """Return a refund of an order that the gateway would not take."""
    pay(order)
    set_faults(refunds_fail=1)
    wish = services.RefundOrder(reason="A scratch.")
    [refund] = services.refund_order(order_id=order.pk, wish=wish, actor=staff, at=timezone.now())
    return refund
