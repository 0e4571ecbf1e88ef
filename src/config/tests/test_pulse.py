from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from config import pulse
from config.certifying import certify
from config.web_gunicorn import tls_context

NOW = 1_800_000_000.0


@pytest.fixture(autouse=True)
def sign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A container of its own."""
    path = tmp_path / "nexus-role"
    monkeypatch.setattr(pulse, "SIGN", path)
    return path


@contextmanager
def answering(tls: Path | None = None) -> Iterator[int]:
    """A web process that says whether it is alive by its address; by TLS, with what is in a folder."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/healthz" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    if tls is not None:
        context = tls_context(str(tls / "web" / "certificate.pem"), str(tls / "web" / "key.pem"))
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


@pytest.fixture
def port() -> Iterator[int]:
    with answering() as found:
        yield found


@pytest.fixture
def tls(tmp_path: Path) -> Path:
    """What two shops have made for themselves."""
    for name in ("ours", "theirs"):
        certify(tmp_path / name, names=["web"], at=datetime.now(UTC))
    return tmp_path


class TestIsAlive:
    def test_is_not_before_it_begins(self, port: int) -> None:
        assert not pulse.is_alive(port=port, now=NOW)

    def test_asks_a_web_process(self, port: int) -> None:
        pulse.announce("web")

        assert pulse.is_alive(port=port, now=NOW)
        assert not pulse.is_alive(port=9, now=NOW)

    def test_asks_by_tls_who_shows_that_certificate_or_one_of_its_ca(self, tls: Path) -> None:
        pulse.announce("web")
        ours, theirs = (str(tls / name / "web" / "certificate.pem") for name in ("ours", "theirs"))
        with answering(tls / "ours") as port:
            assert pulse.is_alive(port=port, now=NOW, certificate=ours)
            assert not pulse.is_alive(port=port, now=NOW, certificate=theirs)
            assert not pulse.is_alive(port=port, now=NOW)
            certify(tls / "ours", names=["another"], at=datetime.now(UTC))
            assert pulse.is_alive(port=port, now=NOW, certificate=ours)

    @pytest.mark.parametrize("role", ["worker", "beat"])
    @pytest.mark.parametrize(("seconds", "alive"), [(0, True), (pulse.SECONDS_BETWEEN - 1, True), (121, False)])
    def test_looks_for_signs_of_the_others(self, sign: Path, role: str, seconds: float, alive: bool) -> None:
        pulse.announce(role)
        os.utime(sign, (NOW, NOW))

        assert pulse.is_alive(port=9, now=NOW + seconds) is alive

    def test_counts_each_sign(self, sign: Path) -> None:
        pulse.announce("worker")
        os.utime(sign, (NOW, NOW))

        pulse.beat_pulse(sender=object())

        assert sign.read_text() == "worker"
        assert pulse.is_alive(port=9, now=time.time())
