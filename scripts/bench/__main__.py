"""The command: ``python -m bench``, with ``src`` and ``scripts`` on the path."""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
import tempfile
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import comparing, table
from bench.measuring import Row
from bench.running import QUICK, Plan, run
from bench.shop import ROOT, Shop

RESULTS = ROOT / "bench-results"


def main() -> None:
    """Measure, print the table, write the file."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--quick", action="store_true", help="three minutes: one run of each row, eight clients")
    words.add_argument("--keep", action="store_true", help="make this run the one that others are compared with")
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
    report(found, shop.environment, is_kept=told.keep)


def report(found: dict[str, Any], environment: dict[str, str], *, is_kept: bool) -> None:
    """Print the table and what became slower, and write the file."""
    rows: list[Row] = found["rows"]
    ordered = sorted(rows, key=lambda row: ([row.operation for row in rows].index(row.operation), row.clients))
    say(f"{table.table(ordered)}\n\n{table.once(found['figures'], rows)}\n")
    say(
        "CPU ms per request: web and PostgreSQL while it is answered; after: workers and PostgreSQL, later.\n"
        "x bare, x select: times the CPU of a bare view of the same bytes, without and with one SELECT (its ms)."
    )
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{datetime.now(tz=UTC):%Y%m%d-%H%M%S}.json"
    path.write_text(json.dumps({**found, "environment": environment, "rows": [asdict(r) for r in ordered]}, indent=1))
    say(f"{path}\n")
    kept, now = comparing.read_kept(), comparing.figures_of(ordered, found["figures"])
    say(comparing.told(comparing.slower(kept["figures"], now), kept["machine"]))
    if is_kept:
        comparing.keep(found["machine"], now)


def say(text: str) -> None:
    """Tell the person at the terminal."""
    print(text, flush=True)


if __name__ == "__main__":
    main()
