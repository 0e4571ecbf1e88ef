"""What the shop holds of a person (Regulation (EU) 2016/679, Art. 15 and 20): each app gives its part of it.

``settings.PERSONAL_DATA`` names the parts, so that no app knows of those above it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonalPart:
    """What one app holds of a person.

    ``read`` takes the person's id and returns name -> value; an iterator is a list of any length, which is read while
    it is written. ``output`` is the serializer that describes it.
    """

    name: str
    output: type[Any]
    read: Callable[[UUID], Mapping[str, Any]]


def parts() -> list[PersonalPart]:
    """Return the part of each app, in order."""
    return [import_string(path) for path in settings.PERSONAL_DATA]


def personal_data(*, user_id: UUID, at: datetime) -> Iterator[tuple[str, Any]]:
    """Return name -> value of the whole document, to be written as it is read: of the person's account, or of none."""
    yield "person", user_id
    yield "exported_at", at
    for part in parts():
        yield part.name, part.read(user_id)
