"""PostgreSQL's own programs, and how they find the database of the settings."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess  # nosec B404: PostgreSQL's programs, with arguments of ours
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from psycopg.conninfo import make_conninfo

from config import embedded
from config.backups.errors import BackupRefused

# What Django's settings hold beyond libpq's parameters, and what would cut long work short.
_NOT_FOR_TOOLS = {"pool", "prepare_threshold", "server_side_binding", "cursor_factory", "context", "options"}
_TEMPORARY_SLOT = "SELECT pg_create_physical_replication_slot(%s, immediately_reserve => true, temporary => true)"
_WORDS = re.compile(r"\(PostgreSQL\) (\d+)")


class Database:
    """The database of the settings, as libpq's programs reach it.

    :param settings: an entry of ``DATABASES``
    :param programs: a folder with PostgreSQL's programs; none: the path's if they fit, else those of the wheel
    """

    def __init__(self, settings: Mapping[str, Any], *, programs: Path | None = None) -> None:
        self.name = str(settings["NAME"])
        self.user = str(settings.get("USER") or "postgres")
        self._programs = programs
        self._password = str(settings.get("PASSWORD") or "")
        words = {key: value for key, value in settings.get("OPTIONS", {}).items() if key not in _NOT_FOR_TOOLS}
        where = {"host": settings.get("HOST"), "port": settings.get("PORT"), "user": self.user, "dbname": self.name}
        self.conninfo = make_conninfo(**words, **{key: str(value) for key, value in where.items() if value})

    def ask(self, statement: str) -> tuple[Any, ...]:
        """Return the first row of a statement.

        :raises BackupRefused: the database does not answer, or refuses
        """
        try:
            with self._session() as connection:
                return connection.execute(statement).fetchone() or ()
        except psycopg.Error as error:
            raise BackupRefused(f"the database refuses: {' '.join(str(error).split())}") from error

    @contextlib.contextmanager
    def keeping_log(self) -> Iterator[None]:
        """Have the server keep all of its log that is written from here on, until the block ends.

        Checkpoints remove what is older than ``wal_keep_size``: while a large copy is made, more than that is written.
        A slot that ends with its session holds it, up to ``max_slot_wal_keep_size``.

        :raises BackupRefused: the server has no slot for us
        """
        with contextlib.ExitStack() as held:
            try:
                session = held.enter_context(contextlib.closing(self._session()))
                session.execute("SET idle_session_timeout = 0")
                session.execute(_TEMPORARY_SLOT, [f"nexus_base_{uuid4().hex}"])
            except psycopg.Error as error:
                raise BackupRefused(f"the database keeps no log for us: {' '.join(str(error).split())}") from error
            yield

    def _session(self) -> psycopg.Connection[tuple[Any, ...]]:
        return psycopg.connect(self.conninfo, password=self._password or None, autocommit=True)

    def program(self, name: str) -> str:
        """Return the path of one of PostgreSQL's programs, of the server's version."""
        return find_program(name, major=int(self.ask("SHOW server_version_num")[0]) // 10_000, folder=self._programs)

    def run(self, name: str, *words: str, tied: bool = False, **options: Any) -> subprocess.Popen[bytes]:
        """Start one of PostgreSQL's clients on this database; what it says is in plain English.

        :param tied: it ends with us, however we end (where the system can do that)
        """
        environment = os.environ | {"LC_ALL": "C.UTF-8"} | ({"PGPASSWORD": self._password} if self._password else {})
        command = [self.program(name), "--dbname", self.conninfo, "--no-password", *words]
        if tied and shutil.which("setpriv"):
            command = ["setpriv", "--pdeathsig=TERM", *command]
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, env=environment, **options)  # nosec B603


def find_program(name: str, *, major: int, folder: Path | None = None) -> str:
    """Return one of PostgreSQL's programs, of that major version.

    :raises BackupRefused: there is none
    """
    if folder is not None:
        places = [folder]
    else:
        beside = embedded.programs()
        on_path = shutil.which(name)
        debian = Path(f"/usr/lib/postgresql/{major}/bin")
        places = [debian, *([Path(on_path).parent] if on_path else []), *([beside] if beside else [])]
    found = [str(place / name) for place in places if (place / name).exists()]
    fitting = [path for path in found if _major_of(path) == major]
    if not fitting:
        raise BackupRefused(f"there is no {name} of PostgreSQL {major}: install it, or set POSTGRES_PROGRAMS")
    return fitting[0]


def _major_of(path: str) -> int:
    with tempfile.TemporaryFile() as said:
        subprocess.run([path, "--version"], stdout=said, stderr=said, check=False)  # nosec B603
        said.seek(0)
        match = _WORDS.search(said.read().decode(errors="replace"))
    return int(match[1]) if match else 0
