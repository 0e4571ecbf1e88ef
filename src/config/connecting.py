"""How whoever lost the broker asks for it again."""

from __future__ import annotations

from typing import Any

from celery.app import amqp
from kombu import Connection as KombuConnection

_SECONDS_BETWEEN_TRIES = 2.0


class Connection(KombuConnection):
    """Kombu's, but for the pauses: they stay the same.

    Kombu's grow to half a minute, for which all that is owed would wait when the broker is long back.
    """

    def ensure_connection(self, *arguments: Any, **options: Any) -> Connection:
        """Return it when it stands. What the caller wants of the pauses goes before."""
        pauses = {"interval_start": _SECONDS_BETWEEN_TRIES, "interval_step": 0, "interval_max": _SECONDS_BETWEEN_TRIES}
        super().ensure_connection(*arguments, **pauses | options)
        return self


class AMQP(amqp.AMQP):
    """Celery's, with that connection for workers, the clock and whoever sends."""

    Connection = Connection
