from __future__ import annotations

from typing import Any

import pytest
from django.db import DataError, IntegrityError, ProgrammingError, connection, transaction
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from psycopg import _queries as reading

from core.models import OutboxEvent
from core.sql import insert_all, insert_missing, sent_ahead
from core.statements import execute, fetch
from core.transactions import command


def one_event() -> OutboxEvent:
    return OutboxEvent(name="a", payload={}, occurred_at=timezone.now())


@pytest.mark.django_db(transaction=True)
class TestFetch:
    def test_returns_rows(self) -> None:
        assert fetch("SELECT n, n * %s FROM generate_series(1, 2) AS n", [10]) == [(1, 10), (2, 20)]
        assert fetch("SELECT %(a)s::int", {"a": 7}) == [(7,)]
        assert fetch("SELECT 'x' LIKE '%'") == [(True,)]

    def test_a_long_statement_is_read_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        read: list[bytes] = []
        split = reading._split_query

        def note(statement: bytes, *rest: Any) -> Any:
            read.append(statement)
            return split(statement, *rest)

        monkeypatch.setattr(reading, "_split_query", note)
        for number in range(3):
            assert fetch(f"SELECT %(a)s::int -- {'long ' * 1500}", {"a": number}) == [(number,)]

        assert len(read) == 1

    @pytest.mark.parametrize(
        ("statement", "error"),
        [("SELECT 1 / 0", DataError), ("SELECT nothing", ProgrammingError)],
    )
    def test_its_errors_are_django_s(self, statement: str, error: type[Exception]) -> None:
        with pytest.raises(error):
            fetch(statement)

    def test_takes_part_in_the_transaction(self) -> None:
        with transaction.atomic():
            execute("INSERT INTO core_outboxevent SELECT gen_random_uuid(), 'a', '', '{}', now()")
            transaction.set_rollback(True)

        assert OutboxEvent.objects.count() == 0

    def test_runs_nothing_in_a_broken_transaction(self) -> None:
        with transaction.atomic():
            transaction.set_rollback(True)
            with pytest.raises(TransactionManagementError):
                fetch("SELECT 1")

    def test_is_logged_and_watched_as_any_statement(self) -> None:
        seen: list[str] = []

        def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            seen.append(sql)
            return execute(sql, params, many, context)

        with CaptureQueriesContext(connection) as queries:
            fetch("SELECT 1")
        with connection.execute_wrapper(watch):
            fetch("SELECT 2")
        fetch("SELECT 3")

        assert [query["sql"] for query in queries] == ["SELECT 1"]
        assert seen == ["SELECT 2"]

    def test_sees_what_was_written_before(self) -> None:
        @command
        def run() -> list[Any]:
            insert_all([one_event()])
            return fetch("SELECT name FROM core_outboxevent")

        assert run() == [("a",)]

    def test_what_waits_may_be_what_fails(self) -> None:
        known = one_event()
        known.save()

        @command
        def run() -> None:
            insert_all([OutboxEvent(pk=known.pk, name="b", payload={}, occurred_at=timezone.now())])
            fetch("SELECT 1")

        with pytest.raises(IntegrityError):
            run()

    def test_returns_rows_of_statements_that_are_sent_ahead(self) -> None:
        known = one_event()

        @command
        def run() -> list[Any]:
            with sent_ahead():
                execute("UPDATE core_outboxevent SET name = 'none'")
                return [insert_missing(known), insert_missing(known), fetch("SELECT name FROM core_outboxevent")]

        assert run() == [True, False, [("a",)]]
