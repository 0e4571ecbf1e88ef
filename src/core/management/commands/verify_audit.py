"""``manage.py verify_audit``: whether the log of the staff's actions is as it was written."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core import auditing


class Command(BaseCommand):
    """Exits non-zero and names each break. Prints the head of the chain: keep it outside of the database."""

    help = "Follow the chain of the audit log, and fail where it does not hold."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--head", type=_head, help="a head that was printed earlier, position:hash")

    def handle(self, *_: Any, head: tuple[int, str] | None = None, **__: Any) -> None:
        found = list(auditing.find_breaks(kept=head))
        for each in found:
            self.stderr.write(each)
        if found:
            raise CommandError(f"{len(found)} breaks")
        position, digest = auditing.head()
        self.stdout.write(f"The audit log holds. {position}:{digest}")


def _head(text: str) -> tuple[int, str]:
    position, _, digest = text.partition(":")
    return int(position), digest
