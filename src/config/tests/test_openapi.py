from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.contrib.staticfiles import finders
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from config import describing
from config.management.commands import check_schema


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return describing.generate()


def operations(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method.upper()} {path}", operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def served(patterns: list[Any], prefix: str = "") -> list[str]:
    found: list[str] = []
    for entry in patterns:
        address = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            found += served(entry.url_patterns, address)
        elif isinstance(entry, URLPattern):
            found.append(address)
    return found


# Files speak for themselves.
FILES = {"application/pdf", "application/xml", "text/csv", "image/jpeg", "image/png", "image/webp"}


class TestGenerate:
    def test_describes_every_address_of_the_api(self, document: dict[str, Any]) -> None:
        addresses = {
            "/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", address)
            for address in served(get_resolver().url_patterns)
            if address.startswith("api/v1/")
        }

        assert addresses == set(document["paths"])

    def test_describes_each_refusal_as_a_problem(self, document: dict[str, Any]) -> None:
        for name, operation in operations(document):
            refusals = {status: answer for status, answer in operation["responses"].items() if status >= "400"}
            assert {"400", "401", "403", "404", "429", "503"} <= refusals.keys(), name
            for answer in refusals.values():
                assert "$ref" in answer or "application/problem+json" in answer["content"], name

    def test_shows_an_example_of_every_refusal(self, document: dict[str, Any]) -> None:
        answers = {
            f"{name} {status}": answer
            for name, operation in operations(document)
            for status, answer in operation["responses"].items()
            if status >= "400"
        }

        for name, answer in answers.items():
            shown = document["components"]["responses"][answer["$ref"].split("/")[-1]]
            examples = shown["content"]["application/problem+json"]["examples"]
            assert examples, name
            for code in examples:
                example = document["components"]["examples"][code]["value"]
                assert (example["code"], str(example["status"])) == (code, name.split()[-1])

    def test_shows_the_refusals_of_an_operation_with_their_facts(self, document: dict[str, Any]) -> None:
        reference = document["paths"]["/api/v1/orders"]["post"]["responses"]["409"]["$ref"].split("/")[-1]

        shown = document["components"]["responses"][reference]["content"]["application/problem+json"]["examples"]

        assert {"orders.total_changed", "inventory.out_of_stock", "core.idempotency_still_running"} <= shown.keys()
        assert not any(code.startswith("products.") for code in shown)
        assert "quote" in document["components"]["examples"]["orders.total_changed"]["value"]

    def test_offers_the_idempotency_key_on_unsafe_methods_only(self, document: dict[str, Any]) -> None:
        offering = {
            name.split()[0]
            for name, operation in operations(document)
            for parameter in operation.get("parameters", [])
            if parameter["name"] == "Idempotency-Key"
        }

        assert offering
        assert offering <= {"POST", "PUT", "PATCH", "DELETE"}

    def test_has_an_example_for_every_request_and_answer(self, document: dict[str, Any]) -> None:
        bodies = [
            (f"{name} {part}", body)
            for name, operation in operations(document)
            for part, body in {"request": operation.get("requestBody", {}), **operation["responses"]}.items()
            if part == "request" or part < "300"
        ]

        bare = [
            name
            for name, body in bodies
            for kind, content in body.get("content", {}).items()
            if kind not in FILES and not {"example", "examples"} & content.keys()
        ]

        assert bare == []

    def test_has_an_example_for_every_error(self, document: dict[str, Any]) -> None:
        shared = document["components"]["responses"]
        refusals = [
            (f"{name} {status}", shared[answer["$ref"].rpartition("/")[2]] if "$ref" in answer else answer)
            for name, operation in operations(document)
            for status, answer in operation["responses"].items()
            if status >= "400"
        ]

        bare = [
            name for name, answer in refusals for content in answer["content"].values() if "examples" not in content
        ]

        assert refusals
        assert bare == []


class TestSchema:
    @pytest.mark.parametrize("path", ["/api/schema", "/api/schema/"])
    def test_is_sent_as_yaml_or_json(self, client: Client, path: str) -> None:
        as_yaml, as_json = client.get(path), client.get(path, headers={"Accept": "application/json"})

        assert yaml.safe_load(as_yaml.content)["openapi"].startswith("3.1")
        assert as_json["Content-Type"] == "application/vnd.oai.openapi+json"
        assert client.get(f"{path}?format=json").json()["openapi"].startswith("3.1")


class TestPages:
    @pytest.mark.parametrize("path", ["/docs", "/docs/", "/swagger", "/swagger/", "/redoc", "/redoc/"])
    def test_work_offline_and_under_their_policy(self, client: Client, path: str) -> None:
        answer = client.get(path)
        page = answer.content.decode()

        assert answer.status_code == 200
        assert "://" not in page
        for name in re.findall(r'(?:src|href)="/static/([^"]+)"', page):
            assert finders.find(name), name
        nonce = re.search(r"'nonce-([^']+)'", answer["Content-Security-Policy"])
        assert nonce
        assert f'<script nonce="{nonce[1]}">' in page


class TestCheckSchema:
    @pytest.fixture(autouse=True)
    def _generated_once(self, document: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(check_schema, "generate", lambda: document)

    def test_agrees_with_what_it_wrote(self, tmp_path: Path) -> None:
        file = tmp_path / "api" / "openapi.yaml"

        call_command("check_schema", write=True, file=file)

        call_command("check_schema", file=file)

    def test_shows_the_difference_and_refuses(self, tmp_path: Path) -> None:
        file = tmp_path / "openapi.yaml"
        call_command("check_schema", write=True, file=file)
        file.write_text(file.read_text().replace("title: Nexus", "title: Another"))

        with pytest.raises(CommandError, match=r"(?s)-  title: Another.*\+  title: Nexus.*make schema"):
            call_command("check_schema", file=file)

    def test_refuses_what_is_made_with_warnings(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def unclean() -> dict[str, Any]:
            raise describing.BadDocument("Warning: unable to guess serializer")

        monkeypatch.setattr(check_schema, "generate", unclean)

        with pytest.raises(CommandError, match="unable to guess"):
            call_command("check_schema", write=True, file=tmp_path / "openapi.yaml")

        assert not (tmp_path / "openapi.yaml").exists()

    def test_refuses_a_missing_file(self, tmp_path: Path) -> None:
        with pytest.raises(CommandError, match="out of date"):
            call_command("check_schema", file=tmp_path / "none.yaml")


@pytest.mark.django_db
class TestUrls:
    @pytest.mark.parametrize("path", ["/healthz", "/healthz/", "/readyz", "/readyz/", "/admin/login/", "/admin/login"])
    def test_answer_with_and_without_the_slash(self, client: Client, path: str) -> None:
        assert client.get(path, follow=True).status_code == 200

    def test_lead_to_the_sign_in_of_the_admin(self, client: Client) -> None:
        assert client.get("/admin", follow=True).redirect_chain[-1][0].startswith("/admin/login/")

    def test_refuse_a_forged_form_below_the_admin(self) -> None:
        answer = Client(enforce_csrf_checks=True).post("/admin/login/", {"username": "a", "password": "b"})

        assert answer.status_code == 403
