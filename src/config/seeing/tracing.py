"""Traces by OpenTelemetry: requests, statements, deliveries, background tasks, mails.

What follows from a request is part of its trace, since the event carries it (``core.outbox``), and messages between
workers do. Work that nobody asked for, such as the clock's, makes none. Spans hold names, ids and statements with
placeholders, never values, addresses or bodies.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from celery.signals import before_task_publish, task_postrun, task_prerun, worker_process_shutdown, worker_shutdown
from django.conf import settings
from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode, Tracer

from config.edge import Application
from config.seeing.origin import W3C, context_of, resource
from config.seeing.routes import method_of, route_of
from config.version import VERSION
from core import tracing

# Task id -> its span, and what takes it back.
_running: dict[str, tuple[Span, Any]] = {}


class Spans:
    """Makes spans, and sends them from a thread of this process, which each fork begins for itself."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pid = 0
        self._provider: TracerProvider | None = None

    def tracer(self) -> Tracer:
        """Return that of this process."""
        if self._pid != os.getpid():
            with self._lock:
                if self._pid != os.getpid():
                    self._provider, self._pid = _provider(), os.getpid()
        assert self._provider is not None
        return self._provider.get_tracer("nexus", VERSION)

    def span(self, name: str, parent: str, facts: dict[str, str]) -> AbstractContextManager[object]:
        """Return a span below ``parent``, or below what runs."""
        kind = SpanKind.CLIENT if "db.system.name" in facts else SpanKind.INTERNAL
        return _noted(self.tracer(), name, kind=kind, parent=parent, facts=facts)

    def here(self) -> str:
        """Name the span that runs."""
        carrier: dict[str, str] = {}
        W3C.inject(carrier)
        return carrier.get("traceparent", "")

    def flush(self, **_: object) -> None:
        """Send what waits, at the end of a process."""
        if self._provider is not None and self._pid == os.getpid():
            self._provider.force_flush(5000)


_spans = Spans()


def _provider() -> TracerProvider:
    made = TracerProvider(resource=resource())
    endpoint = f"{settings.OTEL_EXPORTER_OTLP_ENDPOINT.rstrip('/')}/v1/traces"
    made.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    return made


@contextmanager
def _noted(tracer: Tracer, name: str, *, kind: SpanKind, parent: str, facts: dict[str, str]) -> Iterator[Span]:
    """Run the block in a span. Of an exception it keeps the name: what it says may be personal."""
    running = trace.get_current_span().get_span_context()
    context = context_of(parent) if parent else None
    links = [Link(running)] if parent and running.is_valid else []
    with tracer.start_as_current_span(
        name, context, kind, attributes=facts, links=links, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield span
        except Exception as error:
            span.set_attribute("error.type", type(error).__name__)
            span.set_status(Status(StatusCode.ERROR))
            raise


def switch_on() -> None:
    """Make and send spans from now on."""
    tracing.keep_in(_spans)
    before_task_publish.connect(_pass_on, weak=False, dispatch_uid="nexus.traces")
    task_prerun.connect(_begin_task, weak=False, dispatch_uid="nexus.traces")
    task_postrun.connect(_end_task, weak=False, dispatch_uid="nexus.traces")
    for ending in (worker_process_shutdown, worker_shutdown):
        ending.connect(_spans.flush, weak=False, dispatch_uid="nexus.traces")


def _pass_on(headers: dict[str, Any] | None = None, **_: object) -> None:
    here = _spans.here()
    if headers is not None and here:
        headers.setdefault("traceparent", here)


def _begin_task(task_id: str, task: Any, **_: object) -> None:
    parent = task.request.get("traceparent")
    if not parent:
        return
    span = _spans.tracer().start_span(
        f"run {task.name}", context_of(parent), SpanKind.CONSUMER, attributes={"nexus.task_id": task_id}
    )
    _running[task_id] = span, contexts.attach(trace.set_span_in_context(span))


def _end_task(task_id: str, state: str | None = None, **_: object) -> None:
    span, token = _running.pop(task_id, (None, None))
    if span is not None:
        contexts.detach(token)
        if state == "FAILURE":
            span.set_status(Status(StatusCode.ERROR))
        span.end()


class Traced:
    """Makes each request of a web process a trace, or a part of its caller's where callers are believed."""

    def __init__(self, application: Application) -> None:
        self.application = application

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        given = environ.get("HTTP_TRACEPARENT", "") if settings.OTEL_BELIEVE_CALLERS else ""
        method = method_of(environ)
        facts = {"http.request.method": method}
        with _noted(_spans.tracer(), method, kind=SpanKind.SERVER, parent=given, facts=facts) as span:

            def start(line: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
                span.set_attribute("http.response.status_code", int(line[:3]))
                if line >= "500":
                    span.set_status(Status(StatusCode.ERROR))
                for name, value in headers:
                    if name.lower() == "x-request-id":
                        span.set_attribute("nexus.request_id", value)
                return start_response(line, headers, *rest)

            body = self.application(environ, start)
            route = route_of(environ)
            span.update_name(f"{method} {route}")
            span.set_attribute("http.route", route)
            return body
