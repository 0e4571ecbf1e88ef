"""Where the processes of one machine keep what they counted."""

from __future__ import annotations

import fcntl
import os

from django.conf import settings


def start_afresh() -> int:
    """Forget what was counted before, unless a process still counts here: a fall means a start from nothing.

    Returns the descriptor of a lock, which this process and its forks hold for as long as one of them lives.
    """
    folder = settings.METRICS_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pass
    else:
        for file in folder.glob("*.db"):
            file.unlink()
    fcntl.flock(lock, fcntl.LOCK_SH)
    return lock
