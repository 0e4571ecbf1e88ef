from __future__ import annotations

import json
import logging
from typing import Any

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
