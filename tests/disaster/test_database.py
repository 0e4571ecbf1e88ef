"""The database dies, is replaced, is full or has no connection left, while people buy (R23, R24, R34 to R36)."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import psutil
import psycopg
import pytest

from tests.crashes.crowd import SECONDS_TO_COME_BACK, Crowd
from tests.crashes.killing import SECONDS_TO_SETTLE, each_happened_once, kill, open_to_a_crowd
from tests.disaster.pair import Node, Pair
from tests.runtime.crowds import over_and_over
from tests.runtime.shop import Shop, copy_of, temporary_folder, wait_for

pytestmark = pytest.mark.runtime

# Of two deliveries of one thing to one handler, the earlier fact was told first.
_OUT_OF_ORDER = """
SELECT count(*) FROM core_delivery earlier JOIN core_delivery later
    ON later.aggregate = earlier.aggregate AND later.handler = earlier.handler AND later.id > earlier.id
 WHERE earlier.aggregate <> '' AND earlier.done_at > later.done_at"""
_OWED = "SELECT count(*) FROM core_delivery WHERE done_at IS NULL"
_READ_DOCUMENTS = """
SELECT coalesce(idx_scan, 0) + coalesce(seq_scan, 0)
  FROM pg_stat_all_tables WHERE relname = 'products_productdocument'"""
# As the project wants them; where many processes share a machine only the long forms compare.
SECONDS_AWAY = 30.0
SECONDS_TO_WRITE_AGAIN = 30.0
SECONDS_TO_BE_USED_AGAIN = 10.0
SECONDS_TO_BE_REFUSED = 10.0
SECONDS_TO_RECOVER = 5.0
CLIENTS = 40
MEGABYTE = 2**20


def databases(shop: Shop) -> list[psutil.Process]:
    """Return PostgreSQL's first process."""
    return shop.named("postgres -D")[:1]


@pytest.mark.parametrize("kills", [2, pytest.param(50, marks=pytest.mark.long)], ids=["some", "many"])
def test_r23_a_killed_postgres_loses_no_order_that_anybody_was_told_of(
    make_shop: Callable[..., Shop], kills: int
) -> None:
    crowd = open_to_a_crowd(make_shop().start())

    with crowd.buying():
        kill(crowd, databases, times=kills)

    assert crowd.deals
    each_happened_once(crowd)


@pytest.mark.parametrize("stops", [1, pytest.param(20, marks=pytest.mark.long)], ids=["one", "many"])
def test_r24_after_a_power_cut_all_orders_are_there_and_what_is_owed_is_told_in_order(
    make_shop: Callable[..., Shop], stops: int
) -> None:
    crowd = open_to_a_crowd(make_shop().start())
    shop = crowd.shop

    with crowd.buying():
        for _ in range(stops):
            enough = len(crowd.deals) + 3
            wait_for(lambda: len(crowd.deals) >= enough, SECONDS_TO_COME_BACK)  # noqa: B023 - used at once
            cut_the_power(shop)
            shop.start()

    each_happened_once(crowd)
    assert shop.sql(_OUT_OF_ORDER) == 0


def cut_the_power(shop: Shop) -> None:
    """Stop all processes at the same moment, so that none can take notice of another's end."""
    processes = shop.processes()
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.suspend()
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.kill()
    assert shop.process is not None
    shop.process.wait(SECONDS_TO_COME_BACK)
    wait_for(lambda: not shop.processes(), SECONDS_TO_COME_BACK)


def test_r34_a_promoted_standby_has_every_order_that_anybody_was_told_of(
    make_shop: Callable[..., Shop], record_property: Callable[[str, object], None]
) -> None:
    shop = make_shop()
    with Pair(shop.data / "postgres") as pair:
        shop.environment |= {"DATABASE_URL": pair.url, "DATABASE_READ_URL": pair.standby_url}
        orders = open_for_orders(shop.start())

        with orders.placing():
            orders.wait_for_more(5)
            # From here on the standby takes what it is sent, and shows none of it until it is promoted.
            pair.standby.run("SELECT pg_wal_replay_pause()")
            orders.agree_on("17.00")
            pair.kill_primary()
            killed_at = time.monotonic()
            pair.promote()
            orders.wait_for_more(1)
            record_property("seconds_until_written_again", away := time.monotonic() - killed_at)
            orders.agree_on("19.00")
            orders.wait_for_more(5)

        assert away < SECONDS_TO_WRITE_AGAIN
        kept = {str(row[0]) for row in pair.rows("SELECT id FROM orders_order")}
        assert [order for order in orders.told if order not in kept] == []
        assert "agree" in shop.manage("verify_books")


def test_reads_from_a_replica_are_as_new_as_the_last_commit_and_go_on_without_it(
    make_shop: Callable[..., Shop],
) -> None:
    shop = make_shop()
    with Pair(shop.data / "postgres") as pair:
        pair.primary.run("ALTER SYSTEM SET synchronous_commit = remote_apply", "SELECT pg_reload_conf()")
        shop.environment |= {"DATABASE_URL": pair.url, "DATABASE_READ_URL": pair.standby_url}
        crowd = Crowd(shop.start(), "")
        slug = crowd.insist("GET", "products?size=1")["results"][0]["slug"]
        before = pair.rows(_READ_DOCUMENTS)[0][0]

        for number in range(30):
            crowd.insist("PATCH", f"products/{slug}", {"name": f"Lamp {number}"}, staff=True)
            assert crowd.insist("GET", f"products/{slug}")["name"] == f"Lamp {number}"

        wait_for(lambda: pair.rows(_READ_DOCUMENTS)[0][0] >= before + 30, SECONDS_TO_SETTLE)
        pair.standby.end_at_once()
        assert [crowd.ask("GET", f"/api/v1/products/{slug}")[0] for _ in range(3)] == [200] * 3


@pytest.mark.parametrize("seconds", [4.0, pytest.param(SECONDS_AWAY, marks=pytest.mark.long)], ids=["short", "long"])
def test_r23_a_database_that_was_away_is_used_again_as_soon_as_it_is_back(
    make_shop: Callable[..., Shop], record_property: Callable[[str, object], None], seconds: float
) -> None:
    shop = make_shop()
    with temporary_folder() as folder:
        node = Node(shop.data / "postgres", folder / "s")
        with running(node):
            shop.environment["DATABASE_URL"] = f"postgres://postgres@127.0.0.1:{node.port}/postgres"
            orders = open_for_orders(shop.start())
            crowd = orders.crowd

            with orders.placing():
                orders.wait_for_more(3)
                node.end_at_once()
                gone_at = time.monotonic()
                wait_for(lambda: crowd.refused >= 6 and time.monotonic() - gone_at >= seconds, SECONDS_TO_COME_BACK)
                assert (shop.status("/healthz"), shop.status("/readyz")) == (200, 503)
                node.launch()
                node.wait()
                back_at = time.monotonic()
                orders.wait_for_more(1)
                record_property("seconds_until_used_again", away := time.monotonic() - back_at)
                orders.wait_for_more(5)

            assert seconds < SECONDS_AWAY or away < SECONDS_TO_BE_USED_AGAIN
            wait_for(lambda: node.rows(_OWED) == [(0,)], SECONDS_TO_SETTLE)
            kept = {str(row[0]) for row in node.rows("SELECT id FROM orders_order")}
            assert [order for order in orders.told if order not in kept] == []
            assert "agree" in shop.manage("verify_books")
            shop.stop()


@contextmanager
def running(node: Node) -> Iterator[None]:
    """Have a server of our own running for the length of the block."""
    try:
        node.launch()
        node.wait()
        yield
    finally:
        node.stop()


@pytest.mark.parametrize("is_timed", [False, pytest.param(True, marks=pytest.mark.long)], ids=["", "in time"])
def test_r35_with_no_connection_left_everybody_is_answered_and_later_served(
    make_shop: Callable[..., Shop], is_timed: bool
) -> None:
    shop = make_shop(DATABASE_POOL="2", WEB_WORKERS="1", WEB_THREADS="16").start()
    crowd = Crowd(shop, "")
    variant = crowd.insist("GET", "products?in_stock=true&size=1")["results"][0]["variants"][0]["id"]

    with held(shop, "carts_cart"), ThreadPoolExecutor(max_workers=CLIENTS) as clients:
        answers = list(clients.map(lambda _: ask_for_cart(shop, variant), range(CLIENTS)))
    free_at = time.monotonic()

    assert {answer.status for answer in answers} == {503}
    assert all(answer.retry_after >= 1 for answer in answers)
    wait_for(lambda: ask_for_cart(shop, variant).status == 201)
    if is_timed:
        assert max(answer.seconds for answer in answers) < SECONDS_TO_BE_REFUSED
        assert time.monotonic() - free_at < SECONDS_TO_RECOVER


@dataclass(frozen=True)
class Told:
    """How a request was answered, after how long, and when to come back; in seconds."""

    status: int
    retry_after: int
    seconds: float


def ask_for_cart(shop: Shop, variant: str) -> Told:
    """Put one into a new cart."""
    begun = time.monotonic()
    client = http.client.HTTPConnection("127.0.0.1", shop.port, timeout=60)
    with contextlib.closing(client):
        sent = {"Content-Type": "application/json", "Idempotency-Key": uuid.uuid4().hex}
        client.request("POST", "/api/v1/cart/items", json.dumps({"variant": variant, "quantity": 1}), sent)
        answer = client.getresponse()
        answer.read()
        return Told(answer.status, int(answer.getheader("Retry-After", "0")), time.monotonic() - begun)


@contextmanager
def held(shop: Shop, table: str) -> Iterator[None]:
    """Have nobody come to a table."""
    where = str((shop.data / "run").resolve())
    with psycopg.connect(host=where, user="postgres", dbname="postgres") as connection:
        connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")  # type: ignore[arg-type]
        yield


@pytest.mark.long
def test_r36_a_full_disk_is_answered_cleanly_and_breaks_nothing(make_shop: Callable[..., Shop]) -> None:
    shop = make_shop()
    with small_disk(shop.data / "postgres") as disk:
        crowd = open_to_a_crowd(shop.start())
        ballast = disk / "ballast"

        with crowd.buying():
            wait_for(lambda: len(crowd.deals) >= 3, SECONDS_TO_COME_BACK)
            fill(ballast)
            wait_for(lambda: crowd.refused >= 20, SECONDS_TO_COME_BACK)
            ballast.unlink()
            enough = len(crowd.deals) + 10
            wait_for(lambda: len(crowd.deals) >= enough, SECONDS_TO_COME_BACK)

        each_happened_once(crowd)
        shop.end()


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """Put a folder onto a disk of its own, with little room left."""
    copy = copy_of(folder, folder.with_name("postgres.copy"))
    used = sum(path.stat().st_blocks * 512 for path in copy.rglob("*"))
    size = f"size={used + 200 * MEGABYTE},mode=0700"
    if subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", folder], check=False).returncode != 0:
        pytest.skip("no disk can be mounted here")
    try:
        subprocess.run(["cp", "-a", f"{copy}/.", str(folder)], check=True)
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def fill(path: Path) -> None:
    """Write until there is no room."""
    with contextlib.suppress(OSError), path.open("wb") as file:
        while True:
            file.write(bytes(MEGABYTE))
            file.flush()
            os.fsync(file.fileno())


_MORE = """
from django.utils import timezone
from inventory import services as inventory
more = inventory.Adjustment(sku="{sku}", quantity=100000)
inventory.adjust_stock(items=[more], reason="", actor_id=None, at=timezone.now())
"""


class Orders:
    """Guests who place orders without a pause; ``told`` holds those that were answered."""

    def __init__(self, crowd: Crowd, variant: str, sku: str) -> None:
        self.told: list[str] = []
        self.crowd, self._variant, self._sku = crowd, variant, sku

    @contextmanager
    def placing(self) -> Iterator[None]:
        """Place orders for the length of the block."""
        with over_and_over(lambda: self.told.append(self.crowd.place(self._variant)["id"]), at_once=3):
            yield

    def wait_for_more(self, orders: int) -> None:
        """Return when so many more were placed."""
        enough = len(self.told) + orders
        wait_for(lambda: len(self.told) >= enough, SECONDS_TO_COME_BACK)

    def agree_on(self, price: str) -> None:
        """Change the price, and see at once that quote, cart and order are of the new one."""
        new = {"items": [{"sku": self._sku, "price": price}]}
        self.crowd.insist("POST", "products/prices", new, staff=True)
        wish = {"sku": self._sku, "quantity": 2}
        quote = self.crowd.insist("POST", "cart/quote", {"items": [wish]})
        cart = self.crowd.insist("POST", "cart/items", wish)
        order = self.crowd.place(self._variant)
        self.told.append(order["id"])
        wanted = {"amount": str(2 * Decimal(price)), "currency": "GBP"}
        assert [shown["subtotal"] for shown in (quote, cart, order)] == [wanted] * 3


def open_for_orders(shop: Shop) -> Orders:
    """Have enough of one variant to order."""
    crowd = Crowd(shop, "")
    variant = crowd.insist("GET", "products?in_stock=true&size=1")["results"][0]["variants"][0]
    shop.manage("shell", "--no-imports", "-v0", "-c", _MORE.format(sku=variant["sku"]))
    return Orders(crowd, variant["id"], variant["sku"])
