"""A client that costs little: HTTP/1.1 on loopback, one connection, one request after the other."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass, field
from typing import Any, BinaryIO

HOST = "127.0.0.1"
SECONDS_TO_ANSWER = 60.0


@dataclass(frozen=True, slots=True)
class Asked:
    """A request. ``body`` is sent as JSON."""

    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None

    def as_bytes(self) -> bytes:
        """Return it as it is sent."""
        content = b"" if self.body is None else json.dumps(self.body).encode()
        headers = {"Host": HOST, **self.headers}
        if self.body is not None:
            headers |= {"Content-Type": "application/json", "Content-Length": str(len(content))}
        lines = [f"{self.method} {self.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        return "\r\n".join([*lines, "", ""]).encode() + content


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer."""

    status: int
    body: bytes
    etag: str = ""


class Connection:
    """One connection that is kept."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection((HOST, port), timeout=SECONDS_TO_ANSWER)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self._socket.makefile("rb")

    def ask(self, sent: bytes) -> Answered:
        """Send a request and return its answer."""
        self._socket.sendall(sent)
        return read_answer(self._file)

    def close(self) -> None:
        """Hang up."""
        self._file.close()
        self._socket.close()


def ask(port: int, asked: Asked) -> Answered:
    """Ask once, on a connection of its own."""
    connection = Connection(port)
    try:
        return connection.ask(asked.as_bytes())
    finally:
        connection.close()


def read_answer(file: BinaryIO) -> Answered:
    """Read one answer, of known length or in chunks (RFC 9112, section 7.1).

    :raises ValueError: it is none
    """
    status = int(file.readline().split(None, 2)[1]) if (file.peek(1) if hasattr(file, "peek") else True) else 0
    if not status:
        raise ValueError("the server hung up")
    length, is_chunked, etag = 0, False, ""
    while (line := file.readline().strip()) != b"":
        name, _, value = line.partition(b":")
        name = name.lower()
        if name == b"etag":
            etag = value.strip().decode()
        elif name == b"content-length":
            length = int(value)
        elif name == b"transfer-encoding":
            is_chunked = b"chunked" in value.lower()
    return Answered(status, _chunks(file) if is_chunked else file.read(length), etag)


def _chunks(file: BinaryIO) -> bytes:
    parts = []
    while size := int(file.readline(), 16):
        parts.append(file.read(size))
        file.readline()
    file.readline()
    return b"".join(parts)
