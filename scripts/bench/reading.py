"""The load of the reads: ``wrk`` where it is installed, else our own client."""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess  # nosec B404: wrk, with arguments of ours
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice
from pathlib import Path

from bench import client
from bench.http import HOST, Asked

SCRIPT = Path(__file__).with_name("paths.lua")
# Without wrk: how many requests stand for a second of load.
PER_SECOND = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressure:
    """What the load generator saw."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    errors: int


def press(*, port: int, clients: int, seconds: float, paths: Sequence[str]) -> Pressure:
    """Ask for the paths (``path`` or ``path header value``) in turn, with that many clients at a time, for a while."""
    if shutil.which("wrk"):
        return _wrk(port, clients, seconds, paths)
    asked = [asked_for(path) for path in islice(cycle(paths), round(PER_SECOND * seconds))]
    load = client.send(port=port, clients=clients, requests=asked)
    return replace(pressure_of(load, wanted=200), errors=sum(status >= 400 for status in load.statuses))


def pressure_of(load: client.Load, *, wanted: int) -> Pressure:
    """Sum up what the client reports; an answer with another status than the one wanted is an error."""
    return Pressure(
        requests=len(load.statuses),
        seconds=load.seconds,
        p50_ms=statistics.median(load.milliseconds),
        p99_ms=sorted(load.milliseconds)[max(0, round(len(load.milliseconds) * 0.99) - 1)],
        errors=sum(status != wanted for status in load.statuses),
    )


def asked_for(line: str) -> Asked:
    """Read one line of paths."""
    path, _, rest = line.partition(" ")
    header, _, value = rest.partition(" ")
    return Asked("GET", path, {header: value} if header else {})


def _wrk(port: int, clients: int, seconds: float, paths: Sequence[str]) -> Pressure:
    with tempfile.NamedTemporaryFile("w", suffix=".paths") as file:
        file.write("\n".join(paths))
        file.flush()
        words = ["wrk", "-t1", f"-c{clients}", f"-d{max(1, round(seconds))}s", "-s", str(SCRIPT)]
        done = subprocess.run(  # nosec B603
            [*words, f"http://{HOST}:{port}", "--", file.name],
            capture_output=True,
            text=True,
            timeout=seconds + 60,
            check=True,
        )
    return Pressure(**json.loads(done.stdout.partition("\nJSON ")[2]))
