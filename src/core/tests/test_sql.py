from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from core.models import Delivery, OutboxEvent
from core.sql import insert_all, insert_together, update_together
from core.transactions import NoTransaction


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
