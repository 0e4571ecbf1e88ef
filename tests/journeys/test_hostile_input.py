"""What no client in its right mind sends, to every operation of the schema."""

from __future__ import annotations

import gzip
import io
import re
from collections.abc import Iterator
from copy import deepcopy
from itertools import cycle, islice, product
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from django.conf import settings as configured
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts.domain import Purpose
from accounts.models import Attempt, OneTimeToken, RecoveryCode
from accounts.services.secrets import digest_of
from accounts.tests.factories import PASSWORD
from tests.journeys.world import SIGNED, Operation, World, operations, send, undone, writes

# Headers of which the shop reads the value.
READ = (
    *("X-Cart-Token", "X-Order-Token", "X-Market", "Idempotency-Key", "If-Match", "If-None-Match", "X-Request-ID"),
    *("Accept-Language", "Range", "Cookie", "User-Agent", "X-Forwarded-For", "Origin"),
)
# They show a secret, once, to whom it is made for.
SHOW = {"begin_second_factor": "the seed", "confirm_second_factor": "the recovery codes"}
SQL = ("' OR 1=1 --", '"; DROP TABLE orders_order; --', "1) UNION SELECT NULL --", "'||pg_sleep(5)||'", "\\' OR 'x'='x")
TEMPLATES = ("{{7*7}}", "${7*7}", "{% debug %}", "<%= 7*7 %>", "%(x)s %s %n", "{0.__class__}")
MARKUP = ("<script>alert(1)</script>", "javascript:alert(1)", "<img src=x onerror=alert(1)>")
HEADERS = ("a\r\nSet-Cookie: x=1", "a\nBcc: x@example.com", "a\r\n\r\n<html>")
LDAP = ("*)(uid=*))(|(uid=*", "../../../etc/passwd", "..%2f..%2fetc%2fpasswd", "|id;`id`$(id)")
UNICODE = ("\x00", "a\x00b", "\u202eevil", "\ufeff", "\u0430dmin", "Z\u0351\u036b" * 50, "\U0001f600", "\x7f\x1b[31m")
TEXTS = (*SQL, *TEMPLATES, *MARKUP, *HEADERS, *LDAP, *UNICODE)
LONE_SURROGATE = b'"\\ud800"'
NUMBERS = (
    b"-1",
    b"0",
    b"2147483648",
    b"9223372036854775808",
    b"1e309",
    b"NaN",
    b"-0.0",
    b'"1e2"',
    b"0.1",
    b"true",
    b"null",
)
NEVER_A_QUANTITY = tuple(number for number in NUMBERS if number != b"null")
ODD = (*NUMBERS, LONE_SURROGATE, b"[]", b"{}", b"[[]]", b'""', b"1" * 400)
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
# What is no 400, and why: Mailgun tries again for hours at every refusal but this one.
REFUSES_WITH = {"mail_reports_receive": 406}
# The same of parameters of paths: a ticket says no more of a file than that it cannot be taken in.
REFUSES_PATH_WITH = {("put_upload", "ticket"): 422}
# What Mailgun says of a mail is signed by time and token only; what is kept of it is cut.
TAKEN_AS_IT_IS = ("mail_reports_receive", "event-data", 200)
_MILLION = 1_000_000
_HOLE = "@@hole@@"


@pytest.fixture
def world(db: None, settings: Settings, tmp_path: Path) -> World:
    settings.THROTTLES = False
    settings.MEDIA_ROOT = tmp_path
    return World()


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Return where the plain values of a body stand."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    if not isinstance(value, dict | list):
        yield path
    for name, found in inner:
        yield from leaves(found, (*path, name))


def with_hole(body: Any, path: tuple[Any, ...], raw: bytes) -> bytes:
    """Return the body as JSON with those bytes at that place."""
    copy = deepcopy(body)
    place: Any = copy
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = _HOLE
    return orjson.dumps(copy).replace(orjson.dumps(_HOLE), raw)


def broken(
    world: World, values: tuple[bytes, ...], keep: Any = lambda _: True, *, share: int | None = None
) -> Iterator[tuple[Operation, Any, Any]]:
    """Ask every write with each value at each place of its body; yield operation, answer and what was sent.

    :param share: only so many values at a place, the next ones at the next
    """
    turn = cycle(values)
    for operation in writes():
        body = world.body_of(operation)
        if not isinstance(body, dict) or operation.is_form:  # the bytes of a file have no places
            continue
        for path in filter(keep, leaves(body)):
            for raw in values if share is None else islice(turn, share):
                with undone():
                    yield operation, world.ask(operation, body=with_hole(body, path, raw)), (path, raw)


def is_described(operation: Operation, answer: Any) -> bool:
    """Tell whether it is an answer of the schema, and no defect."""
    return answer.status_code < 500 and str(answer.status_code) in operation.described["responses"]


def refusal_of(operation: Operation) -> int:
    """Return how it answers what it cannot read."""
    return REFUSES_WITH.get(operation.name, 400)


class TestBody:
    @pytest.mark.parametrize("share", [4, pytest.param(None, marks=pytest.mark.long)])
    def test_s26_s24_no_text_breaks_anything(self, world: World, share: int | None) -> None:
        texts = tuple(orjson.dumps(text) for text in TEXTS)
        wrong = [
            (operation.name, sent, answer.status_code)
            for operation, answer, sent in broken(world, texts, share=share)
            if not is_described(operation, answer)
        ]

        assert wrong == []

    def test_s26_no_statement_opens_what_nonsense_does_not(self, world: World) -> None:
        refused = {
            (operation.name, path)
            for operation, answer, (path, _) in broken(world, (b'"qqzzxxyy"',))
            if answer.status_code >= 400
        }
        statements = tuple(orjson.dumps(text) for text in SQL)
        opened = [
            (operation.name, path, raw)
            for operation, answer, (path, raw) in broken(world, statements, share=1)
            if answer.status_code < 400 and (operation.name, path) in refused
        ]

        assert len(refused) > 100
        assert opened == []

    @pytest.mark.parametrize("share", [5, pytest.param(None, marks=pytest.mark.long)])
    def test_s21_no_odd_value_breaks_anything(self, world: World, share: int | None) -> None:
        wrong = [
            (operation.name, sent, answer.status_code)
            for operation, answer, sent in broken(world, ODD, share=share)
            if not is_described(operation, answer)
        ]

        assert wrong == []

    def test_s21_a25_a_quantity_is_a_whole_positive_number_or_refused(self, world: World) -> None:
        names = {"cart_items_create", "cart_items_update", "cart_quote"}
        taken = [
            (operation.name, sent)
            for operation, answer, sent in broken(world, NEVER_A_QUANTITY, lambda path: path[-1] == "quantity")
            if operation.name in names and not 400 <= answer.status_code < 500
        ]

        assert taken == []

    def test_s21_a_price_is_a_plain_amount_or_refused(self, world: World) -> None:
        never = (
            b"-1",
            b'"-1"',
            b"1e309",
            b"NaN",
            b'"NaN"',
            b'"1e2"',
            b"0.1",
            b"true",
            b"9223372036854775808",
            b'"0.001"',
        )
        taken = [
            (operation.name, sent)
            for operation, answer, sent in broken(world, never, lambda path: path[-1] == "price")
            if not 400 <= answer.status_code < 500
        ]

        assert taken == []

    def test_s24_a_million_characters_are_refused(self, world: World) -> None:
        text = orjson.dumps("x" * _MILLION)
        taken = [
            (operation.name, sent[0], answer.status_code)
            for operation, answer, sent in broken(world, (text,))
            if answer.status_code not in (refusal_of(operation), 401, 413, 422)
            and (operation.name, sent[0][0], answer.status_code) != TAKEN_AS_IT_IS
        ]

        assert taken == []

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b" ",
            b"null",
            b"[]",
            b'"x"',
            b"1",
            b"{",
            b'{"a":}',
            b"\xff\xfe",
            b"\x00",
            b"[" * 100_000,
            b'{"a":' * 5000,
        ],
    )
    def test_s32_that_is_no_object_is_refused(self, world: World, body: bytes) -> None:
        for operation in writes():
            if operation.content_types != ["application/json"]:
                continue
            with undone():
                answer = world.ask(operation, body=body)

                assert is_described(operation, answer), operation.name
                assert answer.status_code < 300 or answer.status_code >= 400
                assert answer.status_code == refusal_of(operation) or not body.strip(), operation.name

    def test_a02_s32_an_array_of_bodies_is_refused_by_every_write(self, world: World) -> None:
        asked = 0
        for operation in writes():
            body = world.body_of(operation)
            if operation.is_form or isinstance(body, bytes):  # a form, and the bytes of a file, are no JSON
                continue
            with undone():
                for sent in ([body or {}], [body or {}] * 2):
                    answer = world.ask(operation, body=orjson.dumps(sent))
                    asked += 1

                    if operation.content_types:
                        assert answer.status_code == refusal_of(operation), operation.name
                    else:
                        # Where no body is taken none is read.
                        assert is_described(operation, answer), operation.name
        assert asked > 100

    def test_s32_over_the_limit_is_413_everywhere(self, world: World) -> None:
        body = b'{"name":"' + b"x" * (configured.DATA_UPLOAD_MAX_MEMORY_SIZE + 1) + b'"}'
        for operation in writes():
            if operation.content_types == ["application/json"]:
                assert world.ask(operation, body=body).status_code == 413, operation.name

    def test_s32_deeper_than_32_is_refused_everywhere(self, world: World) -> None:
        body = b'{"name":' * 40 + b"1" + b"}" * 40
        for operation in writes():
            if operation.content_types == ["application/json"]:
                answer = world.ask(operation, body=body)

                assert answer.status_code == refusal_of(operation), operation.name

    @pytest.mark.parametrize(
        "kind", ["text/plain", "application/xml", "application/x-www-form-urlencoded", "text/json", "x"]
    )
    def test_s32_of_another_kind_is_415_everywhere(self, world: World, kind: str) -> None:
        for operation in writes():
            if not operation.content_types or operation.name in SIGNED:
                continue
            answer = Client(raise_request_exception=False).generic(
                operation.method.upper(),
                world.address_of(operation),
                b"<a/>",
                kind,
                headers=world.as_(world.who_may(operation)),
            )

            assert answer.status_code == 415, operation.name

    def test_s32_that_is_packed_is_not_unpacked(self, world: World) -> None:
        bomb = gzip.compress(b"{" + b" " * 10_000_000 + b"}")
        for operation in writes():
            if operation.content_types == ["application/json"]:
                answer = world.ask(operation, body=bomb, **{"Content-Encoding": "gzip"})

                assert answer.status_code in (refusal_of(operation), 415), operation.name


class TestQuery:
    @pytest.mark.parametrize("text", [*SQL, *TEMPLATES, *HEADERS, *LDAP])
    def test_s26_a09_a26_makes_no_difference(self, world: World, text: str) -> None:
        for operation in operations():
            for parameter in operation.parameters("query"):
                name = parameter["name"]
                with undone():
                    answer = _asked(world, operation, f"{name}={quote(text)}")
                with undone():
                    nonsense = _asked(world, operation, f"{name}=qqzzxxyy")

                assert is_described(operation, answer), f"{operation.name} {name}"
                same = _plain(answer) == _plain(nonsense)
                assert same or answer.status_code in (400, 404), f"{operation.name} {name}"

    @pytest.mark.parametrize(
        "raw", ["%00", "%FF%FE", "%ED%A0%80", "%C0%AE", "%", "%zz", "a" * 5000, "%F0%9F%98%80", "&&=&", "+"]
    )
    def test_s24_of_any_bytes_breaks_nothing(self, world: World, raw: str) -> None:
        for operation in operations():
            for name in [found["name"] for found in operation.parameters("query")]:
                with undone():
                    assert is_described(operation, _asked(world, operation, f"{name}={raw}")), (
                        f"{operation.name} {name}"
                    )

    def test_s31_is_capped(self, world: World) -> None:
        lists = [found for found in operations() if "size" in {part["name"] for part in found.parameters("query")}]
        for operation in lists:
            for query in (
                "size=101",
                "size=0",
                "size=-1",
                "size=9999999999",
                "page=0",
                "page=100001",
                "page=1e9",
                "size=1.5",
            ):
                assert _asked(world, operation, query).status_code == 400, f"{operation.name} {query}"
        assert len(lists) >= 9

    def test_s31_takes_a_name_once_and_only_if_it_knows_it(self, world: World) -> None:
        lists = [found for found in operations() if "size" in {part["name"] for part in found.parameters("query")}]
        for operation in lists:
            for query in (
                "size=1&size=2",
                "page=1&page=1",
                "nonsense=1",
                "password__startswith=a",
                "order_by=password",
                "_connector=OR",
            ):
                assert _asked(world, operation, query).status_code == 400, f"{operation.name} {query}"


class TestPath:
    @pytest.mark.parametrize(
        "raw",
        [
            "%00",
            "a%00b",
            "%FF",
            "%ED%A0%80",
            "..%2f..%2fetc%2fpasswd",
            "%2e%2e",
            "a" * 9000,
            "%0d%0aX:1",
            "'%20OR%201=1",
            "%7B%7B7*7%7D%7D",
            "-1",
            "nan",
            "%25",
        ],
    )
    def test_s24_s26_of_any_bytes_finds_nothing(self, world: World, raw: str) -> None:
        for operation in operations():
            values = world.path_values(operation)
            for name in values:
                with undone():
                    answer = send(
                        operation.method,
                        operation.path.format(**(values | {name: raw})),
                        body=world.body_of(operation),
                        form=operation.is_form,
                        headers=world.as_(world.who_may(operation)),
                        kind=operation.kind,
                    )

                    refusal = REFUSES_PATH_WITH.get((operation.name, name), 400)
                    assert answer.status_code in (refusal, 404), f"{operation.name} {name}"


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

                same = (answer.status_code, _plain(answer)) == (nonsense.status_code, _plain(nonsense))
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


class TestAccountsAreNotTold:
    def test_s14_login_and_reset_do_the_same_for_known_and_unknown(self, world: World, settings: Settings) -> None:
        settings.THROTTLES = True
        for path, more in (("login", {"password": "wrong horse battery"}), ("password/reset", {})):
            answers = []
            for email in (world.customer.email, "unknown@example.com"):
                with undone(), CaptureQueriesContext(connection) as asked:
                    answer = send("post", f"/api/v1/auth/{path}", body={"email": email, **more})
                reads = [entry["sql"].split()[0] for entry in asked.captured_queries]
                body = answer.json() | {"request_id": ""} if answer.content else {}
                answers.append((answer.status_code, body, reads if path == "login" else reads.count("SELECT")))

            assert answers[0] == answers[1], path

    def test_s14_wrong_email_of_any_form_is_alike(self, world: World) -> None:
        bodies = [
            {"email": email, "password": PASSWORD + "!"}
            for email in (world.customer.email, world.customer.email.upper(), "x@example.com", world.clerk.email)
        ]
        answers = [send("post", "/api/v1/auth/login", body=body) for body in bodies]

        assert {answer.status_code for answer in answers} == {401}
        assert len({orjson.dumps(answer.json() | {"request_id": ""}) for answer in answers}) == 1

    def test_a18_no_answer_holds_a_secret(self, world: World) -> None:
        for operation in operations():
            with undone():
                said = world.ask(operation)
                parts = said.streaming_content if said.streaming else [said.content]
                answer = b"".join(parts).decode(errors="replace")

                assert world.customer.password not in answer, operation.name
                assert "argon2" not in answer, operation.name
                assert secrets_in(answer, world) == set() or operation.name in SHOW, operation.name
                if operation.name not in ("login", "refresh", "register", "change_password"):
                    assert '"access"' not in answer, operation.name
        assert Attempt.objects.count() == 0

    def test_a18_a_secret_would_be_found(self, world: World) -> None:
        mailed = world.token(Purpose.RESET_PASSWORD)

        for secret in (mailed, world.secret, world.recovery_codes[0]):
            assert secrets_in(f'{{"found": "{secret}"}}', world) == {secret}


def secrets_in(answer: str, world: World) -> set[str]:
    """Return what in an answer is a mailed token, a second factor's seed, or a recovery code, whoever it is of."""
    words = set(re.findall(r"[\w-]{8,}", answer))
    # Recovery codes are kept without their hyphens.
    forms = {form: word for word in words for form in (word, word.replace("-", ""))}
    kept = (OneTimeToken, RecoveryCode)
    digests = {digest for model in kept for digest in model.objects.values_list("digest", flat=True)}
    return {word for form, word in forms.items() if digest_of(form) in digests or word == world.secret}


def _handler() -> Any:
    handler = WSGIHandler()
    handler.load_middleware()
    return handler


def _asked(world: World, operation: Operation, query: str) -> Any:
    return send(
        operation.method,
        f"{world.address_of(operation)}?{query}",
        body=world.body_of(operation),
        form=operation.is_form,
        headers=world.as_(world.who_may(operation)),
    )


def _plain(answer: Any) -> Any:
    body = orjson.loads(answer.content) if "json" in answer.headers.get("Content-Type", "") else {}
    return {key: value for key, value in body.items() if key in ("count", "results", "code")}


def _some_of_each() -> list[Operation]:
    names = {"list_products", "get_product", "list_markets", "cart_retrieve", "cart_items_create", "orders_list"}
    names |= {"orders_retrieve", "update_product", "login", "list_users", "notifications_list", "add_address"}
    return [operation for operation in operations() if operation.name in names]
