"""Is the process of this container alive? Each role leaves a sign of life; ``python pulse.py`` looks at it.

It is asked every few seconds, so that it loads nothing of the shop. Web processes are asked over HTTP; the worker, the
clock and the backup touch a file: with each heartbeat that is sent to the broker, each task that is sent for, and each
look at the log.
"""

from __future__ import annotations

import http.client
import os
import ssl
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


def is_alive(*, port: int, now: float, certificate: str = "") -> bool:
    """Tell whether the role that was announced answers, or left a sign of life within ``SECONDS_BETWEEN``.

    :param now: seconds since the epoch
    :param certificate: that of the web processes, a file, where they answer by TLS
    """
    if not SIGN.exists():
        return False
    if SIGN.read_text() != "web":
        return now - SIGN.stat().st_mtime < SECONDS_BETWEEN
    client = _client(port, certificate)
    try:
        client.request("GET", "/healthz")
        return client.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        client.close()


def _client(port: int, certificate: str) -> http.client.HTTPConnection:
    """Return one that believes who shows this very certificate, whatever its name, or another by a CA of that file."""
    if not certificate:
        return http.client.HTTPConnection("127.0.0.1", port, timeout=_SECONDS_TO_ANSWER)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(certificate)
    return http.client.HTTPSConnection("127.0.0.1", port, timeout=_SECONDS_TO_ANSWER, context=context)


if __name__ == "__main__":
    sys.exit(
        not is_alive(
            port=int(os.environ.get("PORT") or "8000"),
            now=time.time(),
            certificate=os.environ.get("WEB_TLS_CERTIFICATE", ""),
        )
    )
