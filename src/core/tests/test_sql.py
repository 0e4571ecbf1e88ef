from __future__ import annotations

from typing import Any

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.models import Delivery, OutboxEvent
from core.sql import copied, copy_lines, insert_all, insert_numbered, insert_together, update_together
from core.transactions import NoTransaction, command


def make_event(name: str = "tests.happened") -> OutboxEvent:
    return OutboxEvent(name=name, payload={"a": "b"}, occurred_at=timezone.now())


def make_delivery(event: OutboxEvent) -> Delivery:
    return Delivery(event=event, handler="tests.handle", due_at=timezone.now())


@pytest.mark.django_db
class TestUpdateTogether:
    def test_writes_rows_of_several_tables_in_one_statement(self, django_assert_num_queries: Any) -> None:
        event = make_event()
        delivery = make_delivery(event)
        with transaction.atomic():
            insert_together([event], [delivery])
        event.payload, delivery.attempts, delivery.handler = {"a": None}, 3, "tests.other"

        with transaction.atomic(), django_assert_num_queries(1):
            update_together((event, ["payload"]), (delivery, ["attempts"]))

        event.refresh_from_db()
        delivery.refresh_from_db()
        assert event.payload == {"a": None}
        assert (delivery.attempts, delivery.handler) == (3, "tests.handle")


@pytest.mark.django_db
class TestInsertTogether:
    def test_inserts_rows_that_name_each_other_in_one_statement(self, django_assert_num_queries: Any) -> None:
        events = [make_event(), make_event("tests.ended")]
        deliveries = [make_delivery(event) for event in events]

        with transaction.atomic(), django_assert_num_queries(1):
            insert_together(deliveries, events)

        assert set(Delivery.objects.values_list("event__name", flat=True)) == {"tests.happened", "tests.ended"}
        assert not events[0]._state.adding

    def test_leaves_out_what_there_is_none_of(self) -> None:
        event = make_event()

        with transaction.atomic():
            insert_together([event], [])

        assert OutboxEvent.objects.get() == event

    def test_inserts_none_where_one_is_refused(self) -> None:
        event = make_event()
        twice = [make_delivery(event), make_delivery(event)]

        with pytest.raises(IntegrityError), transaction.atomic():
            insert_together([event], twice)

        assert not OutboxEvent.objects.exists()

    def test_is_a_step(self) -> None:
        with pytest.raises(NoTransaction):
            insert_together([make_event()])


@pytest.mark.django_db
class TestInsertAll:
    def test_inserts_nothing_of_nothing(self, django_assert_num_queries: Any) -> None:
        with transaction.atomic(), django_assert_num_queries(0):
            assert insert_all([]) == []


@pytest.mark.django_db
class TestInsertNumbered:
    def test_gives_each_its_key_in_their_order(self, django_assert_num_queries: Any) -> None:
        rows = [ContentType(app_label="tests", model=name) for name in ("a", "b", "c")]

        with transaction.atomic(), django_assert_num_queries(1):
            insert_numbered(rows)

        assert [row.pk for row in rows] == sorted({row.pk for row in rows})
        kept = ContentType.objects.filter(app_label="tests").order_by("pk")
        assert list(kept) == rows
        assert [row.model for row in kept] == ["a", "b", "c"]
        assert not rows[0]._state.adding

    def test_inserts_none_where_one_is_refused(self) -> None:
        rows = [ContentType(app_label="tests", model="a") for _ in range(2)]

        with pytest.raises(IntegrityError), transaction.atomic():
            insert_numbered(rows)

        assert not ContentType.objects.filter(app_label="tests").exists()

    def test_inserts_nothing_of_nothing(self, django_assert_num_queries: Any) -> None:
        with transaction.atomic(), django_assert_num_queries(0):
            insert_numbered([])


@pytest.mark.django_db
class TestCopyLines:
    @given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), max_size=250))
    @settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_brings_every_text_as_it_is(self, texts: list[str]) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("CREATE TEMPORARY TABLE brought (number int, text text) ON COMMIT DROP")
            copy_lines("brought", (f"{number}\t{copied(text)}\n" for number, text in enumerate(texts)))
            cursor.execute("SELECT text FROM brought ORDER BY number")
            found = [text for (text,) in cursor.fetchall()]
            cursor.execute("DROP TABLE brought")

        assert found == texts

    def test_sends_what_waits_first(self) -> None:
        event = make_event()
        delivery = make_delivery(event)
        told = "\t".join([str(delivery.pk), str(event.pk), delivery.handler, "", "0", delivery.due_at.isoformat(), ""])

        @command
        def write() -> None:
            insert_all([event])
            copy_lines("core_delivery (id, event_id, handler, aggregate, attempts, due_at, last_error)", [f"{told}\n"])

        write()

        with connection.cursor() as cursor:
            cursor.execute("SELECT (e.cmin::text, d.cmin::text) FROM core_outboxevent e, core_delivery d")
            assert cursor.fetchone()[0] == ("0", "1")

    def test_refuses_to_run_alone(self) -> None:
        with pytest.raises(NoTransaction):
            copy_lines("core_delivery", [])
