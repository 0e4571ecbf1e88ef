"""What stands between servers that run and a shop that may open: the schema, and at the first start sample goods."""

from __future__ import annotations

import sys

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from config import embedded
from config.embedded import Refusal
from config.opening import open_shop


def prepare() -> None:
    """Migrate what is pending and load the demo shop if it never was; quick when there is nothing to do.

    Exits non-zero with one line where the database cannot be used.
    """
    try:
        _refuse_unreachable()
        was_empty = _migrate()
        open_shop(at=timezone.now())
        if was_empty or not (settings.DATA / "sign-ins.json").exists():
            call_command("load_demo")
        embedded.note_version(settings.DATA)
    except Refusal as refusal:
        sys.stderr.write(f"nexus: {refusal}\n")
        sys.exit(1)


def _refuse_unreachable() -> None:
    parameters = connection.get_connection_params()
    parameters.pop("pool", None)
    try:
        psycopg.connect(**parameters).close()
    except psycopg.Error as error:
        reason = " ".join(str(error).split())
        raise Refusal(f"the database does not let us in (DATABASE_URL): {reason}") from error


def _migrate() -> bool:
    """Return whether the database was new."""
    executor = MigrationExecutor(connection)
    loader = executor.loader
    ours = {app for app, _ in loader.disk_migrations}
    unknown = sorted(
        f"{app}.{name}" for app, name in set(loader.applied_migrations) - set(loader.disk_migrations) if app in ours
    )
    if unknown:
        raise Refusal(f"the database was migrated by a newer Nexus: {', '.join(unknown)}")
    if executor.migration_plan(loader.graph.leaf_nodes()):
        call_command("migrate", interactive=False)
    return not loader.applied_migrations
