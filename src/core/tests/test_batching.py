from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.batching import send_batch
from core.models import Delivery, OutboxEvent
from core.sql import insert_all, insert_together, update_together
from core.transactions import command, hosted


def event(name: str = "a", **fields: Any) -> OutboxEvent:
    return OutboxEvent(name=name, payload={}, occurred_at=timezone.now(), **fields)


def delivery(of: OutboxEvent, **fields: Any) -> Delivery:
    return Delivery(event=of, handler="x", due_at=of.occurred_at, **fields)


def written(queries: CaptureQueriesContext) -> list[str]:
    """The statements but those that begin and end transactions."""
    return [query["sql"] for query in queries if not query["sql"].startswith(("BEGIN", "COMMIT", "SAVE", "RELEASE"))]


@pytest.mark.django_db(transaction=True)
class TestBatch:
    def test_sends_what_is_written_in_a_row_as_one_statement(self) -> None:
        made = event()

        @command
        def run() -> None:
            insert_all([made])
            insert_together([delivery(made)])
            insert_all([event("b")])

        with CaptureQueriesContext(connection) as queries:
            run()

        assert len(written(queries)) == 1
        assert list(OutboxEvent.objects.order_by("name").values_list("name", flat=True)) == ["a", "b"]
        assert Delivery.objects.get().event_id == made.pk

    def test_who_reads_sees_what_was_written_before(self) -> None:
        @command
        def run() -> list[str]:
            insert_all([event()])
            found = list(OutboxEvent.objects.values_list("name", flat=True))
            insert_all([event("b")])
            return found

        assert run() == ["a"]
        assert OutboxEvent.objects.count() == 2

    def test_a_row_that_was_just_written_can_be_changed(self) -> None:
        made = event()

        @command
        def run() -> None:
            insert_all([made])
            made.name = "b"
            update_together((made, ("name",)))
            made.aggregate = "order-1"
            update_together((made, ("aggregate",)))

        run()

        made.refresh_from_db()
        assert (made.name, made.aggregate) == ("b", "order-1")

    def test_rows_of_different_tables_change_in_one_statement(self) -> None:
        made = event()
        owed = delivery(made)

        @command
        def write() -> None:
            insert_together([made], [owed])

        @command
        def change() -> None:
            made.name, owed.attempts = "b", 3
            update_together((made, ("name",)))
            update_together((owed, ("attempts",)))

        write()
        with CaptureQueriesContext(connection) as queries:
            change()

        made.refresh_from_db()
        owed.refresh_from_db()
        assert (made.name, owed.attempts, len(written(queries))) == ("b", 3, 1)

    def test_nothing_is_left_of_a_command_that_fails(self) -> None:
        @command
        def run() -> None:
            insert_all([event()])
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            run()
        command(lambda: insert_all([event("b")]))()

        assert [row.name for row in OutboxEvent.objects.all()] == ["b"]

    def test_nothing_is_left_of_a_savepoint_that_is_rolled_back(self) -> None:
        @command
        def run() -> None:
            made = event()
            insert_together([made], [delivery(made)])
            try:
                with transaction.atomic():
                    insert_all([event("b")])
                    # Refused, if it were sent.
                    insert_all([delivery(made)])
                    raise ZeroDivisionError
            except ZeroDivisionError:
                insert_all([event("c")])

        run()

        assert sorted(row.name for row in OutboxEvent.objects.all()) == ["a", "c"]

    def test_a_savepoint_ends_with_the_errors_of_its_own_writes(self) -> None:
        made = event()

        @command
        def run() -> None:
            insert_together([made], [delivery(made)])
            try:
                with transaction.atomic():
                    insert_all([delivery(made)])
            except IntegrityError:
                insert_all([event("b")])

        run()

        assert sorted(row.name for row in OutboxEvent.objects.all()) == ["a", "b"]
        assert Delivery.objects.count() == 1

    def test_a_constraint_refuses_the_command_at_its_end(self) -> None:
        made = event()

        @command
        def run() -> None:
            insert_together([made], [delivery(made)])
            insert_all([delivery(made)])

        with pytest.raises(IntegrityError):
            run()

        assert OutboxEvent.objects.count() == 0

    def test_a_guest_of_a_host_writes_before_the_host_goes_on(self) -> None:
        @command
        def run() -> None:
            insert_all([event()])
            insert_all([event("b")])

        with hosted(), CaptureQueriesContext(connection) as queries:
            run()
            assert OutboxEvent.objects.count() == 2

        assert len([sql for sql in written(queries) if sql.startswith(("INSERT", "WITH"))]) == 1

    def test_is_sent_ahead_of_what_goes_past_djangos_cursors(self) -> None:
        @command
        def run() -> int:
            insert_all([event()])
            send_batch()
            raw: Any = connection.connection
            return int(raw.execute("SELECT count(*) FROM core_outboxevent").fetchone()[0])

        assert run() == 1
