"""What the pages say of what is costly is so: how long others are waited for, and what bounds the work."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher

from config.database import base
from config.settings import databases
from core.pagination import EXACT_COUNT_LIMIT, MAX_SIZE
from notifications.services.sending import _TIMEOUT_SECONDS
from tests.documented.pages import ROOT, SRC, codes, numbers, section, table

_TIMEOUT = re.compile(r"\w*timeout\w*", re.IGNORECASE)
_OF_POSTGRES = re.compile(r"(\w+_timeout)=(\d+)s")


def timeouts() -> Iterator[tuple[str, float]]:
    """Return module.name -> seconds of all that the settings call a time-out."""
    for path in sorted((SRC / "config" / "settings").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            for name, value in _named(node):
                if _TIMEOUT.fullmatch(name):
                    yield f"{path.stem}.{name}", _seconds(value, import_module(f"config.settings.{path.stem}"))
                elif name == "options":
                    for each, seconds in _OF_POSTGRES.findall(ast.unparse(value)):
                        yield f"{path.stem}.{each}", float(seconds)


def _named(node: ast.AST) -> list[tuple[str, ast.expr]]:
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        return [(node.targets[0].id, node.value)]
    if isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        return [(str(key.value), value) for key, value in pairs if isinstance(key, ast.Constant)]
    return []


def _seconds(value: ast.expr, module: Any) -> float:
    if isinstance(value, ast.Call):  # the default of what the environment may say
        value = next(word.value for word in value.keywords if word.arg == "default")
    if isinstance(value, ast.Name):
        return float(getattr(module, value.id))
    found = float(ast.literal_eval(value))
    return found / 1000 if found >= 1000 else found  # libpq counts some in milliseconds


class TestWaiting:
    ROWS = {codes(row[0])[0]: float(row[1]) for row in table("security.md", "What is costly", first="setting")}

    def test_takes_as_long_as_the_page_says(self) -> None:
        assert dict(timeouts()) == self.ROWS

    def test_of_nginx_is_longer_than_any_statement(self) -> None:
        proxied = (ROOT / "infra" / "nginx" / "templates" / "onward.conf.template").read_text()
        waits = re.search(r"^proxy_read_timeout (\d+)s;", proxied, re.MULTILINE)
        said = re.search(r"Nginx waits (\d+) seconds", section("security.md", "What is costly"))
        assert waits
        assert said

        assert said[1] == waits[1]
        assert int(said[1]) > self.ROWS["databases.statement_timeout"]

    def test_for_mail_servers_is_as_long_as_for_mailgun(self) -> None:
        assert self.ROWS["mail.REQUESTS_TIMEOUT"] == _TIMEOUT_SECONDS


class TestCosts:
    ROWS = {row[0]: row[1] for row in table("security.md", "What is costly", first="what")}

    def test_of_passwords_are_bounded_as_the_page_says(self) -> None:
        name = next(name for name in self.ROWS if name.startswith("Argon2"))
        given = (ROOT / "infra" / "nginx" / "defaults.env").read_text()

        assert numbers(name.replace("Argon2", "")) == [Argon2PasswordHasher.memory_cost / 1024]
        assert f"NEXUS_SIGN_IN_RATE={numbers(self.ROWS[name])[0]:.0f}r/s" in given

    def test_of_lists_are_bounded_as_the_page_says(self) -> None:
        said = numbers(self.ROWS["lists and search"])

        assert said == [MAX_SIZE, EXACT_COUNT_LIMIT, settings.SEARCH_TIMEOUT_SECONDS]

    def test_of_payments_are_bounded_as_the_page_says(self) -> None:
        assert numbers(self.ROWS["payments"]) == [settings.PAYMENT_TIMEOUT_SECONDS]

    def test_of_statements_are_bounded_as_the_page_says(self) -> None:
        pool = databases._OPTIONS["pool"]
        options = dict(_OF_POSTGRES.findall(databases._OPTIONS["options"]))

        assert numbers(re.sub(r"`\w+`", "", self.ROWS["any statement"])) == [
            float(options["lock_timeout"]), float(options["statement_timeout"]), pool["max_size"], 503, pool["timeout"],
            base._SECONDS_WITHOUT_PATIENCE,
        ]  # fmt: skip

    def test_of_pictures_are_bounded_before_they_are_decoded(self) -> None:
        files = " ".join(row[2] for row in table("security.md", "Files", first="upload"))

        assert settings.UPLOAD_MAX_PIXELS / 1e6 in numbers(files)
        assert "decoding pictures" in self.ROWS
