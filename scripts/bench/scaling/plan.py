"""The simulated steps: what each layout of machines can do, what stops it first, and how long one waits at 60 %."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from bench.scaling.costs import CHECKOUT, Work, shop
from bench.scaling.simulation import Layout, Seen, enough, simulate

ONE = Layout(name="1 machine of 2 cores")
# Between machines of one data centre.
_WAY_MS = 0.3
_APART = Layout(name="", round_trip_ms=_WAY_MS)
LAYOUTS = (
    ONE,
    replace(ONE, name="1 machine of 8 cores", database=8),
    replace(_APART, name="2 web machines, database, worker, of 2 cores each", web=4, database=2, workers=2),
    replace(_APART, name="the same, database of 4 cores", web=4, database=4, workers=2),
    replace(_APART, name="the same, each commit confirmed by a standby", web=4, database=4, workers=2, standby_ms=4.0),
    replace(_APART, name="the same, public reads at the standby", web=4, database=4, workers=2, replicas=4),
    replace(_APART, name="4 web machines of 4, database of 8, worker of 4", web=16, database=8, workers=4),
    replace(_APART, name="the same, 2 replicas of 4 read", web=16, database=8, workers=4, replicas=8),
)
_ORDERS = 600
_LOADS = (0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
_PLACING = "POST orders"


def steps(*, reads: float, load: float, orders: int = _ORDERS) -> Iterator[list[str]]:
    """Return the rows of the layouts."""
    works = shop(reads=reads)
    yield ["layout", "cores", "orders/min at 100 %", "stopped by", f"at {load:.0%}", *_HEADS]
    for layout in LAYOUTS:
        most = layout.most(works)
        first = min(most, key=lambda name: most[name])
        rate = most[first] * load
        seen = simulate(layout, works, orders=rate, seconds=orders / rate)
        yield [layout.name, str(layout.cores), f"{most[first] * 60:,.0f}", _named(layout, first), *_of(rate, seen)]


def loads(*, reads: float, orders: int = _ORDERS) -> Iterator[list[str]]:
    """Return the rows of one layout, ever fuller."""
    works, layout = shop(reads=reads), LAYOUTS[3]
    most = min(layout.most(works).values())
    yield [f"load ({layout.name})", "orders/min", *_HEADS]
    for load in _LOADS:
        seen = simulate(layout, works, orders=most * load, seconds=orders / (most * load))
        yield [f"{load:.0%}", *_of(most * load, seen)]


def wanted(*, reads: float, load: float, per_minute: Sequence[float]) -> Iterator[list[str]]:
    """Return the rows of how many cores so many orders a minute want, with reads at the primary and at replicas."""
    works = shop(reads=reads)
    yield ["orders/min", "reads/s", "requests/s", "web", "database", "replicas", "workers", "connections"]
    for rate in per_minute:
        a_second = rate / 60
        for replicas in (0, 1):
            layout = Layout(name="", web=1, database=1, workers=1, replicas=replicas)
            found = enough(layout, works, orders=a_second, load=load)
            counts = [found.web, found.database, found.replicas, found.workers]
            requests = a_second * (reads + len(CHECKOUT))
            told = [f"{rate:,.0f}", f"{a_second * reads:,.0f}", f"{requests:,.0f}"]
            yield [*told, *(str(count) for count in counts), f"{connections(found):,}"]


def connections(layout: Layout) -> int:
    """Return the most connections that its processes hold: two for each thread (one for reads), and workers'."""
    return layout.web * layout.threads * 2 + layout.workers


def at_rate(*, reads: float, per_minute: float, load: float, seconds: float) -> Iterator[list[str]]:
    """Return what is seen at that rate with as many cores as it wants: replicas or none, standby near or far."""
    works = shop(reads=reads)
    yield ["layout", "web, database, replicas, workers", "orders/min", *_HEADS]
    for replicas, standby_ms in ((0, 0.0), (1, 0.0), (1, 4.0), (1, 20.0)):
        start = Layout(
            name="", web=1, database=1, workers=1, replicas=replicas, round_trip_ms=_WAY_MS, standby_ms=standby_ms
        )
        layout = enough(start, works, orders=per_minute / 60, load=load)
        seen = simulate(layout, works, orders=per_minute / 60, seconds=seconds, warm=1)
        counts = f"{layout.web}, {layout.database}, {layout.replicas}, {layout.workers}"
        name = f"{'replicas read' if replicas else 'one database'}, standby {standby_ms:g} ms"
        yield [name, counts, *_of(per_minute / 60, seen)]


def hot(*, holds: Sequence[tuple[str, Work, Layout]], seconds: float = 30) -> Iterator[list[str]]:
    """Return what one row lets through: everybody wants the same variant."""
    yield ["where", "row held, ms", "orders/s by the formula", "simulated"]
    for name, work, layout in holds:
        held = (
            work.under_lock * (work.web_ms / work.round_trips + work.database_ms / work.round_trips)
            + work.under_lock * layout.round_trip_ms
            + layout.commit_ms
            + layout.standby_ms
        )
        most = 1000 / held
        seen = simulate(layout, [work], orders=most * 1.5, seconds=seconds)
        yield [name, f"{held:.1f}", f"{most:,.1f}", f"{seen.per_second(work.name):,.1f}"]


def hot_cases(*, commit_ms: float) -> list[tuple[str, Work, Layout]]:
    """Return the places in which a row may be held, each with plenty of everything else."""
    order = next(work for work in CHECKOUT if work.name == _PLACING)
    plenty = Layout(name="", web=64, database=64, workers=8, threads=64, hot=1.0, commit_ms=commit_ms)
    ways = {"one machine": (0.0, 0.0), "one data centre": (_WAY_MS, 0.0), "and a standby confirms": (_WAY_MS, 4.0)}
    far = {f"web {ms} ms from its database": (float(ms), 0.0) for ms in (20, 80, 150)}
    confirmed = {f"a standby {ms} ms away confirms": (_WAY_MS, float(ms)) for ms in (20, 80, 150)}
    return [
        (name, order, replace(plenty, round_trip_ms=way, standby_ms=standby))
        for name, (way, standby) in (ways | far | confirmed).items()
    ]


_HEADS = ("orders/min", "list p50", "p99", "POST orders p50", "p99", "checkout p50, ms")[1:]


def _of(rate: float, seen: Seen) -> list[str]:
    whole = sum(seen.percentile(work.name, 0.5) for work in CHECKOUT)
    times = [seen.percentile(name, share) for name in ("list", _PLACING) for share in (0.5, 0.99)]
    return [f"{rate * 60:,.0f}", *(f"{ms:.1f}" for ms in times), f"{whole:.0f}"]


def _named(layout: Layout, place: str) -> str:
    return "all of it" if place == "database" and not layout.web else place
