"""Buyers and staff of a running shop, who repeat each request, with its key, until it is answered for good."""

from __future__ import annotations

import contextlib
import http.client
import json
import random
import re
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests.runtime.crowds import over_and_over
from tests.runtime.shop import Shop, wait_for

ADDRESS = {"name": "Ada Lovelace", "line1": "12 St James's Square", "city": "London", "country": "GB"}
BUYERS = 6
_TRIES = 400
SECONDS_TO_COME_BACK = 240.0
_BUSY = ("core.idempotency_still_running", "payments.in_progress")
_FORM = "application/x-www-form-urlencoded"


@dataclass
class Deal:
    """What a buyer was told in the end, and what staff gave back: amounts as the API shows them."""

    order: str
    token: str
    payment: dict[str, Any]
    refunds: list[dict[str, Any]]


class Crowd:
    """Those who buy one variant of a shop, as long as it takes.

    ``leisure`` is for how many times as long as a purchase took they rest after it. Where they do not, workers fall
    behind, and a test that asks when something is used again would see how far.
    """

    def __init__(self, shop: Shop, variant: str, *, leisure: float = 0.0) -> None:
        self.shop, self.variant, self.leisure = shop, variant, leisure
        self.deals: list[Deal] = []
        # Orders that are none of theirs.
        self.earlier: set[str] = set()
        self.broken = self.refused = 0
        # status -> answers of it; 0 where a connection broke.
        self.statuses = Counter[int]()
        # Seconds that each answer took, where somebody wants to know: a test puts a list here.
        self.took: list[float] | None = None
        self._access = ""
        self._rest = threading.Event()

    @contextmanager
    def buying(self) -> Iterator[None]:
        """Buy for the length of the block, and finish what was begun."""
        with over_and_over(self._buy, at_once=BUYERS):
            yield

    def _buy(self) -> None:
        begun = time.monotonic()
        self.deals.append(self._deal())
        self._rest.wait(self.leisure * (time.monotonic() - begun))

    def place(self, variant: str) -> Any:
        """Order two of them as a guest; return the order."""
        cart = self.insist("POST", "cart/items", {"variant": variant, "quantity": 2})
        body = {"email": "buyer@example.com", "shipping_address": ADDRESS}
        return self.insist("POST", "orders", body, {"X-Cart-Token": cart["token"]})

    def _deal(self) -> Deal:
        order = self.place(self.variant)
        deal = Deal(order["id"], order["token"], self._pay(order), [])
        if deal.payment["status"] == "captured" and random.random() < 0.5:
            for _ in range(random.choice((1, 2))):
                wish = {"amount": str(random.randint(1, 3)), "reason": "Broken."}
                deal.refunds.append(self.insist("POST", f"payments/{deal.payment['id']}/refunds", wish, staff=True))
        return deal

    def _pay(self, order: dict[str, Any]) -> dict[str, Any]:
        card = random.choice(("success", "success", "3ds", "slow"))
        body = {"order": order["id"], "provider": "sandbox", "return_url": "https://shop.example/", "card": card}
        shown = {"X-Order-Token": order["token"]}
        payment: dict[str, Any] = self.insist("POST", "payments", body, shown)
        if payment["next_action"]:
            self._approve(payment["next_action"]["url"])
        return dict(self.insist("GET", f"payments/{payment['id']}", None, shown))

    def _approve(self, url: str) -> None:
        """Pass the bank's challenge, as often as it takes."""
        path = urlsplit(url).path
        for _ in range(_TRIES):
            status, page = self.ask("GET", path)
            if status == 409:
                return
            if token := re.search(rb'name="token" value="([^"]+)"', page):
                form = urlencode({"decision": "approve", "token": token[1].decode()})
                self.ask("POST", path, form, {"Content-Type": _FORM})
            else:
                wait_for(self.shop.answers, SECONDS_TO_COME_BACK)
        raise AssertionError(f"{path} was never finished")

    def insist(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None, *, staff: bool = False
    ) -> Any:
        """Send one request, with a key, until it is answered; return the answer.

        :raises AssertionError: it was refused, or never answered
        """
        sent = {"Content-Type": "application/json", "Idempotency-Key": uuid.uuid4().hex} | (headers or {})
        for _ in range(_TRIES):
            if staff:
                sent["Authorization"] = f"Bearer {self._access}"
            status, answer = self.ask(method, f"/api/v1/{path}", None if body is None else json.dumps(body), sent)
            if 200 <= status < 300:
                return json.loads(answer or b"null")
            if staff and status == 401:
                self._sign_in()
            self.refused += status == 503
            busy = json.loads(answer) if status == 409 else {}
            assert status in (0, 401, 503) or busy.get("code") in _BUSY, (status, answer)
            self._rest.wait(busy.get("retry_after", 0.1))
            wait_for(self.shop.answers, SECONDS_TO_COME_BACK)
        raise AssertionError(f"{method} {path} was never answered: at last {status} {answer!r}")

    def access(self) -> str:
        """Return the token of somebody of the staff."""
        if not self._access:
            self._sign_in()
        return self._access

    def _sign_in(self) -> None:
        sign_ins = json.loads((self.shop.data / "sign-ins.json").read_text())
        self._access = self.insist("POST", "auth/login", sign_ins["admin"])["access"]

    def ask(
        self, method: str, path: str, body: str | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Send one request; 0 where the connection breaks."""
        client, begun = http.client.HTTPConnection("127.0.0.1", self.shop.port, timeout=90), time.monotonic()
        with contextlib.closing(client), contextlib.suppress(OSError, http.client.HTTPException):
            client.request(method, path, body, headers or {})
            answer = client.getresponse()
            content = answer.read()
            if self.took is not None:
                self.took.append(time.monotonic() - begun)
            self.statuses[answer.status] += 1
            return answer.status, content
        self.statuses[0] += 1
        self.broken += 1
        return 0, b""
