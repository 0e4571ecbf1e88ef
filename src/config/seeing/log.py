"""The log, sent to a collector by OpenTelemetry besides standard error.

Whoever writes a line leaves it in a queue and goes on; a thread of the same process sends what is there. While the
collector is away, lines that the queue has no room for are counted, and the collector is told how many when it is back.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from multiprocessing.util import Finalize
from typing import Any, NamedTuple

import requests  # noqa: F401 - the exporter's, loaded with us, and not with the first line of each process
from celery.signals import worker_process_shutdown
from django.conf import settings
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExportResult
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from config.seeing.origin import context_of, resource
from core import tracing

_SECONDS_TO_END = 5.0
# What sends says of itself is not sent: a collector that is away would be told of that for ever.
_OF_THE_SENDER = ("opentelemetry", "urllib3", "requests")
_SEVERITIES = {
    "debug": SeverityNumber.DEBUG,
    "info": SeverityNumber.INFO,
    "warning": SeverityNumber.WARN,
    "error": SeverityNumber.ERROR,
    "critical": SeverityNumber.FATAL,
}
# Told by the record itself.
_APART = ("event", "level", "logger", "timestamp", "trace_id")
_INT64 = range(-(2**63), 2**63)


class _Line(NamedTuple):
    """A line, when it was written (nanoseconds since the epoch), and in which span, as ``traceparent``."""

    event: Mapping[str, Any]
    at: int
    here: str


class Sender:
    """Sends lines from a thread, which each process begins with its first line, forks too."""

    def __init__(self) -> None:
        self._begin_anew()
        os.register_at_fork(after_in_child=self._begin_anew)

    def _begin_anew(self) -> None:
        """Forget what the process before a fork has still to send: it sends that itself."""
        self._waiting: deque[_Line] = deque()
        self._lost = 0
        self._lock = threading.RLock()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    def take(self, _logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """Leave a line to be sent, as a processor of structlog's; never wait."""
        if str(event.get("logger")).startswith(_OF_THE_SENDER) or self._ending.is_set():
            return event
        if self._thread is None:
            self._begin()
        if len(self._waiting) < settings.OTEL_BLRP_MAX_QUEUE_SIZE:
            self._waiting.append(_Line(dict(event), time.time_ns(), tracing.here()))
        else:
            self._lose(1)
        return event

    def end(self, **_: object) -> None:
        """Send what waits, at the end of a process, as far as the collector takes it in a few seconds."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join(_SECONDS_TO_END)

    def _begin(self) -> None:
        with self._lock, suppress(RuntimeError):  # the interpreter ends: it begins no threads any more
            if self._thread is None:
                # All that they load is loaded here: a fork while the thread did so would wait for it for ever.
                exporter = OTLPLogExporter(endpoint=settings.OTEL_EXPORTER_OTLP_LOGS_ENDPOINT)
                thread = threading.Thread(target=self._work, args=(exporter, resource()), name="log", daemon=True)
                thread.start()
                self._thread = thread
                # Of processes that are forked by `multiprocessing` (Granian), too, which run no `atexit`.
                Finalize(None, self.end, exitpriority=0)

    def _work(self, exporter: OTLPLogExporter, about: Resource) -> None:
        while not self._ending.wait(settings.OTEL_BLRP_SCHEDULE_DELAY / 1000):
            self._send(exporter, about)
        self._send(exporter, about)

    def _send(self, exporter: OTLPLogExporter, about: Resource) -> None:
        while self._waiting:
            count = min(len(self._waiting), settings.OTEL_BLRP_MAX_EXPORT_BATCH_SIZE)
            lines, lost = [self._waiting.popleft() for _ in range(count)], self._lost
            told = [_about_lost(lost)] if lost else []
            if exporter.export([_record(line, about) for line in lines + told]) is LogRecordExportResult.SUCCESS:
                self._lose(-lost)
            else:
                self._lose(count)

    def _lose(self, count: int) -> None:
        with self._lock:
            self._lost += count


def _about_lost(count: int) -> _Line:
    event = {"event": "lines were not sent", "level": "warning", "logger": "nexus.log", "count": count}
    return _Line(event, time.time_ns(), "")


def _record(line: _Line, about: Resource) -> ReadableLogRecord:
    event = line.event
    level = str(event.get("level", ""))
    record = LogRecord(
        timestamp=line.at,
        context=context_of(line.here),
        severity_text=level,
        severity_number=_SEVERITIES.get(level, SeverityNumber.UNSPECIFIED),
        body=_plain(event.get("event")),
        attributes={name: _plain(value) for name, value in event.items() if name not in _APART},
    )
    return ReadableLogRecord(record, about, InstrumentationScope(str(event.get("logger", "nexus"))))


def _plain(value: Any) -> Any:
    """Return it as protobuf takes it: what it refuses is left out, or keeps a whole batch from being sent."""
    if isinstance(value, (bool, float)) or value is None or (isinstance(value, int) and value in _INT64):
        return value
    if isinstance(value, Mapping):
        return {_plain(str(name)): _plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return str(value).encode(errors="replace").decode()


sender = Sender()
take = sender.take


def switch_on() -> None:
    """Send what waits when a process of a worker ends, too: it runs neither ``atexit`` nor finalizers."""
    worker_process_shutdown.connect(sender.end, weak=False, dispatch_uid="nexus.log")
