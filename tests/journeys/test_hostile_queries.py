"""Odd addresses: what stands in paths and queries opens nothing and breaks nothing."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from tests.journeys.hostile import HEADERS, LDAP, SQL, TEMPLATES, is_described, plain
from tests.journeys.world import Operation, World, operations, send, undone

# The same of parameters of paths: a ticket says no more of a file than that it cannot be taken in.
REFUSES_PATH_WITH = {("put_upload", "ticket"): 422}


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
                same = plain(answer) == plain(nonsense)
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


def _asked(world: World, operation: Operation, query: str) -> Any:
    return send(
        operation.method,
        f"{world.address_of(operation)}?{query}",
        body=world.body_of(operation),
        form=operation.is_form,
        headers=world.as_(world.who_may(operation)),
    )
