"""What became slower since the run that is committed, by more than both runs differ in themselves."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from bench.measuring import Row
from bench.reads import GAUGE_ROW, REFERENCES

KEPT = Path(__file__).with_name("kept.json")
# Machines that are shared differ by a tenth between any two runs, and what was measured once or twice tells no spread.
LEAST_NOISE = 0.1
NOISE_OF_FEW = 0.33
FEW = 3
# Figure -> what its repetitions gave. The more, the slower.
Figures = Mapping[str, Sequence[float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A figure that became worse, and by how much it may differ for no reason."""

    name: str
    kept: float
    now: float
    noise: float


def slower(kept: Figures, now: Figures) -> list[Change]:
    """Return the figures of both runs that are worse now by more than the noise, the worst first.

    Noise is what the repetitions of the one run span and those of the other, together.
    """
    changes = [_change(name, kept[name], now[name]) for name in kept if kept[name] and now.get(name)]
    worse = [change for change in changes if change.now - change.kept > change.noise]
    return sorted(worse, key=lambda change: change.kept / change.now)


def _change(name: str, kept: Sequence[float], now: Sequence[float]) -> Change:
    spans = sum(max(values) - min(values) for values in (kept, now))
    share = LEAST_NOISE if min(len(kept), len(now)) >= FEW else NOISE_OF_FEW
    return Change(name=name, kept=median(kept), now=median(now), noise=max(spans, share * median(kept)))


def figures_of(rows: Sequence[Row], figures: Mapping[str, Any]) -> dict[str, list[float]]:
    """Return what is compared: times beside those of the gauge, so that another machine says nearly the same."""
    found: dict[str, list[float]] = {}
    for row in rows:
        if not row.operation.endswith(REFERENCES):
            name = f"{row.operation}, {row.clients} clients"
            found[f"{name}: CPU, times the gauge"] = [round(ratio, 3) for ratio in row.ratios]
            found[f"{name}: statements"] = [round(row.statements, 1)] * FEW  # as good as exact
    found["web process: MB, shared out"] = [figures["memory"]["web process"]["pss_mb"]] * FEW
    gauge = median(row.cpu_ms for row in rows if row.operation == GAUGE_ROW)
    found["start: CPU, thousands of times the gauge"] = [round(s / gauge, 2) for s in figures["second_start"]["cpu_s"]]
    return found


def told(changes: Sequence[Change], about: Mapping[str, Any]) -> str:
    """Return what people read. ``about``: the machine of the kept run, if there is one."""
    if not about:
        return "There is no kept run to compare with: ARGS=--keep makes this one it."
    since = f"the kept run ({about.get('commit', '')[:7]}, {about.get('cpu', '')})"
    if not changes:
        return f"Nothing is slower than in {since} by more than the noise."
    lines = [f"  {one.name}: {one.kept:g} -> {one.now:g} (noise {one.noise:.3g})" for one in changes]
    return "\n".join([f"Slower than in {since}:", *lines])


def read_kept() -> dict[str, Any]:
    """Return the run that is committed, or an empty one."""
    kept: dict[str, Any] = json.loads(KEPT.read_text()) if KEPT.exists() else {"machine": {}, "figures": {}}
    return kept


def keep(machine: Mapping[str, Any], figures: Figures) -> None:
    """Make this run the one that is committed."""
    KEPT.write_text(json.dumps({"machine": machine, "figures": figures}, indent=1) + "\n")
