"""Hours of buying at half of the load that the shop carries, with a fault each minute (R42)."""

from __future__ import annotations

import os
import random
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from conftest import RabbitMQ, Redis

from tests.crashes.crowd import Crowd
from tests.crashes.killing import each_happened_once, kill, open_to
from tests.crashes.mail_server import MailServer
from tests.crashes.test_kills import background_workers, web_workers
from tests.disaster.test_database import databases, held
from tests.runtime.shop import Shop, wait_for

pytestmark = pytest.mark.runtime

HOURS = float(os.environ.get("NEXUS_SOAK_HOURS", "8"))
SECONDS_BETWEEN_FAULTS = 60.0
# What a shopper waits for an order before it counts as not available, however often it is asked for meanwhile.
PATIENCE_SECONDS = 10.0
AVAILABILITY = 0.999
MOST_GROWTH = 1.05
# Half of what two cores carry with all that follows from an order.
LEISURE = 3.0
# Fewer tell nothing of how memory grows.
_SAMPLES_TO_COMPARE = 40
_DEALS_MEANWHILE = 6
_SECONDS_FOR_THEM = 300.0


class Shoppers(Crowd):
    """Those who remember how long they waited for each order."""

    def __init__(self, shop: Shop) -> None:
        super().__init__(shop, "", leisure=LEISURE)
        self.waits: list[float] = []

    def place(self, variant: str) -> Any:
        begun = time.monotonic()
        order = super().place(variant)
        self.waits.append(time.monotonic() - begun)
        return order

    def availability(self) -> float:
        """Return the part of all orders that were there while the shopper was patient."""
        return sum(wait <= PATIENCE_SECONDS for wait in self.waits) / len(self.waits)

    def go_on(self, *, seconds: float = 0.0) -> None:
        """Let some of them come to an end, and so much time pass."""
        enough, begun = len(self.deals) + _DEALS_MEANWHILE, time.monotonic()
        wait_for(lambda: len(self.deals) >= enough and time.monotonic() - begun >= seconds, seconds + _SECONDS_FOR_THEM)


class Memory:
    """The resident memory of the largest process of each kind, looked at again and again."""

    def __init__(self, shop: Shop) -> None:
        self.shop, self.seen = shop, defaultdict[str, list[int]](list)

    def look(self) -> None:
        for kind, processes in (("web", web_workers), ("worker", background_workers)):
            sizes = list(_sizes(processes(self.shop)))
            if sizes:
                self.seen[kind].append(max(sizes))

    def growth(self) -> dict[str, float]:
        """Return by how much the last quarter is larger than the second, by kind: in the first it becomes warm."""
        return {
            kind: statistics.median(sizes[-len(sizes) // 4 :])
            / statistics.median(sizes[len(sizes) // 4 : len(sizes) // 2])
            for kind, sizes in self.seen.items()
            if len(sizes) >= _SAMPLES_TO_COMPARE
        }


def _sizes(processes: Sequence[psutil.Process]) -> Iterator[int]:
    for process in processes:
        with suppress(psutil.Error):
            yield process.memory_info().rss


class Faults:
    """What befalls a shop, each over when it returns."""

    def __init__(self, crowd: Shoppers, *servers: Any) -> None:
        self.crowd = crowd
        self.all: list[tuple[str, Callable[[], None]]] = [
            ("a web worker killed", lambda: kill(crowd, web_workers, times=1)),
            ("the background worker killed", lambda: kill(crowd, background_workers, times=1)),
            ("PostgreSQL killed", lambda: kill(crowd, databases, times=1)),
            ("a table that nobody gets at", self.hold_carts),
            *((f"{type(server).__name__} away", lambda server=server: self.have_away(server)) for server in servers),
        ]

    def have_away(self, server: Any) -> None:
        server.kill()
        self.crowd.go_on()
        server.start()

    def hold_carts(self) -> None:
        refused = self.crowd.refused
        with held(self.crowd.shop, "carts_cart"):
            wait_for(lambda: self.crowd.refused > refused)

    def befall(self, *, hours: float) -> Iterator[str]:
        """Have each happen once, and then any of them each minute; yield what did."""
        over = time.monotonic() + hours * 3600
        for name, happen in random.sample(self.all, len(self.all)):
            happen()
            yield name
        while time.monotonic() < over:
            self.crowd.go_on(seconds=SECONDS_BETWEEN_FAULTS)
            name, happen = random.choice(self.all)
            happen()
            yield name


@pytest.mark.parametrize("hours", [0.0, pytest.param(HOURS, marks=pytest.mark.long)], ids=["each fault", "hours"])
def test_r42_a_fault_each_minute_costs_hardly_an_order_and_no_memory(
    make_shop: Callable[..., Shop],
    own_rabbitmq: RabbitMQ,
    own_redis: Redis,
    record_property: Callable[[str, object], None],
    hours: float,
) -> None:
    with MailServer().running() as mail_server:
        places = {"REDIS_URL": own_redis.url, "EMAIL_URL": f"smtp://127.0.0.1:{mail_server.port}"}
        crowd = open_to(Shoppers(make_shop(BROKER_URL=own_rabbitmq.url, **places).start()))
        memory, faults, happened = Memory(crowd.shop), Faults(crowd, own_rabbitmq, own_redis, mail_server), []

        with crowd.buying():
            crowd.go_on()
            for fault in faults.befall(hours=hours):
                happened.append(fault)
                crowd.go_on()
                memory.look()

        record_property("faults", len(happened))
        record_property("orders", len(crowd.waits))
        record_property("longest_waits", sorted(crowd.waits)[-10:])
        record_property("availability", crowd.availability())
        record_property("growth", memory.growth())
        assert len(set(happened)) == len(faults.all)
        each_happened_once(crowd)
        assert not hours or crowd.availability() >= AVAILABILITY, sorted(crowd.waits)[-20:]
        assert all(growth < MOST_GROWTH for growth in memory.growth().values()), memory.seen


class TestWhatIsCompared:
    def test_r42_late_orders_are_not_available(self) -> None:
        crowd = Shoppers(Shop(Path("nowhere"), port=1))
        crowd.waits = [0.1] * 998 + [PATIENCE_SECONDS + 1] * 2

        assert crowd.availability() == 0.998 < AVAILABILITY

    @pytest.mark.parametrize(("later", "is_too_much"), [(104, False), (106, True)])
    def test_r42_memory_that_grows_after_it_is_warm_is_noticed(self, later: int, is_too_much: bool) -> None:
        memory = Memory(Shop(Path("nowhere"), port=1))
        memory.seen["web"] = [50] * 10 + [100] * 20 + [later] * 10
        memory.seen["worker"] = [50, 500]

        assert (memory.growth()["web"] >= MOST_GROWTH) == is_too_much
        assert "worker" not in memory.growth()
