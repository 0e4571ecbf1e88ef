"""Shoppers who ask through Nginx while something is restarted, and what came of each request."""

from __future__ import annotations

import contextlib
import http.client
import json
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from tests.production.fleet import Fleet
from tests.runtime.shop import wait_for

SHOPPERS = 8
SECONDS_FOR_ALL = 400.0
ADDRESS = {
    "name": "Ada Byron", "line1": "12 St James's Square", "city": "London", "postal_code": "SW1Y 4JH", "country": "GB",
}  # fmt: skip


@dataclass
class Crowd:
    """Shoppers, each with a connection for each request: whatever fails has failed, nothing is asked again."""

    fleet: Fleet
    answered: int = 0
    failures: list[str] = field(default_factory=list)
    ordered: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.context = ssl.create_default_context(cafile=str(self.fleet.certificate))
        self.lock = threading.Lock()
        found = json.loads(self.fleet.ask("/api/v1/products?in_stock=true&size=50").body)["results"]
        self.goods = [(item["slug"], item["variants"][0]["sku"]) for item in found if item["variants"][0]["in_stock"]]

    def shop(self, shopper: int) -> None:
        """Read, fill a cart, order now and then, until it is over."""
        for turn in count(shopper):
            if self.over.is_set():
                return
            slug, sku = self.goods[turn % len(self.goods)]
            self.ask("GET", "/api/v1/products?size=5", 200)
            self.ask("GET", f"/api/v1/products/{slug}", 200)
            cart = self.ask("POST", "/api/v1/cart/items", 201, {"sku": sku, "quantity": 1})
            if cart is None or turn % 4:
                continue
            token = {"X-Cart-Token": cart["token"]}
            order = self.ask(
                "POST", "/api/v1/orders", 201, {"email": f"shopper-{turn}@example.com", "shipping_address": ADDRESS},
                token | {"Idempotency-Key": f"order-{cart['token']}"[:64]},
            )  # fmt: skip
            if order is not None:
                self.ordered.append(order["id"])

    def ask(self, method: str, path: str, status: int, body: Any = None, headers: dict[str, str] | None = None) -> Any:
        """Return the body of an answer with that status; anything else is a failure."""
        client = http.client.HTTPSConnection("127.0.0.1", self.fleet.https, timeout=60, context=self.context)
        given = {"Content-Type": "application/json"} if body is not None else {}
        try:
            with contextlib.closing(client):
                client.request(method, path, None if body is None else json.dumps(body), given | (headers or {}))
                answer = client.getresponse()
                content = answer.read()
                told = f"{answer.status} {content[:200]!r}"
                good = answer.status == status or b"out_of_stock" in content
        except (OSError, http.client.HTTPException) as error:
            good, told, content = False, repr(error), b""
        with self.lock:
            self.answered += 1
            if not good:
                self.failures.append(f"{method} {path}: {told}")
        return json.loads(content) if good and answer.status == status else None

    def await_answers(self, number: int) -> None:
        """Return when that many more requests have been answered."""
        wanted = self.answered + number
        wait_for(lambda: self.answered >= wanted, SECONDS_FOR_ALL)


@contextlib.contextmanager
def shopping(fleet: Fleet) -> Iterator[Crowd]:
    """Have shoppers ask for as long as the block lasts."""
    crowd = Crowd(fleet)
    threads = [threading.Thread(target=crowd.shop, args=(number,), daemon=True) for number in range(SHOPPERS)]
    for thread in threads:
        thread.start()
    try:
        yield crowd
    finally:
        crowd.over.set()
        for thread in threads:
            thread.join(SECONDS_FOR_ALL)
