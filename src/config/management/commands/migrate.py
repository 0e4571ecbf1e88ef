"""``manage.py migrate``: Django's, made safe to run while the shop sells (config.migrating)."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import CommandParser
from django.core.management.commands import migrate
from django.db import connections
from django.db.migrations import Migration

from config import migrating

_LONGEST_PAUSE = 10.0


class Command(migrate.Command):
    """One at a time; a migration that gets in the way of buyers gives up, and is tried again."""

    def add_arguments(self, parser: CommandParser) -> None:
        """Take ``--tries`` as well."""
        super().add_arguments(parser)
        parser.add_argument("--tries", type=int, default=20, help="how often to come back when something is in the way")

    def handle(self, *args: Any, tries: int = 20, **options: Any) -> None:
        """Migrate."""
        self._connection = connections[options["database"]]
        with migrating.alone(self._connection):
            migrating.with_patience(
                self._connection,
                lambda: super(Command, self).handle(*args, **options),
                tries=tries,
                pause=lambda attempt: time.sleep(min(0.5 * 2**attempt, _LONGEST_PAUSE)),
                say=self.stderr.write,
            )

    def migration_progress_callback(self, action: str, migration: Migration | None = None, fake: bool = False) -> None:
        """Set how long may be waited, as each one begins."""
        if migration is not None and action in {"apply_start", "unapply_start"}:
            migrating.limit_waits(self._connection, migration)
        super().migration_progress_callback(action, migration, fake)
