"""A shop whose searches OpenSearch answers, for tests."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from django.conf import settings
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from core import outbox, tally
from core.ids import new_id
from products import services
from products.engine import engine, forget_engine
from products.models import Product
from products.selectors import searching

LIST = "/api/v1/products"


class Counted:
    """What was counted, by name and labels."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, ...]] = Counter()

    def count(self, name: str, *labels: str) -> None:
        """Count one more."""
        self.counts[name, *labels] += 1

    def observe(self, name: str, seconds: float, *labels: str) -> None:
        """Take no note."""

    def answered(self) -> str:
        """Return who has answered the searches since this was asked last: ``none``, one, or both."""
        found = sorted(labels[1] for labels in self.counts if labels[0] == "searches")
        self.counts.clear()
        return " and ".join(found) or "none"


@contextmanager
def searched_by(url: str, given: Settings) -> Iterator[Counted]:
    """Have the block's searches answered by that OpenSearch, in indexes of its own, and yield who answers them."""
    given.SEARCH_URL, given.SEARCH_INDEX = url, f"t{new_id().hex[-16:]}"
    # A busy machine is no broken one.
    given.SEARCH_TIMEOUT_SECONDS = 10.0
    searching._places.clear()
    forget_engine()
    counted = Counted()
    tally.keep_in(counted)
    try:
        yield counted
    finally:
        tally.keep_in(None)
        searching._places.clear()
        forget_engine()


def remove_indexes() -> None:
    """Remove those of the block, while the server is there."""
    engine().remove(list(indexes()))


def indexes() -> dict[str, list[str]]:
    """Return the block's indexes with their other names."""
    return engine().list_indexes(beginning=f"{engine_prefix()}-")


def engine_prefix() -> str:
    """Return what the names of the block's indexes begin with."""
    prefix: str = settings.SEARCH_INDEX
    return prefix


def follow() -> None:
    """Have the engine know what is committed."""
    services.fill_missing(at=timezone.now())
    outbox.drain()
    engine().refresh(index=f"{engine_prefix()}-*")


def rows_of(answer: Any) -> list[str]:
    """Return the names that a list shows."""
    assert answer.status_code == 200, answer.content
    return [row["name"] for row in answer.json()["results"]]


def names(client: Client, search: str = "lamp", **query: Any) -> list[str]:
    return rows_of(client.get(LIST, {"search": search, **query}))


def page_of(client: Client, **query: str | int) -> Any:
    answer = client.get(LIST, {"search": "lamp", **query})
    assert answer.status_code == 200, answer.content
    return answer.json()


def rename(product: Product, name: str) -> None:
    services.update_product(product_id=product.pk, changes={"name": name}, at=timezone.now())


def hide(product: Product) -> None:
    services.set_active(product_ids=[product.pk], is_active=False, at=timezone.now())


@contextmanager
def answering(body: bytes, *, when: threading.Event | None = None) -> Iterator[str]:
    """Have something answer each request with 200 and this, and yield its address.

    :param when: at this moment, or after a second
    """

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if when is not None:
                when.wait(1)
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

        def handle(self) -> None:
            with suppress(ConnectionError):  # whoever asked has gone
                super().handle()

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{running.server_port}"
        finally:
            running.shutdown()
