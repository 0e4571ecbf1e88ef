"""A shop as a newcomer runs it: a process with a data folder and a port, watched from outside."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, LiteralString

import psutil
import psycopg

ROOT = Path(__file__).resolve().parents[2]
SECONDS_TO_START = 300.0
SECONDS_TO_STOP = 60.0
OURS = (
    "NEXUS_DATA",
    "PORT",
    "DATABASE_URL",
    "DATABASE_OWNER_URL",
    "REDIS_URL",
    "BROKER_URL",
    "WEB_SERVER",
    "DJANGO_SETTINGS_MODULE",
)


@dataclass
class Shop:
    """One shop on a folder of its own; ``make run`` when ``command`` is left as it is."""

    data: Path
    port: int = 0
    command: tuple[str, ...] = ("make", "-s", "run")
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.port = self.port or free_port()
        self.output = self.data.with_name(f"{self.data.name}.out")

    @property
    def variables(self) -> dict[str, str]:
        """The environment that a person would have set."""
        kept = {key: value for key, value in os.environ.items() if key not in OURS}
        return kept | {"NEXUS_DATA": str(self.data), "PORT": str(self.port)} | self.environment

    def launch(self) -> Shop:
        """Start it in a session of its own and do not wait."""
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                self.command, cwd=ROOT, env=self.variables, stdout=output, stderr=output, start_new_session=True
            )
        return self

    def start(self) -> Shop:
        """Start it, and return when it has greeted."""
        before = self.said().count("Nexus is running")
        self.launch()
        wait_for(lambda: self.said().count("Nexus is running") > before or self._ended(), SECONDS_TO_START)
        assert not self._ended(), self.said()
        return self

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Tell the top process, and only that, to end; return its exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(SECONDS_TO_STOP)

    def refused(self) -> str:
        """Run a start that is to fail; return the lines of standard error."""
        done = subprocess.run(
            [sys.executable, "src/manage.py", "run"],
            cwd=ROOT,
            env=self.variables,
            capture_output=True,
            text=True,
            timeout=SECONDS_TO_START,
            check=False,
        )
        assert done.returncode not in {0, None}, done.stdout
        return done.stderr.strip()

    def manage(self, *words: str) -> str:
        """Run a command of ``manage.py`` on the same data folder; return what it printed."""
        command = [sys.executable, "src/manage.py", *words]
        done = subprocess.run(
            command, cwd=ROOT, env=self.variables, capture_output=True, text=True, timeout=SECONDS_TO_START, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def sql(self, statement: LiteralString) -> object:
        """Run one statement in the database of the running shop; return the first value."""
        with psycopg.connect(host=str((self.data / "run").resolve()), user="postgres", dbname="postgres") as connection:
            cursor = connection.execute(statement)
            row = cursor.fetchone() if cursor.description else None
            return row and row[0]

    def sql_through_manage(self, statement: str) -> str:
        """Run one statement by ``manage.py shell``, whether the shop runs or not; return the first value."""
        code = (
            f"from django.db import connection as c; k = c.cursor(); k.execute({statement!r}); print(k.fetchone()[0])"
        )
        return self.manage("shell", "--no-imports", "-v0", "-c", code)

    def status(self, path: str = "/healthz") -> int:
        """Ask it something; 0 when it does not answer."""
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(client):
            client.request("GET", path)
            return client.getresponse().status
        return 0

    def says(self, path: str) -> dict[str, Any]:
        """Ask it something, and return the JSON of the answer, whatever its status."""
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=90)
        with contextlib.closing(client):
            client.request("GET", path)
            said: dict[str, Any] = json.loads(client.getresponse().read())
            return said

    def answers(self) -> bool:
        """Is it alive?"""
        return self.status() == 200

    def said(self) -> str:
        """All that it printed so far."""
        return self.output.read_text(errors="replace") if self.output.exists() else ""

    def processes(self) -> list[psutil.Process]:
        """Everything that runs for this data folder: by command line (servers) or by environment (Python)."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                words = f"{' '.join(process.cmdline())} "
                mine = process.environ().get("NEXUS_DATA") == str(self.data) or self._named_in(words)
                if mine and process.status() != psutil.STATUS_ZOMBIE and process.pid != os.getpid():
                    found.append(process)
        return found

    def _named_in(self, words: str) -> bool:
        return f"{self.data} " in words or f"{self.data}/" in words

    def named(self, words: str) -> list[psutil.Process]:
        """Those with these words in their command line, the oldest first."""
        found = []
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                if words in " ".join(process.cmdline()):
                    found.append((process.create_time(), process.pid, process))
        return [process for _, _, process in sorted(found)]

    def process_named(self, words: str) -> psutil.Process:
        """The oldest process with these words in its command line; waits for it."""
        wait_for(lambda: self.named(words))
        return self.named(words)[0]

    def end(self) -> None:
        """Whatever happened, leave nothing."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(SECONDS_TO_STOP)
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                process.kill()

    def _ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder with a short name: sockets are to fit into it."""
    folder = Path(tempfile.mkdtemp(prefix="nexus-run-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def copy_of(data: Path, to: Path) -> Path:
    """A stopped shop's folder again, owners and modes included."""
    subprocess.run(["cp", "-a", str(data), str(to)], check=True)
    return to


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(condition: Callable[[], object], seconds: float = 90.0) -> None:
    """Ask until it holds.

    :raises AssertionError: it does not in time
    """
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)
