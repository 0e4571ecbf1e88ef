"""Odd headers: what stands in them opens nothing and breaks nothing."""

from __future__ import annotations

import io
from itertools import cycle, islice, product
from typing import Any
from urllib.parse import quote

import pytest
from django.core.handlers.wsgi import WSGIHandler

from tests.journeys.hostile import HEADERS, SQL, is_described, plain
from tests.journeys.world import Operation, World, operations, send, undone

# Headers of which the shop reads the value.
READ = (
    *("X-Cart-Token", "X-Order-Token", "X-Market", "Idempotency-Key", "If-Match", "If-None-Match", "X-Request-ID"),
    *("Accept-Language", "Range", "Cookie", "User-Agent", "X-Forwarded-For", "Origin"),
)
VALUES = (
    "\x00",
    "\xff\xfe",
    "a\x00b",
    "x" * 20_000,
    '"',
    "*",
    "bytes=0-,-1,99999999999-",
    "' OR 1=1 --",
    "-1",
    "",
    "Bearer",
    "Bearer " + "." * 500,
    "\u20ac",
)


class TestHeaders:
    @pytest.mark.parametrize(
        "name",
        [
            "Authorization",
            "X-Cart-Token",
            "X-Order-Token",
            "X-Market",
            "Idempotency-Key",
            "If-Match",
            "If-None-Match",
            "X-Request-ID",
            "Accept-Language",
            "Range",
            "Cookie",
            "Content-Length",
            "Host",
            "Accept-Encoding",
            "User-Agent",
        ],
    )
    def test_s24_of_any_bytes_break_nothing(self, world: World, name: str) -> None:
        for operation, value in product(_some_of_each(), VALUES):
            if name in ("Content-Length", "Host") and operation.is_write:
                continue
            with undone():
                who = "nobody" if name == "Authorization" else world.who_may(operation)
                answer = world.ask(operation, who=who, **{name: value.encode().decode("latin-1")})

                assert is_described(operation, answer), f"{operation.name} {value[:50]!r}"

    @pytest.mark.parametrize("share", [1, pytest.param(len(SQL), marks=pytest.mark.long)])
    @pytest.mark.parametrize("name", READ)
    def test_s26_a09_make_no_difference(self, world: World, name: str, share: int) -> None:
        turn = cycle(SQL)
        for operation in _some_of_each():
            with undone():
                nonsense = world.ask(operation, **{name: "qqzzxxyy"})
            for text in islice(turn, share):
                with undone():
                    answer = world.ask(operation, **{name: text})

                same = (answer.status_code, plain(answer)) == (nonsense.status_code, plain(nonsense))
                assert same or answer.status_code in (400, 404), f"{operation.name} {text}"

    @pytest.mark.parametrize(
        "accept",
        [
            "*/*",
            "application/json",
            "text/html",
            "application/xml",
            "x",
            "",
            "q=;",
            "*/*;q=0",
            "application/problem+json",
            "a/b," * 2000,
            "\xff",
        ],
    )
    def test_accept_of_any_sort_is_answered_in_json(self, world: World, accept: str) -> None:
        for operation in _some_of_each():
            with undone():
                answer = world.ask(operation, Accept=accept)

                assert is_described(operation, answer), operation.name
                assert not answer.content or "json" in answer["Content-Type"]

    def test_s26_are_never_made_of_what_was_sent(self, world: World) -> None:
        for text in HEADERS:
            for path in ("/api/v1/products", f"/api/v1/products/{quote(text)}", f"/api/v1/markets/{quote(text)}"):
                answer = send("get", f"{path}?search={quote(text)}", headers={"X-Request-ID": "a b"})

                assert "Set-Cookie" not in answer
                assert not any("\n" in value or "\r" in value for value in answer.headers.values())

    def test_a_body_that_ends_early_is_a_refusal(self, world: World) -> None:
        environ = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": "/api/v1/auth/login",
            "SERVER_NAME": "testserver",
            "SERVER_PORT": "80",
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": "500",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(b'{"email": "a'),
            "wsgi.errors": io.StringIO(),
        }
        told: list[str] = []

        list(_handler()(environ, lambda status, headers, *_: told.append(status)))

        assert told[0].startswith("400")


def _handler() -> Any:
    handler = WSGIHandler()
    handler.load_middleware()
    return handler


def _some_of_each() -> list[Operation]:
    names = {"list_products", "get_product", "list_markets", "cart_retrieve", "cart_items_create", "orders_list"}
    names |= {"orders_retrieve", "update_product", "login", "list_users", "notifications_list", "add_address"}
    return [operation for operation in operations() if operation.name in names]
