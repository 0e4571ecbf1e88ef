"""The log as a collector gets it, by OTLP over HTTP."""

from __future__ import annotations

import json
import logging
import os
import runpy
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import structlog
from django.test import Client
from opentelemetry.sdk.trace import TracerProvider
from pytest_django import Settings

from config.seeing import log as seeing
from config.seeing import tracing as spans
from config.settings import seeing as seeing_settings
from config.settings.env import SRC
from config.tests.collecting import Collector, Line, facts_of
from config.version import VERSION
from core import logs, middleware, tracing

WITHOUT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "", "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "", "OTEL_LOGS_EXPORTER": ""}
# A process that leaves a line before it forks, as web servers and workers do; its children write one each.
FORKS = """
import multiprocessing, os, sys
import django, structlog
from celery.signals import worker_process_shutdown
django.setup()
log = structlog.get_logger("tests.forks")
log.info("before")
if not (forked := os.fork()):
    log.info("forked")
    sys.exit()
os.waitpid(forked, 0)
if not (forked := os.fork()):
    log.info("forked by a worker")
    worker_process_shutdown.send(None)
    os._exit(0)
os.waitpid(forked, 0)
child = multiprocessing.get_context("fork").Process(target=log.info, args=("forked by multiprocessing",))
child.start()
child.join()
log.info("after")
"""


@pytest.fixture
def collector(settings: Settings) -> Iterator[Collector]:
    with Collector() as made:
        settings.OTEL_EXPORTER_OTLP_LOGS_ENDPOINT = made.endpoint
        settings.OTEL_BLRP_SCHEDULE_DELAY = 1
        yield made


@pytest.fixture
def sender() -> seeing.Sender:
    return seeing.Sender()


@pytest.fixture
def sent(
    collector: Collector, sender: seeing.Sender, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], list[Line]]]:
    """Send the log to the collector; what is yielded ends that, and returns what arrived."""
    before = structlog.get_config()
    logs.configure("INFO", senders=[sender.take])
    monkeypatch.setattr(
        middleware, "log", structlog.get_logger("nexus.request")
    )  # the one there keeps what it was told

    def end() -> list[Line]:
        sender.end()
        return collector.lines

    yield end
    end()
    structlog.configure(**before)
    logs.configure("INFO")
    structlog.configure(**before)


class TestLines:
    @pytest.mark.django_db
    def test_of_requests_arrive_with_their_ids(self, sent: Callable[[], list[Line]]) -> None:
        Client().post("/api/v1/cart/items", headers={"X-Request-ID": "r-12345678"})

        [line] = [line for line in sent() if line.body == "request"]
        assert (line.facts["request_id"], line.facts["path"]) == ("r-12345678", "/api/v1/cart/items")
        assert isinstance(line.facts["status"], int)
        assert (line.resource["service.name"], line.resource["service.version"]) == ("nexus", VERSION)
        assert line.resource["process.pid"] == os.getpid()

    def test_name_the_span_that_they_were_written_in(
        self, sent: Callable[[], list[Line]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(spans, "_provider", TracerProvider)
        log = structlog.get_logger("tests.spans")
        tracing.keep_in(spans.Spans())
        try:
            with tracing.span("a sale"):
                here = tracing.here()
                log.info("inside")
            log.info("outside")
        finally:
            tracing.keep_in(None)

        inside, outside = sent()
        assert here.split("-")[1:3] == [inside.trace, inside.span]
        assert (outside.trace, outside.span) == ("", "")

    def test_are_those_of_standard_error(
        self, sender: seeing.Sender, sent: Callable[[], list[Line]], capsysbinary: pytest.CaptureFixture[bytes]
    ) -> None:
        logs.configure("INFO", senders=[sender.take])
        structlog.get_logger("tests.same").warning("mail to ada@example.com", order="N-1", count=2, share=0.5)
        written = json.loads(capsysbinary.readouterr().err)

        [line] = sent()

        assert line.severity == written.pop("level") == "warning"
        assert line.logger == written.pop("logger")
        assert line.body == written.pop("event") == "mail to [e-mail]"
        assert written.pop("timestamp")
        assert line.facts == written

    def test_of_other_libraries_arrive_but_for_what_the_sender_says(self, sent: Callable[[], list[Line]]) -> None:
        for name in ("another.library", "opentelemetry.exporter", "urllib3.connectionpool"):
            logging.getLogger(name).error("no luck with %s", name)

        [line] = sent()

        assert (line.body, line.severity) == ("no luck with another.library", "error")

    @pytest.mark.parametrize(
        ("odd", "told"),
        [
            ("half \ud800", "half ?"),
            (2**70, str(2**70)),
            (-(2**63), -(2**63)),
            (b"bytes", "b'bytes'"),
            (UUID(int=1), str(UUID(int=1))),
            (True, True),
            (None, None),
        ],
    )
    def test_hold_whatever_they_are_told(self, odd: Any, told: Any, sent: Callable[[], list[Line]]) -> None:
        structlog.get_logger("tests.odd").info(f"odd {odd}", value=odd, deep=[{1: odd}])

        [line] = sent()
        assert line.body == f"odd {odd}".replace("\ud800", "?")
        assert line.facts["value"] == told
        [[inner]] = [list(each.kvlist_value.values) for each in line.facts["deep"].values]
        assert facts_of([inner]) == {"1": told}


class TestACollector:
    def test_that_does_not_answer_holds_nobody_up(
        self, collector: Collector, sent: Callable[[], list[Line]], settings: Settings
    ) -> None:
        settings.OTEL_BLRP_MAX_QUEUE_SIZE, settings.OTEL_BLRP_MAX_EXPORT_BATCH_SIZE = 3, 1
        collector.opened.clear()
        log = structlog.get_logger("tests.away")

        for number in range(10):
            log.info("a line", number=number)
        collector.opened.set()

        arrived = sent()
        lost = sum(line.facts["count"] for line in arrived if line.body == "lines were not sent")
        numbers = [line.facts["number"] for line in arrived if line.body == "a line"]
        assert lost >= 6
        assert len(numbers) + lost == 10
        assert numbers == sorted(numbers)

    @pytest.mark.django_db
    def test_that_refuses_breaks_no_request_and_is_told_what_it_missed(
        self, collector: Collector, sent: Callable[[], list[Line]], settings: Settings
    ) -> None:
        settings.OTEL_BLRP_MAX_EXPORT_BATCH_SIZE = 1
        collector.statuses = [400]

        answers = [Client().get("/api/v1/me", headers={"X-Request-ID": f"r-1234567{number}"}) for number in (1, 2)]

        assert [answer.status_code for answer in answers] == [401, 401]
        request, told = sent()
        assert request.facts["request_id"] == "r-12345672"
        assert (told.body, told.facts["count"]) == ("lines were not sent", 1)

    def test_that_is_not_there_breaks_nothing(
        self, sent: Callable[[], list[Line]], settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.OTEL_EXPORTER_OTLP_LOGS_ENDPOINT = "http://127.0.0.1:1/v1/logs"
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.1")

        structlog.get_logger("tests.gone").info("a line")

        assert sent() == []


class TestProcesses:
    def test_send_what_they_wrote_when_they_end_forks_too(self, collector: Collector, tmp_path: Path) -> None:
        environment = {
            "DJANGO_SETTINGS_MODULE": "config.settings.test",
            "PYTHONPATH": str(SRC),
            "NEXUS_DATA": str(tmp_path),
            "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": collector.endpoint,
            "OTEL_BLRP_SCHEDULE_DELAY": "3600000",
        }

        done = subprocess.run(
            [sys.executable, "-c", FORKS], env=os.environ | environment, capture_output=True, timeout=120, check=False
        )

        assert done.returncode == 0, done.stderr
        assert sorted(collector.bodies) == [
            "after", "before", "forked", "forked by a worker", "forked by multiprocessing",
        ]  # fmt: skip
        pids = {line.body: line.resource["process.pid"] for line in collector.lines}
        assert pids["before"] == pids["after"]
        assert len(set(pids.values())) == 4


class TestSettings:
    @pytest.mark.parametrize(
        ("environment", "endpoint"),
        [
            ({}, ""),
            ({"OTEL_EXPORTER_OTLP_ENDPOINT": "https://collector:4318/"}, "https://collector:4318/v1/logs"),
            ({"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "https://logs/otlp"}, "https://logs/otlp"),
            (
                {
                    "OTEL_EXPORTER_OTLP_ENDPOINT": "https://collector:4318",
                    "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "https://logs/otlp",
                },
                "https://logs/otlp",
            ),
            ({"OTEL_EXPORTER_OTLP_ENDPOINT": "https://collector:4318", "OTEL_LOGS_EXPORTER": "none"}, ""),
        ],
    )
    def test_send_where_the_environment_says(
        self, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], endpoint: str
    ) -> None:
        for name, value in (WITHOUT | environment).items():
            monkeypatch.setenv(name, value)

        told = runpy.run_path(seeing_settings.__file__)

        assert told["OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"] == endpoint
        assert bool(told["LOG_SENDERS"]) == bool(endpoint)
        traced = "config.seeing.tracing.switch_on" in told["SEEING"]
        assert traced == bool(environment.get("OTEL_EXPORTER_OTLP_ENDPOINT"))
