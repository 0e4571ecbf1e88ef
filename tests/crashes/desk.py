"""A customer, staff and the background workers, who carry on whatever dies under them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from ipaddress import IPv6Address
from itertools import count
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import httpx
from celery import current_app
from django.apps import apps
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.handlers.wsgi import WSGIHandler
from django.utils.module_loading import import_string
from rest_framework.test import APIClient

from accounts.models import User
from accounts.tests.factories import client_of, make_user
from config.schedule import HOUR
from core.ids import new_id
from inventory.tests.factories import make_stock
from orders.models import Order
from orders.tests.factories import ADDRESS
from orders.tests.gateway import RETURN_URL
from payments.models import Payment
from payments.providers import forget_failures
from payments.tests.factories import make_gift_card
from promotions.tests.factories import make_coupon, make_promotion
from sandbox import selectors as gateway_books
from sandbox.models import Event
from tests.crashes.clock import Clock
from tests.crashes.points import Broke, Died

TRIES = 12
_handler = WSGIHandler()
_NETWORK, _addresses = IPv6Address("2001:db8::"), count(1)
# Longer than any lease, and than a call of a provider takes.
A_WHILE = timedelta(seconds=40)
_BUSY = ("payments.in_progress", "core.idempotency_still_running")
# How often something was tried is not what came of it.
_TRIES = {
    "accounts.Attempt",
    "accounts.RefreshToken",
    "accounts.TokenFamily",
    "accounts.Turnstile",
    "core.AuditEntry",  # a beat of staff's is noted once more if it is repeated, not if the workers end it
    "core.IdempotencyRecord",
    "payments.Attempt",
    "sandbox.Attempt",
    "sandbox.Key",
}


class Desk:
    """One customer with goods to buy; every request is repeated, with its key, until it is answered for good."""

    def __init__(self, clock: Clock, clerk: User, *, workers_first: bool = False) -> None:
        self.clock = clock
        self.stock = make_stock(on_hand=9, price_minor=1250)
        self.coupon = make_coupon(promotion=make_promotion(needs_code=True, usage_limit=2))
        self.gift_card = make_gift_card(1000)
        self.buyer = make_user()
        self.customer = client_of(self.buyer)
        # Declined cards are counted by address, too.
        self.customer.defaults["REMOTE_ADDR"] = str(_NETWORK + next(_addresses))
        self.staff = client_of(clerk)
        # After a crash: who comes first, the workers or the one who asked?
        self._workers_first = workers_first
        self._before = _rows()
        forget_failures()

    def ask(self, client: APIClient, method: str, path: str, body: Any = None) -> Any:
        """Send one request, with a key of its own, until it is answered; and once more, for the same answer.

        :raises AssertionError: it was refused, never answered, or answered otherwise the second time
        """
        key = new_id().hex
        answer = self._insist(client, method, path, body, key)
        again = self._insist(client, method, path, body, key)
        assert (again.content, again.headers.get("Idempotent-Replayed")) == (answer.content, "true")
        return answer.json()

    def _insist(self, client: APIClient, method: str, path: str, body: Any, key: str) -> Any:
        for _ in range(TRIES):
            answer = self.send(client, method, path, body, key)
            if answer is not None and answer.status_code < 300:
                return answer
            assert answer is None or answer.status_code >= 500 or answer.json()["code"] in _BUSY, answer.content
            self._carry_on()
        raise AssertionError(f"{method} {path} was never answered")

    def send(self, client: APIClient, method: str, path: str, body: Any, key: str) -> Any:
        """Send one request, once; ``None`` where the process dies of it."""
        client.raise_request_exception = False
        content, form = _encoded(body)
        try:
            return getattr(client, method)(f"/api/v1/{path}", content, format=form, headers={"Idempotency-Key": key})
        except Died:
            return None

    def _carry_on(self) -> None:
        self.clock.go_on(A_WHILE)
        if self._workers_first:
            self.work()

    def work(self) -> None:
        """Let workers do what is on the clock."""
        for name in _scheduled():
            for _ in range(TRIES):
                if self._survives(partial(import_string(name).apply, throw=False)):
                    break
                self.clock.go_on(A_WHILE)
        self.clock.go_on(A_WHILE)

    def visit(self, act: Callable[[], None]) -> None:
        """Do something at the provider's page, again if it dies."""
        while not self._survives(act):
            self.clock.go_on(A_WHILE)

    def _survives(self, act: Callable[[], Any]) -> bool:
        try:
            act()
        except (Died, Broke):
            return False
        return True

    # What customers and staff do.

    def order(self) -> Order:
        """Order two of the goods, with a coupon for two uses."""
        self.ask(self.customer, "post", "cart/items", {"variant": str(self.stock.variant_id), "quantity": 2})
        wish = {"shipping_address": ADDRESS.as_dict(), "coupon": self.coupon.code}
        said = self.ask(self.customer, "post", "orders", wish)
        return Order.objects.get(pk=said["id"])

    def pay(self, order: Order, card: str = "success") -> dict[str, Any]:
        """Pay with a test card what is still to pay."""
        said: dict[str, Any] = self.ask(self.customer, "post", "payments", paying(order, card))
        return said

    def approve(self, page: str) -> None:
        """Pass the bank's challenge."""
        token = re.search(r'name="token" value="([^"]+)"', self.customer.get(page).content.decode())
        if token is not None:
            self.customer.post(page, {"decision": "approve", "token": token[1]}, format="multipart")

    def refund(self, order: Order, **wish: Any) -> dict[str, Any]:
        """Give money back as staff."""
        said: dict[str, Any] = self.ask(self.staff, "post", refunds_of(order), wish)
        return said

    def move(self, order: Order, to: str) -> None:
        """Move an order on as staff."""
        self.ask(self.staff, "post", f"orders/{order.pk}/moves", {"to": to})

    def cancel(self, order: Order) -> None:
        """Cancel an order as its customer."""
        self.ask(self.customer, "post", f"orders/{order.pk}/cancel", {})

    def pay_by_gift_card(self, order: Order) -> None:
        """Pay with a gift card as much as is on it: a part."""
        self.ask(
            self.customer,
            "post",
            "payments",
            {"order": str(order.pk), "provider": "gift_card", "gift_card": self.gift_card.code},
        )

    def leave(self) -> None:
        """Call off what still waits for its payment: it would lapse in the middle of somebody else's story."""
        for order in Order.objects.filter(lines__variant=self.stock.variant_id, status="pending"):
            self.cancel(order)
        self.work()

    def outcome(self) -> dict[str, Any]:
        """Return what came of it: how orders and payments stand, and how many rows each table gained."""
        rows = _rows()
        mine = Order.objects.filter(lines__variant=self.stock.variant_id)
        payments = Payment.objects.filter(order_id__in=mine.values("pk"))
        self.stock.refresh_from_db()
        self.gift_card.card.refresh_from_db()
        return {
            "orders": sorted(mine.values_list("status", flat=True)),
            "payments": sorted(payments.values_list("status", "captured_minor", "refunded_minor")),
            "left on the gift card": self.gift_card.card.left_minor,
            "stock": (self.stock.on_hand, self.stock.reserved),
            "webhooks under way": Event.objects.filter(due_at__isnull=False).count(),
        } | {name: rows[name] - self._before[name] for name in rows if rows[name] != self._before[name]}


def paying(order: Order, card: str = "success") -> dict[str, Any]:
    """Return the request by which an order is paid with a test card."""
    return {"order": str(order.pk), "provider": "sandbox", "return_url": RETURN_URL, "card": card}


def refunds_of(order: Order) -> str:
    """Return where money of an order is given back."""
    return f"payments/{Payment.objects.get(order_id=order.pk).pk}/refunds"


def _encoded(body: Any) -> tuple[Any, str]:
    """Return a body and its format: a form where there are bytes in it, which are a file."""
    files = {name: value for name, value in (body or {}).items() if isinstance(value, bytes)}
    if not files:
        return body, "json"
    return body | {name: SimpleUploadedFile(f"{name}.csv", value) for name, value in files.items()}, "multipart"


def _rows() -> Counter[str]:
    """Return how many rows each of our tables has, and what the gateway's ledger holds."""
    ours = [
        model
        for model in apps.get_models()
        if model.__module__.split(".")[0] in settings.INSTALLED_APPS and ".tests." not in model.__module__
    ]
    rows = Counter(
        {model._meta.label: model._default_manager.count() for model in ours if model._meta.label not in _TRIES}
    )
    rows.update(
        {f"gateway: {kind}": minor for kinds in gateway_books.totals().values() for kind, minor in kinds.items()}
    )
    return rows


def _shop(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """Answer as the shop does, without the signals at which Django closes the connection of whoever tells the story."""
    response = _handler.get_response(_handler.request_class(environ))
    start_response(f"{response.status_code} {response.reason_phrase}", list(response.items()))
    return [b"".join(response)]


def _scheduled() -> list[str]:
    """Return what the clock starts more often than hourly."""
    entries = settings.CELERY_BEAT_SCHEDULE.values()
    return [entry["task"] for entry in entries if entry["schedule"] < HOUR]


@contextmanager
def workers_at_hand() -> Iterator[None]:
    """Run tasks here and now, and bring the gateway's webhooks to the shop without a socket."""
    client = partial(httpx.Client, transport=httpx.WSGITransport(app=_shop))
    wire = SimpleNamespace(Client=client, HTTPError=httpx.HTTPError, InvalidURL=httpx.InvalidURL)
    with patch("sandbox.services.sending.httpx", wire):
        current_app.conf.task_always_eager = True
        try:
            yield
        finally:
            current_app.conf.task_always_eager = False
