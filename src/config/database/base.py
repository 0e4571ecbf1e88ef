"""The backend that Django loads by its ``ENGINE``: connections are waited for by few.

As long as connections come back, those who wait get one soon. Where somebody waited in vain none come back (a held
table, a server that is away), and each thread that waits as long as the first is one that nobody else can be answered
by: who comes next is told at once to come back later.
"""

from __future__ import annotations

import time
from typing import Any

from django.db.backends.postgresql import base
from psycopg_pool import PoolTimeout

# How long nobody may have waited in vain, until people wait with patience again.
_SECONDS_TO_REMEMBER = 1.0
_SECONDS_WITHOUT_PATIENCE = 0.25


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection whose pool is waited for with as much patience as is of use."""

    # alias -> when somebody last waited in vain, by the clock of this process
    _in_vain: dict[str, float] = {}

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Return one of the pool's, where there is a pool.

        :raises PoolTimeout: none came back in time
        """
        if self.pool is None:
            return super().get_new_connection(conn_params)
        self.pool.timeout = self._patience()
        try:
            return super().get_new_connection(conn_params)
        except PoolTimeout:
            self._in_vain[self.alias] = time.monotonic()
            raise

    def _patience(self) -> float:
        patience: float = self.settings_dict["OPTIONS"]["pool"]["timeout"]
        since = time.monotonic() - self._in_vain.get(self.alias, -_SECONDS_TO_REMEMBER)
        return patience if since >= _SECONDS_TO_REMEMBER else min(patience, _SECONDS_WITHOUT_PATIENCE)
