"""``manage.py draw_diagrams``: the diagrams of the documentation, drawn from the code."""

from __future__ import annotations

import shutil
import subprocess
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from config import diagrams, generated

FOLDER = generated.DOCS / "diagrams"
DIAGRAMS = {"erd": diagrams.entities, "architecture": diagrams.architecture}
DOTS_PER_INCH = 80


class Command(BaseCommand):
    """Draws, or compares the sources."""

    help = "Draw docs/diagrams/*.png from the models and apps, or check that their sources (*.dot) are up to date."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Take ``--check``."""
        parser.add_argument("--check", action="store_true", help="compare the sources instead; needs no Graphviz")

    def handle(self, *, check: bool, **_: Any) -> None:
        """Draw, or compare.

        :raises CommandError: a committed source is another one, its picture is missing, or Graphviz is not installed
        """
        for name, draw in DIAGRAMS.items():
            if check:
                generated.check(FOLDER / f"{name}.dot", draw())
                if not (FOLDER / f"{name}.png").exists():
                    raise CommandError(f"{name}.png is missing: run `make schema`")
            else:
                self._draw(name, draw())

    def _draw(self, name: str, source: str) -> None:
        dot = shutil.which("dot")
        if dot is None:
            raise CommandError("drawing needs Graphviz: install it (the command is called dot)")
        generated.write(FOLDER / f"{name}.dot", source)
        picture = FOLDER / f"{name}.png"
        command = [dot, "-Tpng", f"-Gdpi={DOTS_PER_INCH}", "-o", str(picture)]
        done = subprocess.run(command, input=source, text=True, capture_output=True, check=False)
        if done.returncode != 0:
            raise CommandError(f"dot fails: {done.stderr.strip()}")
        self.stdout.write(f"wrote {picture}")
