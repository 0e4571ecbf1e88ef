"""Odd bodies: every write is asked with texts, numbers, shapes and sizes that nobody sends who means well."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from copy import deepcopy
from itertools import cycle, islice
from typing import Any

import orjson
import pytest
from django.conf import settings as configured
from django.test import Client

from tests.journeys.hostile import HEADERS, LDAP, MARKUP, SQL, TEMPLATES, UNICODE, is_described
from tests.journeys.world import SIGNED, Operation, World, undone, writes

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
# What is no 400, and why: Mailgun tries again for hours at every refusal but this one.
REFUSES_WITH = {"mail_reports_receive": 406}
# What Mailgun says of a mail is signed by time and token only; what is kept of it is cut.
TAKEN_AS_IT_IS = ("mail_reports_receive", "event-data", 200)
_MILLION = 1_000_000
_HOLE = "@@hole@@"


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
