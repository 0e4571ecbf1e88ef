"""Model fields that every app may use."""

from __future__ import annotations

from typing import Any

import orjson
from django.core.exceptions import FieldError
from django.db import models

from core import crypto


class SealedField(models.TextField):  # type: ignore[type-arg]
    """What both sealed fields share: a search by their value would never find anything, so it is refused."""

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name != "isnull":
            raise FieldError(f"{self.name} is sealed and cannot be searched")
        return super().get_lookup(lookup_name)


class EncryptedTextField(SealedField):
    """Text that is sealed in the database and plain in Python. The empty text stays empty. It cannot be searched."""

    def from_db_value(self, value: str | None, *_: object) -> str | None:
        return crypto.open_sealed(value) if value else value

    def get_prep_value(self, value: Any) -> Any:
        return crypto.seal(str(value)) if value else value


class EncryptedJSONField(SealedField):
    """A JSON value that is sealed in the database and plain in Python."""

    def from_db_value(self, value: str | None, *_: object) -> Any:
        return orjson.loads(crypto.open_sealed(value)) if value else None

    def get_prep_value(self, value: Any) -> Any:
        return None if value is None else crypto.seal(orjson.dumps(value).decode())

    def to_python(self, value: Any) -> Any:
        return value


class CurrencyField(models.CharField):  # type: ignore[type-arg]
    """An ISO 4217 code."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("max_length", 3)
        super().__init__(**options)
