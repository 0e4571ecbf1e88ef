"""The shape of a fact. Apps declare theirs in their own ``events``."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID


@dataclass(frozen=True, kw_only=True)
class Event:
    """A finished fact: ids and numbers, never objects or personal data.

    Deliveries of events that share an ``aggregate`` reach one handler in the order in which they happened.
    """

    name: ClassVar[str]
    aggregate_field: ClassVar[str | None] = None

    @property
    def aggregate(self) -> str:
        """What the fact is about, as text; empty where order does not matter."""
        return str(getattr(self, self.aggregate_field)) if self.aggregate_field else ""

    def payload(self) -> dict[str, Any]:
        """Return the fields as JSON values; the handler gets them as keyword arguments."""
        return {field.name: _plain(getattr(self, field.name)) for field in fields(self)}


def _plain(value: Any) -> Any:
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
