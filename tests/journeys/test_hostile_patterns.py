"""Every regular expression of ours, against text that is made to be slow."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from time import process_time

import pytest

SRC = Path(__file__).parents[2] / "src"
_LENGTH = 12_000
_TIMES_LONGER = 4
_SEEDS = (
    "a",
    "0",
    " ",
    "-",
    "a-",
    "a.",
    ".",
    "/",
    "=",
    "*",
    "_",
    "<",
    "\n",
    "\t",
    "aA0",
    "a ",
    "[",
    "(",
    "&",
    "é",
    "=a",
)
# A text four times as long takes a linear pattern four times as long, a quadratic one sixteen times.
_MOST_GROWTH = 9
_CLOCK = 0.005  # seconds: below this, a reading is noise


def patterns() -> Iterator[tuple[str, str]]:
    """Return where each pattern stands in our source, with its text."""
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
                yield f"{path.relative_to(SRC)}:{node.lineno}", node.args[0].value


def seconds(pattern: re.Pattern[str], seed: str, length: int) -> float:
    """Return the CPU time that the pattern takes for a text of the seed that it does not match in the end."""
    hostile = (seed * length)[:length] + "\0!"
    started = process_time()
    pattern.search(hostile)
    pattern.fullmatch(hostile)
    return process_time() - started


PATTERNS = list(patterns())


class TestPattern:
    @pytest.mark.parametrize("text", [found for _, found in PATTERNS], ids=[place for place, _ in PATTERNS])
    def test_s34_takes_linear_time(self, text: str) -> None:
        pattern = re.compile(text)

        for seed in _SEEDS:
            short = seconds(pattern, seed, _LENGTH)
            long = seconds(pattern, seed, _LENGTH * _TIMES_LONGER)

            assert long < _MOST_GROWTH * max(short, _CLOCK), repr(seed)

    def test_s34_is_found_in_the_source(self) -> None:
        assert len(PATTERNS) > 10
