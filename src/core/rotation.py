"""Bringing sealed fields, and what they are found by, under the current key, after a new one was put first in
``FIELD_KEYS``. What was written before its column was sealed is sealed on the way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

import orjson
from django.apps import apps
from django.conf import settings
from django.db import connection, models

from core import crypto
from core.fields import BlindIndexField, LateSealedTextField, SealedBytesField, SealedField
from core.transactions import command

# How the fields of a fact begin that are sealed by whoever announces it.
_SEALED = "sealed_"
_OLD_FACTS = f"""
SELECT id, payload::text FROM core_outboxevent
 WHERE id > %s::uuid AND EXISTS (SELECT FROM jsonb_each_text(payload) AS part (name, value)
                WHERE starts_with(name, '{_SEALED}') AND value <> '' AND NOT starts_with(value, %s))
 ORDER BY id LIMIT %s FOR UPDATE"""  # nosec B608  # noqa: S608 - a constant of ours


def sealed_models() -> Iterator[tuple[type[models.Model], list[str]]]:
    """Return every model that has sealed fields, with the columns' names."""
    for model in apps.get_models():
        fields = model._meta.local_fields
        columns = [str(field.column) for field in fields if isinstance(field, SealedField | SealedBytesField)]
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
    fields = [field for field in model._meta.local_fields if field.column in columns]
    indexes = (field for field in model._meta.local_fields if isinstance(field, BlindIndexField))
    fields += [field for field in indexes if field.of in columns]
    table, names = _quoted(model._meta.db_table), [_quoted(str(field.column)) for field in fields]
    key = _quoted(str(model._meta.pk.column))
    where = "" if after is None else f"WHERE {key} > %s"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {key}, {', '.join(names)} FROM {table} {where} ORDER BY {key} LIMIT %s FOR UPDATE",  # nosec B608  # noqa: S608
            [*([] if after is None else [after]), most],
        )
        rows = cursor.fetchall()
        anew = [(row, values, _current(fields, values)) for row, *values in rows]
        changed = [(*found, row) for row, values, found in anew if found != values]
        cursor.executemany(
            f"UPDATE {table} SET {', '.join(f'{name} = %s' for name in names)} WHERE {key} = %s",  # nosec B608  # noqa: S608
            changed,
        )
    return (rows[-1][0] if rows else None), len(changed)


@command
def reseal_facts(*, after: UUID | None = None, most: int) -> tuple[UUID | None, int]:
    """Bring what facts behind that id hold sealed (``sealed_…``) under the current key; return the last id that was
    changed and how many were.

    A fact that is still owed to somebody is opened when it is delivered. Locks the rows in id order; two statements.

    :returns: ``(None, 0)`` at the end of the table
    """
    with connection.cursor() as cursor:
        cursor.execute(_OLD_FACTS, [after or UUID(int=0), f"{settings.FIELD_KEYS[0][0]}:", most])
        rows = [(pk, orjson.loads(payload)) for pk, payload in cursor.fetchall()]
        changed = [(orjson.dumps(payload | _sealed_anew(payload)).decode(), pk) for pk, payload in rows]
        cursor.executemany("UPDATE core_outboxevent SET payload = %s::jsonb WHERE id = %s", changed)
    return (rows[-1][0] if rows else None), len(changed)


def _sealed_anew(payload: dict[str, Any]) -> dict[str, str]:
    sealed = {name: value for name, value in payload.items() if name.startswith(_SEALED) and value}
    return {name: crypto.seal(crypto.open_sealed(value)) for name, value in sealed.items()}


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)


def _current(fields: Sequence[models.Field[Any, Any]], values: Sequence[Any]) -> list[Any]:
    """Return the row's values as they are written today; those that are already stay as they are."""
    texts = [(field, value) for field, value in zip(fields, values, strict=True) if not isinstance(value, bytes)]
    plain = {field.attname: _Plain(field, value) for field, value in texts}
    found: list[Any] = []
    for field, value in zip(fields, values, strict=True):
        if isinstance(value, bytes):
            found.append(value if crypto.is_current_bytes(value) else crypto.seal_bytes(crypto.open_bytes(value)))
        elif isinstance(field, BlindIndexField):
            found.append(value if value and crypto.is_current(value) else field.made_of(plain[field.of].text))
        elif not value or (plain[field.attname].is_sealed and crypto.is_current(value)):
            found.append(value)
        else:
            found.append(crypto.seal(plain[field.attname].text))
    return found


class _Plain:
    """What a cell of the table says."""

    def __init__(self, field: models.Field[Any, Any], value: str | None) -> None:
        self._value = value or ""
        self.is_sealed = not isinstance(field, LateSealedTextField) or crypto.is_sealed(self._value)

    @property
    def text(self) -> str:
        return crypto.open_sealed(self._value) if self._value and self.is_sealed else self._value
