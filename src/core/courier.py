"""Asks a worker to relay the outbox, from a thread of its own, so that no request ever waits for the broker.

Several wakes become one message. A broker that does not answer costs nothing but a line in the log: the clock relays too.
"""

from __future__ import annotations

import os
import threading
import time

import structlog
from celery import current_app
from django.conf import settings

log = structlog.get_logger(__name__)

_PAUSE_AFTER_FAILURE_SECONDS = 2.0
_GATHER_SECONDS = 0.02


class _Courier(threading.Thread):
    def __init__(self) -> None:
        super().__init__(name="outbox-courier", daemon=True)
        self.asked = threading.Event()
        self.pid = os.getpid()

    def run(self) -> None:
        while True:
            self.asked.wait()
            time.sleep(_GATHER_SECONDS)
            self.asked.clear()
            self._ask()

    def _ask(self) -> None:
        try:
            current_app.send_task("core.tasks.relay", retry=False, ignore_result=True)
        except Exception as error:  # noqa: BLE001 - whatever the broker's library raises, the table remembers
            log.warning("broker does not answer", error=str(error))
            time.sleep(_PAUSE_AFTER_FAILURE_SECONDS)


_lock = threading.Lock()
_courier: _Courier | None = None


def wake() -> None:
    """Have the outbox relayed soon. Returns at once."""
    if not settings.OUTBOX_COURIER:
        return
    global _courier  # noqa: PLW0603 - one thread per process, made when first needed (after a fork)
    with _lock:
        if _courier is None or _courier.pid != os.getpid() or not _courier.is_alive():
            _courier = _Courier()
            _courier.start()
    _courier.asked.set()
