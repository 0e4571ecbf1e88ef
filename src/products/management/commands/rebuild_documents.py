"""Render all documents again and report those that differed: in a healthy shop, none."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from products import services


class Command(BaseCommand):
    """``manage.py rebuild_documents [--check]``."""

    help = "Render all product documents again and report those that differed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="exit with 1 if some differed")

    def handle(self, *args: Any, **options: Any) -> None:
        differed = 0
        last, changed = services.rebuild_documents()
        while last is not None:
            differed += len(changed)
            for product_id in sorted(changed):
                self.stdout.write(f"differed: {product_id}")
            last, changed = services.rebuild_documents(after=last)
        self.stdout.write(f"{differed} products differed.")
        if differed and options["check"]:
            raise CommandError("The documents were not up to date.", returncode=1)
