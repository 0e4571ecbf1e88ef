"""Servers that several processes use at once."""

from __future__ import annotations

import contextlib
import fcntl
import shutil
from collections.abc import Iterator
from pathlib import Path

from config.embedded.places import socket_folder
from config.embedded.postgres import DURABLE, Postgres
from config.embedded.redis import Redis
from config.embedded.refusal import Refusal
from config.embedded.server import Server
from config.embedded.versions import refuse_newer


def servers(data: Path, *, database: bool = True, redis: bool = True) -> list[Server]:
    """The embedded servers of a data folder that the settings use."""
    sockets = socket_folder(data)
    both: list[tuple[bool, Server]] = [
        (database, Postgres(data / "postgres", sockets, DURABLE)),
        (redis, Redis(data / "redis", sockets)),
    ]
    return [server for wanted, server in both if wanted]


@contextlib.contextmanager
def shared(data: Path, wanted: list[Server]) -> Iterator[None]:
    """Have the servers running for as long as the block lasts; the last of all users stops them.

    Each user holds a shared lock on one file, which ends with the process however that ends.

    :raises Refusal: the data folder cannot be used, or a server does not start
    """
    try:
        data.mkdir(parents=True, exist_ok=True)
        refuse_newer(data)
        users = (data / "in-use.lock").open("a")
    except OSError as error:
        raise Refusal(f"cannot use the data folder: {error}") from error
    with users:
        try:
            with turn(data):
                fcntl.flock(users, fcntl.LOCK_SH)
                start(data, wanted)
            yield
        finally:
            with turn(data), contextlib.suppress(BlockingIOError):
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                for server in reversed(wanted):
                    server.stop()


def start(data: Path, wanted: list[Server]) -> None:
    """Start those that do not run, all at once, and return when all answer. The caller has its :func:`turn`.

    :raises Refusal: one does not start
    """
    try:
        for server in wanted:
            _note_sockets(data, server.sockets)
            server.launch()
        for server in wanted:
            server.wait()
    except OSError as error:
        raise Refusal(f"cannot use the data folder: {error}") from error


def keep(data: Path, wanted: list[Server]) -> None:
    """Start again what somebody killed."""
    if all(server.pid() for server in wanted):
        return
    with turn(data), contextlib.suppress(Refusal):  # asked again soon: what a killed server left may need a moment
        start(data, wanted)


@contextlib.contextmanager
def turn(data: Path) -> Iterator[None]:
    """One at a time starts or stops servers."""
    with (data / "start.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _note_sockets(data: Path, sockets: Path) -> None:
    inside = data / "run"
    if sockets != inside and not (inside.is_symlink() and inside.readlink() == sockets):
        if inside.is_dir() and not inside.is_symlink():
            shutil.rmtree(inside)
        inside.unlink(missing_ok=True)
        inside.symlink_to(sockets)
