"""What PostgreSQL and Redis have in common."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess  # nosec B404: waits for what config.embedded.spawning starts
import time
from pathlib import Path
from typing import ClassVar

import psutil

from config.embedded import places, spawning
from config.embedded.refusal import Refusal

SECONDS_TO_START = 60.0
SECONDS_TO_STOP = 60.0


class Server:
    """One server process with a folder of its own, listening in ``sockets``.

    :param tied: it ends with the process that started it (where the system can do that)
    """

    name: ClassVar[str]
    program: ClassVar[str]
    stop_signal: ClassVar[signal.Signals]

    def __init__(self, folder: Path, sockets: Path, *, tied: bool = False) -> None:
        self.folder = folder
        self.sockets = sockets
        self.tied = tied
        self.log = folder.parent / f"{folder.name}.log"
        self._child: subprocess.Popen[bytes] | None = None
        self._log_start = 0

    @property
    def pid_file(self) -> Path:
        """Where the server writes its process id."""
        raise NotImplementedError

    def command(self) -> list[str]:
        """The program and its arguments."""
        raise NotImplementedError

    def ready(self) -> bool:
        """Does it answer?"""
        raise NotImplementedError

    def prepare(self) -> None:
        """Make what the process needs before it starts."""

    def pid(self) -> int | None:
        """The running server's process. A number left over from an earlier life is not one."""
        with contextlib.suppress(OSError, ValueError, IndexError, psutil.Error):
            process = psutil.Process(int(self.pid_file.read_text().split()[0]))
            words = " ".join(process.cmdline())
            if self.program in words and str(self.sockets) in words:
                return process.pid
        return None

    def launch(self) -> None:
        """Start the process unless it runs; do not wait for it.

        :raises Refusal: its folders cannot be used
        """
        if self.pid() is not None:
            return
        if not places.fits(self.sockets):
            raise Refusal(f"{self.sockets} is too long for a socket: set TMPDIR to a shorter folder")
        spawning.own(self.sockets)
        spawning.own(self.folder)
        self.prepare()
        with self.log.open("ab") as log:
            self._log_start = log.tell()
            self._child = spawning.spawn(self.command(), reach=(self.folder, self.sockets), tied=self.tied, output=log)

    def wait(self) -> None:
        """Return as soon as it answers.

        :raises Refusal: it ended, or does not answer in time
        """
        deadline = time.monotonic() + SECONDS_TO_START
        while not self.ready():
            if self.has_ended() or time.monotonic() > deadline:
                raise Refusal(f"the embedded {self.name} does not start: {self._last_words()}")
            time.sleep(0.01)

    def has_ended(self) -> bool:
        """Is what was launched gone?"""
        return self.pid() is None if self._child is None else self._child.poll() is not None

    def stop(self) -> None:
        """End it in good order, and by force if that takes longer than a minute."""
        for number, seconds in ((self.stop_signal, SECONDS_TO_STOP), (signal.SIGKILL, 5.0)):
            pid = self.pid()
            if pid is None:
                break
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
            deadline = time.monotonic() + seconds
            while self.pid() == pid and time.monotonic() < deadline:
                time.sleep(0.01)
        if self._child is not None:
            self._child.wait()
            self._child = None

    def _last_words(self) -> str:
        with self.log.open(errors="replace") as log:
            log.seek(self._log_start)
            lines = log.read().splitlines() or ["it says nothing"]
        telling = [line for line in lines if "FATAL" in line or "error" in line.lower()] or lines
        return f"{telling[-1].strip()} ({self.log})"
