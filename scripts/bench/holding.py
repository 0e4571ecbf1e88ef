"""How long requests hold a connection to the database."""

from __future__ import annotations

import os
import statistics
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import accounting
from bench.shop import Shop

WATCHING = Path(__file__).with_name("watching")


@dataclass(frozen=True, slots=True)
class Holds:
    """What the processes of a shop note: when each connection was lent and taken back."""

    shop: Shop
    folder: Path

    def p99_ms(self, since: float) -> float:
        """Return the 99th percentile of how long web processes held one since that moment (``time.monotonic``)."""
        web = {process.pid for process in accounting.memory(self.shop.process) if process.group == "web"}
        files = [file for file in self.folder.iterdir() if int(file.name) in web]
        pairs = (pair for file in files for pair in struct.iter_unpack("dd", file.read_bytes()))
        held = [(until - begun) * 1000 for begun, until in pairs if begun >= since]
        return statistics.quantiles(held, n=100)[98]


@contextmanager
def noted(shop: Shop) -> Iterator[Holds]:
    """Have the block find the shop started anew, with processes that note it."""
    folder = shop.folder / "holds"
    folder.mkdir(exist_ok=True)
    path = os.pathsep.join([str(WATCHING), os.environ.get("PYTHONPATH", "")])
    with shop.started_with(PYTHONPATH=path, NEXUS_BENCH_HOLDS=str(folder)):
        yield Holds(shop, folder)
