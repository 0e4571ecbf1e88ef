"""Every unsafe operation of the schema, asked by twenty at once with one key: it happens once (HARD-CASES, R17)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from pytest_django import Settings

from core.models import LooseFile
from core.tests.threads import at_once
from tests.journeys.test_hostile_replays import SIGNED_OUT, kept
from tests.journeys.world import Operation, World, undone, writes

PARTS = 4
_AT_ONCE = 20


@pytest.fixture
def _ready(transactional_db: None, settings: Settings, tmp_path: Path) -> None:
    settings.THROTTLES = False
    settings.MEDIA_ROOT = tmp_path


def all_kept() -> list[Operation]:
    """Return the operations whose answer a key replays; those that remove things come last."""
    names = {operation.name for operation in kept()} | SIGNED_OUT
    found = [operation for operation in writes() if operation.name in names]
    return sorted(found, key=lambda operation: (operation.method == "delete", operation.path))


def worlds() -> Iterator[World]:
    """Make the world, and make it anew each time that it was used up."""
    while True:
        yield World()
        call_command("flush", interactive=False, verbosity=0)


def row_counts() -> dict[str, int]:
    """Return table -> number of rows, of all but the notes of files that a sweep will look at."""
    tables = [table for table in connection.introspection.table_names() if table != LooseFile._meta.db_table]
    parts = [f"SELECT '{table}', count(*) FROM \"{table}\"" for table in tables]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts))
        return dict(cursor.fetchall())


def added(before: dict[str, int]) -> dict[str, int]:
    """Return table -> rows more (or, negative, less) than before."""
    return {table: rows - before[table] for table, rows in row_counts().items() if rows != before[table]}


class Asker:
    """Asks an operation with one key and one body. A form's files are read anew by each who asks."""

    def __init__(self, world: World, operation: Operation) -> None:
        self.world, self.operation = world, operation
        self.body = world.body_of(operation)

    def ask(self, _: object = None) -> Any:
        body = self.world.body_of(self.operation) if self.operation.is_form else self.body
        return self.world.ask(self.operation, body=body, **{"Idempotency-Key": self.operation.name})

    def by_oneself(self) -> dict[str, int] | None:
        """Return what one request alone writes, and undo it; ``None`` where it does not succeed (any more)."""
        before = row_counts()
        with undone():
            answer = self.ask()
            return added(before) if 200 <= answer.status_code < 300 else None


@pytest.mark.usefixtures("_ready")
@pytest.mark.parametrize("part", range(PARTS))
def test_r17_twenty_at_once_with_one_key_execute_once(part: int) -> None:
    fresh = worlds()
    world = next(fresh)
    for operation in all_kept()[part::PARTS]:
        asker = Asker(world, operation)
        alone = asker.by_oneself()
        if alone is None:
            world = next(fresh)
            asker = Asker(world, operation)
            alone = asker.by_oneself()
        before = row_counts()

        answers = at_once(asker.ask, range(_AT_ONCE))

        _judge(operation, answers)
        assert added(before) == alone, operation.name


def _judge(operation: Operation, answers: list[Any]) -> None:
    """One did it; the others are told what that one was, or that it is still being done."""
    done = [answer for answer in answers if 200 <= answer.status_code < 300]
    others = {(answer.status_code, answer.json()["code"]) for answer in answers if answer not in done}
    allowed = {(409, "core.idempotency_still_running")}
    if operation.name in SIGNED_OUT:  # the sign-in ended with the first answer
        allowed |= {(401, code) for status, code in others if status == 401}
    assert done, f"{operation.name}: {others}"
    assert others <= allowed, operation.name
    assert sum("Idempotent-Replayed" not in answer for answer in done) == 1, operation.name
    assert len({(answer.status_code, answer.content) for answer in done}) == 1, operation.name
