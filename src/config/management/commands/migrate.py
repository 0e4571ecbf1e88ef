"""``manage.py migrate``: Django's, made safe beside a shop that sells (config.migrating), as its owner."""

from __future__ import annotations

import time
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError, CommandParser
from django.core.management.commands import migrate
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.migrations import Migration

from config import migrating, rights

_LONGEST_PAUSE = 10.0


class Command(migrate.Command):
    """One at a time; a migration that gets in the way of buyers gives up, and is tried again."""

    def add_arguments(self, parser: CommandParser) -> None:
        """Take ``--tries`` as well."""
        super().add_arguments(parser)
        parser.add_argument("--tries", type=int, default=20, help="how often to come back when something is in the way")

    def execute(self, *args: Any, **options: Any) -> Any:
        """Be the owner from the first question on: whoever serves may not be there yet."""
        self._connection = connections[options["database"]]
        self._owner = settings.DATABASE_OWNER if options["database"] == DEFAULT_DB_ALIAS else {}
        self._serving = self._connection.settings_dict
        with rights.owning(self._connection, self._owner):
            return super().execute(*args, **options)

    def handle(self, *args: Any, tries: int = 20, **options: Any) -> None:
        """Migrate, and open what is new to the role that serves."""
        only_asks = options["plan"] or options["check_unapplied"]
        role = "" if only_asks else rights.serving_role(self._serving, self._owner)
        with migrating.alone(self._connection):
            if role:
                self._admit()
            migrating.with_patience(
                self._connection,
                lambda: self._migrate(role, *args, **options),
                tries=tries,
                pause=lambda attempt: time.sleep(min(0.5 * 2**attempt, _LONGEST_PAUSE)),
                say=self.stderr.write,
            )

    def _migrate(self, role: str, *args: Any, **options: Any) -> None:
        super().handle(*args, **options)
        if role:
            rights.settle(self._connection, role)
            for excess in rights.find_excess(self._connection, role):
                self.stderr.write(f"the role {role}, which serves, {excess}: see docs/deployment.md")

    def _admit(self) -> None:
        try:
            rights.admit(self._connection, self._serving, say=self.stdout.write)
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error

    def migration_progress_callback(self, action: str, migration: Migration | None = None, fake: bool = False) -> None:
        """Set how long may be waited, as each one begins."""
        if migration is not None and action in {"apply_start", "unapply_start"}:
            migrating.limit_waits(self._connection, migration)
        super().migration_progress_callback(action, migration, fake)
