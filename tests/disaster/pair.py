"""A primary and a standby that confirms each commit, on loopback."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, LiteralString

import psutil
import psycopg

from config import embedded
from config.backups.recovering import give_to_server
from config.embedded import DURABLE, Postgres
from tests.runtime.shop import free_port, temporary_folder, wait_for

SECONDS_TO_START = 120.0


class Node(Postgres):
    """A server on a port; a standby counts as ready when it takes reads."""

    def __init__(self, folder: Path, sockets: Path, **options: str) -> None:
        self.port = free_port()
        listening = {"listen_addresses": "127.0.0.1", "port": str(self.port), "max_slot_wal_keep_size": "-1"}
        super().__init__(folder, sockets, DURABLE | listening | options, tied=True)

    def ready(self) -> bool:
        with contextlib.suppress(OSError, IndexError):
            state = self.pid_file.read_text().splitlines()[7].strip()
            return self.pid() is not None and state in {"ready", "standby"}
        return False

    def end_at_once(self) -> None:
        """End it and all its processes in one moment: none takes notice of another's end."""
        pid = self.pid()
        assert pid is not None
        top = psutil.Process(pid)
        everybody = [top, *top.children(recursive=True)]
        for process in everybody:
            with contextlib.suppress(psutil.Error):
                process.send_signal(signal.SIGSTOP)
        for process in everybody:
            with contextlib.suppress(psutil.Error):
                process.kill()
        wait_for(lambda: self.pid() is None)

    def rows(self, statement: LiteralString) -> Sequence[tuple[Any, ...]]:
        """Run one statement; return what it returns."""
        with self._session() as session:
            return session.execute(statement).fetchall()

    def run(self, *statements: LiteralString) -> None:
        """Run statements, each by itself."""
        with self._session() as session:
            for statement in statements:
                session.execute(statement)

    def _session(self) -> psycopg.Connection[tuple[Any, ...]]:
        return psycopg.connect(host="127.0.0.1", port=self.port, user="postgres", dbname="postgres", autocommit=True)


class Pair:
    """Two servers, of which the second has all that the first has acknowledged.

    :param data: a data directory, which the first one takes over
    """

    def __init__(self, data: Path) -> None:
        self._data = data

    def __enter__(self) -> Pair:
        self._stack = contextlib.ExitStack()
        folder = self._stack.enter_context(temporary_folder())
        folder.chmod(0o755)
        self.primary = Node(self._data, folder / "p", synchronous_standby_names="*")
        self._start(self.primary)
        copy = folder / "standby"
        self._copy(copy)
        self.standby = Node(copy, folder / "s")
        self._start(self.standby)
        wait_for(self._is_synchronous, SECONDS_TO_START)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def url(self) -> str:
        """Both, in one address."""
        return f"postgres://postgres@127.0.0.1:{self.primary.port},127.0.0.1:{self.standby.port}/postgres"

    @property
    def standby_url(self) -> str:
        """The second one alone."""
        return f"postgres://postgres@127.0.0.1:{self.standby.port}/postgres"

    def kill_primary(self) -> None:
        """End the first server for good."""
        self.primary.end_at_once()

    def promote(self) -> None:
        """Have the second one take writes. No query waits for that: it might keep what was sent from being shown."""
        assert self.standby.rows("SELECT pg_promote(false)") == [(True,)]
        wait_for(lambda: self.standby.rows("SELECT pg_is_in_recovery()") == [(False,)], SECONDS_TO_START)

    def rows(self, statement: LiteralString) -> Sequence[tuple[Any, ...]]:
        """Ask the second one."""
        return self.standby.rows(statement)

    def _start(self, node: Node) -> None:
        self._stack.callback(node.stop)
        node.launch()
        node.wait()

    def _copy(self, to: Path) -> None:
        programs = embedded.programs()
        assert programs is not None
        where = f"host=127.0.0.1 port={self.primary.port} user=postgres"
        words = [programs / "pg_basebackup", "-d", where, "-D", to, "-R", "-X", "stream", "-c", "fast"]
        subprocess.run(words, check=True, env={"PATH": os.defpath})
        embedded.own(to)
        give_to_server(to)

    def _is_synchronous(self) -> bool:
        found = self.primary.rows("SELECT count(*) FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')")
        return found[0][0] == 1
