"""``manage.py check_schema``: is the committed OpenAPI document the one that the code describes?"""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.describing import BadDocument, generate
from config.openapi import as_yaml
from config.settings.env import ROOT

PATH = ROOT / "docs" / "api" / "openapi.yaml"
MOST_LINES = 60


class Command(BaseCommand):
    """Compares, or writes."""

    help = "Check that docs/api/openapi.yaml is what the code describes, valid and made without warnings."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Take ``--write`` and ``--file``."""
        parser.add_argument("--write", action="store_true", help="write the file instead")
        parser.add_argument("--file", type=Path, default=PATH)

    def handle(self, *, write: bool, file: Path, **_: Any) -> None:
        """Compare, or write.

        :raises CommandError: the file is another one, or the document is invalid or was made with warnings
        """
        try:
            text = as_yaml(generate())
        except BadDocument as error:
            raise CommandError(f"the schema is not clean:\n{error}") from error
        if write:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
            self.stdout.write(f"wrote {file}")
        elif (committed := file.read_text() if file.exists() else "") != text:
            lines = difflib.unified_diff(committed.splitlines(), text.splitlines(), str(file), "the code", lineterm="")
            shown = "\n".join(list(lines)[:MOST_LINES])
            raise CommandError(f"{shown}\n{file.name} is out of date: run `make schema`")
