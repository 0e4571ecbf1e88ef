"""Web workers that die in the middle of orders: nothing acknowledged is lost, nothing happens twice."""

from __future__ import annotations

import contextlib
import http.client
import json
import random
import sys
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psutil
import pytest

from tests.runtime.shop import Shop, temporary_folder, wait_for

pytestmark = pytest.mark.runtime

ADDRESS = {"name": "Ada Lovelace", "line1": "12 St James's Square", "city": "London", "country": "GB"}
TRIES = 200
ORDERS = 60


@pytest.fixture
def shop() -> Iterator[Shop]:
    """A running demo shop without rate limits."""
    with temporary_folder() as folder:
        shop = Shop(folder / "shop", command=(sys.executable, "src/manage.py", "run"), environment={"THROTTLES": "off"})
        try:
            yield shop.start()
        finally:
            shop.end()


def ask(shop: Shop, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, bytes]:
    """Send one request; 0 where the connection breaks."""
    client = http.client.HTTPConnection("127.0.0.1", shop.port, timeout=20)
    sent = {name.replace("_", "-"): value for name, value in headers.items()} | {"Content-Type": "application/json"}
    with contextlib.closing(client), contextlib.suppress(OSError, http.client.HTTPException):
        client.request(method, f"/api/v1/{path}", None if body is None else json.dumps(body), sent)
        answer = client.getresponse()
        return answer.status, answer.read()
    return 0, b""


def insist(shop: Shop, method: str, path: str, body: Any, **headers: str) -> bytes:
    """Send the same request, with its key, until it is answered for good."""
    for _ in range(TRIES):
        status, answer = ask(shop, method, path, body, Idempotency_Key=headers.get("key", ""), **_tokens(headers))
        if status == 201:
            return answer
        assert status in (0, 409, 503), answer
        wait_for(shop.answers, 60)
    raise AssertionError("never answered")


def _tokens(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name != "key"}


def buy(shop: Shop, variant: str) -> str:
    """Fill a guest's cart and order it, which asked again is answered the same; return the order's id."""
    cart = json.loads(insist(shop, "POST", "cart/items", {"variant": variant, "quantity": 1}, key=uuid.uuid4().hex))
    key, body = uuid.uuid4().hex, {"email": "buyer@example.com", "shipping_address": ADDRESS}
    answer = insist(shop, "POST", "orders", body, key=key, X_Cart_Token=cart["token"])
    again = insist(shop, "POST", "orders", body, key=key, X_Cart_Token=cart["token"])
    assert again == answer
    return str(json.loads(answer)["id"])


def web_workers(shop: Shop) -> list[psutil.Process]:
    """Return the processes that answer requests."""
    top = shop.process_named("nexus web")
    with contextlib.suppress(psutil.Error):
        return top.children()
    return []


@pytest.mark.parametrize("kills", [15, pytest.param(200, marks=pytest.mark.long)], ids=["some", "many"])
def test_r18_r21_killed_web_workers_lose_and_double_no_order(shop: Shop, kills: int) -> None:
    _, listed = ask(shop, "GET", "products?in_stock=true&size=1")
    variant = json.loads(listed)["results"][0]["variants"][0]
    shop.manage("shell", "--no-imports", "-v0", "-c", _RESTOCK.format(sku=variant["sku"], units=1_000_000))
    before, is_over, is_broken = shop.sql("SELECT count(*) FROM orders_order"), threading.Event(), threading.Event()
    placed: list[str] = []

    def kill() -> int:
        killed = 0
        while killed < kills and not is_broken.is_set():
            with contextlib.suppress(psutil.Error, IndexError, AssertionError):
                random.choice(web_workers(shop)).kill()
                killed += 1
            is_broken.wait(random.uniform(0.2, 1.0))
        is_over.set()
        return killed

    def buy_on() -> None:
        try:
            while not is_over.is_set() or len(placed) < ORDERS:
                placed.append(buy(shop, variant["id"]))
        except BaseException:
            is_broken.set()
            raise

    with ThreadPoolExecutor(max_workers=5) as crowd:
        killer, buyers = crowd.submit(kill), [crowd.submit(buy_on) for _ in range(4)]
        for buyer in buyers:
            buyer.result()

    assert killer.result() == kills
    assert len(set(placed)) == len(placed)
    assert shop.sql("SELECT count(*) FROM orders_order") == int(str(before)) + len(placed)
    assert "agree" in shop.manage("verify_books")


_RESTOCK = (
    "from django.utils import timezone; from inventory import services as s; "
    "s.adjust_stock(items=[s.Adjustment(sku='{sku}', quantity={units})], reason='', actor_id=None, at=timezone.now())"
)
