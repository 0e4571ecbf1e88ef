"""What is measured once rather than per request: bulk import, replay, starting again, memory."""

from __future__ import annotations

import csv
import gzip
import re
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import accounting
from bench.reads import API
from bench.shop import ROOT, SECONDS_TO_START, Shop, ShopFailed, wait_for

INVOICES = ROOT.parent / "shared" / "data" / "online-retail" / "invoices.csv.gz"
REPLAY = ROOT / "src" / "orders" / "management" / "commands" / "replay_invoices.py"
_RATE = re.compile(r"([\d,]+(?:\.\d+)?)/s")


def open_shop(shop: Shop) -> None:
    """Make a shop without the demo's goods, with the rows that every shop has and with counted statements; start it."""
    shop.manage("migrate", "-v0")  # before the first start, which would fill an empty database
    shop.manage("set_up")
    shop.start()
    shop.sql("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")


def import_rate(shop: Shop, catalogue: Path) -> float:
    """Import the catalogue, and return how many products were taken a second."""
    said = shop.manage("import_catalogue", str(catalogue), "--report", str(shop.folder / "refused.csv"))
    if " 0 refused" not in said:
        raise ShopFailed(f"the import refused rows: {said.strip()}")
    shop.settle()
    shop.sql("VACUUM ANALYZE")
    return _told_rate(said)


def replay_rate(shop: Shop, *, invoices: int) -> float | None:
    """Replay the first invoices of the online retailer; ``None`` where command or data are not there."""
    if not (REPLAY.exists() and INVOICES.exists()):
        return None
    part = shop.folder / "invoices.csv"
    _write_first_invoices(part, invoices)
    shop.manage("import_catalogue", str(part), "--report", str(shop.folder / "refused-skus.csv"))
    shop.settle()
    began = time.perf_counter()
    said = shop.manage("replay_invoices", str(part))
    seconds = time.perf_counter() - began
    return _told_rate(said) if _RATE.search(said) else invoices / seconds


def start_again(shop: Shop, *, times: int) -> dict[str, Any]:
    """Stop and start the shop on its data; return the median seconds to the first answers, servers included.

    ``cpu_s``: what all its processes used until then, at each start.
    """
    first, listed, used = [], [], []
    for _ in range(times):
        shop.stop()
        began = time.perf_counter()
        first.append(shop.start())
        wait_for(lambda: shop.answers(f"{API}/products"), SECONDS_TO_START, "the first list")
        listed.append(time.perf_counter() - began)
        used.append(sum(accounting.cpu_seconds(shop.process).values()))
    return {"healthz_s": statistics.median(first), "list_s": statistics.median(listed), "cpu_s": used}


def memory(shop: Shop) -> dict[str, dict[str, float]]:
    """Return group -> megabytes: resident, and with shared pages shared out among those who map them.

    ``web process`` is the largest of those that answer. What a process costs is its share: most of what is resident in
    it is resident once, in all forks together.
    """
    found = accounting.memory(shop.process)
    by_group: dict[str, list[accounting.Memory]] = defaultdict(list)
    for process in found:
        by_group[process.group].append(process)
    largest = max(by_group["web"], key=lambda process: process.pss_mb)
    groups = {"web process": [largest], **by_group, "all": found}
    return {
        group: {
            "processes": len(processes),
            "rss_mb": _sum(processes, lambda process: process.rss_mb),
            "pss_mb": _sum(processes, lambda process: process.pss_mb),
        }
        for group, processes in groups.items()
    }


def _sum(processes: list[accounting.Memory], of: Callable[[accounting.Memory], float]) -> float:
    return round(sum(of(process) for process in processes), 1)


def _told_rate(said: str) -> float:
    rates = _RATE.findall(said)
    if not rates:
        raise ShopFailed(f"no rate in: {said.strip()[-300:]}")
    return float(rates[-1].replace(",", ""))


def _write_first_invoices(path: Path, count: int) -> None:
    seen: set[str] = set()
    with gzip.open(INVOICES, "rt", newline="", encoding="utf-8") as source, path.open("w", newline="") as target:
        lines = csv.reader(source)
        writer = csv.writer(target)
        header = next(lines)
        writer.writerow(header)
        place = header.index("invoice")
        for line in lines:
            seen.add(line[place])
            if len(seen) > count:
                break
            writer.writerow(line)
