from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from core import kept, outbox
from core.models import Delivery, OutboxEvent

TELL, AGAIN = "core.handlers.tell_caches", "core.handlers.tell_cache_again"


class Cache:
    """Stands for a Nginx at an address of this machine."""

    def __init__(self, host: str = "127.0.0.1", *, port: int = 0, status: int = 204) -> None:
        self.told: list[str] = []
        cache = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                cache.told.append(self.path)
                self.send_response(status)
                self.send_header("Location", "http://127.0.0.1:1/")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = HTTPServer((host, port), Handler)
        self.host, self.port = host, self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def door(self) -> str:
        return f"http://{self.host}:{self.port}/forget"

    def leave(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def cache() -> Iterator[Cache]:
    made = Cache()
    yield made
    made.leave()


@pytest.fixture
def gone() -> str:
    """The door of one that is away."""
    made = Cache()
    made.leave()
    return made.door


@pytest.fixture(autouse=True)
def _told(settings: Any) -> Iterator[None]:
    settings.EVENT_SUBSCRIPTIONS = {"core.public_reads_changed": (TELL,), "core.cache_missed": (AGAIN,)}
    yield
    kept._circuits.clear()


def change(count: int = 1, *, ago: timedelta = timedelta(0)) -> None:
    with transaction.atomic():
        for _ in range(count):
            kept.announce_change(at=timezone.now() - ago)


def deliver(handler: str) -> list[Delivery]:
    """Deliver what is owed to a handler as one message does, and return it."""
    owed = list(Delivery.objects.filter(handler=handler, done_at__isnull=True).order_by("pk"))
    outbox.deliver(delivery_ids=[str(each.pk) for each in owed], handler=handler)
    for each in owed:
        each.refresh_from_db()
    return owed


@pytest.mark.django_db
class TestAnnounceChange:
    def test_owes_nothing_where_there_is_no_cache(self, settings: Any) -> None:
        settings.CACHE_PURGE_URLS = []

        change()

        assert not OutboxEvent.objects.exists()

    def test_calls_nobody_until_a_worker_does(self, settings: Any, cache: Cache) -> None:
        settings.CACHE_PURGE_URLS = [cache.door]

        change()

        assert (cache.told, Delivery.objects.count()) == ([], 1)


@pytest.mark.django_db
class TestTellCaches:
    def test_tells_each_once_for_all_changes(self, settings: Any, cache: Cache) -> None:
        other = Cache("127.0.0.2")
        settings.CACHE_PURGE_URLS = [cache.door, other.door]
        change(7)

        done = deliver(TELL)
        other.leave()

        assert cache.told == other.told == ["/forget"]
        assert {each.state for each in done} == {"done"}

    def test_tells_every_address_of_a_name(self, settings: Any, cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
        other = Cache("127.0.0.2", port=cache.port)
        found = [(2, 1, 6, "", (address, cache.port)) for address in ("127.0.0.1", "127.0.0.2", "127.0.0.1")]
        look_up = socket.getaddrinfo
        monkeypatch.setattr(
            socket, "getaddrinfo", lambda host, *rest: found if host == "nginx-pods" else look_up(host, *rest)
        )
        settings.CACHE_PURGE_URLS = [f"http://nginx-pods:{cache.port}/forget"]
        change()

        deliver(TELL)
        other.leave()

        assert cache.told == other.told == ["/forget"]

    def test_is_done_with_a_change_though_one_is_away_who_is_told_by_itself(
        self, settings: Any, cache: Cache, gone: str
    ) -> None:
        settings.CACHE_PURGE_URLS = [gone, cache.door]
        change(3)

        told, missed = deliver(TELL), deliver(AGAIN)

        assert {each.state for each in told} == {"done"}
        assert [(each.state, each.attempts, each.aggregate) for each in missed] == [("owed", 1, gone)]
        assert cache.told == ["/forget"], "who was there is not told again"

    def test_asks_one_that_is_away_no_more_for_a_while(
        self, settings: Any, gone: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tried: list[str] = []
        settings.CACHE_PURGE_URLS = [gone]

        def refuse(connection: http.client.HTTPConnection) -> None:
            tried.append(connection.host)
            raise ConnectionRefusedError

        monkeypatch.setattr(http.client.HTTPConnection, "connect", refuse)

        for _ in range(6):
            change()
            deliver(TELL)

        assert len(tried) == 3

    @pytest.mark.parametrize("status", [200, 302, 403, 500])
    def test_takes_no_other_answer_for_an_agreement(self, settings: Any, status: int) -> None:
        odd = Cache(status=status)
        settings.CACHE_PURGE_URLS = [odd.door]
        change()

        deliver(TELL)
        odd.leave()

        assert Delivery.objects.filter(handler=AGAIN).count() == 1

    def test_notes_a_name_that_is_not_known(self, settings: Any) -> None:
        settings.CACHE_PURGE_URLS = ["http://nginx.invalid:8081/forget"]
        change()

        deliver(TELL)

        assert Delivery.objects.get(handler=AGAIN).aggregate == "http://nginx.invalid:8081/forget"


@pytest.mark.django_db
class TestTellAgain:
    def test_tells_one_that_came_back(self, settings: Any, gone: str) -> None:
        settings.CACHE_PURGE_URLS = [gone]
        change()
        deliver(TELL)
        away = deliver(AGAIN)
        back = Cache(port=int(gone.rpartition(":")[2].removesuffix("/forget")))

        done = deliver(AGAIN)
        back.leave()

        assert [each.state for each in away] == ["owed"]
        assert ([each.state for each in done], back.told) == (["done"], ["/forget"])

    def test_leaves_it_when_it_keeps_nothing_that_old(self, settings: Any, gone: str) -> None:
        settings.CACHE_PURGE_URLS, settings.CACHE_KEPT_SECONDS = [gone], 60
        change(ago=timedelta(seconds=61))
        deliver(TELL)

        assert [each.state for each in deliver(AGAIN)] == ["done"]
