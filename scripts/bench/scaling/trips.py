"""How often a request asks the database, and what that takes where it is far: the shop behind a wire that is slow."""

from __future__ import annotations

import contextlib
import json
import socket
import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice
from queue import SimpleQueue

from bench import client, lives, pricing
from bench.catalogue import write_catalogue
from bench.http import Asked
from bench.reads import API
from bench.scaling.servers import Node, folder, running
from bench.shop import Shop, ShopFailed
from bench.writes import first_item, order_body
from config import embedded

_PRODUCTS = 1000
_WISHES = {"shipping_address": {"country": "GB", "postal_code": "SW1Y 4JH"}, "shipping_method": "standard"}


@dataclass
class Wire:
    """A way to a server that takes its time, in both directions, and counts questions that came after an answer."""

    to: int
    delay_ms: float = 0.0
    trips: int = 0
    port: int = 0
    _open: list[socket.socket] = field(default_factory=list)

    def __enter__(self) -> Wire:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for one in (self._server, *self._open):
            with contextlib.suppress(OSError):
                one.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._server.accept()
                far = socket.create_connection(("127.0.0.1", self.to))
                for one in (near, far):
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self._open.append(one)
                answered = threading.Event()
                answered.set()
                self._carry(near, far, answered, is_question=True)
                self._carry(far, near, answered, is_question=False)

    def _carry(
        self, source: socket.socket, target: socket.socket, answered: threading.Event, *, is_question: bool
    ) -> None:
        held: SimpleQueue[tuple[float, bytes]] = SimpleQueue()

        def take() -> None:
            with contextlib.suppress(OSError):
                while content := source.recv(65536):
                    if is_question and answered.is_set():
                        answered.clear()
                        self.trips += 1
                    elif not is_question:
                        answered.set()
                    held.put((time.perf_counter() + self.delay_ms / 2000, content))
            held.put((0.0, b""))

        def give() -> None:
            while True:
                due, content = held.get()
                if not content:
                    break
                time.sleep(max(0.0, due - time.perf_counter()))
                with contextlib.suppress(OSError):
                    target.sendall(content)
            with contextlib.suppress(OSError):
                target.shutdown(socket.SHUT_WR)

        for work in (take, give):
            threading.Thread(target=work, daemon=True).start()


def measure(
    *, delays: Sequence[float], checkouts: int = 4, sections: Sequence[str] = ("far", "hot")
) -> Iterator[list[str]]:
    """Yield rows: round trips of each request, its time at each distance, and orders a second of one variant."""
    with folder() as place:
        shop = Shop(place)
        node = Node(shop.data / "postgres", embedded.socket_folder(shop.data))
        with running(node), Wire(to=node.port) as wire:
            node.stand_in()
            shop.environment["DATABASE_URL"] = f"postgres://postgres@127.0.0.1:{wire.port}/postgres"
            skus = open_shop(shop)
            try:
                if "far" in sections:
                    yield from _far(shop, wire, skus, delays, checkouts)
                if "hot" in sections:
                    yield from _hot(shop, wire, skus)
                wire.delay_ms = 0.0
                shop.pause_worker(paused=False)
                shop.settle()
                shop.manage("verify_books")
            finally:
                wire.delay_ms = 0.0
                shop.stop()


def open_shop(shop: Shop) -> list[str]:
    """Start a shop of a thousand products with tax and shipping; return the SKUs of those in stock."""
    catalogue = shop.folder / "catalogue.csv"
    skus = write_catalogue(catalogue, count=_PRODUCTS, races=0)
    lives.open_shop(shop)
    lives.import_rate(shop, catalogue)
    pricing.load_rules(shop)
    return skus


def _far(shop: Shop, wire: Wire, skus: Sequence[str], delays: Sequence[float], checkouts: int) -> Iterator[list[str]]:
    goods = cycle(skus)
    for _ in range(6):  # every connection knows its statements
        _requests(shop, list(islice(goods, 8)), clients=8)
    shop.settle()
    shop.pause_worker(paused=True)
    yield ["request", "round trips", *(f"{delay:g} ms away: ms" for delay in delays)]
    found: dict[str, list[str]] = {}
    for delay in delays:
        wire.delay_ms = delay
        for name, (trips, ms) in _requests(shop, list(islice(goods, checkouts)), clients=1, wire=wire).items():
            found.setdefault(name, [f"{trips:.1f}"]).append(f"{ms:,.0f}")
    for name, cells in found.items():
        yield [name, *cells]
    wire.delay_ms = 0.0
    shop.pause_worker(paused=False)
    shop.settle()


def _requests(
    shop: Shop, skus: Sequence[str], *, clients: int, wire: Wire | None = None
) -> dict[str, tuple[float, float]]:
    """Send each kind of request once for each of the goods; return its round trips and its median milliseconds."""
    found: dict[str, tuple[float, float]] = {}

    def take(name: str, asked: Sequence[Asked], wanted: int) -> client.Load:
        before = wire.trips if wire else 0
        answers = client.send(port=shop.port, clients=clients, requests=asked)
        if set(answers.statuses) != {wanted}:
            raise ShopFailed(f"{name}: {answers.bodies[0][:500]}")
        trips = ((wire.trips if wire else 0) - before) / len(asked)
        found[name] = (trips, statistics.median(answers.milliseconds))
        return answers

    take("GET products", [Asked("GET", f"{API}/products") for _ in skus], 200)
    carts = take("POST cart/items", [first_item(sku) for sku in skus], 201)
    headers = [{"X-Cart-Token": token} for token in client.tokens_of(carts)]
    take("GET cart", [Asked("GET", f"{API}/cart", header) for header in headers], 200)
    take("PATCH cart", [Asked("PATCH", f"{API}/cart", header, _WISHES) for header in headers], 200)
    asked = [Asked("POST", f"{API}/orders", header, order_body(header["X-Cart-Token"])) for header in headers]
    placed = take("POST orders", asked, 201)
    take("POST payments", [_pay(json.loads(order)) for order in placed.bodies], 201)
    return found


def _pay(order: dict[str, str]) -> Asked:
    body = {"order": order["id"], "provider": "sandbox", "return_url": "https://shop.example/done", "card": "success"}
    return Asked("POST", f"{API}/payments", {"X-Order-Token": order["token"]}, body)


def _hot(shop: Shop, wire: Wire, skus: Sequence[str]) -> Iterator[list[str]]:
    """Eight at a time order one variant, or different ones: the difference is that all meet in one row."""
    yield ["8 orders at a time", "different goods: orders/s", "one variant: orders/s", "ms of a row, at most"]
    for delay in (0.0, 5.0, 20.0):
        rates = []
        for goods in (list(islice(cycle(skus), 120)), [skus[0]] * 120):
            wire.delay_ms = 0.0
            carts = client.send(port=shop.port, clients=8, requests=[first_item(sku) for sku in goods])
            tokens = client.tokens_of(carts)
            shop.settle()
            shop.pause_worker(paused=True)
            asked = [Asked("POST", f"{API}/orders", {"X-Cart-Token": token}, order_body(token)) for token in tokens]
            client.send(port=shop.port, clients=8, requests=asked[:16])
            wire.delay_ms = delay
            load = client.send(port=shop.port, clients=8, requests=asked[16:])
            if set(load.statuses) != {201}:
                raise ShopFailed(load.bodies[0][:300])
            rates.append(len(load.statuses) / load.seconds)
            wire.delay_ms = 0.0
            shop.pause_worker(paused=False)
        yield [f"database {delay:g} ms away", *(f"{rate:.1f}" for rate in rates), f"{1000 / rates[1]:.1f}"]
