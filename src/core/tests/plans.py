"""Many rows at once, and what statements visit to find a few of them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

from django.db import connection, models
from psycopg import sql

from core.fields import SealedField

# What stands in a column that nobody asks about, by the beginning of its type; ``n`` numbers the rows.
_USUAL = {
    "uuid": "lpad(to_hex(n), 32, '0')::uuid",
    "text": "n::text",
    "bool": "false",
    "time": "timestamptz '2026-03-01 12:00Z'",
    "date": "date '2026-03-01'",
    "json": "'{}'",
    "bytea": "'x'",
}
_numbers = count()


@dataclass(frozen=True, slots=True)
class Visit:
    """A statement, and how many rows its plan looked at in tables and indexes; ``blocks`` are those of 8 kB it read."""

    statement: str
    rows: int
    blocks: int
    plan: dict[str, Any]


def fill(model: type[models.Model], many: int, columns: Mapping[str, str], *, first: int = 1) -> None:
    """Insert so many rows, whose keys are their numbers. No foreign key is asked, and no trigger fires.

    :param columns: column -> its value as SQL, in which ``n`` is the row's number
    :param first: the number of the first
    """
    table = model._meta.db_table
    values = {str(field.column): _usual(field) for field in model._meta.concrete_fields}
    named = {name: value for name, value in (values | dict(columns)).items() if value}
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('session_replication_role', 'replica', false)")
        cursor.execute(
            sql.SQL("INSERT INTO {} ({}) SELECT {} FROM generate_series({}, {}) AS n").format(
                sql.Identifier(table),
                sql.SQL(", ").join(map(sql.Identifier, named)),
                sql.SQL(", ").join([sql.SQL(value) for value in named.values()]),
                first,
                first + many - 1,
            )
        )
        cursor.execute("SELECT set_config('session_replication_role', 'origin', false)")


def analyze(*tables: type[models.Model]) -> None:
    """Have PostgreSQL take statistics of these tables as they are now."""
    with connection.cursor() as cursor:
        for model in tables:
            cursor.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(model._meta.db_table)))


# When statistics were taken last: while a table was as good as empty, before anything was due, or just now.
STATISTICS = ("of almost nothing", "of what was done", "of all")


def pile_up(
    *models: type[models.Model], statistics: str, done: Mapping[str, str], due: Mapping[str, str], many: int = 3000
) -> None:
    """Fill tables with rows that are done and as many that are due; the latter are the younger by their keys.

    :param statistics: one of ``STATISTICS``
    :param done: column -> its value as SQL, as for ``fill``; so ``due``
    """
    for model in models:
        fill(model, 3, done)
    if statistics == "of almost nothing":
        analyze(*models)
    for model in models:
        fill(model, many, done, first=1000)
    if statistics == "of what was done":
        analyze(*models)
    for model in models:
        fill(model, many, due, first=100_000)
    if statistics == "of all":
        analyze(*models)


@contextmanager
def visits(matching: str = "") -> Iterator[list[Visit]]:
    """Watch what the block's statements look at: with plans that were made without their values, as PostgreSQL makes
    them for a statement that a connection sends again and again.

    :param matching: a regular expression that a statement's beginning matches, else it is not watched
    """
    seen: list[Visit] = []

    def watch(execute: Callable[..., Any], statement: Any, params: Any, many: bool, context: Any) -> Any:
        text = statement if isinstance(statement, str) else statement.as_string()
        if not many and re.match(r"\s*(SELECT|WITH|UPDATE|DELETE|INSERT)", text) and re.search(matching, text):
            with connection.connection.cursor() as cursor:
                seen.append(_explain(cursor, text, params or ()))
        return execute(statement, params, many, context)

    with connection.execute_wrapper(watch):
        yield seen


def _explain(cursor: Any, statement: str, params: Sequence[Any] | Mapping[str, Any]) -> Visit:
    name = f"watched_{next(_numbers)}"
    numbered, params = _numbered(statement, params)
    cursor.execute("SAVEPOINT watched")
    cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
    cursor.execute(f"PREPARE {name} AS {numbered}".encode())
    given = sql.SQL(", ").join(map(sql.Literal, params)).as_string(cursor)
    run = f"{name}({given})" if params else name
    cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE {run}".encode())
    [found] = cursor.fetchone()
    plan = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
    cursor.execute(f"ROLLBACK TO watched; DEALLOCATE {name}")
    return Visit(statement, sum(map(_looked_at, _nodes(plan))), _blocks(plan), plan)


def _numbered(statement: str, params: Sequence[Any] | Mapping[str, Any]) -> tuple[str, Sequence[Any]]:
    """Return the statement with numbers in the place of its parameters, and their values in that order."""
    places, given = count(1), params
    if isinstance(params, Mapping):
        names = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", statement)))
        statement = re.sub(r"%\((\w+)\)s", lambda found: f"${names.index(found[1]) + 1}", statement)
        given = [params[name] for name in names]
    numbered = re.sub(r"%[s%]", lambda found: f"${next(places)}" if found[0] == "%s" else "%", statement)
    return numbered, list(given)


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from _nodes(below)


def _looked_at(node: dict[str, Any]) -> int:
    if not node["Node Type"].endswith("Scan") or "Relation Name" not in node:
        return 0
    passed_over = sum(node.get(f"Rows Removed by {why}", 0) for why in ("Filter", "Index Recheck"))
    looked_at: float = (node["Actual Rows"] + passed_over) * node["Actual Loops"]
    return round(looked_at)


def _blocks(plan: dict[str, Any]) -> int:
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


def _usual(field: Any) -> str:
    """Return what a column is filled with; nothing where the database fills it, or it may be empty."""
    if field.null or isinstance(field, models.AutoField):
        return ""
    if isinstance(field, SealedField):
        return "''" if field.blank else sql.Literal(field.get_prep_value("sealed")).as_string()
    kind = str(field.rel_db_type(connection) if field.is_relation else field.db_type(connection))
    if kind.startswith("varchar"):
        return "''" if field.blank else f"right(n::text, {field.max_length})"
    return next((value for beginning, value in _USUAL.items() if kind.startswith(beginning)), "0")
