"""What is measured, in which order, and how often."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tqdm import tqdm

from bench import books, lives, machine, pricing
from bench.catalogue import write_catalogue
from bench.holding import noted
from bench.hot import hot_variant
from bench.measuring import Row, beside, measure, median
from bench.proxy import through_nginx
from bench.reading import press
from bench.reads import GAUGE, REFERENCES, Read, anew, prepare_reads, reference_path
from bench.shop import Shop
from bench.writes import LINES, Buyers, race_summary, run_races

SECONDS_OF_GAUGE = 1.0
TURNS_OF_NGINX = 5


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
    races: int = 20
    hot_seconds: float = 60.0
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
    hot_seconds=6.0,
    invoices=100,
    starts=1,
    webhooks=200,
    many_orders=2000,
)


def run(shop: Shop, plan: Plan) -> dict[str, Any]:
    """Measure everything, one thing after the other."""
    about = machine.describe()
    print(f"A shop with {plan.products:,} products", flush=True)
    catalogue = shop.folder / "catalogue.csv"
    skus = write_catalogue(catalogue, count=plan.products, races=plan.races + 1)  # the last is everybody's
    lives.open_shop(shop)
    figures: dict[str, Any] = {"import_per_second": lives.import_rate(shop, catalogue)}
    figures["second_start"] = lives.start_again(shop, times=plan.starts)
    reads, buyers = prepare_reads(shop, skus), Buyers(shop, skus)
    rows = measure_reads(shop, reads, plan)
    with shop.started_with(LIST_MEMORY_MB="0"):
        rows += measure_reads(shop, anew(reads), plan)
    figures["nginx"] = through_nginx(shop, times=TURNS_OF_NGINX, seconds=1.0)
    rows += measure_writes(shop, buyers, plan)
    figures |= measure_crowds(shop, buyers, plan)
    rows += measure_prices(shop, skus, plan)
    pricing.keep_few(shop)
    told = measure_webhooks(shop, plan)
    rows += told
    figures["webhooks"] = max(({"per_second": row.per_second, "p99_ms": row.p99_ms} for row in told), key=_rate)
    figures["memory"] = lives.memory(shop)
    print("Books and a rehearsal over many orders", flush=True)
    figures["books"] = books.books(shop, skus[0], orders=plan.many_orders)
    figures["rehearsal"] = books.rehearsal(shop, orders=plan.many_orders // 2)
    print("Replay", flush=True)
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
            *((f"{read.name}: {kind}", [reference_path(read, kind)]) for kind in REFERENCES if read.has_references),
        )
    ]
    for _, paths in jobs:
        press(port=shop.port, clients=8, seconds=1, paths=paths)
    return _repeated(
        "Reads",
        shop,
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
    rows = _repeated("Carts", shop, plan, {"add": lambda clients: buyers.add(clients=clients, count=plan.carts)})
    shop.manage("verify_books")
    for name, lines in LINES.items():
        count = plan.orders if lines == 1 else plan.long_orders
        rows += _repeated(
            f"Orders ({lines} lines)",
            shop,
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
        shop,
        plan,
        {"checkout": lambda clients: pricing.checkout(shop, skus, clients=clients, count=plan.orders)},
    )
    shop.manage("verify_books")
    for name in pricing.QUOTES:
        rows += _repeated(
            name,
            shop,
            plan,
            {name: lambda clients, name=name: pricing.quote(shop, skus, name=name, clients=clients, count=plan.carts)},
        )
    return rows


def _rate(figures: dict[str, float]) -> float:
    return figures["per_second"]


def measure_webhooks(shop: Shop, plan: Plan) -> list[Row]:
    """Measure webhooks of charges that the checkouts made."""
    measured = {"webhooks": lambda clients: books.webhooks(shop, clients=clients, count=plan.webhooks)}
    rows = _repeated("Webhooks", shop, plan, measured)
    shop.manage("verify_books")
    return rows


def measure_crowds(shop: Shop, buyers: Buyers, plan: Plan) -> dict[str, Any]:
    """Race for the last units, then have everybody want one variant; the books are checked after both."""
    print("Races for the last units", flush=True)
    figures: dict[str, Any] = {"race": race_summary(run_races(buyers, plan.races))}
    shop.manage("verify_books")
    print("One variant that everybody wants", flush=True)
    with noted(shop) as holds:
        figures["hot"] = hot_variant(buyers, holds, number=plan.races, seconds=plan.hot_seconds)
    shop.settle()
    shop.manage("verify_books")
    return figures


def _repeated(what: str, shop: Shop, plan: Plan, jobs: dict[str, Callable[[int], Row]]) -> list[Row]:
    """Return the median of each job at each number of clients. Each round begins with the gauge."""
    found: dict[tuple[str, int], list[Row]] = {}
    with tqdm(total=plan.times * len(jobs) * len(plan.clients), desc=what, unit=" runs") as bar:
        for _ in range(plan.times):
            for clients in plan.clients:
                gauge = _gauge(shop, clients)
                for name, job in jobs.items():
                    found.setdefault((name, clients), []).append(beside(job(clients), gauge))
                    bar.update()
    return [median(rows) for rows in found.values()]


def _gauge(shop: Shop, clients: int) -> Row:
    return measure(
        shop=shop,
        operation="gauge",
        clients=clients,
        load=lambda: press(port=shop.port, clients=clients, seconds=SECONDS_OF_GAUGE, paths=[GAUGE]),
    )
