"""The command: ``python -m bench``, with ``src`` and ``scripts`` on the path."""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tqdm import tqdm

from bench import books, lives, machine, pricing, table
from bench.catalogue import write_catalogue
from bench.measuring import Row, measure, median
from bench.reading import press
from bench.reads import REFERENCES, Read, prepare_reads, reference_path
from bench.shop import ROOT, Shop
from bench.writes import LINES, Buyers, race_summary, run_races

RESULTS = ROOT / "bench-results"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much is measured."""

    products: int = 10_000
    clients: tuple[int, ...] = (1, 8, 32)
    times: int = 3
    seconds: float = 2.0
    carts: int = 300
    orders: int = 120
    long_orders: int = 40
    races: int = 10
    invoices: int = 600
    webhooks: int = 1000
    many_orders: int = 20_000
    starts: int = 3


QUICK = Plan(
    clients=(8,),
    times=1,
    seconds=1.0,
    carts=150,
    orders=80,
    long_orders=24,
    races=3,
    invoices=100,
    starts=1,
    webhooks=200,
    many_orders=2000,
)


def main() -> None:
    """Measure, print the table, write the file."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--quick", action="store_true", help="about a minute: one run of each row, eight clients")
    words.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="the shop's environment")
    told = words.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = Path(tempfile.mkdtemp(prefix="nexus-bench-"))
    folder.chmod(0o755)  # the servers of a root's shop are not root
    shop = Shop(folder, dict(pair.split("=", 1) for pair in told.set))
    try:
        found = run(shop, QUICK if told.quick else Plan())
    finally:
        shop.stop()
        shutil.rmtree(folder, ignore_errors=True)
    report(found, shop.environment)


def run(shop: Shop, plan: Plan) -> dict[str, Any]:
    """Measure everything, one thing after the other."""
    about = machine.describe()
    say(f"A shop with {plan.products:,} products")
    catalogue = shop.folder / "catalogue.csv"
    skus = write_catalogue(catalogue, count=plan.products, races=plan.races)
    lives.open_shop(shop)
    figures: dict[str, Any] = {"import_per_second": lives.import_rate(shop, catalogue)}
    figures["second_start"] = lives.start_again(shop, times=plan.starts)
    reads, buyers = prepare_reads(shop, skus), Buyers(shop, skus)
    rows = measure_reads(shop, reads, plan)
    rows += measure_writes(shop, buyers, plan)
    say("Races for the last units")
    figures["race"] = race_summary(run_races(buyers, plan.races))
    rows += measure_prices(shop, skus, plan)
    pricing.keep_few(shop)
    shop.manage("verify_books")
    told = measure_webhooks(shop, plan)
    rows += told
    figures["webhooks"] = max(({"per_second": row.per_second, "p99_ms": row.p99_ms} for row in told), key=_rate)
    figures["memory"] = lives.memory(shop)
    say("Books and a rehearsal over many orders")
    figures["books"] = books.books(shop, skus[0], orders=plan.many_orders)
    figures["rehearsal"] = books.rehearsal(shop, orders=plan.many_orders // 2)
    say("Replay")
    figures["replay_per_second"] = lives.replay_rate(shop, invoices=plan.invoices)
    shop.manage("verify_books")
    return {"machine": about, "plan": asdict(plan), "rows": rows, "figures": figures}


def measure_reads(shop: Shop, reads: list[Read], plan: Plan) -> list[Row]:
    """Measure each read beside its references, after a warm-up; the repetitions are spread over the whole time."""
    jobs = [
        job
        for read in reads
        for job in (
            (read.name, list(read.paths)),
            *((f"{read.name}: {kind}", [reference_path(read, kind)]) for kind in REFERENCES),
        )
    ]
    for _, paths in jobs:
        press(port=shop.port, clients=8, seconds=1, paths=paths)
    return _repeated(
        "Reads",
        plan,
        {
            name: lambda clients, name=name, paths=paths: measure(
                shop=shop,
                operation=name,
                clients=clients,
                load=lambda: press(port=shop.port, clients=clients, seconds=plan.seconds, paths=paths),
            )
            for name, paths in jobs
        },
    )


def measure_writes(shop: Shop, buyers: Buyers, plan: Plan) -> list[Row]:
    """Measure carts and orders, and check the books after each kind."""
    buyers.add(clients=8, count=40)
    buyers.order(name="order, 1 line", clients=8, count=40)
    rows = _repeated("Carts", plan, {"add": lambda clients: buyers.add(clients=clients, count=plan.carts)})
    for name, lines in LINES.items():
        count = plan.orders if lines == 1 else plan.long_orders
        rows += _repeated(
            f"Orders ({lines} lines)",
            plan,
            {name: lambda clients, name=name, count=count: buyers.order(name=name, clients=clients, count=count)},
        )
        shop.manage("verify_books")
    return rows


def measure_prices(shop: Shop, skus: Sequence[str], plan: Plan) -> list[Row]:
    """Measure checkouts with tax and shipping, then quotes under ever more promotions."""
    pricing.load_rules(shop)
    rows = _repeated(
        "Checkouts",
        plan,
        {"checkout": lambda clients: pricing.checkout(shop, skus, clients=clients, count=plan.orders)},
    )
    shop.manage("verify_books")
    for name in pricing.QUOTES:
        rows += _repeated(
            name,
            plan,
            {name: lambda clients, name=name: pricing.quote(shop, skus, name=name, clients=clients, count=plan.carts)},
        )
    return rows


def _rate(figures: dict[str, float]) -> float:
    return figures["per_second"]


def measure_webhooks(shop: Shop, plan: Plan) -> list[Row]:
    """Measure webhooks of charges that the checkouts made."""
    measured = {"webhooks": lambda clients: books.webhooks(shop, clients=clients, count=plan.webhooks)}
    return _repeated("Webhooks", plan, measured)


def _repeated(what: str, plan: Plan, jobs: dict[str, Any]) -> list[Row]:
    found: dict[tuple[str, int], list[Row]] = {}
    with tqdm(total=plan.times * len(jobs) * len(plan.clients), desc=what, unit=" runs") as bar:
        for _ in range(plan.times):
            for clients in plan.clients:
                for name, job in jobs.items():
                    found.setdefault((name, clients), []).append(job(clients))
                    bar.update()
    return [median(rows) for rows in found.values()]


def report(found: dict[str, Any], environment: dict[str, str]) -> None:
    """Print the table and write the file."""
    rows: list[Row] = found["rows"]
    ordered = sorted(rows, key=lambda row: ([row.operation for row in rows].index(row.operation), row.clients))
    say(f"{table.table(ordered)}\n\n{table.once(found['figures'])}\n")
    say(
        "CPU ms per request: web and PostgreSQL while it is answered; after: workers and PostgreSQL, later.\n"
        "x bare, x select: times the CPU of a bare view of the same bytes, without and with one SELECT (its ms)."
    )
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{datetime.now(tz=UTC):%Y%m%d-%H%M%S}.json"
    path.write_text(json.dumps({**found, "environment": environment, "rows": [asdict(r) for r in ordered]}, indent=1))
    say(f"{path}")


def say(text: str) -> None:
    """Tell the person at the terminal."""
    print(text, flush=True)


if __name__ == "__main__":
    main()
