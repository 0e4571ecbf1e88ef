"""A shop in production's parts, on the test's own database, each with a clock that goes wrong."""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from django.conf import settings
from django.db import connection

from tests.journeys.conftest import sender
from tests.runtime.shop import OURS, free_port, wait_for

SRC = Path(__file__).parents[2] / "src"
_CLOCKWORK = Path(__file__).with_name("clockwork")
_LIBRARIES = ("/usr/lib/*/faketime/libfaketime.so.1", "/usr/lib*/faketime/libfaketime.so.1")
_WEB = "-m gunicorn config.wsgi --threads 4 --bind 127.0.0.1:{port}"
_WORKER = "-m celery -A config worker --pool=solo --without-gossip --without-mingle --loglevel=WARNING"

# A machine that stands still for a while fails nobody.
_PATIENCE = 90  # seconds

# Each with a message queue of its own.
_BROKERS = {"shop": 1, "gateway": 2}


@dataclass(frozen=True)
class Clocks:
    """By how many minutes each is ahead of the database's."""

    web: int = 0
    worker: int = 0
    gateway: int = 0

    def __str__(self) -> str:
        return f"web {self.web:+} worker {self.worker:+} gateway {self.gateway:+}"


@dataclass
class SkewedShop:
    """The shop's web process and worker, and the gateway's, which share nothing with it but the database."""

    clocks: Clocks
    folder: Path
    redis: str
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.library = faketime()
        self.port, self.gateway_port = free_port(), free_port()
        self.brokers = {name: f"{self.redis.removesuffix('/0')}/{number}" for name, number in _BROKERS.items()}

    def start(self) -> SkewedShop:
        """Start all, and return when they answer."""
        self._start("web", self.clocks.web, _WEB.format(port=self.port), "shop")
        self._start("gateway", self.clocks.gateway, _WEB.format(port=self.gateway_port), "gateway")
        self._start("worker", self.clocks.worker, _WORKER, "shop")
        self._start("gateway-worker", self.clocks.gateway, _WORKER, "gateway")
        wait_for(lambda: self._answers(self.port) and self._answers(self.gateway_port), 90)
        return self

    def end(self) -> None:
        """Leave nothing."""
        for process in self.running:
            # With those that it started: what one of them still had to do, it would do in the next test's shop.
            os.killpg(process.pid, signal.SIGKILL)
        for process in self.running:
            process.wait()

    def run(self, task: str, *, at: str = "shop") -> None:
        """Have a worker run a task soon: the clock's work."""
        with sender(self.brokers[at]) as app:
            app.send_task(task, ignore_result=True)

    def ask(self, method: str, path: str, body: Any = None, *, at: str = "shop", **headers: str) -> httpx.Response:
        """Ask the shop something, or the other process that answers requests."""
        port = self.port if at == "shop" else self.gateway_port
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx.request(method, f"http://127.0.0.1:{port}{path}", json=body, headers=sent, timeout=_PATIENCE)

    def mails(self) -> list[str]:
        """Return the mails that went out, as they were written."""
        return [mail.read_text() for mail in (self.folder / "mail").glob("*.eml")]

    def _answers(self, port: int) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    def _start(self, name: str, minutes: int, command: str, broker: str) -> None:
        own = {
            "LD_PRELOAD": str(self.library),
            "FAKETIME": f"{60 * minutes:+d}",
            # Time-outs are measured by the clock that nobody sets.
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "PYTHONPATH": str(_CLOCKWORK),
            "BROKER_URL": self.brokers[broker],
        }
        with (self.folder / f"{name}.log").open("ab") as output:
            self.running.append(
                subprocess.Popen(
                    [sys.executable, *command.split()],
                    cwd=SRC,
                    env=self._environment() | own,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                )
            )

    def _environment(self) -> dict[str, str]:
        database = connection.settings_dict
        key_id, key = settings.FIELD_KEYS[0]
        return {name: value for name, value in os.environ.items() if name not in OURS} | {
            "DJANGO_SETTINGS_MODULE": "config.settings.local",
            "NEXUS_DATA": str(self.folder),
            "SECRET_KEY": settings.SECRET_KEY,
            "FIELD_KEYS": f"{key_id}:{base64.b64encode(key).decode()}",
            "DATABASE_URL": f"postgres://postgres@:5432/{quote(database['HOST'], safe='')}/{database['NAME']}",
            "REDIS_URL": f"{self.redis.removesuffix('/0')}/5",
            "PORT": str(self.port),
            "SANDBOX_URL": f"http://127.0.0.1:{self.gateway_port}",
            "SANDBOX_SLOW_SECONDS": "0",
            "THROTTLES": "off",
            "UNPAID_ORDER_HOURS": "0.25",
        }


def faketime() -> Path:
    """Return the library that sets a process's clock; without it, what needs it is skipped."""
    found = [path for pattern in _LIBRARIES for path in Path("/").glob(pattern[1:])]
    if not found:
        pytest.skip("libfaketime is not installed")
    return found[0]
