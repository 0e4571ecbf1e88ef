"""Reports of defects as Sentry gets them: by a server that speaks its protocol."""

from __future__ import annotations

import gzip
import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from typing import Any, ClassVar

import pytest
import sentry_sdk
import structlog
from django.test import Client
from pytest_django import Settings

from config.seeing import defects
from core import logs
from core.api import problems

PERSONAL = "ada@example.com paid by 4242 4242 4242 4242"


class Ingest(BaseHTTPRequestHandler):
    """Takes envelopes in."""

    said: ClassVar[list[bytes]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.said.append(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Sentry:
    """A place to send reports to."""

    def __init__(self, port: int) -> None:
        self.dsn = f"http://public@127.0.0.1:{port}/7"

    def events(self) -> list[dict[str, Any]]:
        sentry_sdk.flush(30)
        found = []
        for envelope in Ingest.said:
            lines = envelope.splitlines()
            found += [json.loads(body) for head, body in pairwise(lines[1:]) if b'"event"' in head]
        return found


@pytest.fixture
def sentry(settings: Settings) -> Iterator[Sentry]:
    Ingest.said.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Ingest)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    made = Sentry(server.server_port)
    settings.SENTRY_DSN = made.dsn
    before = structlog.get_config()
    defects.switch_on()
    logs.configure("INFO", watchers=[defects.report])
    yield made
    sentry_sdk.get_client().close()
    sentry_sdk.get_global_scope().set_client(None)
    structlog.configure(**before)
    logs.configure("INFO")
    structlog.configure(**before)
    server.shutdown()
    server.server_close()


class TestReport:
    def test_tells_what_the_log_tells_as_an_error_with_ids_alone(self, sentry: Sentry) -> None:
        card = "4242424242424242"
        with logs.about(request_id="r-12345678", user_id="u-1", note=PERSONAL):
            try:
                raise ValueError(f"{PERSONAL}\nDETAIL:  Failing row contains ({card}, Ada Lovelace).")
            except ValueError:
                structlog.get_logger("tests.defects").exception("broken", address="1 St James's Square")

        [event] = sentry.events()
        text = json.dumps(event)
        [told] = event["exception"]["values"]
        assert told["type"] == "ValueError"
        assert told["value"] == "[e-mail] paid by [card]\nDETAIL: […]"
        assert told["stacktrace"]["frames"][-1]["function"].startswith("test_tells")
        assert event["tags"] == {"request_id": "r-12345678", "user_id": "u-1"}
        assert event["release"].startswith("nexus@")
        for personal in ("ada@", "4242", "Lovelace", "Square", '"vars"', "REMOTE_ADDR", '"request"'):
            assert personal not in text

    def test_tells_what_the_standard_library_logs(self, sentry: Sentry) -> None:
        try:
            raise KeyError("missing")
        except KeyError:
            logging.getLogger("celery.app.trace").exception("Task failed")

        [event] = sentry.events()
        assert event["exception"]["values"][0]["type"] == "KeyError"

    def test_tells_of_one_defect_once(self, sentry: Sentry) -> None:
        log = structlog.get_logger("tests.defects.twice")
        try:
            raise KeyError("missing")
        except KeyError as error:
            log.exception("inside")
            log.error("outside", exc_info=error)  # noqa: TRY400

        assert len(sentry.events()) == 1

    def test_is_silent_about_what_is_no_defect(self, sentry: Sentry) -> None:
        log = structlog.get_logger("tests.defects.quiet")
        log.error("said without an exception")
        log.warning("known", exc_info=KeyError("missing"))

        assert sentry.events() == []

    @pytest.mark.urls("core.tests.urls")
    @pytest.mark.django_db
    def test_tells_of_a_request_that_breaks(self, sentry: Sentry, monkeypatch: pytest.MonkeyPatch) -> None:
        # A logger keeps how it was configured when it was first used.
        monkeypatch.setattr(problems, "log", structlog.get_logger("core.api.problems"))
        client = Client(raise_request_exception=False)

        response = client.get("/api/v1/errors/bug?token=secret", headers={"X-Cart-Token": "guest-token"})

        [event] = sentry.events()
        assert response.status_code == 500
        assert event["exception"]["values"][-1]["type"] == "ZeroDivisionError"
        assert event["tags"]["request_id"] == response.headers["X-Request-ID"]
        assert "guest-token" not in json.dumps(event)
        assert "token=secret" not in json.dumps(event)
