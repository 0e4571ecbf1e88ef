"""Mail by Mailgun's API: against a server that checks what Mailgun documents, and keeps what it took."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

import pytest
from django.conf import settings as django_settings

from notifications import services
from notifications.domain import Kind
from notifications.tests.factories import NOON, make_mail

KEY = "key-of-the-api"


class Mailgun(ThreadingHTTPServer):
    """``POST /v3/<domain>/messages`` with Basic authentication and a form; answers ``{"id", "message"}``."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Asked)
        self.taken: list[dict[str, str]] = []
        self.answers: list[int] = []


class _Asked(BaseHTTPRequestHandler):
    server: Mailgun

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        form = _form(self.headers["Content-Type"], body)
        status = self.server.answers.pop(0) if self.server.answers else self._judge(form)
        if status == 200:
            self.server.taken.append(form)
        answer = {"id": form.get("h:Message-Id", ""), "message": "Queued. Thank you."} if status == 200 else {
            "message": f"'to' parameter is not a valid address: {form.get('to')}"
        }  # fmt: skip
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def _judge(self, form: dict[str, str]) -> int:
        key = base64.b64encode(f"api:{KEY}".encode()).decode()
        if self.headers.get("Authorization") != f"Basic {key}":
            return 401
        if self.path != "/v3/mail.shop.example/messages":
            return 404
        return 200 if {"from", "to", "subject", "text"} <= form.keys() else 400

    def log_message(self, *_: Any) -> None:
        return


def _form(kind: str, body: bytes) -> dict[str, str]:
    if kind.startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(body.decode(), strict_parsing=True))
    parsed: Message = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + body)
    parts: Any = parsed.get_payload()
    return {
        str(part.get_param("name", header="content-disposition")): part.get_payload(decode=True).decode()
        for part in parts
    }


@pytest.fixture
def mailgun(settings: Any) -> Iterator[Mailgun]:
    server = Mailgun()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    settings.EMAIL_BACKEND = "anymail.backends.mailgun.EmailBackend"
    settings.ANYMAIL = django_settings.ANYMAIL | {
        "MAILGUN_API_KEY": KEY,
        "MAILGUN_SENDER_DOMAIN": "mail.shop.example",
        "MAILGUN_API_URL": f"http://127.0.0.1:{server.server_address[1]}/v3",
    }
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.django_db
class TestMailgun:
    def test_takes_both_bodies_under_our_own_message_id(self, mailgun: Mailgun) -> None:
        mail = make_mail(unsubscribe_url="https://shop.example/unsubscribe/x", kind=Kind.WELCOME.value)

        left = services.send_mail(mail_id=mail.pk, clock=lambda: NOON)

        (taken,) = mailgun.taken
        assert left
        assert (taken["to"], taken["subject"]) == ("ada@example.com", "We have your order")
        assert (taken["text"], taken["html"]) == ("Thank you.\n", "<p>Thank you.</p>")
        assert taken["h:Message-Id"] == f"<{mail.pk}@localhost>"
        assert taken["h:List-Unsubscribe"] == "<https://shop.example/unsubscribe/x>"

    def test_r30_what_fails_is_sent_later_and_nothing_else_is_tried_meanwhile(self, mailgun: Mailgun) -> None:
        mailgun.answers = [503]
        mail, other = make_mail(), make_mail()

        first = services.send_waiting_mail(clock=lambda: NOON)

        mail.refresh_from_db()
        other.refresh_from_db()
        assert (first, len(mailgun.taken)) == (0, 0)
        assert (mail.state, mail.last_error, other.attempts) == ("queued", "Mailgun: 503", 0)
        services.send_waiting_mail(clock=lambda: mail.due_at)
        assert len(mailgun.taken) == 2

    @pytest.mark.parametrize("status", [401, 429])
    def test_a_wrong_key_or_a_limit_is_no_fault_of_the_mail(self, mailgun: Mailgun, status: int) -> None:
        mailgun.answers = [status]
        mail = make_mail()

        services.send_mail(mail_id=mail.pk, clock=lambda: NOON)

        mail.refresh_from_db()
        assert (mail.state, mail.last_error) == ("queued", f"Mailgun: {status}")

    def test_what_it_refuses_is_given_up_and_the_next_goes_out(self, mailgun: Mailgun) -> None:
        mailgun.answers = [400]
        mail, other = make_mail(), make_mail()

        sent = services.send_waiting_mail(clock=lambda: NOON)

        mail.refresh_from_db()
        other.refresh_from_db()
        assert sent == 1
        assert (mail.state, mail.last_error, other.state) == ("failed", "Mailgun: 400", "sent")

    def test_r30_nobody_there_is_a_server_away(self, mailgun: Mailgun, settings: Any) -> None:
        settings.ANYMAIL = settings.ANYMAIL | {"MAILGUN_API_URL": "http://127.0.0.1:9/v3"}
        mail, other = make_mail(), make_mail()

        services.send_waiting_mail(clock=lambda: NOON)

        mail.refresh_from_db()
        other.refresh_from_db()
        assert (mail.state, mail.attempts, other.attempts) == ("queued", 1, 0)
        assert "ada@" not in mail.last_error
