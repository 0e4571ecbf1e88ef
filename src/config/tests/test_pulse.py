from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from config import pulse

NOW = 1_800_000_000.0


@pytest.fixture(autouse=True)
def sign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A container of its own."""
    path = tmp_path / "nexus-role"
    monkeypatch.setattr(pulse, "SIGN", path)
    return path


@pytest.fixture
def port() -> Iterator[int]:
    """A web process that says whether it is alive by its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/healthz" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


class TestIsAlive:
    def test_is_not_before_it_begins(self, port: int) -> None:
        assert not pulse.is_alive(port=port, now=NOW)

    def test_asks_a_web_process(self, port: int) -> None:
        pulse.announce("web")

        assert pulse.is_alive(port=port, now=NOW)
        assert not pulse.is_alive(port=9, now=NOW)

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
