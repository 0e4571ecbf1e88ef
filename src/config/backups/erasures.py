"""Who was erased, kept beside the backups: a shop that is brought back to a moment before forgets them again.

One file for each, ``erasures/<system>/<time>-<account>.json``, which is written once and never removed; it holds the
account's id and the time, and nothing that tells who that was.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from io import BytesIO
from uuid import UUID

from config.backups.stores import Store

_TIME = "%Y%m%dT%H%M%S.%fZ"
# A transaction may commit after another that began later.
_OVERLAP = timedelta(hours=1)


def kept_erasures(store: Store, system: str) -> dict[UUID, datetime]:
    """Return account -> when it was erased, the earliest first."""
    found: dict[UUID, datetime] = {}
    for name in store.names(f"erasures/{system}/"):
        moment, _, account = name.rpartition("/")[2].removesuffix(".json").partition("-")
        found.setdefault(UUID(account), datetime.strptime(moment, _TIME).replace(tzinfo=UTC))
    return found


class Erasures:
    """Carries what was erased into a store, each once.

    :param system: returns the identifier of the cluster
    """

    def __init__(self, store: Store, system: Callable[[], str]) -> None:
        self._store, self._ask = store, system
        self._system = ""
        self._known: set[UUID] = set()
        self.since: datetime | None = None

    def carry(self, erased: Iterable[tuple[UUID, datetime]]) -> int:
        """Keep those that are not kept yet; return how many that were.

        :param erased: all accounts that were erased after ``since``
        """
        self._system = self._system or self._ask()
        if self.since is None:
            self._known = set(kept_erasures(self._store, self._system))
        new = [(account, at) for account, at in erased if account not in self._known]
        for account, at in new:
            body = json.dumps({"user_id": str(account), "erased_at": at.isoformat()}).encode()
            name = f"erasures/{self._system}/{at.astimezone(UTC).strftime(_TIME)}-{account}.json"
            self._store.put(name, BytesIO(body))
            self._known.add(account)
        last = max((at for _, at in new), default=None)
        beginning = self.since or datetime.min.replace(tzinfo=UTC)
        self.since = beginning if last is None else max(beginning, last - _OVERLAP)
        return len(new)
