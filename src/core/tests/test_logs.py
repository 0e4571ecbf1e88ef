from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
import structlog
from django.http import HttpRequest

from core import logs


def written(record: logging.LogRecord) -> dict[str, Any]:
    (formatter,) = {
        handler.formatter
        for handler in logging.getLogger().handlers
        if isinstance(handler.formatter, structlog.stdlib.ProcessorFormatter)
    }
    line: dict[str, Any] = json.loads(formatter.format(record))
    return line


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Leave no logger that writes to what a test captures."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


class TestConfigure:
    def setup_method(self) -> None:
        logs.configure("WARNING")

    def test_names_the_request_that_is_being_answered(self) -> None:
        with structlog.contextvars.bound_contextvars(request_id="r-12345678"):
            line = written(logging.makeLogRecord({"msg": "slow", "levelname": "WARNING"}))

        assert (line["event"], line["request_id"]) == ("slow", "r-12345678")

    def test_names_the_request_that_django_speaks_of_afterwards(self) -> None:
        request = HttpRequest()
        request.request_id = "r-12345678"  # type: ignore[attr-defined]

        line = written(logging.makeLogRecord({"msg": "Service Unavailable", "request": request}))

        assert line["request_id"] == "r-12345678"

    def test_names_none_where_there_is_none(self) -> None:
        assert "request_id" not in written(logging.makeLogRecord({"msg": "a worker's"}))


class TestLines:
    def lines(self, capsysbinary: pytest.CaptureFixture[bytes]) -> list[dict[str, Any]]:
        return [json.loads(line) for line in capsysbinary.readouterr().err.splitlines()]

    def test_are_json_with_what_is_bound(self, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
        logs.configure("INFO")
        with structlog.contextvars.bound_contextvars(request_id="r-12345678"):
            structlog.get_logger("tests.lines").info("sold", order="N-1", at=UUID(int=1))

        [line] = self.lines(capsysbinary)
        assert line.pop("timestamp").endswith("Z")
        assert line == {
            "event": "sold",
            "level": "info",
            "logger": "tests.lines",
            "request_id": "r-12345678",
            "order": "N-1",
            "at": str(UUID(int=1)),
        }

    def test_leave_out_what_is_below_the_level(self, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
        logs.configure("WARNING")
        log = structlog.get_logger("tests.levels")
        log.info("much")
        log.warning("little")

        assert [line["event"] for line in self.lines(capsysbinary)] == ["little"]

    @pytest.mark.parametrize("odd", ["half \ud800", 2**70, b"bytes", {1: "a"}])
    def test_hold_whatever_they_are_told(self, odd: Any, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
        logs.configure("INFO")
        structlog.get_logger("tests.odd").info("odd", value=odd)

        assert [line["event"] for line in self.lines(capsysbinary)] == ["odd"]

    def test_tell_where_it_broke(self, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
        logs.configure("INFO")
        try:
            raise ValueError("so it is")
        except ValueError:
            structlog.get_logger("tests.broken").exception("broken")

        [line] = self.lines(capsysbinary)
        assert "ValueError: so it is" in line["exception"]
