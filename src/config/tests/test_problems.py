from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from config import problems
from config.management.commands import list_problems
from core.tests.urls import NotToday


class TestCatalogue:
    def test_names_each_code_once(self) -> None:
        codes = [known.code for known in problems.catalogue()]

        assert len(codes) == len(set(codes))
        assert {"core.error", "core.malformed", "core.not_acceptable", "orders.total_changed"} <= set(codes)

    def test_says_of_each_what_it_means(self) -> None:
        bare = [known.code for known in problems.catalogue() if not (known.title and known.description)]

        assert bare == []

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
