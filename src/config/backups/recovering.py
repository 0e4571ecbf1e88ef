"""A cluster brought back: the base backup unpacked and proven, the log replayed up to a moment."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import subprocess  # nosec B404: pg_verifybackup, with arguments of ours
import tarfile
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath

from config import embedded
from config.backups.errors import BackupRefused
from config.backups.manifest import Manifest
from config.backups.sealing import SEALED, Seal
from config.backups.stores import Store
from config.backups.tools import find_program
from config.embedded import Postgres, Refusal

_CHUNK = 2**20
_SECONDS_TO_ASK_AGAIN = 0.01
# PostgreSQL asks for one file at a time; above 125 it takes the exit code for a failure, not for the log's end.
_FETCH = """#!/bin/sh
: > "{work}/asked/$1"
waited=0
while [ $waited -lt 60000 ]; do
  [ -e "{work}/got/$1" ] && exec mv "{work}/got/$1" "$2"
  [ -e "{work}/none/$1" ] && rm "{work}/none/$1" && exit 1
  sleep 0.01; waited=$((waited + 1))
done
exit 126
"""


@dataclass(frozen=True)
class Source:
    """What a cluster is brought back from, and to which moment; none: the end of the log."""

    store: Store
    seal: Seal
    manifest: Manifest
    to: datetime | None = None
    timeline: str = "latest"


def unpack(source: Source, into: Path, *, programs: Path | None) -> None:
    """Make a data directory of a base backup, and have every file of it compared with PostgreSQL's own manifest.

    :raises BackupRefused: the copy is not what was stored, or a file is not what PostgreSQL wrote
    """
    embedded.own(into)
    manifest = source.manifest
    verify = find_program("pg_verifybackup", major=manifest.postgres, folder=programs)
    try:
        with source.seal.open(source.store, manifest.file) as copy:
            with tarfile.open(fileobj=copy, mode="r|", bufsize=_CHUNK) as archive:  # type: ignore[call-overload]
                _extract(archive, into)
            if copy.finish() != (manifest.size, manifest.sha256):
                raise BackupRefused(f"{manifest.file} is not what it was when it was stored")
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise BackupRefused(f"{manifest.file} cannot be unpacked: {error}") from error
    done = subprocess.run([verify, "--quiet", str(into)], capture_output=True, text=True, check=False)  # nosec B603
    if done.returncode != 0:
        raise BackupRefused(f"pg_verifybackup: {done.stderr.strip() or done.stdout.strip()}")
    (into / "backup_manifest").unlink()
    give_to_server(into)


def _extract(archive: tarfile.TarFile, into: Path) -> None:
    """Take folders and plain files, which is all that a cluster in one place has; nothing leads out of ``into``."""
    for member in archive:
        place = PurePosixPath(member.name)
        if place.is_absolute() or ".." in place.parts or not (member.isdir() or member.isreg()):
            raise BackupRefused(
                f"the base backup holds {member.name!r}, which is neither a file nor a folder of its own"
            )
        path = into / place
        if member.isdir():
            path.mkdir(mode=0o700, exist_ok=True)
            continue
        content = archive.extractfile(member)
        assert content is not None
        with path.open("wb") as file:
            shutil.copyfileobj(content, file, _CHUNK)
        path.chmod(0o600)


def give_to_server(folder: Path) -> None:
    """Let all below a folder belong to whom the folder belongs to: as root, PostgreSQL runs as somebody else."""
    owner = folder.stat()
    if owner.st_uid == os.geteuid():
        return
    for path in folder.rglob("*"):
        os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


class Recovery(Postgres):
    """A server that replays the log, asking us for each piece, and then takes writes, on a socket of its own.

    It runs by settings of ours alone: what the cluster brought along may name files of another machine, or would send
    its log to where the living one sends it.

    :param work: a folder of our own beside it
    """

    name = "restored PostgreSQL"

    def __init__(self, folder: Path, work: Path, source: Source, *, programs: Path | None) -> None:
        program = Path(find_program("postgres", major=source.manifest.postgres, folder=programs))
        super().__init__(folder, work / "run", self._options(work, source), tied=True, programs=program.parent)
        self._work, self._source = work, source
        self.log = work / "postgres.log"
        self.fetched = 0

    @staticmethod
    def _options(work: Path, source: Source) -> dict[str, str]:
        target = (
            {"recovery_target_time": source.to.isoformat(), "recovery_target_action": "promote"} if source.to else {}
        )
        return {
            "config_file": str(work / "postgresql.conf"),
            "hba_file": str(work / "hba.conf"),
            "ident_file": str(work / "ident.conf"),
            "restore_command": f"sh {work}/fetch.sh %f %p",
            "recovery_target_timeline": source.timeline,
            "hot_standby": "off",
            "archive_mode": "off",
            "ssl": "off",
            "shared_preload_libraries": "",
            "synchronous_standby_names": "",
            "shared_buffers": "256MB",
            "log_min_messages": "log",
            "timezone": "UTC",
            "log_timezone": "UTC",
            **target,
        }

    def prepare(self) -> None:
        for name in ("asked", "got", "none"):
            embedded.own(self._work / name)
        (self._work / "postgresql.conf").write_text("")
        (self._work / "ident.conf").write_text("")
        (self._work / "hba.conf").write_text("local all all trust\n")
        (self._work / "fetch.sh").write_text(_FETCH.format(work=self._work))
        (self.folder / "recovery.signal").touch()
        (self.folder / "standby.signal").unlink(missing_ok=True)
        give_to_server(self._work)
        give_to_server(self.folder)

    def wait(self) -> None:
        """Hand out the log until the moment is reached and the server takes writes.

        :raises Refusal: the log ends before that moment, or the server gives up
        """
        while not self.ready():
            if self.has_ended():
                raise Refusal(f"the cluster does not come back: {self._last_words()}")
            for asked in sorted((self._work / "asked").iterdir()):
                self._hand_out(asked.name)
                asked.unlink()
            time.sleep(_SECONDS_TO_ASK_AGAIN)

    def _hand_out(self, name: str) -> None:
        draft = self._work / f"fetched-{name}"
        if self._fetch(name, draft):
            shutil.chown(draft, self.folder.stat().st_uid, self.folder.stat().st_gid)
            draft.rename(self._work / "got" / name)
        else:
            (self._work / "none" / name).touch()
            give_to_server(self._work / "none")

    def _fetch(self, name: str, to: Path) -> bool:
        """Take a piece from the store; the youngest segment may be there only half full, which PostgreSQL can read."""
        place = f"wal/{self._source.manifest.system}/{name}"
        for stored in (f"{place}.gz{SEALED}", f"{place}.gz", f"{place}.partial.gz{SEALED}", f"{place}.partial.gz"):
            with contextlib.suppress(FileNotFoundError):
                with self._source.seal.open(self._source.store, stored) as copy, to.open("wb") as file:
                    shutil.copyfileobj(copy, file, _CHUNK)
                self.fetched += 1
                return True
        return False

    def last_commit(self) -> str:
        """Return the time of the last transaction that came back, as PostgreSQL tells it; empty if there was none."""
        words = "last completed transaction was at log time "
        lines = [line for line in self.log.read_text(errors="replace").splitlines() if words in line]
        return lines[-1].partition(words)[2] if lines else ""


@contextlib.contextmanager
def recovered(source: Source, folder: Path, work: Path, *, programs: Path | None) -> Iterator[Recovery]:
    """Bring a cluster back into ``folder``, and have it running for the length of the block.

    :raises Refusal: it does not come back
    """
    unpack(source, folder, programs=programs)
    embedded.own(work)
    work.chmod(stat.S_IRWXU)
    server = Recovery(folder, work, source, programs=programs)
    try:
        server.launch()
        server.wait()
        yield server
    finally:
        server.stop()
