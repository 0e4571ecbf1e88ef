"""A shop of queues: every request takes a thread, then cores of the web and of the database in turns, and commits.

Times between requests and times of service are exponential, cores serve in the order of arrival. What is not in it:
the network's bandwidth, the load balancer, locks of other rows, checkpoints, and memory that is too small.
"""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import simpy

from bench.scaling.costs import Work

Steps = Generator[simpy.Event, Any, None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The machines. ``web``, ``database``, ``workers``, ``replicas``: cores; together: ``database`` is all there is.

    :param round_trip_ms: from web to database and back
    :param commit_ms: the database's disk
    :param standby_ms: what a commit waits for a standby besides
    :param hot: the share of the orders that want the same variant
    """

    name: str
    web: int = 0
    database: int = 2
    workers: int = 0
    replicas: int = 0
    threads: int = 4
    round_trip_ms: float = 0.0
    commit_ms: float = 2.5
    standby_ms: float = 0.0
    hot: float = 0.0

    @property
    def cores(self) -> int:
        """All of them."""
        return self.web + self.database + self.workers + self.replicas

    def place(self, part: str, work: Work | None = None) -> str:
        """Return whose cores do it: ``web``, ``database`` (of this work) or ``workers``."""
        if part == "database" and work is not None and work.is_read and self.replicas:
            return "replicas"
        return part if getattr(self, part) else "database"

    def demand(self, works: Sequence[Work]) -> dict[str, float]:
        """Return milliseconds of CPU for one order with all its reads, by whose cores do it."""
        found: dict[str, float] = defaultdict(float)
        for work in works:
            found[self.place("web")] += work.web_ms * work.per_order
            found[self.place("database", work)] += work.database_ms * work.per_order
            found[self.place("workers")] += work.worker_ms * work.per_order
            found["database"] += work.worker_database_ms * work.per_order
        return {name: found[name] for name in ("web", "database", "workers", "replicas") if found[name]}

    def most(self, works: Sequence[Work]) -> dict[str, float]:
        """Return the orders a second at which each of them has nothing left."""
        return {name: getattr(self, name) * 1000 / needed for name, needed in self.demand(works).items()}


@dataclass(slots=True)
class Seen:
    """What came out: milliseconds of each request by its name, and the share of the time that cores were busy."""

    seconds: float
    milliseconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    busy: dict[str, float] = field(default_factory=dict)

    def percentile(self, name: str, share: float) -> float:
        """Return the time that this share of all does not exceed; not a number where none was answered."""
        found = sorted(self.milliseconds[name])
        return found[min(len(found) - 1, int(len(found) * share))] if found else math.nan

    def per_second(self, name: str) -> float:
        """Return how many were answered."""
        return len(self.milliseconds[name]) / self.seconds

    def mean(self, name: str) -> float:
        """Return the average time."""
        return sum(self.milliseconds[name]) / max(1, len(self.milliseconds[name]))


class _Shop:
    def __init__(self, layout: Layout, works: Sequence[Work], *, orders: float, warm: float, seed: int) -> None:
        self.layout, self.works, self.orders, self.warm = layout, works, orders, warm
        self.chance = random.Random(seed)  # noqa: S311  # nosec B311 - the same requests at every run
        self.world = simpy.Environment()
        parts = {name: getattr(layout, name) for name in ("web", "database", "workers", "replicas")}
        self.cores = {name: simpy.Resource(self.world, count) for name, count in parts.items() if count}
        self.used = dict.fromkeys(self.cores, 0.0)
        processes = layout.web or layout.database
        self.threads = simpy.Resource(self.world, processes * layout.threads)
        self.row = simpy.Resource(self.world, 1)
        self.milliseconds: dict[str, list[float]] = defaultdict(list)

    def arrive(self, work: Work) -> Steps:
        """Send requests of one kind, for ever."""
        per_ms = self.orders * work.per_order / 1000
        while per_ms:
            yield self.world.timeout(self.chance.expovariate(per_ms))
            self.world.process(self.answer(work))

    def answer(self, work: Work) -> Steps:
        began = self.world.now
        with self.threads.request() as thread:
            yield thread
            yield from self.ask(work, work.round_trips - work.under_lock)
            if work.under_lock and self.chance.random() < self.layout.hot:
                with self.row.request() as row:
                    yield row
                    yield from self.ask(work, work.under_lock)
                    yield from self.commit(work)
            else:
                yield from self.ask(work, work.under_lock)
                yield from self.commit(work)
        if self.world.now >= self.warm:
            self.milliseconds[work.name].append(self.world.now - began)
        if work.worker_ms:
            self.world.process(self.follow(work))

    def ask(self, work: Work, times: int) -> Steps:
        """Use the web's cores, the way, the database's cores, that many times."""
        web, database = self.layout.place("web"), self.layout.place("database", work)
        for _ in range(times):
            yield from self.use(web, work.web_ms / work.round_trips)
            if work.database_ms:
                if self.layout.round_trip_ms:
                    yield self.world.timeout(self.layout.round_trip_ms)
                yield from self.use(database, work.database_ms / work.round_trips)

    def commit(self, work: Work) -> Steps:
        """Wait for the disk, and for the standby."""
        waits = self.layout.commit_ms + self.layout.standby_ms
        if work.commits and waits:
            yield self.world.timeout(waits)

    def follow(self, work: Work) -> Steps:
        """Do what comes after it."""
        place = self.layout.place("workers")
        for _ in range(work.worker_round_trips):
            yield from self.use(place, work.worker_ms / work.worker_round_trips)
            yield from self.use("database", work.worker_database_ms / work.worker_round_trips)

    def use(self, place: str, milliseconds: float) -> Steps:
        with self.cores[place].request() as core:
            yield core
            taken = self.chance.expovariate(1 / milliseconds)
            yield self.world.timeout(taken)
            if self.world.now >= self.warm:
                self.used[place] += taken


def simulate(
    layout: Layout, works: Sequence[Work], *, orders: float, seconds: float, warm: float = 2.0, seed: int = 20261121
) -> Seen:
    """Run the shop for that long (of its own time) at so many orders a second, after a while that is not counted."""
    shop = _Shop(layout, works, orders=orders, warm=warm * 1000, seed=seed)
    for work in works:
        shop.world.process(shop.arrive(work))
    shop.world.run(until=(warm + seconds) * 1000)
    busy = {name: used / 1000 / seconds / getattr(layout, name) for name, used in shop.used.items()}
    return Seen(seconds=seconds, milliseconds=shop.milliseconds, busy=busy)


def enough(layout: Layout, works: Sequence[Work], *, orders: float, load: float) -> Layout:
    """Return the layout with as many cores of each kind as such a load leaves that share busy of."""
    needed = layout.demand(works)
    found = {name: getattr(layout, name) for name in ("web", "database", "workers", "replicas")}
    found |= {name: max(1, math.ceil(orders * ms / 1000 / load - 1e-9)) for name, ms in needed.items()}
    web, database, workers, replicas = found.values()
    return replace(layout, web=web, database=database, workers=workers, replicas=replicas)
