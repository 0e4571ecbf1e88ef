from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, models, transaction
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.compiled import Compiled
from core.ids import new_id
from core.models import Delivery, OutboxEvent

EVENTS: Compiled[OutboxEvent] = Compiled(
    lambda name, ids: OutboxEvent.objects.filter(name=name, pk__any_of=ids, aggregate="").locked(),
    name=str,
    ids=[UUID],
)
DELIVERIES: Compiled[Delivery] = Compiled(
    lambda event: Delivery.objects.filter(event=event).select_related("event"), event=UUID
)
TRIED: Compiled[Delivery] = Compiled(
    lambda attempts, before: Delivery.objects.filter(attempts=attempts, due_at__lt=before),
    attempts=int,
    before=datetime,
)
OF_NAME: Compiled[OutboxEvent] = Compiled(lambda name: OutboxEvent.objects.filter(name=name), name=str)
NAMES: Compiled[tuple[Any, ...]] = Compiled(
    lambda ids: OutboxEvent.objects.filter(pk__any_of=ids).order_by("name").values_list("name", "payload"), ids=[UUID]
)


def make_event(name: str = "a", **fields: Any) -> OutboxEvent:
    event: OutboxEvent = OutboxEvent.objects.create(name=name, payload={"n": 1}, occurred_at=timezone.now(), **fields)
    return event


@pytest.mark.django_db
class TestCompiled:
    def test_gives_what_the_queryset_gives_for_other_values_each_time(self) -> None:
        first, second, other = make_event("a"), make_event("a"), make_event("b")
        everybody = [first.pk, second.pk, other.pk]

        with transaction.atomic():
            assert EVENTS.all(name="a", ids=everybody) == [first, second]
            assert EVENTS.all(name="b", ids=everybody) == [other]
            assert EVENTS.all(name="a", ids=[]) == []
            assert EVENTS.first(name="a", ids=[second.pk]) == second
            assert EVENTS.first(name="none", ids=everybody) is None

    def test_fills_related_objects_without_another_query(self, django_assert_num_queries: Any) -> None:
        event = make_event("a")
        Delivery.objects.create(event=event, handler="x", due_at=timezone.now())

        with django_assert_num_queries(1):
            found = DELIVERIES.all(event=event.pk)
            assert found[0].event.payload == {"n": 1}

    def test_its_instances_are_those_of_the_queryset(self) -> None:
        event = make_event("a")
        made, usual = OF_NAME.all(name="a")[0], OutboxEvent.objects.get()

        assert {**vars(made), "_state": vars(made._state)} == {**vars(usual), "_state": vars(usual._state)}
        made.name = "b"
        made.save()
        assert OutboxEvent.objects.get() == event

    def test_tells_who_listens_to_instances(self) -> None:
        make_event("a")
        heard: list[str] = []

        def listen(instance: OutboxEvent, **_: Any) -> None:
            heard.append(instance.name)

        models.signals.post_init.connect(listen, sender=OutboxEvent)
        try:
            Compiled(lambda name: OutboxEvent.objects.filter(name=name), name=str).all(name="a")
        finally:
            models.signals.post_init.disconnect(listen, sender=OutboxEvent)

        assert heard == ["a"]

    def test_gives_values_as_the_queryset_would(self) -> None:
        events = [make_event("b"), make_event("a")]

        assert NAMES.all(ids=[event.pk for event in events]) == [("a", {"n": 1}), ("b", {"n": 1})]

    def test_takes_times_and_numbers(self) -> None:
        event, now = make_event("a"), timezone.now()
        made = [Delivery.objects.create(event=event, handler=str(n), attempts=n, due_at=now) for n in range(3)]

        assert TRIED.all(attempts=1, before=now + timedelta(seconds=1)) == [made[1]]
        assert TRIED.all(attempts=1, before=now) == []
        assert TRIED.all(attempts=2, before=now + timedelta(seconds=1)) == [made[2]]

    def test_keeps_the_lock_of_the_queryset(self) -> None:
        with transaction.atomic(), CaptureQueriesContext(connection) as statements:
            EVENTS.all(name="a", ids=[new_id()])

        assert statements.captured_queries[-1]["sql"].endswith('FOR UPDATE OF "core_outboxevent"')

    def test_refuses_a_parameter_that_the_statement_lacks(self) -> None:
        unused: Compiled[OutboxEvent] = Compiled(lambda name: OutboxEvent.objects.filter(aggregate=""), name=str)

        with pytest.raises(ValueError, match="name"):
            unused.all(name="a")


@pytest.mark.django_db(transaction=True)
class TestCompiledOutsideATransaction:
    def test_refuses_to_lock(self) -> None:
        with transaction.atomic():
            EVENTS.all(name="a", ids=[])

        with pytest.raises(TransactionManagementError):
            EVENTS.all(name="a", ids=[])
