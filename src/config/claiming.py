"""One shop on a data folder: a lock that its processes share, and what becomes of those whose shop was killed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import structlog

from config import embedded
from config.embedded import Refusal

log = structlog.get_logger("nexus.supervisor")

# As long as a supervisor that lives gives them, and some.
SECONDS_FOR_ORPHANS = 25.0
_SECONDS_TO_DIE = 5.0


@contextlib.contextmanager
def claimed(data: Path, port: int) -> Iterator[None]:
    """Be the only shop on this data folder. The lock is the children's too, and ends with the last of them.

    The processes of a shop that was killed are about to follow it; those that do not are ended.

    :raises Refusal: another shop runs on it
    """
    try:
        data.mkdir(parents=True, exist_ok=True)
        embedded.refuse_newer(data)
        path = data / "shop.lock"
        file = path.open("a+")
    except OSError as error:
        raise Refusal(f"cannot use the data folder: {error}") from error
    with file:
        deadline = time.monotonic() + SECONDS_FOR_ORPHANS
        patient = True
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                file.seek(0)
                pid, _, where = file.read().partition(" ")
                is_late = time.monotonic() > deadline
                if not pid.isdigit() or _has_open(int(pid), path, unknown=True) or (is_late and not patient):
                    raise Refusal(f"{data} is in use by a running shop (process {pid}, port {where})") from None
                if is_late:
                    patient, deadline = False, time.monotonic() + _SECONDS_TO_DIE
                    _end_those_who_hold(path)
                time.sleep(0.05)
        file.truncate(0)
        file.write(f"{os.getpid()} {port}")
        file.flush()
        yield


def _has_open(pid: int, path: Path, *, unknown: bool) -> bool:
    """Tell whether a process lives and has the file open: a number that was given to another since tells nothing."""
    try:
        return any(file.path == str(path.resolve()) for file in psutil.Process(pid).open_files())
    except psutil.AccessDenied:
        return unknown
    except (psutil.Error, OSError):
        return False


def _end_those_who_hold(path: Path) -> None:
    """End by force the processes, other than this one, that have the file open."""
    for pid in psutil.pids():
        if pid != os.getpid() and _has_open(pid, path, unknown=False):
            log.warning("process of a killed shop ended by force", process_id=pid)
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
