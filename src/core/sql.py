"""Many rows in one statement with one parameter: cheap to build, however many rows there are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, TypeVar
from uuid import UUID

import orjson
from django.db import connection, models
from django.utils import timezone
from psycopg import sql

from core.fields import EncryptedJSONField, EncryptedTextField
from core.transactions import step

M = TypeVar("M", bound=models.Model)


@step
def insert_all(rows: Iterable[M]) -> list[M]:
    """Insert model instances that have their keys, and return them. One statement, whatever their number.

    Does what ``bulk_create`` does for plain columns. The rows travel as one JSON text, because binding a parameter per
    value costs Python more than the insert costs the database.

    :raises IntegrityError: a constraint refuses one of them, and so all
    """
    written = list(rows)
    if not written:
        return []
    statement, columns = _insertion(type(written[0]))
    now = timezone.now()
    values = [{name: _value(row, field, now) for name, field in columns} for row in written]
    with connection.cursor() as cursor:
        cursor.execute(statement, [orjson.dumps(values).decode()])
    for row in written:
        row._state.adding = False  # noqa: SLF001 - as bulk_create does
    return written


def _value(row: models.Model, field: models.Field[Any, Any], now: Any) -> Any:
    if getattr(field, "auto_now", False):
        return now
    value = getattr(row, field.attname)
    return field.get_prep_value(value) if isinstance(field, (EncryptedTextField, EncryptedJSONField)) else value


@cache
def _insertion(model: type[models.Model]) -> tuple[Any, Sequence[tuple[str, models.Field[Any, Any]]]]:
    """Return the statement for a model, and the columns that it fills; a serial key is left to the database."""
    columns = [(str(f.column), f) for f in model._meta.concrete_fields if not isinstance(f, models.AutoField)]
    names = sql.SQL(", ").join([sql.Identifier(name) for name, _ in columns])
    pairs = [sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(_type_of(field))) for name, field in columns]
    typed = sql.SQL(", ").join(pairs)
    statement = sql.SQL("INSERT INTO {} ({}) SELECT {} FROM jsonb_to_recordset(%s::jsonb) AS r ({})")
    return statement.format(sql.Identifier(model._meta.db_table), names, names, typed), columns


def _type_of(field: models.Field[Any, Any]) -> Any:
    return field.rel_db_type(connection) if field.is_relation else field.db_type(connection)


def uuid_array(ids: Iterable[UUID]) -> str:
    """Return ids as the text of a PostgreSQL array, for ``= ANY(%s::uuid[])``."""
    return "{" + ",".join(map(str, ids)) + "}"
