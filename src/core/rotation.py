"""Bringing sealed fields under the current key, after a new one was put first in ``FIELD_KEYS``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db import connection, models

from core import crypto
from core.fields import SealedField
from core.transactions import command


def sealed_models() -> Iterator[tuple[type[models.Model], list[str]]]:
    """Return every model that has sealed fields, with the columns' names."""
    for model in apps.get_models():
        columns = [str(field.column) for field in model._meta.local_fields if isinstance(field, SealedField)]
        if columns:
            yield model, columns


@command
def reseal_batch(
    *, model: type[models.Model], columns: list[str], after: UUID | int | None, most: int
) -> tuple[Any, int]:
    """Bring the next rows behind that id under the current key; return the last id seen and how many were changed.

    Rows of the current key are left alone, so that it can be stopped and started again. Locks the rows in id order;
    three statements.

    :returns: ``(None, 0)`` at the end of the table
    :raises CannotOpen: a value is under a key that is not in ``FIELD_KEYS``; nothing of the batch is changed
    """
    table, names = _quoted(model._meta.db_table), [_quoted(column) for column in columns]
    key = _quoted(str(model._meta.pk.column))
    where = "" if after is None else f"WHERE {key} > %s"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {key}, {', '.join(names)} FROM {table} {where} ORDER BY {key} LIMIT %s FOR UPDATE",  # noqa: S608
            [*([] if after is None else [after]), most],
        )
        rows = cursor.fetchall()
        changed = [(*map(_current, values), row) for row, *values in rows if any(map(_is_old, values))]
        cursor.executemany(
            f"UPDATE {table} SET {', '.join(f'{name} = %s' for name in names)} WHERE {key} = %s",  # noqa: S608
            changed,
        )
    return (rows[-1][0] if rows else None), len(changed)


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)


def _is_old(value: str | None) -> bool:
    return bool(value) and not crypto.is_current(str(value))


def _current(value: str | None) -> str | None:
    return crypto.seal(crypto.open_sealed(str(value))) if _is_old(value) else value
