"""Many rows in one statement with one parameter: cheap to build, however many rows there are.

Within a command what is written in a row goes as one statement: see ``core.batching``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import chain, islice
from typing import Any, TypeVar
from uuid import UUID

import orjson
from django.db import connection, models
from django.utils import timezone
from psycopg import sql

from core.batching import Write, send_batch, write
from core.fields import BlindIndexField, SealedField
from core.statements import fetch
from core.transactions import step

M = TypeVar("M", bound=models.Model)

# So many lines are sent at a time: the database reads them while the next are joined.
_LINES = 100


@step
def insert_all(rows: Iterable[M], *, skip_known: bool = False) -> list[M]:
    """Insert model instances that have their keys, and return them. One statement, whatever their number.

    Does what ``bulk_create`` does for plain columns. The rows travel as one JSON text, because binding a parameter per
    value costs Python more than the insert costs the database.

    :param skip_known: pass over those in whose place a unique constraint finds another
    :raises IntegrityError: a constraint refuses one of them, and so all
    """
    written = list(rows)
    if written:
        ending = " ON CONFLICT DO NOTHING" if skip_known else ""
        write(_table(type(written[0])).write([row.__dict__ for row in written], timezone.now(), ending))
    for row in written:
        row._state.adding = False  # noqa: SLF001 - as bulk_create does
    return written


@step
def insert_together(*groups: Sequence[models.Model]) -> None:
    """Insert instances of several models, each group of one, in one statement, with what is written next to it.

    They may name each other by deferred foreign keys.

    :raises IntegrityError: a constraint refuses one of them, and so all
    """
    written = [group for group in groups if group]
    if not written:
        return
    now = timezone.now()
    write(*(_table(type(group[0])).write([row.__dict__ for row in group], now) for group in written))
    for row in chain.from_iterable(written):
        row._state.adding = False  # noqa: SLF001 - as bulk_create does


@step
def update_together(*changes: tuple[models.Model, Sequence[str]]) -> None:
    """Write these fields (by attribute) of different rows in one statement, with what is written next to it.

    Columns that note the time of the last change follow by themselves, unless they are named, too.
    """
    now = timezone.now()
    write(*(_change(row, names, now) for row, names in changes))


@step
def insert_missing(row: M) -> bool:
    """Insert a model instance unless a unique constraint finds another in its place; tell whether it was inserted."""
    asked = _table(type(row)).write([row.__dict__], timezone.now(), " ON CONFLICT DO NOTHING RETURNING true")
    inserted = bool(fetch(asked.statement, asked.values))
    row._state.adding = not inserted  # noqa: SLF001 - as save does
    return inserted


@step
def insert_numbered(rows: Sequence[models.Model]) -> None:
    """Insert instances of one model that get their keys from a sequence, and set these, in their order. One statement.

    :raises IntegrityError: a constraint refuses one of them, and so all
    """
    if not rows:
        return
    table = _table(type(rows[0]))
    asked = table.write([row.__dict__ for row in rows], timezone.now(), f" RETURNING {table.key}")
    for row, (key,) in zip(rows, fetch(asked.statement, asked.values), strict=True):
        row.pk = key
        row._state.adding = False  # noqa: SLF001 - as bulk_create does


@step
def insert_values(model: type[models.Model], rows: Iterable[Mapping[str, Any]]) -> None:
    """Insert rows that nobody needs as instances (column's attribute -> value; what is left out has its default).

    :raises IntegrityError: a constraint refuses one of them, and so all
    """
    written = list(rows)
    if written:
        table = _table(model)
        write(table.write([table.completed(row) for row in written], timezone.now()))


@step
def upsert_values(
    model: type[models.Model], rows: Iterable[Mapping[str, Any]], *, unique: Sequence[str], change: Sequence[str]
) -> None:
    """Do as ``insert_values`` does; where a row with the same ``unique`` columns stands, set its ``change`` columns."""
    written = list(rows)
    if written:
        table, ending = _table(model), _conflict(tuple(unique), tuple(change))
        write(table.write([table.completed(row) for row in written], timezone.now(), ending, is_update=True))


@contextmanager
def sent_ahead() -> Iterator[None]:
    """Send the block's writes without waiting for each: Python prepares the next while the database does the last.

    What reads still waits. An error of a write may surface at a later statement, or at the block's end.
    """
    connection.ensure_connection()
    raw: Any = connection.connection
    with connection.wrap_database_errors, raw.pipeline():
        yield


@step
def copy_lines(target: str, lines: Iterable[str]) -> None:
    """Load rows that come as lines of COPY's text format (see ``copied``), each with its end. One COPY.

    The database takes in the first while later ones are made.

    :param target: table and columns, a constant of the caller's
    :raises IntegrityError: a constraint refuses one of them, and so all
    """
    left = iter(lines)
    send_batch()
    # What is sent within a COPY goes past Django's cursors, and so would its errors.
    with (
        connection.wrap_database_errors,
        connection.cursor() as cursor,
        cursor.copy(f"COPY {target} FROM STDIN") as copy,
    ):
        while some := "".join(islice(left, _LINES)):
            copy.write(some)


def copied(text: str) -> str:
    """Return a text as it stands in a line of COPY's text format (PostgreSQL's manual, "COPY", File Formats)."""
    text = text.replace("\\", "\\\\")
    if text.isprintable():
        return text
    return text.replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def uuid_array(ids: Iterable[UUID]) -> str:
    """Return ids as the text of a PostgreSQL array, for ``= ANY(%s::uuid[])``."""
    return "{" + ",".join(map(str, ids)) + "}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """How rows of a model are inserted; a serial key is left to the database."""

    name: str
    key: str
    statement: str
    attributes: Sequence[tuple[str, str]]
    stamped: Sequence[str]
    sealed: Mapping[str, Callable[[Any], Any]]
    indexes: Mapping[str, tuple[str, Callable[[str], str]]]
    defaults: Mapping[str, Any]
    factories: Mapping[str, Callable[[], Any]]

    def completed(self, row: Mapping[str, Any]) -> dict[str, Any]:
        made = {name: make() for name, make in self.factories.items() if name not in row}
        return {**self.defaults, **made, **row}

    def values(self, row: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        found = {column: row[attribute] for column, attribute in self.attributes}
        for column in self.stamped:
            found[column] = now
        for column, seal in self.sealed.items():
            found[column] = seal(found[column])
        for column, (of, made) in self.indexes.items():
            found[column] = made(row[of])
        return found

    def write(
        self, rows: Iterable[Mapping[str, Any]], now: datetime, ending: str = "", *, is_update: bool = False
    ) -> Write:
        texts = orjson.dumps([self.values(row, now) for row in rows]).decode()
        return Write(self.statement + ending, [texts], self.name, is_update=is_update)


@cache
def _table(model: type[models.Model]) -> _Table:
    fields = [field for field in model._meta.concrete_fields if not isinstance(field, models.AutoField)]
    names = sql.SQL(", ").join([sql.Identifier(str(field.column)) for field in fields])
    typed = sql.SQL(", ").join(
        [sql.SQL("{} {}").format(sql.Identifier(str(field.column)), sql.SQL(_type_of(field))) for field in fields]
    )
    statement = sql.SQL("INSERT INTO {} ({}) SELECT {} FROM jsonb_to_recordset(%s::jsonb) AS r ({})").format(
        sql.Identifier(model._meta.db_table), names, names, typed
    )
    stamped = [str(field.column) for field in fields if getattr(field, "auto_now", False)]
    usual = [field for field in fields if field.has_default() or field.null or field.blank]
    return _Table(
        name=model._meta.db_table,
        key=sql.Identifier(str(model._meta.pk.column)).as_string(),
        statement=statement.as_string(),
        attributes=[(str(field.column), field.attname) for field in fields if str(field.column) not in stamped],
        stamped=stamped,
        sealed={str(field.column): field.get_prep_value for field in fields if isinstance(field, SealedField)},
        indexes={str(each.column): (each.of, each.made_of) for each in fields if isinstance(each, BlindIndexField)},
        defaults={field.attname: field.get_default() for field in usual if not callable(field.default)},
        factories={field.attname: field.get_default for field in usual if callable(field.default)},
    )


def _change(row: models.Model, names: Sequence[str], now: datetime) -> Write:
    columns = type(row)._meta.concrete_fields
    stamped = [field for field in columns if getattr(field, "auto_now", False) and field.attname not in names]
    fields = [field for field in columns if field.attname in names or field in stamped]
    for field in stamped:
        setattr(row, field.attname, now)
    values = [field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields]
    statement = _update(type(row), tuple(str(field.column) for field in fields))
    return Write(statement, [*values, row.pk], row._meta.db_table, is_update=True)


@cache
def _update(model: type[models.Model], columns: tuple[str, ...]) -> str:
    table, key = sql.Identifier(model._meta.db_table), sql.Identifier(str(model._meta.pk.column))
    assigned = sql.SQL(", ").join([sql.SQL("{} = %s").format(sql.Identifier(column)) for column in columns])
    return sql.SQL("UPDATE {} SET {} WHERE {} = %s").format(table, assigned, key).as_string()


@cache
def _conflict(unique: tuple[str, ...], change: tuple[str, ...]) -> str:
    keys = sql.SQL(", ").join(map(sql.Identifier, unique))
    changes = sql.SQL(", ").join([sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in change])
    return sql.SQL(" ON CONFLICT ({}) DO UPDATE SET {}").format(keys, changes).as_string()


def _type_of(field: models.Field[Any, Any]) -> Any:
    return field.rel_db_type(connection) if field.is_relation else field.db_type(connection)
