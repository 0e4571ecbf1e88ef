"""What is known of a base backup without opening it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from config.backups.errors import BackupRefused
from config.backups.stores import Store, open_store


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """One base backup. ``sha256`` and ``size`` are of the stored file; what is inside has PostgreSQL's own manifest."""

    system: str
    name: str
    started_at: str
    ended_at: str
    postgres: int
    nexus: str
    first_segment: str
    segment_bytes: int
    database: str
    user: str
    file: str
    size: int
    sha256: str
    field_keys: dict[str, str]

    @property
    def path(self) -> str:
        """Where it stands in the store."""
        return f"base/{self.system}/{self.name}.json"

    def as_dict(self) -> dict[str, Any]:
        """Return it as it is stored."""
        return asdict(self)


def fingerprints(keys: Iterable[tuple[str, bytes]]) -> dict[str, str]:
    """Return id -> what tells one key from another, and nothing of the key, which is 32 bytes of chance."""
    return {name: hashlib.sha256(b"nexus backup " + key).hexdigest()[:16] for name, key in keys}


def list_backups(store: Store) -> list[Manifest]:
    """Return all base backups that were finished, the oldest first."""
    found = []
    for name in store.names("base/"):
        if name.endswith(".json"):
            with closing(store.get(name)) as file:
                found.append(Manifest(**json.load(file)))
    return sorted(found, key=lambda each: (each.ended_at, each.system))


def finished_backups() -> list[tuple[str, datetime]]:
    """Return (name, when it was whole) of the backups at ``settings.BACKUP_URL``, for the status page."""
    known = list_backups(open_store(settings.BACKUP_URL))
    return [(each.name, datetime.fromisoformat(each.ended_at)) for each in known]


def choose_backup(store: Store, *, name: str = "", to: datetime | None = None) -> Manifest:
    """Return the one that was named, or the newest that had ended before a moment.

    :raises BackupRefused: there is none, or several clusters have one, so that it must be named
    """
    backups = list_backups(store)
    if name:
        fitting = [each for each in backups if each.name == name]
    else:
        fitting = [each for each in backups if to is None or datetime.fromisoformat(each.ended_at) <= to]
    if not fitting:
        raise BackupRefused(f"there is no base backup {name or 'from before that time'} in the store")
    if not name and len({each.system for each in fitting}) > 1:
        named = ", ".join(f"{each.name} ({each.system})" for each in fitting)
        raise BackupRefused(f"the store holds backups of several databases: choose one by --base: {named}")
    return fitting[-1]
