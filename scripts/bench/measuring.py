"""One measured section: CPU before and after, statements before and after, and the same for what follows it."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace

from bench.accounting import cpu_seconds
from bench.reading import Pressure
from bench.shop import Shop

# What the shop asks: without the words around a transaction, the foreign keys that PostgreSQL checks by itself at the
# commit (``RI_FKey_check``), and our own looking.
_STATEMENTS = """
    SELECT coalesce(sum(s.calls), 0)::bigint FROM pg_stat_statements s
      JOIN pg_database d ON d.oid = s.dbid AND d.datname = current_database()
     WHERE s.toplevel AND s.query !~* '^\\s*(begin|commit|rollback|savepoint|release|set|deallocate|discard|show)\\M'
       AND s.query NOT LIKE '%pg_stat_statements%' AND s.query NOT LIKE '%FROM ONLY "%'
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What one operation costs, per request. ``after_ms`` is what workers and PostgreSQL did about it later.

    ``ratios``: each repetition's ``cpu_ms``, times that of the gauge (``reads.GAUGE``), measured just before it.
    """

    operation: str
    clients: int
    requests: int
    errors: int
    per_second: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float
    web_ms: float
    postgres_ms: float
    redis_ms: float
    after_ms: float
    statements: float
    ratios: list[float] = field(default_factory=list)


def measure(*, shop: Shop, operation: str, clients: int, load: Callable[[], Pressure], is_write: bool = False) -> Row:
    """Run the load and account for it. Background work waits, and is then counted apart (``is_write``)."""
    shop.settle()
    shop.pause_worker(paused=True)
    try:
        asked, used = shop.sql(_STATEMENTS), cpu_seconds(shop.process)
        pressure = load()
        during = cpu_seconds(shop.process)
        statements = shop.sql(_STATEMENTS) - asked
    finally:
        shop.pause_worker(paused=False)
    if is_write:
        shop.settle()
    after = cpu_seconds(shop.process)
    count = max(pressure.requests, 1)
    spent = {group: (during[group] - used[group]) * 1000 / count for group in used}
    later = sum(after[group] - during[group] for group in ("worker", "postgres")) * 1000 / count
    return Row(
        operation=operation,
        clients=clients,
        requests=pressure.requests,
        errors=pressure.errors,
        per_second=pressure.requests / pressure.seconds,
        p50_ms=pressure.p50_ms,
        p99_ms=pressure.p99_ms,
        cpu_ms=spent["web"] + spent["postgres"],
        web_ms=spent["web"],
        postgres_ms=spent["postgres"],
        redis_ms=spent["redis"],
        after_ms=later if is_write else 0.0,
        statements=statements / count,
    )


def beside(row: Row, gauge: Row) -> Row:
    """Return the row with how many times the gauge's CPU it took."""
    return replace(row, ratios=[row.cpu_ms / gauge.cpu_ms] if gauge.cpu_ms else [])


def median(rows: Sequence[Row]) -> Row:
    """Return the median of each figure of the same row, measured several times, and all its ratios."""
    names = [name for name in asdict(rows[0]) if name not in {"operation", "ratios"}]
    figures = {name: statistics.median(getattr(row, name) for row in rows) for name in names}
    whole = {name: round(figures[name]) for name in ("clients", "requests")}
    whole["errors"] = max(row.errors for row in rows)
    ratios = [ratio for row in rows for ratio in row.ratios]
    return Row(operation=rows[0].operation, ratios=ratios, **{**figures, **whole})
