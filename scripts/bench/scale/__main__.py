"""The command: ``python -m bench.scale --products 1000 100000 --order-lines 1000000``."""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import lives, machine
from bench.catalogue import write_catalogue
from bench.measuring import Row, measure, median
from bench.reading import press
from bench.reads import lay_down, reference_path
from bench.scale import sizes
from bench.scale.asking import reads_of
from bench.scale.goods import FIRST, fill_products
from bench.scale.sales import fill_orders
from bench.shop import ROOT, Shop

_CLIENTS = 4
_REFERENCE = "a view with one SELECT"


def main() -> None:
    """Measure a shop at each size, and print how its reads grow."""
    told = _words().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = told.folder or Path(tempfile.mkdtemp(prefix="nexus-scale-"))
    folder.mkdir(exist_ok=True, parents=True)
    folder.chmod(0o755)  # the servers of a root's shop are not root
    shop = Shop(folder, {"LIST_MEMORY_MB": "0"})  # what is remembered takes as long in any shop
    try:
        found = run(shop, sorted(told.products), told.order_lines, rounds=told.rounds, seconds=told.seconds)
    finally:
        shop.stop()
        if told.folder is None:
            shutil.rmtree(folder, ignore_errors=True)
    results = ROOT / "bench-results"
    results.mkdir(exist_ok=True)
    path = results / f"scale-{datetime.now(tz=UTC):%Y%m%d-%H%M%S}.json"
    path.write_text(json.dumps(found, indent=1))
    print(path)


def _words() -> argparse.ArgumentParser:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--products", type=int, nargs="+", default=[FIRST, 100_000], help="sizes, multiples of 1,000")
    words.add_argument("--order-lines", type=int, default=0, help="at the largest size; fewer in proportion before")
    words.add_argument("--folder", type=Path, help="where the shop is, and stays: a second run goes on with it")
    words.add_argument("--rounds", type=int, default=3)
    words.add_argument("--seconds", type=float, default=1.0)
    return words


def run(shop: Shop, products: Sequence[int], lines: int, *, rounds: int, seconds: float) -> dict[str, Any]:
    """Fill and measure, one size after the other, and print each."""
    found: dict[str, Any] = {"machine": machine.describe(), "sizes": {}}
    skus = _open(shop)
    for count in products:
        began = time.perf_counter()
        fill_products(shop, count=count)
        fill_orders(shop, skus, lines=lines * count // products[-1]) if lines else None
        print(f"\n{count:,} products (filled in {time.perf_counter() - began:.0f} s)", flush=True)
        rows = _measured(shop, rounds, seconds)
        found["sizes"][count] = {"rows": [asdict(row) for row in rows], "bytes": sizes.measure_sizes(shop)}
        print(sizes.table_of_reads(found["sizes"]), sizes.table_of_sizes(found["sizes"]), sep="\n\n", flush=True)
    return found


def _open(shop: Shop) -> list[str]:
    """Start the shop, with its first thousand products; return the SKUs of those that are in stock."""
    catalogue = shop.folder / "catalogue.csv"
    skus = write_catalogue(catalogue, count=FIRST, races=0)
    if (shop.data / "filled").exists():
        shop.start()
        return skus
    lives.open_shop(shop)
    lives.import_rate(shop, catalogue)
    (shop.data / "filled").touch()
    return skus


def _measured(shop: Shop, rounds: int, seconds: float) -> list[Row]:
    reads = reads_of(shop)
    lay_down(shop, reads[:1])
    jobs = {_REFERENCE: [reference_path(reads[0], "select")], **{read.name: list(read.paths) for read in reads}}
    for paths in jobs.values():
        press(port=shop.port, clients=_CLIENTS, seconds=seconds, paths=paths)
    found: dict[str, list[Row]] = {}
    for _ in range(rounds):
        for name, paths in jobs.items():
            found.setdefault(name, []).append(_once(shop, name, paths, seconds))
    return [median(rows) for rows in found.values()]


def _once(shop: Shop, name: str, paths: list[str], seconds: float) -> Row:
    return measure(
        shop=shop,
        operation=name,
        clients=_CLIENTS,
        load=lambda: press(port=shop.port, clients=_CLIENTS, seconds=seconds, paths=paths),
    )


if __name__ == "__main__":
    main()
