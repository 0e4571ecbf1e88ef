from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_network
from typing import Any

import pytest
import redis
from conftest import Redis
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings
from structlog.testing import capture_logs

from config import pacing
from config.pacing import LocalCounter, Paced
from config.settings.limits import RateLimit, rate_limits

CART, SEARCH = ("POST", "/api/v1/cart/items", ""), ("GET", "/api/v1/products", "page=1&search=lamp")


class Clock:
    """Time as a test wants it: in the middle of a window."""

    def __init__(self) -> None:
        self.now = 6_000_030.0

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(pacing, "time", clock)
    return clock


@pytest.fixture
def limited(settings: Settings, redis_url: str, clock: Clock) -> Iterator[Settings]:
    """Two requests a minute of each scope, counted in a real Redis that counts nothing yet."""
    settings.REDIS_URL = redis_url
    settings.RATE_LIMITS = {scope: RateLimit(scope, 2, 60) for scope in ("search", "cart", "orders")}
    settings.TRUSTED_PROXIES = [ip_network("10.0.0.0/8")]
    with redis.Redis.from_url(redis_url) as store:
        store.flushdb()
        yield settings
        store.flushdb()


def answered(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("201 Created", [("Content-Type", "application/json"), *environ.get("told", [])])
    return [b"done"]


def ask(paced: Paced, asked: tuple[str, str, str] = CART, **environ: Any) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and body of what a client at 93.184.216.1 is answered."""
    told: list[Any] = []
    method, path, query = asked
    usual = {"REMOTE_ADDR": "93.184.216.1", "wsgi.url_scheme": "http"}
    named = {"REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": query}
    body = b"".join(paced(usual | named | environ, lambda *words: told.append(words)))
    [(status, headers)] = told
    return int(status[:3]), dict(headers), body


@pytest.mark.usefixtures("limited")
class TestPaced:
    def test_s33_counts_down_to_the_refusal(self) -> None:
        paced = Paced(answered)

        first, second, third = (ask(paced) for _ in range(3))

        assert [(first[0], first[2]), (second[0], second[2]), third[0]] == [(201, b"done"), (201, b"done"), 429]
        assert [told["RateLimit"] for _, told, _ in (first, second, third)] == [
            '"cart";r=1;t=30',
            '"cart";r=0;t=30',
            '"cart";r=0;t=30',
        ]
        assert first[1]["RateLimit-Policy"] == third[1]["RateLimit-Policy"] == '"cart";q=2;w=60'
        problem = json.loads(third[2])
        assert (problem["code"], problem["status"], problem["retry_after"]) == ("core.too_many_requests", 429, 30)
        assert third[1]["Retry-After"] == "30"
        assert third[1]["Content-Type"] == "application/problem+json"
        assert third[1]["X-Request-ID"] == problem["request_id"]
        assert third[1]["X-Content-Type-Options"] == "nosniff"

    def test_s33_begins_anew_with_each_window(self, clock: Clock) -> None:
        paced = Paced(answered)
        assert [ask(paced)[0] for _ in range(3)] == [201, 201, 429]

        clock.now += 30

        assert ask(paced)[1]["RateLimit"] == '"cart";r=1;t=60'

    def test_s33_is_counted_for_all_processes_together(self) -> None:
        one, other = Paced(answered), Paced(answered)

        assert [ask(paced)[0] for paced in (one, other, one, other)] == [201, 201, 429, 429]

    def test_s33_of_one_address_and_scope_keeps_no_other(self) -> None:
        paced = Paced(answered)
        assert [ask(paced)[0] for _ in range(3)] == [201, 201, 429]

        assert ask(paced, REMOTE_ADDR="93.184.216.2")[0] == 201
        assert ask(paced, ("POST", "/api/v1/orders", ""))[0] == 201

    def test_s33_is_of_the_client_behind_a_proxy_of_ours_and_of_nobody_whom_it_names(self) -> None:
        paced = Paced(answered)

        through = [ask(paced, REMOTE_ADDR="10.1.1.1", HTTP_X_FORWARDED_FOR=f"93.184.216.{n}")[0] for n in (1, 2, 3)]
        forged = [ask(paced, REMOTE_ADDR="93.184.216.9", HTTP_X_FORWARDED_FOR=f"93.184.216.{n}")[0] for n in (4, 5, 6)]

        assert through == [201, 201, 201]
        assert forged == [201, 201, 429]

    def test_s33_takes_a_network_of_ipv6_for_one_line(self) -> None:
        paced = Paced(answered)

        same = [ask(paced, REMOTE_ADDR=f"2a00:1450:0:1::{n}")[0] for n in (1, 2, 3)]

        assert same == [201, 201, 429]
        assert ask(paced, REMOTE_ADDR="2a00:1450:0:2::1")[0] == 201

    @pytest.mark.parametrize(
        "asked",
        [
            ("GET", "/api/v1/cart", ""),
            ("GET", "/api/v1/products", "page=2"),
            ("GET", "/api/v1/products", "research=x&tag=search"),
            ("GET", "/api/v1/products/lamp", "search=x"),
            ("POST", "/api/v1/orders/5/ship", ""),
            ("POST", "/api/v1/payments/5/capture", ""),
            ("POST", "/api/v1/carts", ""),
            ("POST", "/api/v1/products", ""),
        ],
    )
    def test_s33_leaves_alone_what_is_of_no_scope(self, asked: tuple[str, str, str]) -> None:
        paced = Paced(answered)

        for _ in range(4):
            status, told, _ = ask(paced, asked)
            assert (status, "RateLimit" in told) == (201, False)

    @pytest.mark.parametrize("query", ["sea%72ch=lamp", "page=1&%73earch=x", "search"])
    def test_s33_knows_a_search_however_it_is_written(self, query: str) -> None:
        paced = Paced(answered)

        assert [ask(paced, ("GET", "/api/v1/products", query))[0] for _ in range(3)] == [201, 201, 429]

    def test_s33_tells_of_searches_only_who_is_refused(self) -> None:
        paced = Paced(answered)

        told = [ask(paced, SEARCH) for _ in range(3)]

        assert [status for status, _, _ in told] == [201, 201, 429]
        assert ["RateLimit" in headers for _, headers, _ in told] == [False, False, True]

    def test_s33_tells_of_other_limits_too(self) -> None:
        others = [("RateLimit", '"declines";r=4;t=9'), ("RateLimit-Policy", '"declines";q=5;w=900')]

        _, told, _ = ask(Paced(answered), told=others)

        assert told["RateLimit"] == '"declines";r=4;t=9, "cart";r=1;t=30'
        assert told["RateLimit-Policy"] == '"declines";q=5;w=900, "cart";q=2;w=60'

    @pytest.mark.parametrize("peer", ["127.0.0.1", "10.2.3.4", "192.168.1.7", "::1", "fd00::1", "100.64.0.3", ""])
    def test_s33_takes_an_address_of_ours_for_many_shoppers(self, peer: str) -> None:
        paced = Paced(answered)

        assert {ask(paced, REMOTE_ADDR=peer)[0] for _ in range(4)} == {201}

    def test_keeps_no_address(self, redis_url: str) -> None:
        ask(Paced(answered))

        with redis.Redis.from_url(redis_url) as store:
            [key] = store.keys()
            assert b"93.184.216.1" not in key
            assert 0 < store.ttl(key) <= 61


class TestWithoutRedis:
    def test_s33_r28_each_process_counts_for_itself_and_it_is_not_asked_each_time(
        self, limited: Settings, own_redis: Redis
    ) -> None:
        limited.REDIS_URL = own_redis.url
        one, other = Paced(answered), Paced(answered)
        assert ask(one)[0] == 201
        own_redis.kill()

        with capture_logs() as lines:
            told = [ask(one) for _ in range(10)]

        assert [status for status, _, _ in told] == [201, 201, *[429] * 8]
        assert told[0][1]["RateLimit"] == '"cart";r=1;t=30'
        assert ask(other)[0] == 201
        events = [line["event"] for line in lines]
        assert events.count("requests are counted by each process") == 3

    def test_s33_where_there_is_none_each_process_counts(self, limited: Settings, clock: Clock) -> None:
        limited.REDIS_URL = ""
        paced = Paced(answered)

        assert [ask(paced)[0] for _ in range(3)] == [201, 201, 429]
        clock.now += 60
        assert ask(paced)[0] == 201


class TestLocalCounter:
    def test_forgets_what_is_over_when_there_is_much(self, monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
        monkeypatch.setattr(pacing, "_MOST_KEYS", 3)
        counter = LocalCounter()
        counter.add_one("old", seconds=1)
        clock.now += 2

        counts = [counter.add_one(key, seconds=60) for key in ("a", "b", "a", "c", "a")]

        assert counts == [1, 1, 2, 1, 3]
        assert counter.add_one("old", seconds=60) == 1  # and with it all are forgotten
        assert counter.add_one("a", seconds=60) == 1

    def test_counts_each_of_many_threads(self) -> None:
        counter = LocalCounter()

        with ThreadPoolExecutor(8) as pool:
            counts = list(pool.map(lambda _: counter.add_one("key", seconds=60), range(400)))

        assert sorted(counts) == list(range(1, 401))


class TestRateLimits:
    def test_are_read_from_words(self) -> None:
        assert rate_limits(["search=5/60", " cart=0/60"]) == {"search": RateLimit("search", 5, 60)}

    @pytest.mark.parametrize("given", ["search", "search=5", "search=5/0", "search=-1/60", "wine=5/60", "search=x/60"])
    def test_are_refused_where_they_mean_nothing(self, given: str) -> None:
        with pytest.raises(ImproperlyConfigured, match="RATE_LIMITS"):
            rate_limits([given])
