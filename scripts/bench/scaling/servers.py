"""Throwaway servers of the wheel: PostgreSQL on a port of its own, a standby of it, and PostgreSQL's own load."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess  # nosec B404: PostgreSQL's own programs, with arguments of ours
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg

from bench.shop import free_port, wait_for
from config import embedded
from config.embedded.places import POSTGRES_SOCKET

SECONDS_TO_START = 120.0
_FIGURES = re.compile(r"latency average = ([\d.]+) ms|tps = ([\d.]+)")


class Node(embedded.Postgres):
    """A server on a port; a standby counts as ready when it takes reads."""

    def __init__(self, folder: Path, sockets: Path, **options: str) -> None:
        self.port = free_port()
        listening = {"listen_addresses": "127.0.0.1", "port": str(self.port)}
        super().__init__(folder, sockets, embedded.DURABLE | listening | options, tied=True)

    def ready(self) -> bool:
        with contextlib.suppress(OSError, IndexError):
            return self.pid() is not None and self.pid_file.read_text().split()[-1] in {"ready", "standby"}
        return False

    @property
    def url(self) -> str:
        """Its address, for ``DATABASE_URL``."""
        return f"postgres://postgres@127.0.0.1:{self.port}/postgres"

    def connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        """Open a connection in autocommit."""
        return psycopg.connect(self.url, autocommit=True)

    def one(self, statement: str) -> Any:
        """Run one statement; return the first value, if it has one."""
        with self.connect() as session:
            cursor = session.execute(statement.encode())
            row = cursor.fetchone() if cursor.description else None
            return row[0] if row else None

    def script(self, statements: str) -> None:
        """Run several, each by itself."""
        for statement in statements.strip().removesuffix(";").split(";\n"):
            self.one(statement)

    def stand_in(self) -> None:
        """Be found where the embedded server of the same folder would listen."""
        (self.sockets / POSTGRES_SOCKET).symlink_to(f".s.PGSQL.{self.port}")

    def load(self, script: str, *, clients: int, seconds: int, options: str = "") -> dict[str, float]:
        """Have PostgreSQL's load generator run the script; return ``per_second`` and ``milliseconds`` on average."""
        told = run(
            *("pgbench", "-n", "-M", "prepared", "-c", str(clients), "-j", "1", "-T", str(seconds), "-f", "-"),
            *("-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "postgres"),
            given=script,
            also={"PGOPTIONS": options},
        )
        found = [match.groups() for match in _FIGURES.finditer(told)]
        latency = next(float(ms) for ms, _ in found if ms)
        return {"milliseconds": latency, "per_second": next(float(rate) for _, rate in found if rate)}

    def cpu_seconds(self) -> float:
        """Return what all its processes used, ended ones included."""
        pid = self.pid()
        assert pid is not None
        time.sleep(0.5)  # until those that have just ended are counted by their parent
        used = 0.0
        for process in (top := psutil.Process(pid), *top.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                times = process.cpu_times()
                used += times.user + times.system + times.children_user + times.children_system
        return used

    def memory_mb(self) -> dict[int, float]:
        """Return process -> megabytes, with shared pages shared out."""
        pid = self.pid()
        assert pid is not None
        found = {}
        for process in psutil.Process(pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                found[process.pid] = process.memory_full_info().pss / 1e6
        return found


def run(program: str, *words: str, given: str = "", also: dict[str, str] | None = None) -> str:
    """Run one of PostgreSQL's programs and return what it says.

    :raises RuntimeError: it fails
    """
    folder = embedded.programs()
    assert folder is not None
    done = subprocess.run(  # nosec B603
        [str(folder / program), *words],
        input=given,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.defpath} | (also or {}),
    )
    if done.returncode != 0:
        raise RuntimeError(f"{program}: {done.stderr.strip()[-800:]}")
    return done.stdout


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """A folder that the servers of a root may enter, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="nexus-scaling-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        yield Path(name)


@contextlib.contextmanager
def running(node: Node) -> Iterator[Node]:
    """Have it run for the length of the block."""
    try:
        node.launch()
        node.wait()
        yield node
    finally:
        node.stop()


@contextlib.contextmanager
def pair(place: Path, **options: str) -> Iterator[tuple[Node, Node]]:
    """A server and a standby that streams from it."""
    with running(Node(place / "primary", place / "p", **options)) as primary:
        run(
            "pg_basebackup",
            "-d",
            f"{primary.url}?application_name=standby",
            "-D",
            str(place / "copy"),
            "-R",
            "-c",
            "fast",
        )
        for path in ((copy := place / "copy"), *copy.rglob("*")):
            owner = primary.folder.stat()
            os.chown(path, owner.st_uid, owner.st_gid)
        with running(Node(copy, place / "s", **options)) as standby:
            wait_for(lambda: primary.one("SELECT count(*) FROM pg_stat_replication"), SECONDS_TO_START, "the standby")
            yield primary, standby


def cpu_of(pid: int) -> float:
    """Return the seconds that one process used, to the microsecond (``/proc/<pid>/schedstat``)."""
    with open(f"/proc/{pid}/schedstat") as file:  # noqa: PTH123 - no path of ours
        return int(file.read().split()[0]) / 1e9


def timed(node: Node, statement: str) -> tuple[float, float, float]:
    """Run it; return seconds, seconds of its process's CPU, and megabytes of the log that were written meanwhile."""
    with node.connect() as session:
        start = node.one("SELECT pg_current_wal_insert_lsn()::text")
        began, used = time.perf_counter(), cpu_of(session.info.backend_pid)
        session.execute(statement.encode())
        taken, cpu = time.perf_counter() - began, cpu_of(session.info.backend_pid) - used
    return taken, cpu, float(node.one(f"SELECT (pg_current_wal_insert_lsn() - '{start}'::pg_lsn) / 1e6"))
