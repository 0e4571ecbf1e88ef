from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from django.core.management import CommandError, call_command

from config import postman
from config.management.commands import make_postman

# What goes step by step, beside the folders of all operations.
JOURNEYS = ("Register to order", "Pay to return")


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load(make_postman.SCHEMA.read_text())
    return read


@pytest.fixture(scope="module")
def folders(document: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    return {folder["name"]: folder["item"] for folder in postman.collection(document)["item"]}


class TestCollection:
    def test_has_every_operation_below_its_tag(
        self, document: dict[str, Any], folders: dict[str, list[dict[str, Any]]]
    ) -> None:
        wanted = {
            (operation["tags"][0], method.upper(), re.sub(r"{(\w+)}", r":\1", path))
            for path, operations in document["paths"].items()
            for method, operation in operations.items()
        }

        made = {
            (tag, item["request"]["method"], item["request"]["url"]["raw"].removeprefix("{{base_url}}"))
            for tag, items in folders.items()
            if tag not in JOURNEYS
            for item in items
        }

        assert made == wanted

    def test_sends_the_examples_and_files(self, folders: dict[str, list[dict[str, Any]]]) -> None:
        bodies = {item["name"]: item["request"].get("body") for items in folders.values() for item in items}

        assert '"email"' in bodies["Make an account and sign in"]["raw"]
        assert bodies["Set your avatar"]["formdata"] == [{"key": "avatar", "type": "file", "src": []}]
        assert bodies["Show the cart"] is None

    def test_looks_at_every_answer_of_the_journey(self, folders: dict[str, list[dict[str, Any]]]) -> None:
        scripts = ["\n".join(step["event"][-1]["script"]["exec"]) for step in folders["Register to order"]]

        assert all("pm.test(" in script for script in scripts)


class TestMakePostman:
    def test_finds_the_committed_collection_up_to_date(self) -> None:
        call_command("make_postman", check=True)

    def test_refuses_another_collection(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(postman, "as_json", lambda _: "{}")

        with pytest.raises(CommandError, match=r"postman_collection.json is out of date"):
            call_command("make_postman", check=True)
