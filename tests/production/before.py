"""Nginx with the shop's configuration before something that notes what it is asked and answers as a test wants."""

from __future__ import annotations

import http.client
import json
import os
import signal
import ssl
import subprocess
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

from config.certifying import certify
from config.web_gunicorn import tls_context
from core import errors
from proxy_conf import values_in, write_configuration
from tests.production.fleet import Answer, make_certificate, nginx_program
from tests.runtime.shop import free_port, wait_for

LIST = "/api/v1/products"
PUBLIC = {"Cache-Control": "public, max-age=0, must-revalidate", "Content-Type": "application/json"}


class Asked(NamedTuple):
    """What reached the shop."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Reply(NamedTuple):
    """What the shop answers."""

    status: int = 200
    headers: dict[str, str] = {}
    body: bytes = b"{}"


class Shop:
    """Stands for the web processes: notes what it is asked, answers what ``answer`` says.

    By TLS, with what ``nexus certify`` left in a folder; without, where there is none.
    """

    def __init__(self, tls: Path | None = None) -> None:
        self.asked: list[Asked] = []
        # Of each request by TLS: its version, and whether the session was begun by another connection.
        self.sessions: list[tuple[str | None, bool | None]] = []
        self.answer: Callable[[Asked], Reply] = lambda _: Reply()
        shop = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                asked = Asked(self.command, self.path, dict(self.headers.items()), body)
                shop.asked.append(asked)
                if isinstance(self.connection, ssl.SSLSocket):
                    shop.sessions.append((self.connection.version(), self.connection.session_reused))
                status, headers, content = shop.answer(asked)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if status != 304:
                    self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if self.command != "HEAD" and status != 304:
                    self.wfile.write(content)

            do_GET = do_HEAD = do_POST = do_PATCH = do_PUT = do_DELETE = do  # noqa: N815 - the server's names

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        if tls is not None:
            context = tls_context(str(tls / "web" / "certificate.pem"), str(tls / "web" / "key.pem"))
            self.server.socket = context.wrap_socket(
                self.server.socket, server_side=True, do_handshake_on_connect=False
            )
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def last(self) -> Asked:
        return self.asked[-1]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class Door:
    """A Nginx of this machine, as its clients see it."""

    http: int
    https: int
    context: ssl.SSLContext

    def ask(
        self, path: str, *, method: str = "GET", body: bytes | None = None, headers: dict[str, str] | None = None,
        plain: bool = False, client: str = "127.0.0.1",
    ) -> Answer:  # fmt: skip
        """Ask by TLS, or without, from an address of this machine."""
        connection = (
            http.client.HTTPConnection("127.0.0.1", self.http, timeout=90, source_address=(client, 0))
            if plain
            else http.client.HTTPSConnection(
                "127.0.0.1", self.https, timeout=90, context=self.context, source_address=(client, 0)
            )
        )
        with closing(connection):
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())


@dataclass
class Proxy(Door):
    """Nginx before a ``Shop``; ``values`` are those of the templates."""

    folder: Path
    values: dict[str, str] = field(default_factory=dict)
    shop: Shop = field(init=False)

    def __post_init__(self) -> None:
        certify(self.folder / "tls", names=["web"], at=datetime.now(UTC))
        self.shop = Shop(self.folder / "tls")
        self.http, self.https, self.health = free_port(), free_port(), free_port()
        make_certificate(self.folder)
        (self.folder / "media").mkdir()
        values = values_in(self.folder, http=self.http, https=self.https, shops={f"127.0.0.1:{self.shop.port}": ""})
        values["NEXUS_HEALTH"] = f"127.0.0.1:{self.health}"
        first = {"NEXUS_MAIN": f"daemon off; {'user root;' if os.geteuid() == 0 else ''}"}
        self.conf = write_configuration(self.folder, values | first | self.values)
        self.command = [nginx_program(), "-e", str(self.folder / "error.log"), "-c", str(self.conf)]
        self.context = ssl.create_default_context(cafile=str(self.folder / "certificate.pem"))
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Proxy:
        """Start it, and return when it listens."""
        self.process = subprocess.Popen(self.command, start_new_session=True)
        wait_for(self._listens)
        return self

    def stop(self) -> None:
        """End both."""
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)
        self.shop.close()

    @property
    def door(self) -> str:
        """Where it is told that what it keeps is old."""
        return f"http://127.0.0.1:{self.health}/forget"

    def noted(self, request_id: str) -> dict[str, Any]:
        """Return the line of the log about a request, once it is written."""
        log = self.folder / "access.log"

        def found() -> list[dict[str, Any]]:
            lines = [json.loads(line) for line in log.read_text().splitlines()]
            return [line for line in lines if line["request_id"] == request_id]

        wait_for(found)
        return found()[-1]

    def _listens(self) -> bool:
        try:
            return self.ask("/", plain=True).status == 308
        except OSError:
            return False


def assert_problem(answer: Answer, error: type[errors.DomainError]) -> None:
    """It is worded as the shop words it."""
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    told = answer.json
    assert (answer.status, told["status"]) == (error.status, error.status)
    assert (told["code"], told["title"], told["detail"]) == (error.code, error.title, error.title)
    assert told["type"] == f"/docs/problems/{error.code}"
    assert told["request_id"] == answer.headers["x-request-id"]
