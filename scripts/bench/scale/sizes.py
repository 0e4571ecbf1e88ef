"""The tables: how reads grow with the shop, and how large it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.shop import Shop

_SIZES = """
    SELECT json_object_agg(name, bytes ORDER BY bytes DESC) FROM (
        SELECT relname AS name, pg_table_size(oid) AS bytes FROM pg_class
         WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname NOT LIKE 'bench%%'
         UNION ALL
        SELECT '  ' || relname, pg_relation_size(oid) FROM pg_class
         WHERE relkind = 'i' AND relnamespace = 'public'::regnamespace) t
     WHERE bytes > 100000
"""
_DOCUMENT = "SELECT avg(octet_length(document))::int FROM (SELECT document FROM products_productdocument LIMIT 10000) d"
_LARGEST = 40


def measure_sizes(shop: Shop) -> dict[str, int]:
    """Return the bytes of the largest tables and (indented) indexes, and of a document on average."""
    found: dict[str, int] = shop.sql(_SIZES)
    return {"a document": shop.sql(_DOCUMENT), **found}


def table_of_reads(found: Mapping[int, Mapping[str, Any]]) -> str:
    """Return the reads of each size: CPU, and how many times that of the smallest shop, both beside one ``SELECT``."""
    by_size = {size: {row["operation"]: row for row in one["rows"]} for size, one in found.items()}
    smallest = next(iter(by_size.values()))
    reference = next(iter(smallest))
    heads = ["CPU ms: web + PostgreSQL (growth beside the reference)", *(f"{size:,}" for size in by_size)]
    lines = [heads]
    for name, first in smallest.items():
        cells = []
        for rows in by_size.values():
            row = rows[name]
            growth = (row["cpu_ms"] / rows[reference]["cpu_ms"]) / (first["cpu_ms"] / smallest[reference]["cpu_ms"])
            errors = f" {row['errors']} ERRORS" if row["errors"] else ""
            cells.append(f"{row['web_ms']:.2f} + {row['postgres_ms']:.2f} (x {growth:.2f}){errors}")
        lines.append([name, *cells])
    return _aligned(lines)


def table_of_sizes(found: Mapping[int, Mapping[str, Any]]) -> str:
    """Return what is large, in kB."""
    largest = list(next(reversed(found.values()))["bytes"])[:_LARGEST]
    heads = ["kB", *(f"{size:,}" for size in found)]
    rows = [[name, *(f"{one['bytes'].get(name, 0) / 1000:,.1f}" for one in found.values())] for name in largest]
    return _aligned([heads, *rows])


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    )
