"""Asks a worker to relay the outbox, or to do what else is owed, in a thread of its own: no request waits for it.

Several wakes become one message: the first is sent soon, those that follow closely a fifth of a second after it. A
broker that does not answer costs nothing but a line in the log: the clock asks too.
"""

from __future__ import annotations

import os
import threading
import time

import structlog
from celery import current_app
from django.conf import settings

from core import tracing

log = structlog.get_logger(__name__)

_PAUSE_AFTER_FAILURE_SECONDS = 2.0
_GATHER_SECONDS = 0.02
_REST_SECONDS = 0.18
_RELAY = "core.tasks.relay"


class _Courier(threading.Thread):
    def __init__(self) -> None:
        super().__init__(name="outbox-courier", daemon=True)
        self.asked = threading.Event()
        # Task -> the trace of who asked first; adding and taking one are atomic.
        self.wanted: dict[str, str] = {}
        self.pid = os.getpid()

    def run(self) -> None:
        while True:
            self.asked.wait()
            time.sleep(_GATHER_SECONDS)
            self.asked.clear()
            while self.wanted:
                self._ask(*self.wanted.popitem())
            time.sleep(_REST_SECONDS)

    def _ask(self, task: str, trace: str) -> None:
        try:
            current_app.send_task(
                task, retry=False, ignore_result=True, headers={"traceparent": trace} if trace else None
            )
        except Exception as error:  # noqa: BLE001 - whatever the broker's library raises, the table remembers
            log.warning("broker does not answer", error=str(error))
            time.sleep(_PAUSE_AFTER_FAILURE_SECONDS)


_lock = threading.Lock()
_courier: _Courier | None = None


def wake(task: str = _RELAY) -> None:
    """Have a worker run the task (one without arguments) soon. Returns at once."""
    if not settings.OUTBOX_COURIER:
        return
    global _courier  # noqa: PLW0603 - one thread per process, made when first needed (after a fork)
    with _lock:
        if _courier is None or _courier.pid != os.getpid() or not _courier.is_alive():
            _courier = _Courier()
            _courier.start()
    _courier.wanted.setdefault(task, tracing.here())
    _courier.asked.set()
