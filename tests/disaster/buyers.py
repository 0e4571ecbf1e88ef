"""Guests who order without a pause, each in a thread, through the whole of the API."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
from django.test import Client

from inventory.models import Stock
from orders.tests.factories import ADDRESS
from tests.runtime.crowds import over_and_over
from tests.runtime.shop import wait_for

SECONDS_TO_ORDER = 120.0


class Buyers:
    """Those who buy one thing.

    ``placed`` holds the orders that they were told of, ``failures`` every answer that was no 201.
    """

    def __init__(self, stock: Stock, *, at_once: int = 3) -> None:
        self.placed: list[str] = []
        self.failures: list[tuple[int, bytes]] = []
        self._sku, self._at_once = stock.variant.sku, at_once

    @contextmanager
    def buying(self) -> Iterator[None]:
        """Buy for the length of the block."""
        with over_and_over(self._buy, at_once=self._at_once):
            yield

    def wait_for_more(self, orders: int) -> None:
        """Return when so many more were placed, or one failed."""
        enough = len(self.placed) + orders
        wait_for(lambda: len(self.placed) >= enough or self.failures, SECONDS_TO_ORDER)

    def _buy(self) -> None:
        client = Client(raise_request_exception=False)
        cart = self._post(client, "cart/items", {"sku": self._sku, "quantity": 1})
        if cart is not None:
            body = {"email": "buyer@example.com", "shipping_address": ADDRESS.as_dict()}
            order = self._post(client, "orders", body, HTTP_X_CART_TOKEN=cart["token"])
            if order is not None:
                self.placed.append(order["id"])

    def _post(self, client: Client, path: str, body: dict[str, Any], **headers: str) -> dict[str, Any] | None:
        sent: dict[str, Any] = {"HTTP_IDEMPOTENCY_KEY": uuid.uuid4().hex} | headers
        answer = client.post(f"/api/v1/{path}", orjson.dumps(body), content_type="application/json", **sent)
        if answer.status_code != 201:
            self.failures.append((answer.status_code, answer.content))
            return None
        found: dict[str, Any] = answer.json()
        return found
