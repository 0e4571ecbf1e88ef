"""What the pages say of who may do, see and write what is what the schema and the code say."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from fnmatch import fnmatch
from typing import Any

import pytest
from django.apps import apps

from accounts.domain import ROLE_PERMISSIONS, Role
from tests.documented.pages import codes, section, table
from tests.journeys.world import Operation, document, operations

ACTS = ("view", "add", "change", "delete")
PERMISSION = re.compile(r"`([a-z]+\.[a-z]+_\w+)`")


def fields_in(described: Any, *, known: set[str] | None = None) -> set[str]:
    """Return the names of all fields of a part of the document, with those of what it refers to."""
    known = set() if known is None else known
    found = set()
    if isinstance(described, dict):
        name = described.get("$ref", "").rsplit("/", 1)[-1]
        if name and name not in known:
            known.add(name)
            found |= fields_in(document()["components"]["schemas"].get(name, {}), known=known)
        found |= set(described.get("properties", {}))
    within = described.values() if isinstance(described, dict) else described if isinstance(described, list) else ()
    for value in within:
        found |= fields_in(value, known=known)
    return found


def shown_by(operation: Operation) -> set[str]:
    answers = operation.described["responses"].items()
    return fields_in([answer for status, answer in answers if status.startswith("2")])


def by_app(wanted: Iterable[tuple[str, set[str]]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for app, fields in wanted:
        found[app] |= fields
    return {app: fields for app, fields in found.items() if fields}


def app_of(operation: Operation) -> str:
    return str(operation.described["tags"][0])


STAFF = [operation for operation in operations() if operation.permissions is not None]
OTHERS = [operation for operation in operations() if operation.permissions is None]


class TestFunctions:
    @pytest.mark.parametrize("operation", STAFF, ids=lambda operation: operation.name)
    def test_for_staff_name_the_permissions_that_they_need(self, operation: Operation) -> None:
        said = PERMISSION.findall(operation.described["description"])

        assert set(said) == set(operation.permissions or ())

    def test_name_permissions_that_there_are(self) -> None:
        there_are = {
            f"{model._meta.app_label}.{code}"
            for model in apps.get_models()
            for code, _ in (*model._meta.permissions, *((f"{act}_{model._meta.model_name}", "") for act in ACTS))
        }

        said = {name for one in operations() for name in PERMISSION.findall(one.described.get("description", ""))}

        assert sorted(said - there_are) == []

    def test_are_in_reach_of_the_roles_that_the_page_names(self) -> None:
        said = [row[0] for row in table("authentication.md", "Roles", first="role")]
        needed = {name for operation in STAFF for name in operation.permissions or ()}
        held = ROLE_PERMISSIONS[Role.ADMINISTRATOR]

        assert said == [role.value for role in Role]
        assert [name for name in sorted(needed) if not any(fnmatch(name, one) for one in held)] == []


class TestFields:
    ROWS = {
        row[0].strip("`"): (set(codes(row[1])), set(codes(row[2])))
        for row in table("security.md", "Fields", first="app")
    }

    def test_written_by_others_than_staff_are_those_of_the_page(self) -> None:
        written = by_app((app_of(one), fields_in(one.described.get("requestBody", {}))) for one in OTHERS)

        assert {app: fields for app, (fields, _) in self.ROWS.items() if fields} == written

    def test_shown_to_staff_alone_are_those_of_the_page(self) -> None:
        seen = {field for operation in OTHERS for field in shown_by(operation)}

        alone = by_app((app_of(operation), shown_by(operation) - seen) for operation in STAFF)

        assert {app: fields for app, (_, fields) in self.ROWS.items() if fields} == alone

    def test_that_nobody_writes_are_in_no_body(self) -> None:
        said = re.search(
            r"Never written from outside: (.*?)\. ", section("security.md", "Who may what").replace("\n", " ")
        )
        assert said

        written = {
            field for operation in operations() for field in fields_in(operation.described.get("requestBody", {}))
        }

        assert len(codes(said[1])) > 5
        assert written & set(codes(said[1])) == set()
