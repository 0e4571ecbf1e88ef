"""The shop itself, with a few goods in it, asked as clients ask it: over its API, in the time of a clock of our own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from django.db.models import Sum
from django.test import Client

from accounts.tests.factories import make_user
from core import outbox
from core.money import Money
from inventory.models import Stock
from orders import services
from orders.models import Fulfilment, Order, OrderLine
from orders.tests.factories import ADDRESS
from orders.tests.gateway import RETURN_URL, signature_of
from payments import services as payments
from payments.models import Balance, Payment, Refund
from payments.providers import forget_failures
from promotions.models import Promotion
from sandbox import services as gateway
from sandbox.domain import Card, FaultName, Switch
from sandbox.models import Charge, Event
from tests.model.cashing import GIFT_CARD, STORE_CREDIT
from tests.model.goods import Coupon, Good, Refused
from tests.model.opening import header_of, lay_out, make_customer, offer_coupon, set_rules

API = "/api/v1/"
CUSTOMERS, GUESTS = ("ada", "bob"), ("guest",)
ON_GIFT_CARD = 3000
_START = datetime(2026, 11, 21, 12, tzinfo=UTC)
_FAULTS = {"lost": FaultName.ERROR_AFTER_SUCCESS, "down": FaultName.UNAVAILABLE}
_REPEATED = 5
_COUNTED = ("sku", "quantity", "shipped", "cancelled", "returning", "returned")


class Clock:
    """What the shop takes for the time. It moves a little with each look, so that nothing happens twice at once."""

    def __init__(self) -> None:
        self.now = _START

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now


class Real:
    """A shop with goods, coupons and people. Made once; what is done with it is undone after each run."""

    def __init__(self, goods: dict[str, Good], coupons: dict[str, Coupon], monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock = Clock()
        monkeypatch.setattr("django.utils.timezone.now", self.clock)
        monkeypatch.setattr("core.clock.database_now", self.clock)
        set_rules()
        self.variants = {sku: lay_out(sku, good) for sku, good in goods.items()}
        for code, coupon in coupons.items():
            offer_coupon(code, coupon)
        boss = make_user(is_superuser=True, is_staff=True)
        self.boss = header_of(boss, _START)
        customers = {who: make_customer(who) for who in CUSTOMERS}
        self.customers = {who: str(customer.pk) for who, customer in customers.items()}
        self.headers = {who: header_of(customer, _START) for who, customer in customers.items()}
        card = payments.NewGiftCard(amount=Money(ON_GIFT_CARD, "GBP"))
        self.gift_card = payments.issue_gift_card(wish=card, actor=boss, at=self.clock()).code
        # Whose cart -> its token; and the orders as they were answered.
        self.carts = dict.fromkeys(GUESTS, "")
        self.orders: list[dict[str, Any]] = []
        self.writes = 0

    def remember(self) -> None:
        """Let all that was done till now be what every run begins with."""
        self._opening = self.clock.now, dict(self.carts), list(self.orders), self.writes

    def start(self) -> None:
        """Forget the last run."""
        self.clock.now, carts, orders, self.writes = self._opening
        self.carts, self.orders = dict(carts), list(orders)

    # Asking.

    def read(self, path: str, headers: dict[str, str]) -> Any:
        """GET something, and return its document."""
        self.clock.now += timedelta(seconds=2)
        answer = Client().get(f"{API}{path}", headers=headers)
        assert answer.status_code == 200, answer.content
        return answer.json()

    def write(self, method: str, path: str, body: Any, headers: dict[str, str]) -> Any:
        """Ask for a change with a key of its own; every fifth is asked twice and answered the same, unless it waits.

        :raises Refused: the shop says no
        """
        self.clock.now += timedelta(seconds=2)
        self.writes += 1
        keyed = headers | {"Idempotency-Key": f"write-{self.writes}"}
        answer = self._send(method, path, body, keyed)
        if self.writes % _REPEATED == 0 and answer.status_code < 500 and "Retry-After" not in answer:
            again = self._send(method, path, body, keyed)
            assert (again.status_code, again.content) == (answer.status_code, answer.content)
            assert again["Idempotent-Replayed"] == "true"
        if answer.status_code >= 400:
            said = answer.json()
            raise Refused(answer.status_code, said["code"], **said)
        return answer.json() if answer.content else None

    def _send(self, method: str, path: str, body: Any, headers: dict[str, str]) -> Any:
        content = b"" if body is None else orjson.dumps(body)
        return Client().generic(method, f"{API}{path}", content, "application/json", headers=headers)

    def shopper(self, who: str) -> dict[str, str]:
        """Return the headers by which a shopper is known at their cart."""
        if who in CUSTOMERS:
            return self.headers[who]
        return {"X-Cart-Token": self.carts[who]} if self.carts[who] else {}

    def buyer(self, number: int) -> dict[str, str]:
        """Return the headers by which an order's buyer is known."""
        order = self.orders[number]
        return {"X-Order-Token": order["token"]} if order["token"] else self.headers[order["who"]]

    # What clients do.

    def cart(self, who: str) -> Any:
        return self.read("cart", self.shopper(who))

    def fill(self, who: str, method: str, path: str, body: Any) -> Any:
        """Change a cart; a new guest is given a token."""
        cart = self.write(method, path, body, self.shopper(who))
        if who in GUESTS and cart is not None:
            self.carts[who] = cart["token"]
        return cart

    def place(self, who: str, expected: int | None) -> Any:
        body: dict[str, Any] = {"shipping_address": ADDRESS.as_dict()}
        if who in GUESTS:
            body["email"] = f"{who}@example.com"
        if expected is not None:
            body["expected_total"] = {"amount": f"{expected / 100:.2f}", "currency": "GBP"}
        order = self.write("POST", "orders", body, self.shopper(who))
        if order["id"] not in [known["id"] for known in self.orders]:
            self.orders.append(order | {"who": who})
        return order

    def buy(self, who: str, sku: str) -> Any:
        """Put one of it into the cart, and order."""
        self.fill(who, "POST", "cart/items", {"variant": self.variants[sku], "quantity": 1})
        return self.place(who, None)

    def move(self, number: int, to: str) -> Any:
        return self.write("POST", f"orders/{self.orders[number]['id']}/moves", {"to": to}, self.boss)

    def cancel(self, number: int, headers: dict[str, str], **part: Any) -> Any:
        return self.write("POST", f"orders/{self.orders[number]['id']}/cancel", part, headers)

    def send(self, number: int, items: list[dict[str, Any]]) -> Any:
        """Send a part of an order."""
        return self.write("POST", f"orders/{self.orders[number]['id']}/fulfilments", {"items": items}, self.boss)

    def deliver(self, number: int, parcel: int) -> Any:
        parcels = Fulfilment.objects.filter(order=self.orders[number]["id"]).order_by("pk")
        return self.write("POST", f"fulfilments/{parcels[parcel].pk}/deliver", None, self.boss)

    def units(self, number: int, wanted: Mapping[str, int]) -> list[dict[str, Any]]:
        """Return SKU -> units of an order as its lines are named."""
        lines = {item["sku"]: item["id"] for item in self.orders[number]["items"]}
        return [{"line": lines[sku], "quantity": units} for sku, units in wanted.items()]

    def pay(self, number: int, card: str, fault: str = "") -> Any:
        ways = {
            GIFT_CARD: {"provider": GIFT_CARD, "gift_card": self.gift_card},
            STORE_CREDIT: {"provider": STORE_CREDIT},
            "": {"provider": "sandbox", "return_url": RETURN_URL},
        }
        way = ways.get(card) or {"provider": "sandbox", "return_url": RETURN_URL, "card": card}
        body = {"order": self.orders[number]["id"]} | way
        return self.at_risk(fault, lambda: self.write("POST", "payments", body, self.buyer(number)))

    def confirm_refund(self, number: int, refund: int) -> Any:
        """Say that money was given back by hand."""
        rows = Refund.objects.filter(payment=self.payment_of(number)).order_by("pk")
        return self.write("POST", f"refunds/{rows[refund].pk}/confirm", None, self.boss)

    def refund(self, number: int, body: dict[str, Any], fault: str) -> Any:
        path = f"payments/{self.payment_of(number).pk}/refunds"
        return self.at_risk(fault, lambda: self.write("POST", path, body, self.boss))

    def at_risk(self, fault: str, ask: Any) -> Any:
        """Ask while the gateway goes wrong once."""
        forget_failures()
        if fault:
            gateway.set_faults(switches={_FAULTS[fault]: Switch(times=1)})
        try:
            return ask()
        finally:
            if fault:
                gateway.set_faults(switches={})
            forget_failures()

    def show_payment(self, number: int) -> Any:
        return self.read(f"payments/{self.payment_of(number).pk}", self.buyer(number))

    def payment_of(self, number: int) -> Payment:
        payment: Payment = Payment.objects.get(order_id=self.orders[number]["id"])
        return payment

    # What the gateway, the workers and the clock do.

    def charge(self, place: int) -> Charge:
        charge: Charge = Charge.objects.order_by("pk")[place]
        return charge

    def show_card(self, place: int, card: str) -> None:
        gateway.pay(charge_id=self.charge(place).pk, card=Card(card), at=self.clock())

    def answer(self, place: int, *, is_approved: bool) -> None:
        gateway.authenticate(charge_id=self.charge(place).pk, is_approved=is_approved, at=self.clock())

    def dispute(self, place: int) -> None:
        gateway.dispute_charge(charge_id=self.charge(place).pk, key=None, at=self.clock())

    def hear(self, place: int, webhook: int) -> None:
        """Let a webhook of a charge arrive."""
        body = Event.objects.filter(charge=self.charge(place)).order_by("pk")[webhook].body.encode()
        signed = {"Sandbox-Signature": signature_of(body, at=self.clock())}
        answer = Client().post(f"{API}webhooks/sandbox", body, content_type="application/json", headers=signed)
        assert answer.status_code == 204, answer.content

    def work(self) -> None:
        # The clock ticks meanwhile: what comes of it is due, too.
        outbox.drain(now=self._soon() + timedelta(seconds=10))

    def lapse(self, hours: float) -> None:
        """Let time pass while the workers stand still."""
        self.clock.now += timedelta(hours=hours)
        services.expire_unpaid(now=self._soon())

    def rest(self, hours: float) -> None:
        """Let time pass, and all that it brings."""
        self.clock.now += timedelta(hours=hours)
        self.work()
        self._sweep()
        services.expire_unpaid(now=self._soon())
        self.work()
        self._sweep()
        self.work()

    def _sweep(self) -> None:
        now = self._soon()
        while payments.sweep(now=now):
            pass

    def _soon(self) -> datetime:
        self.clock.now += timedelta(seconds=30)
        return self.clock.now

    # How it stands.

    def state(self) -> dict[str, Any]:
        """Return what every change may touch, in a few statements."""
        payments_by_order = {
            str(order): (status, captured, refunded)
            for order, status, captured, refunded in Payment.objects.values_list(
                "order_id", "status", "captured_minor", "refunded_minor"
            )
        }
        lines: dict[str, list[tuple[str | int, ...]]] = {}
        counted = OrderLine.objects.order_by("order", "position")
        for pk, *line in counted.values_list("order_id", *_COUNTED):
            lines.setdefault(str(pk), []).append(tuple(line))
        states = {str(pk): tuple(known) for pk, *known in Order.objects.values_list("pk", "status", "total_minor")}
        return {
            "stock": {
                sku: (on_hand, reserved)
                for sku, on_hand, reserved in Stock.objects.values_list("variant__sku", "on_hand", "reserved")
            },
            "orders": [(*states[order["id"]], lines[order["id"]]) for order in self.orders],
            "payments": [payments_by_order.get(order["id"]) for order in self.orders],
            "balances": {
                email.partition("@")[0] if email else kind: left
                for kind, email, left in Balance.objects.values_list("kind", "customer__email").annotate(
                    left=Sum("left_minor")
                )
            },
            "uses": dict(Promotion.objects.filter(usage_limit__isnull=False).values_list("name", "uses")),
        }
