from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from uuid import UUID

import pytest
import structlog
from django.http import HttpRequest
from django.test import Client
from structlog.testing import capture_logs

from core import logs
from core.ids import new_id


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
        with logs.about(request_id="r-12345678"):
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
        with logs.about(request_id="r-12345678"):
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

    def test_hold_nothing_personal(self, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
        logs.configure("INFO")
        said = "ada@example.com\nDETAIL:  Key (name)=(Ada Lovelace) exists."
        try:
            raise ValueError(said)
        except ValueError as error:
            structlog.get_logger("tests.personal").exception(
                "mail to ada@example.com", error=error, to={"ada@example.com": ["4242 4242 4242 4242"]}, count=1
            )

        [line] = self.lines(capsysbinary)
        assert (line["event"], line["to"], line["count"]) == ("mail to [e-mail]", {"[e-mail]": ["[card]"]}, 1)
        assert line["error"] == "[e-mail]\nDETAIL: […]"
        assert "Lovelace" not in line["exception"]
        assert "ada@" not in line["exception"]

    def test_hold_nothing_personal_of_other_libraries(self) -> None:
        logs.configure("INFO")

        line = written(logging.makeLogRecord({"msg": "sent to %s", "args": ("ada@example.com",)}))

        assert line["event"] == "sent to [e-mail]"

    def test_are_shown_to_watchers_with_their_exceptions(self, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
        seen: list[Any] = []

        def watch(_logger: object, _method: str, event: Any) -> Any:
            seen.append(event.get("exc_info"))
            return event

        logs.configure("INFO", watchers=[watch])
        error = ValueError("so it is")
        structlog.get_logger("tests.watched").error("broken", exc_info=error)

        assert seen == [error]


class TestAbout:
    def test_tells_what_is_noted_inside_and_not_afterwards(self) -> None:
        with logs.about(request_id="r-1") as known:
            logs.note(user_id="u-1")
            with logs.about(delivery_id="d-1"):
                logs.note(order_id="o-1")
                inside = dict(logs._known.get() or {})
            assert known == {"request_id": "r-1", "user_id": "u-1"}

        assert inside == {"request_id": "r-1", "user_id": "u-1", "delivery_id": "d-1", "order_id": "o-1"}
        assert logs._known.get() is None

    def test_notes_nothing_outside(self) -> None:
        logs.note(user_id="u-1")

        with logs.about() as known:
            assert known == {}


@pytest.mark.django_db
class TestRequestLine:
    """Of a request: who asked, and what about."""

    def line_of(self, ask: Callable[[Client], Any]) -> Mapping[str, Any]:
        with capture_logs([logs._add_known]) as lines:
            ask(Client())
        [line] = [line for line in lines if line["event"] == "request"]
        return line

    def test_names_what_the_address_names(self) -> None:
        order = new_id()

        line = self.line_of(lambda client: client.get(f"/api/v1/orders/{order}?token=secret"))

        assert (line["order_id"], line["status"]) == (order, 404)
        assert line["path"] == f"/api/v1/orders/{order}"
        assert "user_id" not in line
        assert len(line["request_id"]) == 32

    def test_names_nobody_of_the_request_before(self) -> None:
        logs_of_first = self.line_of(
            lambda client: client.post("/api/v1/cart/items", headers={"X-Request-ID": "first-one"})
        )
        second = self.line_of(lambda client: client.post("/api/v1/cart/items"))

        assert logs_of_first["request_id"] == "first-one"
        assert second["request_id"] != "first-one"

    @pytest.mark.parametrize(
        ("path", "code"), [("/api/v1/me", "core.unauthenticated"), ("/api/v1/products?size=0", "core.malformed")]
    )
    def test_says_why_a_request_is_refused(self, path: str, code: str) -> None:
        line = self.line_of(lambda client: client.get(path))

        assert line["code"] == code
