"""Rows by the thousand: copies of rows that the program wrote, each with keys of its own."""

from __future__ import annotations

from dataclasses import dataclass, field

from bench.shop import Shop

# Each copy's keys are made of its number and the key that it was copied from. They grow with the number, as the
# program's keys grow with time: so indexes stay as compact.
_NEW = "overlay(md5(n || ':' || {0}::text) PLACING lpad(to_hex(n), 12, '0') FROM 1 FOR 12)::uuid"
_COLUMNS = """
    SELECT string_agg(column_name, ',') FROM information_schema.columns
     WHERE table_name = %(name)s AND is_identity = 'NO' AND table_schema = 'public'
"""


@dataclass(frozen=True, slots=True)
class Table:
    """A table, which of its rows are copied, and what differs: column -> expression. Serial keys are left out."""

    name: str
    where: str
    other: dict[str, str] = field(default_factory=dict)


def new_key(expression: str) -> str:
    """Return the expression of what stands in copy ``n`` in the place of that key."""
    return _NEW.format(expression)


def new_keys(*columns: str) -> dict[str, str]:
    """Return what differs in a table whose columns are such keys."""
    return {column: new_key(column) for column in columns}


def copy_rows(shop: Shop, table: Table, *, first: int, last: int, values: dict[str, object] | None = None) -> None:
    """Write the copies of these numbers, one number after the other."""
    columns = shop.sql(_COLUMNS, {"name": table.name}).split(",")
    names = ", ".join(f'"{column}"' for column in columns)
    made = ", ".join(table.other.get(column, f't."{column}"') for column in columns)
    shop.sql(
        f"INSERT INTO {table.name} ({names})"  # nosec B608  # noqa: S608 - names are ours
        f" SELECT {made} FROM generate_series(%(first)s::int, %(last)s::int) AS n, {table.name} t"
        f" WHERE {table.where} ORDER BY n, t.id",
        {"first": first, "last": last, **(values or {})},
    )
