"""Files of the repository that are made from the code: written by a command, and compared with the code by a check."""

from __future__ import annotations

import difflib
from pathlib import Path

from django.core.management.base import CommandError

from config.settings.env import ROOT

DOCS = ROOT / "docs"
_MOST_LINES = 40


def write(file: Path, text: str) -> None:
    """Write a generated file, its folder included."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def check(file: Path, text: str) -> None:
    """Compare the committed file with what the code gives now.

    :raises CommandError: they differ; the first lines of the difference are shown
    """
    committed = file.read_text() if file.exists() else ""
    if committed != text:
        lines = difflib.unified_diff(committed.splitlines(), text.splitlines(), str(file), "the code", lineterm="")
        shown = "\n".join(list(lines)[:_MOST_LINES])
        raise CommandError(f"{shown}\n{file.name} is out of date: run `make schema`")
