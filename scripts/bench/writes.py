"""The writes that are measured: guests who fill a cart and order, and too many of them for too few units."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice

from bench import client
from bench.catalogue import RACE_UNITS, race_sku
from bench.http import Asked
from bench.measuring import Row, measure
from bench.reading import Pressure, pressure_of
from bench.reads import API
from bench.shop import Shop

BUYERS = 64
LINES = {"order, 1 line": 1, "order, 20 lines": 20}
ADD = "add to cart"
ADDRESS = {
    "name": "Ada Lovelace",
    "line1": "12 St James's Square",
    "city": "London",
    "postal_code": "SW1Y 4JH",
    "country": "GB",
    "phone": "+442079460000",
}


class Buyers:
    """Guests of the shop. Each run takes other goods, in turn, as a shop full of people does."""

    def __init__(self, shop: Shop, skus: Sequence[str]) -> None:
        self.shop = shop
        self._skus: Iterator[str] = cycle(skus)
        # The carts of those who raced and got nothing.
        self.left_with_nothing: list[str] = []

    def add(self, *, clients: int, count: int) -> Row:
        """Measure new carts with one item."""
        asked = [first_item(sku) for sku in islice(self._skus, count)]
        return self._measured(ADD, clients, asked)

    def order(self, *, name: str, clients: int, count: int) -> Row:
        """Measure orders; their carts are filled before."""
        asked = [self.ordering(token) for token in self._filled(count, LINES[name])]
        return self._measured(name, clients, asked)

    def race(self, number: int) -> Race:
        """Let 64 guests order one each of the same 50 units, at the same moment."""
        tokens = self.fill(race_sku(number), BUYERS)
        load = client.send(port=self.shop.port, clients=BUYERS, requests=[self.ordering(token) for token in tokens])
        answers = list(zip(load.statuses, load.bodies, strict=True))
        self.left_with_nothing += [token for token, status in zip(tokens, load.statuses, strict=True) if status == 409]
        refused = [json.loads(body).get("code") for status, body in answers if status == 409]
        return Race(
            sold=load.statuses.count(201),
            refused=sum(code == "inventory.out_of_stock" for code in refused),
            seconds=load.seconds,
        )

    def fill(self, sku: str, count: int) -> list[str]:
        """Return the tokens of so many new carts with one unit each."""
        carts = [first_item(sku) for _ in range(count)]
        return client.tokens_of(client.send(port=self.shop.port, clients=8, requests=carts))

    def fill_others(self, count: int) -> list[Asked]:
        """Return orders of so many new carts with other goods."""
        return [self.ordering(token) for token in self._filled(count, 1)]

    def ordering(self, token: str) -> Asked:
        """Return the order of a cart."""
        return Asked("POST", f"{API}/orders", {"X-Cart-Token": token}, order_body(token))

    def _measured(self, name: str, clients: int, asked: Sequence[Asked]) -> Row:
        def load() -> Pressure:
            return pressure_of(client.send(port=self.shop.port, clients=clients, requests=asked), wanted=201)

        return measure(shop=self.shop, operation=name, clients=clients, load=load, is_write=True)

    def _filled(self, count: int, lines: int) -> list[str]:
        asked = [first_item(sku) for sku in islice(self._skus, count)]
        tokens = client.tokens_of(client.send(port=self.shop.port, clients=4, requests=asked))
        for _ in range(lines - 1):
            more = [_item(token, sku) for token, sku in zip(tokens, islice(self._skus, count), strict=True)]
            client.tokens_of(client.send(port=self.shop.port, clients=4, requests=more))
        return tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Race:
    """How one race ended: orders, clean refusals (409 out of stock), and how long it took."""

    sold: int
    refused: int
    seconds: float

    @property
    def is_right(self) -> bool:
        """Were exactly as many sold as there were, and all others told so?"""
        return (self.sold, self.refused) == (RACE_UNITS, BUYERS - RACE_UNITS)


def run_races(buyers: Buyers, count: int) -> list[Race]:
    """Run the races one after the other."""
    races = []
    for number in range(count):
        races.append(buyers.race(number))
        time.sleep(0.1)
    buyers.shop.settle()
    return races


def race_summary(races: Sequence[Race]) -> dict[str, float]:
    """Return what the table shows of them."""
    return {
        "runs": len(races),
        "right": sum(race.is_right for race in races),
        "least_sold": min(race.sold for race in races),
        "most_sold": max(race.sold for race in races),
        "median_seconds": statistics.median(race.seconds for race in races),
        "longest_seconds": max(race.seconds for race in races),
    }


def first_item(sku: str) -> Asked:
    return Asked("POST", f"{API}/cart/items", body={"sku": sku, "quantity": 1})


def _item(token: str, sku: str) -> Asked:
    return Asked("POST", f"{API}/cart/items", {"X-Cart-Token": token}, {"sku": sku, "quantity": 1})


def order_body(token: str) -> dict[str, object]:
    """Return an order of somebody who is nobody else: those of one person wait for each other."""
    return {"email": f"guest{token[:12]}@example.com", "shipping_address": ADDRESS}
