"""Model fields that every app may use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from django.core.exceptions import FieldError
from django.db import models
from django.db.models.lookups import In

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


class LateSealedTextField(EncryptedTextField):
    """One whose column was plain once: what was written then is read as it is, until ``rotate_field_keys`` seals it."""

    def from_db_value(self, value: str | None, *_: object) -> str | None:
        return crypto.open_sealed(value) if value and crypto.is_sealed(value) else value


class BlindIndexField(models.CharField):  # type: ignore[type-arg]
    """By what a sealed column is found: a keyed digest of its folded text. It writes itself; search it by ``__of``.

    With ``save(update_fields=…)`` name it beside the column that it is of.

    :param of: the sealed column
    :param fold: brings a text into the form in which two are the same
    """

    def __init__(self, *, of: str = "", fold: Callable[[str], str] = str, **options: Any) -> None:
        options.setdefault("max_length", 160)
        super().__init__(editable=False, **options)
        self.of, self.fold = of, fold

    def deconstruct(self) -> Any:
        name, path, args, options = super().deconstruct()
        options.pop("editable", None)
        return name, path, args, options | {"of": self.of, "fold": self.fold}

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        value = self.made_of(getattr(model_instance, self.of))
        setattr(model_instance, self.attname, value)
        return value

    def made_of(self, plain: str) -> str:
        """Return the index of a text under the current key; the empty text has none."""
        return self.candidates(plain)[0] if plain else ""

    def candidates(self, plain: str) -> list[str]:
        """Return by what a text may be found: under each key, and as rows have it that are older than the index."""
        folded = self.fold(plain)
        return [*crypto.blind_indexes(folded, purpose=f"{self.model._meta.label_lower}.{self.of}"), folded]


@BlindIndexField.register_lookup
class Of(In):
    """``email_key__of="Ada@example.com"``: the rows whose sealed text is that one, or one of several."""

    lookup_name = "of"

    def get_prep_lookup(self) -> Any:
        texts = [self.rhs] if isinstance(self.rhs, str) else self.rhs
        self.rhs = [found for text in texts if text for found in self.lhs.output_field.candidates(text)]
        return super().get_prep_lookup()


class EncryptedJSONField(SealedField):
    """A JSON value that is sealed in the database and plain in Python."""

    def from_db_value(self, value: str | None, *_: object) -> Any:
        return orjson.loads(crypto.open_sealed(value)) if value else None

    def get_prep_value(self, value: Any) -> Any:
        return None if value is None else crypto.seal(orjson.dumps(value).decode())

    def to_python(self, value: Any) -> Any:
        return value


class SealedBytesField(models.BinaryField):  # type: ignore[type-arg]
    """Bytes that whoever writes them sealed (``crypto.seal_bytes``): a mark for ``rotate_field_keys``."""


class CurrencyField(models.CharField):  # type: ignore[type-arg]
    """An ISO 4217 code."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("max_length", 3)
        super().__init__(**options)
