"""The shop that is measured: a data folder and a port of its own, started as ``make run`` starts it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess  # nosec B404: our own commands, with arguments of ours
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg

from bench.http import Asked, ask
from config import embedded

ROOT = Path(__file__).resolve().parents[2]
OTHERS = (
    "DATABASE_URL",
    "DATABASE_OWNER_URL",
    "REDIS_URL",
    "BROKER_URL",
    "DJANGO_SETTINGS_MODULE",
    "PYTHONDONTWRITEBYTECODE",
)
SECONDS_TO_START = 120.0
SECONDS_TO_STOP = 60.0
SECONDS_FOR_A_COMMAND = 900.0
SECONDS_TO_SETTLE = 120.0


class ShopFailed(Exception):
    """The shop did not do what it was asked, with its last words."""


@dataclass
class Shop:
    """One shop below a temporary folder. ``environment`` is added to ours, such as other settings of the web server."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.data = self.folder / "data"
        self.output = self.folder / "output"
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._database: psycopg.Connection[tuple[Any, ...]] | None = None
        (self.data / "bench").mkdir(parents=True, exist_ok=True)
        # The mark of a loaded demo shop: the benchmark brings its own goods.
        (self.data / "sign-ins.json").write_text("{}")

    @property
    def variables(self) -> dict[str, str]:
        """The environment of everything that belongs to the shop."""
        ours = {"NEXUS_DATA": str(self.data), "PORT": str(self.port), "THROTTLES": "off", "NEXUS_BENCH": "1"}
        ours["PYTHONPYCACHEPREFIX"] = str(self.folder / "bytecode")  # a second start compiles nothing
        return {name: value for name, value in os.environ.items() if name not in OTHERS} | ours | self.environment

    @property
    def process(self) -> psutil.Process:
        """The process above all others."""
        if self._process is None or self._process.poll() is not None:
            raise ShopFailed(f"the shop ended: {self._last_words()}")
        return psutil.Process(self._process.pid)

    def start(self, ready: str = "/healthz") -> float:
        """Start it, and return how many seconds passed until it answered there with 200."""
        began = time.perf_counter()
        with self.output.open("ab") as output:
            self._process = subprocess.Popen(  # nosec B603
                [sys.executable, "src/manage.py", "run"], cwd=ROOT, env=self.variables, stdout=output, stderr=output
            )
        wait_for(lambda: self.process.pid and self.answers(ready), SECONDS_TO_START, "the shop to answer")
        return time.perf_counter() - began

    def stop(self) -> None:
        """End it as Ctrl-C does, and by force if that takes too long."""
        if self._database is not None:
            self._database.close()
            self._database = None
        if self._process is None:
            return
        everything = self._everything()
        self.pause_worker(paused=False)
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(SECONDS_TO_STOP)
        for process in everything:
            with contextlib.suppress(psutil.Error):
                process.kill()
        self._process = None

    @contextlib.contextmanager
    def started_with(self, **variables: str) -> Iterator[None]:
        """Have the block find the shop started with other settings, and what comes after it with its own again."""
        usual = self.environment
        try:
            self._start_again(usual | variables)
            yield
        finally:
            self._start_again(usual)

    def _start_again(self, environment: dict[str, str]) -> None:
        self.stop()
        self.environment = environment
        self.start()

    def manage(self, *words: str) -> str:
        """Run one of the shop's commands beside it, and return what it printed.

        :raises ShopFailed: it exits non-zero
        """
        done = subprocess.run(  # nosec B603
            [sys.executable, "src/manage.py", *words],
            cwd=ROOT,
            env=self.variables,
            capture_output=True,
            text=True,
            timeout=SECONDS_FOR_A_COMMAND,
            check=False,
        )
        if done.returncode != 0:
            raise ShopFailed(f"manage.py {words[0]}: {(done.stderr or done.stdout).strip()[-1500:]}")
        return done.stdout

    def get(self, path: str) -> Any:
        """Return the JSON that stands there.

        :raises ShopFailed: it is refused
        """
        return json.loads(self.get_bytes(path))

    def get_bytes(self, path: str, headers: dict[str, str] | None = None) -> bytes:
        """Return the bytes that stand there.

        :raises ShopFailed: they are refused
        """
        answer = ask(self.port, Asked("GET", path, headers or {}))
        if answer.status != 200:
            raise ShopFailed(f"GET {path}: {answer.status} {answer.body[:300]!r}")
        return answer.body

    def answers(self, path: str) -> bool:
        """Tell whether it answers there with 200."""
        with contextlib.suppress(OSError, ValueError):
            return ask(self.port, Asked("GET", path)).status == 200
        return False

    def sql(self, statement: str, values: tuple[Any, ...] | Mapping[str, Any] = ()) -> Any:
        """Run one statement in its database and return the first value, if it has one."""
        if self._database is None or self._database.closed:
            where = str(embedded.socket_folder(self.data))
            self._database = psycopg.connect(host=where, user="postgres", dbname="postgres", autocommit=True)
        cursor = self._database.execute(statement.encode(), values or None)
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None

    def settle(self) -> None:
        """Wait until nothing is owed: no delivery, no mail."""
        owed = (
            "SELECT (SELECT count(*) FROM core_delivery WHERE done_at IS NULL AND dead_at IS NULL)"
            " + (SELECT count(*) FROM notifications_mail WHERE state = 'queued' AND attempts = 0)"
        )
        wait_for(lambda: self.sql(owed) == 0, SECONDS_TO_SETTLE, "deliveries and mails to be done", pause=0.1)

    def pause_worker(self, *, paused: bool) -> None:
        """Stop the background work for a while, so that what a request costs and what follows it are counted apart."""
        with contextlib.suppress(psutil.Error, ShopFailed):
            for child in self.process.children():
                if "nexus worker" in " ".join(child.cmdline()):
                    child.send_signal(signal.SIGSTOP if paused else signal.SIGCONT)

    def _everything(self) -> list[psutil.Process]:
        with contextlib.suppress(psutil.Error, ShopFailed):
            return list(self.process.children(recursive=True))
        return []

    def _last_words(self) -> str:
        return self.output.read_text(errors="replace").strip()[-1500:]


def wait_for(condition: Callable[[], object], seconds: float, what: str, pause: float = 0.01) -> None:
    """Ask until it holds.

    :raises ShopFailed: it does not in time
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise ShopFailed(f"waited {seconds:.0f} s for {what}")
        time.sleep(pause)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
