"""The write-ahead log, carried into the store while it is written."""

from __future__ import annotations

import contextlib
import fcntl
import re
import shutil
import subprocess  # nosec B404: ends what config.backups.tools starts
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import structlog

from config.backups.errors import BackupRefused
from config.backups.sealing import Seal
from config.backups.stores import Store
from config.backups.taking import system_of
from config.backups.tools import Database

log = structlog.get_logger("nexus.backup")

SLOT = "nexus_archive"
_WHOLE = re.compile(r"[0-9A-F]{24}|[0-9A-F]{8}\.history")
_SEGMENT = re.compile(r"[0-9A-F]{24}(\.partial)?")
_STATE = f"""
SELECT pg_walfile_name(pg_current_wal_lsn()),
       EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = '{SLOT}' AND wal_status = 'lost')"""  # nosec B608  # noqa: S608
_HALF = re.compile(r"([0-9A-F]{24})\.partial")
_SECONDS_TO_END = 10.0


class Follower:
    """Receives the log by ``pg_receivewal`` into a spool, and carries it on into the store.

    The slot holds back on the server what the spool has not got. :meth:`tick` is to be called every second or so.

    :param spool: a folder of our own, on a disk that survives a restart
    :param beat: called with each piece that is carried: after a while without a store there may be hours of them
    """

    def __init__(
        self, *, database: Database, store: Store, seal: Seal, spool: Path, beat: Callable[[], object] = lambda: None
    ) -> None:
        self._database, self._store, self._seal, self._spool = database, store, seal, spool
        self._beat = beat
        self._system = ""
        self._receiver: subprocess.Popen[bytes] | None = None
        self._carried: dict[str, int] = {}

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Be the only one on the spool, for as long as the block lasts.

        :raises BackupRefused: another is
        """
        self._spool.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self._spool / "lock").open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BackupRefused(f"another backup --follow works on {self._spool}") from None
            try:
                yield
            finally:
                self._stop()

    def tick(self) -> None:
        """See to it that the log is received, and carry what is new."""
        if self._receiver is not None and self._receiver.poll() is not None:
            log.warning("the log is not received; trying again", exit_code=self._receiver.returncode)
            self._receiver = None
        if self._receiver is None:
            self._start()
        self.carry()

    def carry(self) -> None:
        """Bring the store up to what the spool holds."""
        folder = self._spool / self._system
        if not self._system or not folder.is_dir():
            return
        names = sorted(path.name for path in folder.iterdir())
        whole = [name for name in names if _WHOLE.fullmatch(name)]
        for name in whole:
            self._carry_whole(folder / name)
        # The newest stays: by it the receiver knows where to go on, even at a server that has no slot of ours.
        for name in whole[:-1]:
            if not name.endswith(".history"):
                (folder / name).unlink()
                self._carried.pop(name, None)
        for name in names:
            if _HALF.fullmatch(name):
                self._carry_half(folder / name)

    def _carry_whole(self, path: Path) -> None:
        if path.name not in self._carried:
            self._put(path)
            self._carried[path.name] = 0
            half = f"{path.name}.partial"
            self._carried.pop(half, None)
            self._store.remove(self._seal.stored_name(f"wal/{self._system}/{half}"))

    def _carry_half(self, path: Path) -> None:
        with contextlib.suppress(FileNotFoundError):  # full by now: the next tick carries it whole
            changed = path.stat().st_mtime_ns
            if self._carried.get(path.name) != changed:
                self._put(path)
                self._carried[path.name] = changed

    def _put(self, path: Path) -> None:
        with path.open("rb") as file:
            self._seal.put(self._store, f"wal/{self._system}/{path.name}", file)
        self._beat()

    def _start(self) -> None:
        try:
            self._system = system_of(self._database)
            folder = self._spool / self._system
            folder.mkdir(mode=0o700, exist_ok=True)
            self._give_up_what_cannot_go_on(folder)
            slot = self._database.run("pg_receivewal", f"--slot={SLOT}", "--create-slot", "--if-not-exists")
            if slot.wait() != 0:
                raise BackupRefused("there is no slot to be had for the log")
            words = (f"--directory={folder}", f"--slot={SLOT}", "--synchronous", "--no-loop")
            self._receiver = self._database.run("pg_receivewal", *words, tied=True)
        except BackupRefused as refusal:
            log.warning("the log is not received; trying again", reason=str(refusal))

    def _give_up_what_cannot_go_on(self, folder: Path) -> None:
        """Begin anew where the server has thrown away what we have not got, or is behind us: it was restored.

        That leaves a hole in the log, after which a new base backup is due (``keeping``).
        """
        current, lost = self._database.ask(_STATE)
        newest = max((path.name[8:24] for path in folder.iterdir() if _SEGMENT.fullmatch(path.name)), default="")
        if lost:
            self._database.ask(f"SELECT pg_drop_replication_slot('{SLOT}')")
        if lost or newest > current[8:]:
            log.warning("the log cannot be received where we stopped; beginning anew", slot_lost=lost)
            shutil.rmtree(folder)
            folder.mkdir(mode=0o700)
            self._carried.clear()

    def _stop(self) -> None:
        """End the receiver in good order, and carry what it wrote last."""
        if self._receiver is not None:
            self._receiver.terminate()
            deadline = time.monotonic() + _SECONDS_TO_END
            while self._receiver.poll() is None and time.monotonic() < deadline:
                time.sleep(0.05)
            self._receiver.kill()
            self._receiver.wait()
        self.carry()
