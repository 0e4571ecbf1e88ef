"""``manage.py list_problems``: the catalogue of refusals as a page of the documentation."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from config import generated
from config.problems import as_markdown, catalogue

PATH = generated.DOCS / "problems.md"


class Command(BaseCommand):
    """Writes, or compares."""

    help = "Write docs/problems.md from the errors in the code, or check that it is up to date."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Take ``--check``."""
        parser.add_argument("--check", action="store_true", help="compare instead")

    def handle(self, *, check: bool, **_: Any) -> None:
        """Write, or compare.

        :raises CommandError: the committed page is another one
        """
        if check:
            generated.check(PATH, as_markdown(catalogue()))
        else:
            generated.write(PATH, as_markdown(catalogue()))
            self.stdout.write(f"wrote {PATH}")
