"""``manage.py make_postman``: the Postman collection, made from the committed OpenAPI document."""

from __future__ import annotations

from typing import Any

import yaml
from django.core.management.base import BaseCommand, CommandParser

from config import generated, postman

SCHEMA = generated.DOCS / "api" / "openapi.yaml"
PATH = generated.DOCS / "api" / "postman_collection.json"


class Command(BaseCommand):
    """Writes, or compares."""

    help = "Write docs/api/postman_collection.json from docs/api/openapi.yaml, or check that it is up to date."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Take ``--check``."""
        parser.add_argument("--check", action="store_true", help="compare instead")

    def handle(self, *, check: bool, **_: Any) -> None:
        """Write, or compare.

        :raises CommandError: the committed collection is another one
        """
        text = postman.as_json(postman.collection(yaml.safe_load(SCHEMA.read_text())))
        if check:
            generated.check(PATH, text)
        else:
            generated.write(PATH, text)
            self.stdout.write(f"wrote {PATH}")
