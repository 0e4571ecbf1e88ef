"""Making a base backup, and forgetting old ones."""

from __future__ import annotations

import json
import re
import subprocess  # nosec B404: reads what config.backups.tools starts
import tempfile
from datetime import datetime, timedelta
from io import BytesIO
from typing import IO

from config.backups.errors import BackupRefused
from config.backups.manifest import Manifest, list_backups
from config.backups.sealing import Seal
from config.backups.stores import Store
from config.backups.tools import Database
from config.version import VERSION

_START = re.compile(r"write-ahead log start point: ([0-9A-F]+)/([0-9A-F]+) on timeline (\d+)")
_SEGMENT = re.compile(r"/([0-9A-F]{24})(?:\.partial)?\.gz(?:\.age)?$")


class _Output:
    """What a program writes; at its end the program is asked how it ended, so that half a copy never counts."""

    def __init__(self, process: subprocess.Popen[bytes], said: IO[bytes]) -> None:
        assert process.stdout is not None
        self._pipe, self._process, self._said = process.stdout, process, said

    def read(self, size: int = -1, /) -> bytes:
        taken = self._pipe.read(size)
        if not taken and self._process.wait() != 0:
            raise BackupRefused(f"pg_basebackup fails: {self.words().strip().splitlines()[-1:]}")
        return taken

    def words(self) -> str:
        """What it said on standard error."""
        self._said.seek(0)
        return self._said.read().decode(errors="replace")


def system_of(database: Database) -> str:
    """Return the identifier that PostgreSQL gave to the cluster when it was made; copies of it have the same."""
    return str(database.ask("SELECT system_identifier FROM pg_control_system()")[0])


def take_base_backup(
    *, database: Database, store: Store, seal: Seal, field_keys: dict[str, str], at: datetime
) -> Manifest:
    """Copy the whole cluster, with the log that it takes to be consistent, and write down what it is.

    Nothing of it is written to a disk on the way. The server checks its pages' checksums while it reads them.

    :param field_keys: id -> fingerprint of the keys that sealed fields are opened with
    :raises BackupRefused: PostgreSQL does not let us, or has tablespaces, which do not fit into one stream
    """
    system = system_of(database)
    major = int(database.ask("SHOW server_version_num")[0]) // 10_000
    name = at.strftime("%Y%m%dT%H%M%SZ")
    words = ["--pgdata=-", "--format=tar", "--wal-method=fetch", "--checkpoint=fast", "--verbose"]
    with tempfile.TemporaryFile() as said, database.keeping_log():
        process = database.run("pg_basebackup", *words, stdout=subprocess.PIPE, stderr=said)
        output = _Output(process, said)
        try:
            stored, size, digest = seal.put(store, f"base/{system}/{name}.tar", output)
        finally:
            if process.poll() is None:
                process.terminate()
            process.wait()
        begin = _START.search(output.words())
    if begin is None:
        raise BackupRefused("pg_basebackup does not say where it begins")
    segment_size = int(database.ask("SELECT setting FROM pg_settings WHERE name = 'wal_segment_size'")[0])
    ended_at = database.ask("SELECT clock_timestamp()")[0]
    manifest = Manifest(
        system=system,
        name=name,
        started_at=at.isoformat(),
        ended_at=ended_at.isoformat(),
        postgres=major,
        nexus=VERSION,
        first_segment=segment_name(begin[1], begin[2], int(begin[3]), segment_size),
        segment_bytes=segment_size,
        database=database.name,
        user=database.user,
        file=stored,
        size=size,
        sha256=digest,
        field_keys=field_keys,
    )
    store.put(manifest.path, BytesIO(json.dumps(manifest.as_dict(), indent=2).encode()))
    return manifest


def segment_name(high: str, low: str, timeline: int, segment_bytes: int) -> str:
    """Return the file of the log that a position stands in (PostgreSQL's ``XLogFileName``)."""
    number = ((int(high, 16) << 32) + int(low, 16)) // segment_bytes
    per_file = 0x1_0000_0000 // segment_bytes
    return f"{timeline:08X}{number // per_file:08X}{number % per_file:08X}"


def forget_old(*, store: Store, keep: timedelta, at: datetime) -> list[str]:
    """Remove what no moment of the time to keep needs; return the names of the base backups that went.

    The newest that is older than that time stays, because the first moments of it come back from there.
    """
    gone: list[str] = []
    backups = list_backups(store)
    for system in {each.system for each in backups}:
        own = [each for each in backups if each.system == system]
        old = [each for each in own if datetime.fromisoformat(each.ended_at) < at - keep]
        for each in old[:-1]:
            # The manifest first: what is half removed is no backup any more.
            store.remove(each.path)
            store.remove(each.file)
            gone.append(each.name)
        kept = [each for each in own if each.name not in gone]
        _forget_log(store, system, before=min(each.first_segment[8:] for each in kept))
    return gone


def segments(store: Store, system: str) -> list[str]:
    """Return the names of the segments of the log that are there, whole or in part."""
    found = (_SEGMENT.search(name) for name in store.names(f"wal/{system}/"))
    return [match[1] for match in found if match]


def _forget_log(store: Store, system: str, *, before: str) -> None:
    """Remove segments that stand before one, in any time line. Histories are small, and stay."""
    for name in store.names(f"wal/{system}/"):
        match = _SEGMENT.search(name)
        if match and match[1][8:] < before:
            store.remove(name)
