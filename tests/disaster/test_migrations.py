"""Migrations change a shop that sells: nobody is refused for them, and nobody waits (HARD-CASES, R40)."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.contrib.postgres.operations import (
    AddConstraintNotValid,
    AddIndexConcurrently,
    RemoveIndexConcurrently,
    ValidateConstraint,
)
from django.core.management import call_command
from django.db import OperationalError, connection, migrations, models
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState
from django.db.models import F, Q
from psycopg.errors import LockNotAvailable

from config import migrating
from config.settings.env import ROOT
from core.models import OutboxEvent
from orders.models import Order
from tests.disaster.buyers import Buyers

SQUAWK = Path(sys.executable).with_name("squawk")
RELEASED = Path(__file__).with_name("released.txt")
LONGEST_LOCK_SECONDS = 2.0


def squawk(statements: str, *, in_transaction: bool = True) -> list[str]:
    """Return the names of the rules that the statements break."""
    words = ["--assume-in-transaction"] if in_transaction else []
    done = subprocess.run(
        [SQUAWK, "--reporter", "gcc", "--config", ROOT / ".squawk.toml", *words],
        input=statements,
        capture_output=True,
        text=True,
        check=False,
    )
    return re.findall(r"(?:warning|error): (\S+)", done.stdout + done.stderr)


def released() -> dict[str, str]:
    """App -> its last migration that shops have."""
    lines = (line.split() for line in RELEASED.read_text().splitlines() if line and not line.startswith("#"))
    return {line[0]: line[1] for line in lines}


def statements_of(migration: migrations.Migration, loader: MigrationLoader) -> str:
    """Return what a migration does, as SQL."""
    migration_is_atomic, migration.atomic = migration.atomic, False
    try:
        with connection.schema_editor(collect_sql=True, atomic=False) as editor:
            state = loader.project_state((migration.app_label, migration.name), at_end=False)
            editor.connection.in_atomic_block, was_atomic = False, editor.connection.in_atomic_block
            try:
                migration.apply(state, editor, collect_sql=True)
            finally:
                editor.connection.in_atomic_block = was_atomic
            return "\n".join(editor.collected_sql)
    finally:
        migration.atomic = migration_is_atomic


@pytest.mark.django_db
class TestMigrationsThatNoShopHas:
    def test_r40_lock_no_table_that_is_sold_from_and_leave_the_old_code_running(self) -> None:
        loader, last = MigrationLoader(connection), released()
        new = [key for key in loader.disk_migrations if key[0] in last and key[1] > last[key[0]]]

        found = {}
        for key in new:
            migration = loader.disk_migrations[key]
            broken = squawk(statements_of(migration, loader), in_transaction=migration.atomic)
            found |= {".".join(key): broken} if broken else {}

        assert found == {}

    def test_every_app_has_its_last_one_written_down(self) -> None:
        disk = MigrationLoader(connection).disk_migrations
        ours = {app for app, name in disk if (ROOT / "src" / app / "migrations").is_dir()}

        assert {app: name for app, name in released().items() if (app, name) not in disk} == {}
        assert released().keys() <= ours


class TestTheLinter:
    @pytest.mark.parametrize(
        ("statement", "rule"),
        [
            ("CREATE INDEX i ON orders_order (number);", "require-concurrent-index-creation"),
            ("ALTER TABLE orders_order ADD CONSTRAINT c CHECK (total_minor > 0);", "constraint-missing-not-valid"),
            ("ALTER TABLE orders_order ADD COLUMN c integer NOT NULL;", "adding-required-field"),
            ("ALTER TABLE orders_order ALTER COLUMN note DROP DEFAULT;", "ban-drop-default"),
            ("ALTER TABLE orders_order DROP COLUMN note;", "ban-drop-column"),
            ("ALTER TABLE orders_order RENAME COLUMN note TO remark;", "renaming-column"),
            ("ALTER TABLE orders_order ALTER COLUMN note TYPE integer USING 1;", "changing-column-type"),
            ("ALTER TABLE orders_order ALTER COLUMN note SET NOT NULL;", "adding-not-nullable-field"),
            ("DROP TABLE orders_order;", "ban-drop-table"),
        ],
    )
    def test_r40_refuses_what_stops_buyers_or_the_old_code(self, statement: str, rule: str) -> None:
        assert rule in squawk(statement)

    def test_takes_a_new_table_and_what_is_built_beside(self) -> None:
        assert squawk('CREATE TABLE "t" ("id" bigint PRIMARY KEY); CREATE INDEX "i" ON "t" ("id");') == []
        assert squawk("CREATE INDEX CONCURRENTLY i ON orders_order (number);", in_transaction=False) == []


@contextmanager
def another_session() -> Iterator[psycopg.Connection[Any]]:
    """A connection that holds what it takes until the block ends."""
    params = connection.get_connection_params()
    words = {name: params[name] for name in ("dbname", "user", "host", "port") if name in params}
    with psycopg.connect(**words) as session:
        yield session


@pytest.mark.django_db(transaction=True)
class TestMigrate:
    def test_r40_gives_up_while_a_table_is_held_and_comes_back(self) -> None:
        pauses: list[int] = []
        said: list[str] = []
        done = []
        with another_session() as holder:
            holder.execute("LOCK TABLE orders_order IN ACCESS SHARE MODE")

            def change() -> None:
                with connection.cursor() as cursor:
                    cursor.execute("SET lock_timeout = 100")
                    cursor.execute("ALTER TABLE orders_order ADD COLUMN later integer")
                    cursor.execute("ALTER TABLE orders_order DROP COLUMN later")
                done.append(True)

            def pause(attempt: int) -> None:
                pauses.append(attempt)
                if attempt == 2:
                    holder.rollback()

            with migrating.alone(connection):
                migrating.with_patience(connection, change, tries=5, pause=pause, say=said.append)

        assert (pauses, done) == ([1, 2], [True])
        assert "given up (1 of 5)" in said[0]

    def test_fails_when_the_way_is_never_free(self) -> None:
        def never() -> None:
            raise OperationalError("held") from LockNotAvailable("held")

        with pytest.raises(OperationalError):
            migrating.with_patience(connection, never, tries=2, pause=lambda _: None, say=lambda _: None)

    def test_an_index_that_was_left_half_built_is_removed(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE half (n integer)")
            cursor.execute("INSERT INTO half VALUES (1), (1)")
            with pytest.raises(Exception, match="could not create unique index"):
                cursor.execute('CREATE UNIQUE INDEX CONCURRENTLY "Half" ON half (n)')
            try:
                migrating.remove_broken_indexes(connection, say=lambda _: None)

                cursor.execute("SELECT count(*) FROM pg_indexes WHERE indexname = 'Half'")
                assert cursor.fetchone() == (0,)
            finally:
                cursor.execute("DROP TABLE half")

    def test_waits_shortly_only_for_what_holds_others_up(self) -> None:
        found = {}
        for is_atomic in (True, False):
            migration = migrations.Migration("0001", "core")
            migration.atomic = is_atomic
            with migrating.alone(connection):
                migrating.limit_waits(connection, migration)
                with connection.cursor() as cursor:
                    cursor.execute("SELECT current_setting('lock_timeout')")
                    found[is_atomic] = cursor.fetchone()[0]

        assert found == {True: "1500ms", False: "0"}
        assert LONGEST_LOCK_SECONDS * 1000 > migrating.LOCK_TIMEOUT_MS

    def test_is_what_the_command_does(self) -> None:
        call_command("migrate", verbosity=0)

        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
            assert cursor.fetchone() == (0,)
        assert not MigrationExecutor(connection).migration_plan(MigrationLoader(connection).graph.leaf_nodes())


def the_next_release() -> list[migrations.Migration]:
    """Return changes of every kind that the rules allow, to tables that orders are written to."""
    note = models.CharField(max_length=20, db_default="", default="")
    index = models.Index(fields=["next_note"], name="next_by_note")
    check = models.CheckConstraint(condition=Q(next_score__gte=0), name="next_score_positive")

    def made(name: str, *operations: Any, atomic: bool = True) -> migrations.Migration:
        migration = migrations.Migration(name, "core")
        migration.operations, migration.atomic = list(operations), atomic
        return migration

    def backfill(apps: Any, editor: Any) -> None:
        rows = apps.get_model("core", "OutboxEvent").objects
        last = None
        while True:
            page = rows.order_by("pk").filter(**{"pk__gt": last} if last else {}).values_list("pk", flat=True)
            keys = list(page[:5000])
            if not keys:
                return
            rows.filter(pk__in=keys).update(next_score=F("next_score") + 1)
            last = keys[-1]

    return [
        made("9001", migrations.AddField("outboxevent", "next_note", note)),
        made("9002", migrations.AddField("outboxevent", "next_score", models.IntegerField(db_default=0, default=0))),
        made("9003", migrations.RunPython(backfill, migrations.RunPython.noop), atomic=False),
        made("9004", AddIndexConcurrently("outboxevent", index), atomic=False),
        made("9005", AddConstraintNotValid("outboxevent", check)),
        made("9006", ValidateConstraint("outboxevent", "next_score_positive")),
        made("9007", RemoveIndexConcurrently("outboxevent", "next_by_note"), atomic=False),
    ]


class Watch:
    """Looks, twenty times a second, how long anybody has been waiting for a lock, by what is locked: ``relation`` for
    tables, ``transactionid`` and ``tuple`` for the rows that buyers race for."""

    def __init__(self) -> None:
        self.longest: dict[str, float] = {}
        self._is_over = threading.Event()

    def look(self) -> None:
        """Look until told to stop."""
        with another_session() as session:
            while not self._is_over.wait(0.05):
                rows = session.execute(
                    "SELECT locktype, extract(epoch FROM max(clock_timestamp() - waitstart))::float8 FROM pg_locks "
                    "WHERE NOT granted GROUP BY locktype"
                ).fetchall()
                session.rollback()
                for kind, seconds in rows:
                    self.longest[kind] = max(self.longest.get(kind, 0.0), seconds or 0.0)

    def stop(self) -> None:
        """Stop looking."""
        self._is_over.set()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("rows", "crowd"), [(2_000, 3), pytest.param(1_000_000, 32, marks=pytest.mark.long)], ids=["some", "million"]
)
def test_r40_a_release_is_migrated_forth_and_back_while_orders_run(
    rows: int, crowd: int, make_buyers: Callable[[int], Buyers], record_property: Callable[[str, object], None]
) -> None:
    _fill(rows)
    buyers, watch = make_buyers(crowd), Watch()
    state = MigrationExecutor(connection).loader.project_state()

    with ThreadPoolExecutor(max_workers=1) as beside:
        watching = beside.submit(watch.look)
        with buyers.buying():
            buyers.wait_for_more(5)
            past = _forth(state)
            buyers.wait_for_more(5)
            _back(past)
            buyers.wait_for_more(5)
        watch.stop()
        watching.result()

    assert buyers.failures == []
    assert Order.objects.filter(pk__in=buyers.placed).count() == len(buyers.placed)
    record_property("longest_waits_for_locks", watch.longest)
    assert rows < 1_000_000 or watch.longest.get("relation", 0.0) < LONGEST_LOCK_SECONDS, watch.longest


def _fill(rows: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO core_outboxevent (id, name, aggregate, payload, occurred_at) "
            "SELECT gen_random_uuid(), 'test.none', '', '{}', now() FROM generate_series(1, %s)",
            [rows],
        )


def _forth(state: ProjectState) -> list[tuple[ProjectState, migrations.Migration]]:
    """Apply all of them as ``manage.py migrate`` does; return each with the state before it."""
    past = []
    for migration in the_next_release():
        past.append((state.clone(), migration))
        state = _apply(migration, state, backwards=False)
    return past


def _back(past: list[tuple[ProjectState, migrations.Migration]]) -> None:
    for state, migration in reversed(past):
        _apply(migration, state.clone(), backwards=True)


def _apply(migration: migrations.Migration, state: ProjectState, *, backwards: bool) -> ProjectState:
    def run() -> ProjectState:
        migrating.limit_waits(connection, migration)
        with connection.schema_editor(atomic=migration.atomic) as editor:
            if backwards:
                return migration.unapply(state.clone(), editor)
            return migration.apply(state.clone(), editor)

    with migrating.alone(connection):
        after: ProjectState = migrating.with_patience(
            connection, run, tries=20, pause=lambda _: time.sleep(0.2), say=lambda _: None
        )
    return after


def test_the_outbox_is_what_every_order_writes_to() -> None:
    assert OutboxEvent._meta.db_table == "core_outboxevent"
