"""Enter ready-made tax rates."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from pricing import services


class Command(BaseCommand):
    """``manage.py load_taxes eu uk``."""

    help = "Enter the rates of ready-made tables. What is there stays as it is."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("tables", nargs="+", choices=services.known_tax_tables(), metavar="table")

    def handle(self, *args: Any, tables: list[str], **options: Any) -> None:
        for name in tables:
            self.stdout.write(f"{name}: {services.load_tax_table(name=name)} rates entered.")
