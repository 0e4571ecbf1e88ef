"""Traces as a collector gets them: spans, what they hold, and what they never do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.test import RequestFactory
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pytest_django import Settings

from config.seeing import tracing as seeing
from config.seeing.statements import WatchedCursor
from core import outbox, tracing
from core.models import OutboxEvent
from core.tests.factories import NOON, ThingHappened, make_delivery
from core.transactions import command
from markets.tests.factories import make_market
from products.tests.factories import make_product

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TRACE = 0x0AF7651916CD43DD8448EB211C80319C


class Collector:
    """Keeps spans as they end."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()

    @property
    def spans(self) -> dict[str, Any]:
        return {span.name: span for span in self.exporter.get_finished_spans()}


@pytest.fixture
def collector(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    made = Collector()

    def provider() -> TracerProvider:
        found = TracerProvider(shutdown_on_exit=False)
        found.add_span_processor(SimpleSpanProcessor(made.exporter))
        return found

    monkeypatch.setattr(seeing, "_provider", provider)
    monkeypatch.setattr(seeing, "_spans", seeing.Spans())
    settings.OTEL_BELIEVE_CALLERS = False
    settings.MIDDLEWARE = ["config.seeing.routes.RouteNoted", *settings.MIDDLEWARE]
    tracing.keep_in(seeing._spans)
    yield made
    tracing.keep_in(None)


@pytest.fixture
def ask(collector: Collector) -> Callable[..., str]:
    application = seeing.Traced(get_wsgi_application())

    def send(path: str, **headers: str) -> str:
        said: list[str] = []
        answer = application(
            RequestFactory().get(path, headers=headers).environ, lambda status, headers: said.append(status)
        )
        b"".join(answer)
        answer.close()  # type: ignore[attr-defined]
        return said[0]

    return send


@pytest.mark.django_db(transaction=True)
class TestRequests:
    def test_are_spans_named_by_the_pattern(self, collector: Collector, ask: Callable[..., str]) -> None:
        ask("/api/v1/orders/0192f3c4-7bd9-7cc2-8b5d-e0a6f0a3b1f4?token=secret", **{"X-Request-ID": "r-12345678"})

        [span] = collector.exporter.get_finished_spans()
        assert span.name == "GET api/v1/orders/<uuid:order_id>"
        assert dict(span.attributes or {}) == {
            "http.request.method": "GET",
            "http.route": "api/v1/orders/<uuid:order_id>",
            "http.response.status_code": 404,
            "nexus.request_id": "r-12345678",
        }

    def test_take_no_strangers_word_for_their_trace(
        self, collector: Collector, ask: Callable[..., str], settings: Settings
    ) -> None:
        ask("/healthz", traceparent=PARENT)
        settings.OTEL_BELIEVE_CALLERS = True
        ask("/readyz", traceparent=PARENT)

        own, given = (collector.spans[name] for name in ("GET healthz", "GET readyz"))
        assert (own.context.trace_id == TRACE, own.parent) == (False, None)
        assert given.context.trace_id == TRACE

    def test_that_break_tell_the_kind_of_error_alone(self, collector: Collector) -> None:
        def broken(environ: Any, start_response: Any) -> Any:
            raise ValueError("ada@example.com")

        with pytest.raises(ValueError, match="ada"):
            seeing.Traced(broken)(RequestFactory().get("/").environ, lambda *_: None)

        [span] = collector.exporter.get_finished_spans()
        assert (span.attributes or {})["error.type"] == "ValueError"
        assert "ada" not in span.to_json()


@pytest.mark.django_db(transaction=True)
class TestStatements:
    def test_are_spans_without_values(self, collector: Collector, ask: Callable[..., str], settings: Settings) -> None:
        make_market()
        product = make_product("Lamp")
        connection.close()
        settings.DATABASES["default"]["OPTIONS"]["cursor_factory"] = WatchedCursor
        try:
            ask(f"/api/v1/products/{product.slug}")
            connection.cursor().execute("SELECT 1")  # nobody asked for it
        finally:
            del settings.DATABASES["default"]["OPTIONS"]["cursor_factory"]
            connection.close()

        spans = collector.exporter.get_finished_spans()
        request = next(span for span in spans if span.name.startswith("GET"))
        statements = [span for span in spans if "db.query.text" in (span.attributes or {})]
        assert statements
        assert {span.context.trace_id for span in spans} == {request.context.trace_id}
        assert not [span for span in statements if product.slug in str((span.attributes or {})["db.query.text"])]


@pytest.mark.django_db(transaction=True)
class TestDeliveries:
    def test_go_on_with_the_trace_of_their_event(self, collector: Collector, settings: Settings) -> None:
        settings.EVENT_SUBSCRIPTIONS = {"tests.thing_happened": ("core.tests.handlers.remember",)}
        with tracing.span("checkout"):
            command(outbox.publish)(ThingHappened(thing_id=make_delivery().pk), at=NOON)
        event = OutboxEvent.objects.exclude(trace="").get()
        [delivery] = event.deliveries.all()

        outbox.deliver(delivery_ids=[str(delivery.pk)])

        spans = collector.spans
        assert spans["core.tests.handlers.remember"].parent.span_id == spans["checkout"].context.span_id
        assert outbox.trace_of(delivery_id=str(delivery.pk)) == event.trace
        assert outbox.trace_of(delivery_id="nonsense") == ""

    def test_of_events_before_begin_a_trace(self, collector: Collector) -> None:
        outbox.deliver(delivery_ids=[str(make_delivery().pk)])

        assert collector.spans["core.tests.handlers.remember"].parent is None

    def test_that_fail_do_not_tell_why(self, collector: Collector) -> None:
        outbox.deliver(delivery_ids=[str(make_delivery("core.tests.handlers.write_and_fail").pk)])

        span = collector.spans["core.tests.handlers.write_and_fail"]
        assert not span.status.is_ok
        assert not span.events


class TestTasks:
    def test_go_on_with_the_trace_of_their_message(self, collector: Collector) -> None:
        headers: dict[str, Any] = {}
        with tracing.span("asks"):
            seeing._pass_on(headers=headers)
        task = SimpleNamespace(name="tests.task", request=headers)

        seeing._begin_task(task_id="1", task=task)
        here = tracing.here()
        seeing._end_task(task_id="1", state="FAILURE")

        spans = collector.spans
        assert spans["run tests.task"].parent.span_id == spans["asks"].context.span_id
        assert here.split("-")[1] == f"{spans['asks'].context.trace_id:032x}"
        assert not spans["run tests.task"].status.is_ok
        assert tracing.here() == ""

    def test_that_nobody_asked_for_make_no_span(self, collector: Collector) -> None:
        headers: dict[str, Any] = {}
        seeing._pass_on(headers=headers)
        seeing._begin_task(task_id="1", task=SimpleNamespace(name="tests.task", request=headers))
        seeing._end_task(task_id="1")

        assert headers == {}
        assert not collector.spans
