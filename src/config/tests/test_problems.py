from __future__ import annotations

import ast
import inspect
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from config import problems
from config.management.commands import list_problems
from config.settings.env import SRC
from core.errors import DomainError
from core.tests.urls import NotToday

# Facts of some cases only, beside or in place of those that the example shows.
ALTERNATIVES: dict[str, set[str]] = {
    "MarketInvalid": {"unknown"},
    "NotAnImage": {"file", "max_pixels"},
    "NotForSale": {"variants"},
    "ProductInvalid": {"sku", "skus"},
    "StockNotFound": {"variants"},
    "TooMuch": {"max_lines"},
}


def kinds(kind: type[DomainError]) -> list[type[DomainError]]:
    return [kind, *(below for each in kind.__subclasses__() for below in kinds(each))]


def raised_in(path: Path) -> list[Any]:
    """Return the calls of ``raise SomeError(...)`` in a file."""
    raised = [node.exc for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Raise)]
    return [call for call in raised if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)]


class TestCatalogue:
    def test_names_each_code_once(self) -> None:
        codes = [known.code for known in problems.catalogue()]

        assert len(codes) == len(set(codes))
        assert {"core.error", "core.malformed", "core.not_acceptable", "orders.total_changed"} <= set(codes)

    def test_says_of_each_what_it_means(self) -> None:
        bare = [known.code for known in problems.catalogue() if not (known.title and known.description)]

        assert bare == []

    def test_shows_every_fact_that_is_raised(self) -> None:
        shown = {kind.__name__: {*kind.example, *inspect.signature(kind).parameters} for kind in kinds(DomainError)}

        silent = [
            f"{path.name}: {call.func.id} says nothing of {word.arg}"
            for path in SRC.rglob("*.py")
            if "tests" not in path.parts
            for call in raised_in(path)
            for word in call.keywords
            if word.arg not in {None, *shown.get(call.func.id, {word.arg}), *ALTERNATIVES.get(call.func.id, ())}
        ]

        assert silent == []

    def test_leaves_out_the_errors_of_tests(self) -> None:
        assert NotToday.code not in {known.code for known in problems.catalogue()}


class TestPages:
    @pytest.mark.parametrize("path", ["/docs/problems", "/docs/problems/"])
    def test_list_every_problem(self, client: Client, path: str) -> None:
        page = client.get(path).content.decode()

        assert all(f"<code>{known.code}</code>" in page for known in problems.catalogue())

    def test_lead_from_the_type_of_an_answer_to_its_meaning(self, client: Client) -> None:
        refusal = client.get("/api/v1/nothing-here").json()

        answer = client.get(refusal["type"])

        assert answer.status_code == 200
        assert refusal["title"] in answer.content.decode()
        assert "script-src" not in answer["Content-Security-Policy"]

    @pytest.mark.parametrize("code", ["orders.none_such", "%3Cscript%3E", "%00"])
    def test_refuse_an_unknown_code(self, client: Client, code: str) -> None:
        assert client.get(f"/docs/problems/{code}").status_code == 404


class TestListProblems:
    def test_finds_the_committed_page_up_to_date(self) -> None:
        call_command("list_problems", check=True)

    def test_refuses_another_page(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(list_problems, "as_markdown", lambda _: "another page")

        with pytest.raises(CommandError, match=r"problems.md is out of date"):
            call_command("list_problems", check=True)
