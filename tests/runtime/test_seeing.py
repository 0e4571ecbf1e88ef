"""A whole shop, seen into: what its log, its metrics and its traces tell of the journey of the documentation."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from prometheus_client.parser import text_string_to_metric_families

from config.queues import QUEUES
from config.tests.collecting import Line, Receiver, lines_of
from tests.runtime.shop import ROOT, Shop, temporary_folder, wait_for

pytestmark = pytest.mark.runtime

TOKEN = "a-token-of-this-shop"
SECONDS = 300.0
# What `scripts/test_api.sh` tells the shop of people.
PERSONAL = ("Lovelace", "Square", "SW1Y", "tall-ships", "4242", "12 St")
# A JSON Web Token, a header that bears one, a hash of a password, or letters by chance as long as a guest's token.
SECRET = re.compile(
    r"eyJ[A-Za-z0-9_-]{8,}\.|[Bb]earer |\$argon2"
    r"|(?<![\w-])(?=[A-Za-z0-9_-]*[A-Z])(?=[A-Za-z0-9_-]*\d)[A-Za-z0-9_-]{40,}"
)


@dataclass
class Span:
    """What a collector is told."""

    name: str
    trace: str
    parent: str
    pid: int
    facts: dict[str, Any]


@dataclass
class Collector(Receiver):
    """Takes traces and the log in."""

    spans: list[Span] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)

    def take(self, path: str, body: bytes) -> int:
        """Take in what is sent to where traces or the log go."""
        if path == "/v1/traces":
            self.add(ExportTraceServiceRequest.FromString(body))
        elif path == "/v1/logs":
            self.lines += lines_of(body)
        return 200

    def add(self, told: Any) -> None:
        for of_resource in told.resource_spans:
            about = {each.key: each.value for each in of_resource.resource.attributes}
            for of_scope in of_resource.scope_spans:
                self.spans += [
                    Span(
                        name=span.name,
                        trace=span.trace_id.hex(),
                        parent=span.parent_span_id.hex(),
                        pid=about["process.pid"].int_value,
                        facts={each.key: each.value.string_value for each in span.attributes},
                    )
                    for span in of_scope.spans
                ]

    def traces_with(self, *names: str) -> list[list[Span]]:
        """Return the traces that have a span of each of these names."""
        traces: dict[str, list[Span]] = {}
        for span in list(self.spans):
            traces.setdefault(span.trace, []).append(span)
        return [spans for spans in traces.values() if set(names) <= {span.name for span in spans}]


@dataclass
class Seen:
    """The shop after its journey."""

    shop: Shop
    collector: Collector

    def metrics(self, token: str = TOKEN) -> tuple[int, str]:
        client = http.client.HTTPConnection("127.0.0.1", self.shop.port, timeout=90)
        client.request("GET", "/metrics", headers={"Authorization": f"Bearer {token}"})
        answer = client.getresponse()
        return answer.status, answer.read().decode()

    def figures(self, name: str) -> dict[tuple[str, ...], float]:
        """Return what is exposed by that name: labels -> value."""
        return {
            tuple(sample.labels.values()): sample.value
            for family in text_string_to_metric_families(self.metrics()[1])
            for sample in family.samples
            if sample.name == name
        }

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.shop.said().splitlines() if line.startswith("{")]


@pytest.fixture(scope="module")
def seen() -> Iterator[Seen]:
    """A shop that everything is switched on in, and that somebody bought something from."""
    missing = [name for name in ("bash", "curl", "python3") if shutil.which(name) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} is not installed")
    with temporary_folder() as folder, Collector() as collector:
        environment = {
            "METRICS_TOKEN": TOKEN,
            "METRICS_CACHE_SECONDS": "0",
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server.server_port}",
            "OTEL_BSP_SCHEDULE_DELAY": "200",
            "OTEL_BLRP_SCHEDULE_DELAY": "200",
        }
        shop = Shop(folder / "shop", command=(sys.executable, "src/manage.py", "run"), environment=environment)
        try:
            shop.start()
            done = subprocess.run(
                ["bash", "scripts/test_api.sh"],
                cwd=ROOT, env=shop.variables, capture_output=True, text=True, timeout=SECONDS, check=False,
            )  # fmt: skip
            assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{shop.said()}"
            yield Seen(shop, collector)
        finally:
            shop.end()


class TestLog:
    def test_names_requests_customers_and_orders(self, seen: Seen) -> None:
        asked = [line for line in seen.lines() if line["event"] == "request"]

        made = [line for line in asked if line["status"] == 201]
        placed = [line for line in made if line["path"] == "/api/v1/orders"]
        paid = [line for line in made if line["path"] == "/api/v1/payments"]
        assert placed
        assert paid
        for line in (*placed, *paid):
            assert {"request_id", "user_id", "trace_id", "ms"} <= line.keys()
        # A repeated request is answered with the first answer, and looks into nothing.
        for lines in (placed, paid):
            assert {line["order_id"] for line in lines if "order_id" in line}

    def test_s41_holds_nothing_personal_and_no_secret(self, seen: Seen) -> None:
        lines = [line for line in seen.shop.said().splitlines() if line.startswith("{")]

        assert len(lines) > 30
        assert [line for line in lines if "@" in line or SECRET.search(line)] == []
        assert [line for line in lines if any(told in line for told in PERSONAL)] == []

    def test_reaches_the_collector_with_its_ids(self, seen: Seen) -> None:
        written = {line["request_id"]: line for line in seen.lines() if line["event"] == "request"}
        wait_for(lambda: {line.facts.get("request_id") for line in list(seen.collector.lines)} >= written.keys(), 60)

        told = [line for line in seen.collector.lines if line.body == "request"]
        assert len({line.resource["process.pid"] for line in told}) > 1
        for line in told:
            assert line.trace == written[line.facts["request_id"]]["trace_id"]
            assert line.span

    def test_is_json_but_for_the_greeting(self, seen: Seen) -> None:
        for line in seen.lines():
            assert {"event", "level", "timestamp", "logger"} <= line.keys()


class TestMetrics:
    def test_are_not_there_for_strangers(self, seen: Seen) -> None:
        status, body = seen.metrics("another")

        assert status == 404
        assert "nexus_" not in body

    def test_tell_of_the_journey_whichever_process_was_asked(self, seen: Seen) -> None:
        orders, payments = seen.figures("nexus_orders_total"), seen.figures("nexus_payments_total")

        assert orders[("placed",)] >= 2
        assert orders[("delivered",)] >= 1
        assert payments[("sandbox", "captured")] >= 1
        assert seen.figures("nexus_carts_opened_total")[()] >= 2
        assert seen.figures("nexus_http_requests_total")[("POST", "api/v1/orders", "201")] >= 2
        assert seen.figures("nexus_http_statements_total")[("api/v1/orders",)] > 0
        assert seen.figures("nexus_mails_total")[("sent",)] >= 3
        assert seen.figures("nexus_deliveries_total")[("notifications.handlers.confirm_order", "done")] >= 2
        assert seen.figures("nexus_database_up")[()] == 1

    def test_tell_that_each_queue_is_served(self, seen: Seen) -> None:
        served = {(queue,) for queue in QUEUES}
        wait_for(lambda: seen.figures("nexus_heartbeat_age_seconds").keys() >= served, 120)

        assert seen.figures("nexus_queue_age_seconds").keys() >= served | {("mail",), ("outbox",)}

    def test_are_as_prometheus_wants_them(self, seen: Seen) -> None:
        program = shutil.which("promtool")
        if program is None:
            pytest.skip("promtool is not installed")

        done = subprocess.run(
            [program, "check", "metrics"], input=seen.metrics()[1], text=True, capture_output=True, check=False
        )

        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


class TestTraces:
    def test_one_of_a_checkout_reaches_its_mail(self, seen: Seen) -> None:
        names = ("POST api/v1/orders", "notifications.handlers.confirm_order", "send order_placed")
        wait_for(lambda: seen.collector.traces_with(*names), 60)

        for spans in seen.collector.traces_with(*names):
            by_name = {span.name: span for span in spans}
            web, worker = by_name[names[0]], by_name[names[2]]
            assert web.parent == ""
            assert worker.pid != web.pid
            statements = [span for span in spans if span.facts.get("db.system.name") == "postgresql"]
            assert {span.pid for span in statements} == {web.pid, worker.pid}

    def test_messages_to_workers_take_them_along(self, seen: Seen) -> None:
        """Whose messages the clock was faster to send are not in the trace of their request: of many, some are."""
        wait_for(lambda: _of_requests(seen.collector.traces_with("run core.tasks.deliver")), 60)

    def test_hold_nothing_personal(self, seen: Seen) -> None:
        told = " ".join(f"{span.name} {span.facts}" for span in seen.collector.spans)

        assert not re.search(r"\w@\w", told)
        assert not any(personal in told for personal in PERSONAL)


def _of_requests(traces: list[list[Span]]) -> list[Span]:
    return [span for spans in traces for span in spans if span.name.startswith("POST api/") and not span.parent]
