"""What the pages say of what is taken is so: what must fit together, how many of what, and which files."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from core.api.serializers import Input
from core.images import _EXTENSIONS
from products.services.importing.readers import FORMATS
from tests.documented.pages import ROOT, codes, modules, numbers, table
from tests.journeys.world import operations

_LIMIT = re.compile(r"(MAX|MOST)(_\w+)?|[A-Z]\w*_(MAX|LIMIT)(_\w+)?")
# How libraries and queues work, and what only a machine of ours asks for.
_NO_LIMITS_OF_BUSINESS = ("config.", "orders.services.replaying.", "products.services.importing.", "core.admin.")
_CONSTRAINTS = """
SELECT conname, array_agg(attname::text ORDER BY attname) FROM pg_constraint
  JOIN pg_attribute ON attrelid = conrelid AND attnum = ANY (conkey)
 WHERE contype = 'c' AND cardinality(conkey) > 1 AND connamespace = 'public'::regnamespace
   AND conrelid::regclass::text NOT LIKE 'sandbox%%'
 GROUP BY conname"""
MIB = 1024 * 1024


def inputs(kind: type[Any] = Input) -> Iterator[type[Any]]:
    """Return what is made of the bodies and queries of the API, by class."""
    for each in kind.__subclasses__():
        if ".tests." not in each.__module__:
            yield each
            yield from inputs(each)


def checks_of(kind: type[Any]) -> set[str]:
    """Return the fields that a class of input compares with each other in ``validate`` of its own."""
    text = textwrap.dedent(inspect.getsource(kind.validate))
    words = {node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant)}
    return words & set(kind().fields)


def refusing() -> set[type[Any]]:
    """Return the classes of input that refuse what does not fit together."""
    operations()  # loads them all
    own = {each for each in inputs() if "validate" in vars(each) and not each.__module__.startswith("sandbox")}
    return {each for each in own if re.search(r"\braise\b|_each_once|check_phone", inspect.getsource(each.validate))}


class TestBodies:
    ROWS = {codes(row[0])[0]: set(codes(row[1])) for row in table("input.md", "What must fit together", first="body")}

    def test_that_are_checked_as_a_whole_are_those_of_the_page(self) -> None:
        assert {each.__name__: checks_of(each) for each in refusing()} == self.ROWS


class TestRows:
    ROWS = {codes(row[0])[0]: codes(row[1]) for row in table("input.md", "Of a row", first="constraint")}

    @pytest.mark.django_db
    def test_of_the_database_must_fit_as_the_page_says(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(_CONSTRAINTS)
            found = dict(cursor.fetchall())

        assert found == self.ROWS


class TestRefusals:
    def test_that_the_page_names_are_there(self) -> None:
        problems = (ROOT / "docs" / "problems.md").read_text()

        named = [code for row in table("input.md", "With what is there", first="what") for code in codes(row[2])]

        assert len(named) > 10
        assert [code for code in named if f"\n| `{code}` |" not in problems] == []


class TestLimits:
    BY_NAME = {codes(row[0])[0]: int(numbers(row[1])[0]) for row in table("input.md", "How many", first="limit")}
    ROWS = {row[0]: row[1] for row in table("security.md", "Limits", first="of")}

    def test_are_those_of_the_page(self) -> None:
        found = {}
        for name, tree in modules():
            for node in tree.body:
                target = node.targets[0] if isinstance(node, ast.Assign) else None
                if isinstance(target, ast.Name) and _LIMIT.fullmatch(target.id):
                    found[f"{name}.{target.id}"] = getattr(import_module(name), target.id)
        ours = {name: most for name, most in found.items() if not name.startswith(_NO_LIMITS_OF_BUSINESS)}
        of_settings = {
            name: getattr(settings, name)
            for name in ("CART_MAX_LINES", "CART_MAX_QUANTITY", "UPLOAD_MAX_BYTES", "UPLOAD_MAX_PIXELS",
                         "IMPORT_MAX_UNPACKED_BYTES", "DATA_UPLOAD_MAX_MEMORY_SIZE", "DATA_UPLOAD_MAX_NUMBER_FILES")
        }  # fmt: skip

        assert ours | of_settings == self.BY_NAME

    def test_in_short_are_the_same(self) -> None:
        by_name = self.BY_NAME

        assert numbers(self.ROWS["lines of a cart, of one kind"]) == [
            by_name["CART_MAX_LINES"], by_name["CART_MAX_QUANTITY"]
        ]  # fmt: skip
        assert numbers(self.ROWS["addresses of a person; pictures of a product; uploads waiting"]) == [
            by_name["accounts.domain.ADDRESS_BOOK_LIMIT"], by_name["products.domain.given.MAX_IMAGES"],
            by_name["core.uploads.MOST_WAITING"],
        ]  # fmt: skip
        assert numbers(self.ROWS["page of a list; counted rows"]) == [
            by_name["core.pagination.MAX_SIZE"], by_name["core.pagination.EXACT_COUNT_LIMIT"]
        ]  # fmt: skip

    def test_of_an_address_are_those_of_nginx(self) -> None:
        given = dict(re.findall(r"^(NEXUS_\w+)=(.*)$", (ROOT / "infra/nginx/defaults.env").read_text(), re.MULTILINE))

        said = numbers(self.ROWS["requests of an address"])

        assert said[:3] == numbers(" ".join(
            given[name].removesuffix("r/s") for name in ("NEXUS_RATE", "NEXUS_BURST", "NEXUS_SIGN_IN_RATE")
        ))  # fmt: skip

    def test_of_scopes_are_those_that_redis_counts(self) -> None:
        said = {codes(row[0])[0]: int(row[1]) for row in table("security.md", "Limits", first="scope")}

        assert said == {name: limit.most for name, limit in settings.RATE_LIMITS.items()}
        assert {limit.seconds for limit in settings.RATE_LIMITS.values()} == {60}


class TestFiles:
    ROWS = {row[0]: row for row in table("security.md", "Files", first="upload")}

    def test_are_taken_by_the_operations_of_the_page(self) -> None:
        taking = {one.name for one in operations() if set(one.content_types) - {"application/json"} and one.is_write}
        said = {code for row in self.ROWS.values() for code in codes(row[0])}

        assert taking == said

    def test_have_the_kinds_and_sizes_of_the_page(self) -> None:
        pictures = self.ROWS[next(name for name in self.ROWS if name.startswith("pictures"))]
        goods = self.ROWS[next(name for name in self.ROWS if name.startswith("import"))]

        assert [kind.upper() for kind in re.findall(r"JPEG|PNG|WebP", pictures[1])] == list(_EXTENSIONS)
        assert numbers(pictures[2]) == [
            settings.UPLOAD_MAX_BYTES / MIB, settings.UPLOAD_MAX_PIXELS / 1e6, settings.DATA_UPLOAD_MAX_NUMBER_FILES
        ]  # fmt: skip
        assert [f".{kind.lower()}" for kind in re.findall(r"CSV|XLSX|JSON", goods[1])] == list(FORMATS)
        assert numbers(goods[2]) == [settings.UPLOAD_MAX_BYTES / MIB, settings.IMPORT_MAX_UNPACKED_BYTES / MIB]

    def test_of_direct_uploads_have_the_time_that_the_page_says(self) -> None:
        text = (ROOT / "docs" / "media.md").read_text()

        assert timedelta(minutes=int(re.search(r"`expires_at` \((\d+) minutes\)", text)[1])) == settings.UPLOAD_TTL  # type: ignore[index]
        assert f"may have {self.waiting()} uploads waiting" in text

    @staticmethod
    def waiting() -> int:
        return TestLimits.BY_NAME["core.uploads.MOST_WAITING"]
