"""The clocks of web, worker and provider differ by up to twenty minutes (HARD-CASES, R37)."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db.models.functions import Now

from accounts.tests.factories import make_user
from core.clock import database_now
from inventory.models import Reservation
from inventory.tests.factories import make_stock
from orders.models import Order
from orders.tests.factories import ADDRESS, make_order
from orders.tests.gateway import agree, charges, state_of
from payments.models import ProviderEvent
from sandbox.models import Attempt as Sending
from tests.crashes.skewed import Clocks, SkewedShop
from tests.runtime.shop import wait_for

pytestmark = [pytest.mark.runtime, pytest.mark.django_db(transaction=True)]

FAR_APART = (Clocks(web=-10, worker=10, gateway=10), Clocks(web=10, worker=-10, gateway=-10))
OTHERS = (
    Clocks(web=10, worker=-10),
    Clocks(web=-10, worker=10),
    Clocks(worker=10, gateway=-10),
    Clocks(worker=-10, gateway=10),
    Clocks(web=10, gateway=-10),
    Clocks(web=-10, gateway=10),
)


def each_way(clocks: Collection[Clocks]) -> pytest.MarkDecorator:
    """Try the test with each of these clocks; where they are not furthest apart, only in the long run."""
    marks = {each: () if each in FAR_APART else (pytest.mark.long,) for each in clocks}
    return pytest.mark.parametrize("clocks", [pytest.param(each, marks=marks[each]) for each in clocks], ids=str)


# As long as an order waits for its payment here.
UNPAID_FOR = timedelta(minutes=15)
_TOKEN = re.compile(r"token=([\w-]+)")


@pytest.fixture
def start(redis_url: str, tmp_path: Path) -> Iterator[Callable[[Clocks], SkewedShop]]:
    """Return what starts a shop with such clocks."""
    started: list[SkewedShop] = []

    def begin(clocks: Clocks) -> SkewedShop:
        started.append(SkewedShop(clocks, tmp_path, redis_url))
        return started[-1].start()

    yield begin
    for shop in started:
        shop.end()


def buy(shop: SkewedShop, card: str = "success") -> tuple[Order, dict[str, Any], dict[str, str]]:
    """Buy one thing as a guest; return the order, its payment, and the header that shows the order's token."""
    stock = make_stock(on_hand=1)
    cart = shop.ask("POST", "/api/v1/cart/items", {"variant": str(stock.variant_id), "quantity": 1}).json()
    body = {"email": "ada@example.com", "shipping_address": ADDRESS.as_dict()}
    order = shop.ask("POST", "/api/v1/orders", body, X_Cart_Token=cart["token"]).json()
    shown = {"X_Order_Token": order["token"]}
    wish = {"order": order["id"], "provider": "sandbox", "return_url": "https://shop.example/", "card": card}
    payment = shop.ask("POST", "/api/v1/payments", wish, **shown).json()
    return Order.objects.get(pk=order["id"]), payment, shown


@each_way(FAR_APART + OTHERS)
def test_r37_a_webhook_from_another_time_is_refused_and_the_payment_known_all_the_same(
    start: Callable[[Clocks], SkewedShop], clocks: Clocks
) -> None:
    shop = start(clocks)
    order, payment, shown = buy(shop, "slow")

    shop.run("sandbox.tasks.settle_due", at="gateway")
    wait_for(Sending.objects.exists)

    def is_known() -> bool:
        answer = shop.ask("GET", f"/api/v1/payments/{payment['id']}", **shown)
        return bool(answer.json()["status"] == "captured")

    wait_for(is_known)
    is_apart = abs(clocks.web - clocks.gateway) > 5
    assert Sending.objects.earliest("pk").is_success is not is_apart
    assert ProviderEvent.objects.exists() is not is_apart
    assert state_of(order) == "paid"
    assert [charge["captured"] for charge in charges()] == [order.total_minor]
    agree()


@each_way(FAR_APART + OTHERS)
def test_r37_no_reservation_is_given_up_before_its_time_by_the_databases_clock(
    start: Callable[[Clocks], SkewedShop], clocks: Clocks
) -> None:
    lapsed = make_order()
    Order.objects.filter(pk=lapsed.pk).update(expires_at=Now() - timedelta(hours=1))
    shop = start(clocks)
    order, _, _ = buy(shop, "3ds")

    shop.run("orders.tasks.expire_unpaid_orders")
    wait_for(lambda: state_of(lapsed) == "cancelled")

    assert state_of(order) == "pending"
    held_until = Reservation.objects.get(reference=order.pk).expires_at
    assert held_until is not None
    held_for = held_until - database_now()
    assert timedelta(0) <= UNPAID_FOR - held_for < timedelta(minutes=1)


# A worker that is behind sends it, as all that the outbox owes, so much later.
@each_way([each for each in FAR_APART + OTHERS if each.worker >= each.web])
def test_r37_a_mailed_token_is_good_for_one_use(start: Callable[[Clocks], SkewedShop], clocks: Clocks) -> None:
    user = make_user("ada@example.com")
    shop = start(clocks)
    shop.ask("POST", "/api/v1/auth/password/reset", {"email": user.email})

    def is_mailed() -> bool:
        for task in ("core.tasks.relay", "notifications.tasks.send_waiting_mail"):
            shop.run(task)
        return bool(shop.mails())

    wait_for(is_mailed)
    token = _TOKEN.search(shop.mails()[0].replace("=\n", ""))

    assert token is not None
    body = {"token": token[1], "password": "another horse battery"}
    answers = [shop.ask("POST", "/api/v1/auth/password/reset/confirm", body).status_code for _ in range(2)]
    assert answers == [204, 422]
