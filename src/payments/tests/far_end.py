"""The far end of a provider's wire: a server on a free port, with books of its own and switchable faults.

``stripe_far``, ``paypal_far`` and ``flutterwave_far`` speak what the three providers speak; the books are the oracle.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Self
from urllib.parse import parse_qsl, urlsplit

import httpx
from pytest_django import Settings

Answer = tuple[int, dict[str, Any]]

#: How refunds stand.
DONE = "done"
PENDING = "pending"
FAILED = "failed"

#: What can go wrong with the next write, after it was done.
HANG = "hang"
CUT = "cut"
BREAK = "break"
#: What can go wrong before anything is done.
BUSY = "busy"
AWAY = "away"
ELSEWHERE = "/elsewhere"


@dataclass
class Sale:
    """What the far end knows of one charge. ``takes`` counts how often money was taken."""

    number: int
    key: str
    amount: int
    currency: str
    is_captured_at_once: bool = True
    state: str = "open"
    taken: int = 0
    takes: int = 0
    disputed: int = 0
    refunds: dict[str, int] = field(default_factory=dict)
    #: The way to pay is to be kept, and the token of what was, or of what pays.
    saves: bool = False
    token: str = ""

    @property
    def back(self) -> int:
        return sum(self.refunds.values())

    def take(self, amount: int | None = None) -> None:
        """Take the money."""
        self.taken, self.state = amount or self.amount, "taken"
        self.takes += 1

    def give_back(self, key: str, amount: int) -> None:
        """Give back, as often as it is asked for: whoever asks twice under one key should not have."""
        self.refunds[key] = self.refunds.get(key, 0) + amount


class FarEnd:
    """One provider, as it is at the other end of the wire."""

    name: ClassVar[str]
    #: The header or, with PayPal, the webhook ids that are live, old one first.
    secrets: ClassVar[list[str]]
    #: What the shopper chooses at the provider so that it asks for something more.
    method: ClassVar[str] = ""
    #: How a refund is called that went back, is on its way, or failed.
    refund_words: ClassVar[dict[str, str]]

    def __init__(self) -> None:
        self.sales: list[Sale] = []
        self.kept: set[str] = set()
        self.refund_state = DONE
        self.asked: list[tuple[str, str]] = []
        self.fault = ""
        # Of the write whose address ends like this.
        self.fault_at = ""
        # Our key is not good, or not yet: nobody is answered.
        self.is_locked = False
        self._lock = threading.Lock()
        self._is_over = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._server.shutdown()
        self._server.server_close()

    def configure(self, settings: Settings, url: str = "") -> None:
        """Point the settings here, or at another address."""
        raise NotImplementedError

    def answer(self, method: str, path: str, query: dict[str, str], headers: Mapping[str, str], body: bytes) -> Answer:
        """Do what is asked."""
        raise NotImplementedError

    def approve(self, sale: Sale) -> None:
        """Let the shopper do what was asked for."""
        raise NotImplementedError

    def story(self, sale: Sale) -> list[bytes]:
        """Return five webhooks of a sale that was paid, of which 400 went back."""
        raise NotImplementedError

    def sign(self, body: bytes, *, at: datetime, secret: str) -> dict[str, str]:
        """Return the headers of a webhook."""
        raise NotImplementedError

    def find(self, key: str) -> Sale:
        """Return the sale of our key."""
        return next(sale for sale in self.sales if sale.key == key)

    def refund_word(self) -> str:
        """Return how refunds stand now, as the provider says it."""
        return self.refund_words[self.refund_state]

    def keep(self, sale: Sale) -> str:
        """Return the token of what paid a sale, kept if that was asked for."""
        if sale.saves and sale.taken and not sale.token:
            sale.token = f"pm_kept{sale.number}"
            self.kept.add(sale.token)
        return sale.token if sale.saves else ""

    def add(self, key: str, amount: int, currency: str, *, is_captured_at_once: bool = True) -> Sale:
        """Note a new sale."""
        sale = Sale(len(self.sales) + 1, key, amount, currency, is_captured_at_once)
        self.sales.append(sale)
        return sale

    def serve(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer | None:
        """Answer a request; ``None``: hang up."""
        url = urlsplit(target)
        with self._lock:
            self.asked.append((method, url.path))
            is_write = method != "GET" and "oauth2" not in url.path
            fault = self.fault if is_write and url.path.endswith(self.fault_at) else ""
            if self.is_locked:
                return 401, {"error": {"message": "who are you?"}}
            if fault == BUSY:
                return 429, {"error": {"message": "slow down"}}
            if fault == AWAY:
                return 307, {}
            said = self.answer(method, url.path, dict(parse_qsl(url.query)), headers, body)
        if fault == HANG:
            self._is_over.wait()
        return {"": said, BREAK: (500, {}), CUT: None, HANG: None}[fault]


def _handler(far_end: FarEnd) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._serve()

        def do_POST(self) -> None:
            self._serve()

        def do_DELETE(self) -> None:
            self._serve()

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            said = far_end.serve(self.command, self.path, httpx.Headers(dict(self.headers)), body)
            if said is None:
                self.close_connection = True
                return
            content = b"" if said[0] == 204 else json.dumps(said[1]).encode()
            self.send_response(said[0])
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            if said[0] == 307:
                self.send_header("Location", ELSEWHERE)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
