"""Is the process of this container alive? Each role leaves a sign of life; ``python pulse.py`` looks at it.

It is asked every few seconds, so that it loads nothing of the shop. Web processes are asked over HTTP; the worker, the
clock and the backup touch a file: with each heartbeat that is sent to the broker, each task that is sent for, and each
look at the log.
"""

from __future__ import annotations

import http.client
import os
import sys
import tempfile
import time
from pathlib import Path

SECONDS_BETWEEN = 120.0
_SECONDS_TO_ANSWER = 5.0
# One container, one process, and a temporary folder of its own.
SIGN = Path(tempfile.gettempdir()) / "nexus-role"


def announce(role: str) -> None:
    """Say which role this container has, and that it begins."""
    SIGN.write_text(role)


def beat_pulse(**_: object) -> None:
    """Leave a sign of life."""
    SIGN.touch()


def is_alive(*, port: int, now: float) -> bool:
    """Tell whether the role that was announced answers, or left a sign of life within ``SECONDS_BETWEEN``.

    :param now: seconds since the epoch
    """
    if not SIGN.exists():
        return False
    if SIGN.read_text() != "web":
        return now - SIGN.stat().st_mtime < SECONDS_BETWEEN
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=_SECONDS_TO_ANSWER)
    try:
        client.request("GET", "/healthz")
        return client.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        client.close()


if __name__ == "__main__":
    sys.exit(not is_alive(port=int(os.environ.get("PORT") or "8000"), now=time.time()))
