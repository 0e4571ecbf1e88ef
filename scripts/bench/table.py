"""The one table, for people; the file has more digits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench import targets
from bench.measuring import Row
from bench.reads import REFERENCES, base_of

HEADS = (
    "operation", "clients", "CPU ms", "target", "web", "pg", "redis", "after", "x bare", "at most", "x select",
    "req/s", "p50 ms", "p99 ms", "stmts", "most", "errors",
)  # fmt: skip


def table(rows: Sequence[Row]) -> str:
    """Return the rows with their targets, and with how many times the references' CPU they take."""
    by_name = {(row.operation, row.clients): row for row in rows}
    lines = [_line(row, by_name) for row in rows if not row.operation.endswith(REFERENCES)]
    return _aligned([HEADS, *lines])


def _line(row: Row, by_name: Mapping[tuple[str, int], Row]) -> tuple[str, ...]:
    bare, select = (by_name.get((f"{base_of(row.operation)}: {kind}", row.clients)) for kind in REFERENCES)
    share = targets.OF_BARE.get(row.operation)
    return (
        row.operation,
        str(row.clients),
        f"{row.cpu_ms:.2f}",
        _known(targets.CPU_MS.get(row.operation)),
        f"{row.web_ms:.2f}",
        f"{row.postgres_ms:.2f}",
        f"{row.redis_ms:.2f}",
        f"{row.after_ms:.2f}" if row.after_ms else "",
        _times(row, bare),
        _known(share and 1 / share),
        _times(row, select),
        f"{row.per_second:,.0f}",
        f"{row.p50_ms:.1f}",
        f"{row.p99_ms:.1f}",
        f"{row.statements:.1f}",
        _known(targets.STATEMENTS.get(row.operation)),
        str(row.errors or ""),
    )


def _times(row: Row, reference: Row | None) -> str:
    return f"{row.cpu_ms / reference.cpu_ms:.2f} ({reference.cpu_ms:.2f})" if reference and reference.cpu_ms else ""


def once(figures: Mapping[str, Any], rows: Sequence[Row]) -> str:
    """Return what was measured once, each beside its target."""
    race, again, web = figures["race"], figures["second_start"], figures["memory"]["web process"]
    whole, hooks = figures["memory"]["all"], figures["webhooks"]
    lines: list[tuple[str, str, str]] = [
        ("measured once", "figure", "target"),
        ("import, products/s", f"{figures['import_per_second']:,.0f}", f"{targets.IMPORT_PER_SECOND:,.0f}"),
        ("replay, invoices/s", _known(figures["replay_per_second"]) or "not there", f"{targets.REPLAY_PER_SECOND:.0f}"),
        ("second start: /healthz, s", f"{again['healthz_s']:.2f}", ""),
        ("second start: first list, s", f"{again['list_s']:.2f}", f"{targets.SECOND_START_SECONDS:.1f}"),
        ("web process, MB with shared pages shared out (resident)", _megabytes(web), f"{targets.WEB_MB:.0f}"),
        ("all processes, the same", _megabytes(whole), ""),
        *_nginx(figures["nginx"]),
        ("orders of one line a second, 32 clients", _orders(rows), f"{targets.ORDERS_PER_SECOND:.0f}"),
        ("64 buyers for 50 units: runs with 50 sold and 14 refused", f"{race['right']} of {race['runs']}", "all"),
        ("  sold, least and most", f"{race['least_sold']} and {race['most_sold']}", "50"),
        ("  seconds, median and longest", f"{race['median_seconds']:.2f} and {race['longest_seconds']:.2f}",
         f"{targets.RACE_SECONDS:.0f}"),
        *_hot(figures["hot"]),
        ("provider webhooks accepted, a second", f"{hooks['per_second']:.0f}", f"{targets.WEBHOOKS_PER_SECOND:.0f}"),
        ("  answered within, ms (p99)", f"{hooks['p99_ms']:.0f}", f"{targets.WEBHOOK_MS:.0f}"),
        *_over_many("verify_books", figures["books"], targets.VERIFY_SECONDS),
        *_over_many("rehearsal of a promotion", figures["rehearsal"], targets.REHEARSAL_SECONDS),
    ]  # fmt: skip
    return _aligned(lines)


def _megabytes(group: Mapping[str, float]) -> str:
    return f"{group['pss_mb']:.0f} ({group['rss_mb']:.0f})"


def _nginx(figures: Mapping[str, float] | None) -> list[tuple[str, str, str]]:
    what = "list through Nginx and its cache: rate, of Nginx's own bytes"
    if figures is None:
        return [(what, "no nginx here", "")]
    rates = f"  requests/s ({figures['own_per_second']:,.0f})"
    return [(what, f"{figures['ratio']:.2f}", f"{targets.OF_NGINX}"), (rates, f"{figures['per_second']:,.0f}", "")]


def _orders(rows: Sequence[Row]) -> str:
    found = [row.per_second for row in rows if (row.operation, row.clients) == ("order, 1 line", 32)]
    return f"{found[0]:.0f}" if found else "not measured"


def _hot(figures: Mapping[str, float]) -> list[tuple[str, str, str]]:
    others = figures["others_p50_ms"]
    return [
        ("one variant: tries a second (of as many variants as buyers)",
         f"{figures['per_second']:.0f} ({figures['spread_per_second']:.0f})", f"{targets.HOT_PER_SECOND:.0f}"),
        ("  answered within, ms (p99)", f"{figures['p99_ms']:.0f} ({figures['spread_p99_ms']:.0f})",
         f"{targets.HOT_P99_MS:.0f}"),
        ("  a connection to the database is held, ms (p99)", f"{figures['held_p99_ms']:.0f}",
         f"{targets.HOT_HELD_P99_MS:.0f}"),
        ("  others' orders beside it, times those beside the many variants",
         f"{others / figures['others_beside_spread_p50_ms']:.2f}", f"{targets.HOT_OTHERS}"),
        ("  others' orders, times those with nobody beside", f"{others / figures['others_quiet_p50_ms']:.2f}", ""),
    ]  # fmt: skip


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
