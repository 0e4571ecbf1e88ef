"""Counting in Redis, for all processes. Loaded where there is a Redis: its client takes 25 MB."""

from __future__ import annotations

import redis
import structlog

from core.circuits import Circuit

log = structlog.get_logger(__name__)

# Who waits longer is counted by its own process.
_SECONDS = 0.1


class Counter:
    """Counts by keys that are forgotten after a while."""

    def __init__(self, url: str) -> None:
        waiting = {"socket_connect_timeout": _SECONDS, "socket_timeout": _SECONDS}
        self._store = redis.Redis.from_url(url, **waiting)
        self._circuit = Circuit()

    def add_one(self, key: str, *, seconds: int) -> int | None:
        """Return the count with this one, or ``None`` where Redis does not answer. One round trip.

        :param seconds: how long the key is kept from now on
        """
        if not self._circuit.enter():
            return None
        try:
            with self._store.pipeline(transaction=False) as pipe:
                pipe.incr(key)
                pipe.expire(key, seconds)
                count = int(pipe.execute()[0])
        except (redis.RedisError, OSError) as error:
            self._circuit.leave(is_well=False)
            log.warning("requests are counted by each process", error=type(error).__name__)
            return None
        self._circuit.leave(is_well=True)
        return count
