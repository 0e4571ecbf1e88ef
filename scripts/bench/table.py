"""The one table, for people; the file has more digits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench import targets
from bench.measuring import Row
from bench.reads import REFERENCES

HEADS = (
    "operation", "clients", "CPU ms", "target", "web", "pg", "redis", "after", "x bare", "x select",
    "req/s", "p50 ms", "p99 ms", "stmts", "most", "errors",
)  # fmt: skip


def table(rows: Sequence[Row]) -> str:
    """Return the rows with their targets, and with how many times the references' CPU they take."""
    by_name = {(row.operation, row.clients): row for row in rows}
    lines = [_line(row, by_name) for row in rows if not row.operation.endswith(REFERENCES)]
    return _aligned([HEADS, *lines])


def _line(row: Row, by_name: Mapping[tuple[str, int], Row]) -> tuple[str, ...]:
    references = (by_name.get((f"{row.operation}: {kind}", row.clients)) for kind in REFERENCES)
    return (
        row.operation,
        str(row.clients),
        f"{row.cpu_ms:.2f}",
        _known(targets.CPU_MS.get(row.operation)),
        f"{row.web_ms:.2f}",
        f"{row.postgres_ms:.2f}",
        f"{row.redis_ms:.2f}",
        f"{row.after_ms:.2f}" if row.after_ms else "",
        *(f"{row.cpu_ms / one.cpu_ms:.1f} ({one.cpu_ms:.2f})" if one and one.cpu_ms else "" for one in references),
        f"{row.per_second:,.0f}",
        f"{row.p50_ms:.1f}",
        f"{row.p99_ms:.1f}",
        f"{row.statements:.1f}",
        _known(targets.STATEMENTS.get(row.operation)),
        str(row.errors or ""),
    )


def once(figures: Mapping[str, Any]) -> str:
    """Return what was measured once, each beside its target."""
    race, again, two = figures["race"], figures["second_start"], figures["memory"]["two web"]
    whole, hooks = figures["memory"]["all"], figures["webhooks"]
    lines: list[tuple[str, str, str]] = [
        ("measured once", "figure", "target"),
        ("import, products/s", f"{figures['import_per_second']:,.0f}", f"{targets.IMPORT_PER_SECOND:,.0f}"),
        ("replay, invoices/s", _known(figures["replay_per_second"]) or "not there", f"{targets.REPLAY_PER_SECOND:.0f}"),
        ("second start: /healthz, s", f"{again['healthz_s']:.2f}", ""),
        ("second start: first list, s", f"{again['list_s']:.2f}", f"{targets.SECOND_START_SECONDS:.0f}"),
        ("two web processes, MB resident", f"{two['rss_mb']:.0f} (shared out: {two['pss_mb']:.0f})",
         f"{targets.TWO_WEB_MB:.0f}"),
        ("all processes, MB resident", f"{whole['rss_mb']:.0f} (shared out: {whole['pss_mb']:.0f})", ""),
        ("64 buyers for 50 units: runs with 50 sold and 14 refused", f"{race['right']} of {race['runs']}", "all"),
        ("  sold, least and most", f"{race['least_sold']} and {race['most_sold']}", "50"),
        ("  seconds, median and longest", f"{race['median_seconds']:.2f} and {race['longest_seconds']:.2f}",
         f"{targets.RACE_SECONDS:.0f}"),
        ("provider webhooks accepted, a second", f"{hooks['per_second']:.0f}", f"{targets.WEBHOOKS_PER_SECOND:.0f}"),
        ("  answered within, ms (p99)", f"{hooks['p99_ms']:.0f}", f"{targets.WEBHOOK_MS:.0f}"),
        *_over_many("verify_books", figures["books"], targets.VERIFY_SECONDS),
        *_over_many("rehearsal of a promotion", figures["rehearsal"], targets.REHEARSAL_SECONDS),
    ]  # fmt: skip
    return _aligned(lines)


def _over_many(what: str, taken: Mapping[str, float], target: float) -> list[tuple[str, str, str]]:
    return [
        (f"{what} over {taken['orders']:,.0f} orders, s", f"{taken['seconds']:.1f}", f"{target:g}"),
        ("  its process at most, MB resident", f"{taken['mb']:.0f}", ""),
    ]


def _known(figure: float | None) -> str:
    return "" if figure is None else f"{figure:g}"


def _aligned(lines: Iterable[Sequence[str]]) -> str:
    rows = [list(line) for line in lines]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) if place == 0 else cell.rjust(width) for place, (cell, width) in enumerate(pairs))
        for pairs in (list(zip(row, widths, strict=True)) for row in rows)
    )
