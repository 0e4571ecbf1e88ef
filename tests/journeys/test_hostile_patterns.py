"""Every regular expression that sees what a stranger sends, against text made to be slow: by steps, not by time."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator, RegexValidator, URLValidator
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework import serializers

from tests.journeys.world import document
from tests.stepping import Steps, TooManySteps

SRC = Path(__file__).parents[2] / "src"
_SHORT, _LONG = 100, 400
# A text four times as long takes a linear pattern four times as many steps, a quadratic one sixteen times.
_MOST_GROWTH = 8
_BUDGET = 400_000
_NO_END = "\0!"
# What they take is bounded by length before a pattern is tried.
_DJANGOS = {"EmailValidator", "URLValidator"}


def in_source() -> Iterator[tuple[str, str, int]]:
    """Return where each call of ``re`` stands in our source, with its pattern and flags."""
    for path in sorted(SRC.rglob("*.py")):
        if {"migrations", "tests"} & set(path.parts):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id == "re"
                and node.args
                and isinstance(node.args[0], ast.Constant)
                and isinstance(node.args[0].value, str)
            ):
                yield f"{path.relative_to(SRC)}:{node.lineno}", node.args[0].value, _flags(node)


def _flags(call: ast.Call) -> int:
    names = [
        each.attr for each in ast.walk(call) if isinstance(each, ast.Attribute) and hasattr(re.RegexFlag, each.attr)
    ]
    flags = re.NOFLAG
    for name in names:
        flags |= re.RegexFlag[name]
    return int(flags)


def in_memory() -> Iterator[tuple[str, str, int]]:
    """Return the compiled patterns that modules of ours and their classes hold, however they were made."""
    for name, module in sorted(sys.modules.items()):
        file = getattr(module, "__file__", None) or ""
        if not file.startswith(f"{SRC}/") or "/tests/" in file:
            continue
        held = dict(vars(module))
        held |= {
            f"{key}.{inner}": each
            for key, kind in held.items()
            if isinstance(kind, type)
            for inner, each in vars(kind).items()
        }
        for key, value in sorted(held.items()):
            for number, pattern in enumerate(value if isinstance(value, (list, tuple)) else [value]):
                if isinstance(pattern, re.Pattern) and isinstance(pattern.pattern, str):
                    yield f"{name}.{key}.{number}", pattern.pattern, pattern.flags & ~re.UNICODE


def in_addresses() -> Iterator[tuple[str, str, int]]:
    """Return the patterns of all addresses, those of their converters within."""

    def walk(resolver: Any) -> Iterator[str]:
        for each in resolver.url_patterns:
            route = each.pattern
            yield route._regex if hasattr(route, "_regex") and route._regex else route.regex.pattern
            if isinstance(each, URLResolver):
                yield from walk(each)
            else:
                assert isinstance(each, URLPattern)

    for number, text in enumerate(sorted(set(walk(get_resolver())))):
        yield f"address {number}", text, 0


def in_fields() -> Iterator[tuple[str, str, int]]:
    """Return what checks the fields of serializers, but Django's own of e-mails and addresses."""
    document()  # loads them all

    def kinds(of: type) -> Iterator[type]:
        for kind in of.__subclasses__():
            yield kind
            yield from kinds(kind)

    for kind in kinds(serializers.Serializer):
        if not kind.__module__.startswith(("rest_framework", "drf_spectacular")):
            for name, field in getattr(kind, "_declared_fields", {}).items():
                for check in field.validators:
                    if isinstance(check, RegexValidator) and type(check).__name__ not in _DJANGOS:
                        yield f"{kind.__name__}.{name}", check.regex.pattern, check.regex.flags & ~re.UNICODE


@cache
def patterns() -> dict[tuple[str, int], str]:
    """Return pattern and flags -> where it was found first."""
    found: dict[tuple[str, int], str] = {}
    for source in (in_source, in_fields, in_memory, in_addresses):
        for place, text, flags in source():
            found.setdefault((text, flags), place)
    return found


def growth(text: str, flags: int) -> tuple[float, str]:
    """Return by how much the steps grow at most when a text is four times as long, and of which text."""
    worst = (0.0, "")
    steps = Steps(text, flags, budget=_BUDGET)
    for start, pump in steps.attacks():
        attack = f"{start!r} and {pump!r} again and again"
        try:
            short = steps.search(start + (pump * _SHORT)[:_SHORT] + _NO_END)
            long = steps.search(start + (pump * _LONG)[:_LONG] + _NO_END)
        except TooManySteps:
            return float("inf"), attack
        # What is few steps is few, however it grows.
        worst = max(worst, (long / max(short, 4 * _SHORT), attack))
    return worst


class TestPattern:
    def test_s34_takes_steps_in_proportion(self) -> None:
        sys.setrecursionlimit(20_000)
        slow = {}
        for (text, flags), place in patterns().items():
            times, attack = growth(text, flags)
            if times > _MOST_GROWTH:
                slow[place] = (text, attack)

        assert slow == {}

    def test_s34_is_found_in_source_fields_addresses_and_memory(self) -> None:
        assert len(list(in_source())) > 60
        assert len(list(in_addresses())) > 100
        assert len(list(in_memory())) > 20
        assert {"CategoryChanges.slug"} <= {place for place, _, _ in in_fields()}

    @pytest.mark.parametrize("hostile", [r"(a+)+$", r"(a|a)*$", r"a*a*b", r"\s+$", r"x(\w+\s?)*!", r"^(a|aa)+$"])
    def test_s34_would_be_found(self, hostile: str) -> None:
        assert growth(hostile, 0)[0] > _MOST_GROWTH

    @pytest.mark.parametrize("tame", [r"[a-z]+", r"^a{1,40}$", r"[0-9]{4}-[0-9]{2}", r"\A[^@]+@[^@]+\Z", r"a|b|cd"])
    def test_s34_is_not_blamed_for_nothing(self, tame: str) -> None:
        assert growth(tame, 0)[0] <= _MOST_GROWTH

    def test_s34_of_django_is_bounded_by_length(self) -> None:
        with pytest.raises(ValidationError):
            EmailValidator()("a" * 320 + "@b.example")
        with pytest.raises(ValidationError):
            URLValidator()("https://b.example/" + "a" * URLValidator.max_length)
        assert URLValidator.max_length <= 2048
