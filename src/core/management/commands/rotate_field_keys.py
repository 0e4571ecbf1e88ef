"""``manage.py rotate_field_keys``: every sealed value under the first key of ``FIELD_KEYS``."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from core import rotation


class Command(BaseCommand):
    """Goes through every table with sealed fields, and through facts, batch by batch; a second run goes on."""

    help = "Re-seal every encrypted field under the current key. When it is done, the old keys can be retired."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take ``--batch``."""
        parser.add_argument("--batch", type=int, default=500, help="rows per transaction")

    def handle(self, *, batch: int, **_: Any) -> None:
        """Print a line per table, and one per hundred batches on the way."""
        for model, columns in rotation.sealed_models():
            total, batches, last = 0, 0, None
            while True:
                last, changed = rotation.reseal_batch(model=model, columns=columns, after=last, most=batch)
                if last is None:
                    break
                total, batches = total + changed, batches + 1
                if batches % 100 == 0:
                    self.stdout.write(f"{model._meta.label}: {batches * batch} rows seen, {total} re-sealed …")
            self.stdout.write(f"{model._meta.label}: {total} re-sealed")
        facts, after = 0, None
        while True:
            after, changed = rotation.reseal_facts(after=after, most=batch)
            if after is None:
                break
            facts += changed
        self.stdout.write(f"core.OutboxEvent: {facts} re-sealed")
