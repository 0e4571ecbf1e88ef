from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError
from django.utils import timezone

from core import outbox, relaying
from core.errors import NotFound
from core.ids import new_id
from core.models import Delivery, OutboxEvent
from core.tests import handlers
from core.tests.factories import NOON, ThingHappened, make_delivery
from core.transactions import NoTransaction, command

REMEMBER, WRITE, FAIL, REFUSE = (f"core.tests.handlers.{n}" for n in ("remember", "write", "write_and_fail", "refuse"))
SECOND = timedelta(seconds=1)
publish = command(outbox.publish)


@pytest.fixture(autouse=True)
def _clean_memory() -> Iterator[None]:
    handlers.seen.clear()
    yield
    handlers.seen.clear()


@pytest.fixture
def subscribed(settings: Any) -> Any:
    settings.EVENT_SUBSCRIPTIONS = {"tests.thing_happened": (REMEMBER, WRITE)}
    settings.EVENT_INLINE_SUBSCRIPTIONS = {}
    return settings


@pytest.mark.django_db
class TestPublish:
    def test_writes_the_event_and_one_delivery_per_subscriber_in_one_statement(
        self, subscribed: Any, django_assert_num_queries: Any
    ) -> None:
        thing = new_id()

        with django_assert_num_queries(3):  # with the command's savepoint in this test
            publish(ThingHappened(thing_id=thing, units=3), at=NOON)

        event = OutboxEvent.objects.get()
        assert event.payload == {"thing_id": str(thing), "units": 3}
        assert (event.aggregate, event.occurred_at) == (str(thing), NOON)
        assert sorted(d.handler for d in Delivery.objects.all()) == sorted([REMEMBER, WRITE])

    def test_is_undone_with_the_change(self, subscribed: Any) -> None:
        @command
        def change_and_fail() -> None:
            outbox.publish(ThingHappened(thing_id=new_id()), at=NOON)
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            change_and_fail()

        assert not OutboxEvent.objects.exists()
        assert not Delivery.objects.exists()

    def test_refuses_to_run_outside_a_command(self, subscribed: Any) -> None:
        with pytest.raises(NoTransaction):
            outbox.publish(ThingHappened(thing_id=new_id()), at=NOON)

    def test_runs_inline_subscribers_at_once_with_the_time(self, subscribed: Any) -> None:
        subscribed.EVENT_INLINE_SUBSCRIPTIONS = {"tests.thing_happened": (REMEMBER,)}

        publish(ThingHappened(thing_id=new_id(), units=2), at=NOON)

        assert [(seen["units"], seen["at"]) for seen in handlers.seen] == [(2, NOON)]

    def test_lets_an_inline_subscriber_refuse_the_change(self, subscribed: Any) -> None:
        subscribed.EVENT_INLINE_SUBSCRIPTIONS = {"tests.thing_happened": (REFUSE,)}

        with pytest.raises(ValueError, match="refused"):
            publish(ThingHappened(thing_id=new_id()), at=NOON)

        assert not OutboxEvent.objects.exists()

    def test_writes_no_delivery_where_nobody_listens(self, subscribed: Any) -> None:
        subscribed.EVENT_SUBSCRIPTIONS = {}

        publish(ThingHappened(thing_id=new_id()), at=NOON)

        assert OutboxEvent.objects.count() == 1
        assert not Delivery.objects.exists()


@pytest.mark.django_db
class TestUntold:
    def test_writes_the_facts_down_and_owes_them_to_nobody(self, subscribed: Any) -> None:
        with outbox.untold():
            publish(ThingHappened(thing_id=new_id()), at=NOON)

        assert OutboxEvent.objects.count() == 1
        assert not Delivery.objects.exists()
        assert outbox.drain() == 0

    def test_still_has_the_inline_subscribers_take_part(self, subscribed: Any) -> None:
        subscribed.EVENT_INLINE_SUBSCRIPTIONS = {"tests.thing_happened": (REMEMBER,)}
        thing = new_id()

        with outbox.untold():
            publish(ThingHappened(thing_id=thing), at=NOON)

        assert [seen["thing_id"] for seen in handlers.seen] == [str(thing)]

    def test_ends_with_its_block_even_when_that_fails(self, subscribed: Any) -> None:
        with pytest.raises(ZeroDivisionError), outbox.untold():
            raise ZeroDivisionError

        publish(ThingHappened(thing_id=new_id()), at=NOON)

        assert Delivery.objects.count() == 2

    def test_holds_for_its_own_thread_alone(self) -> None:
        with outbox.untold(), ThreadPoolExecutor(max_workers=1) as other:
            assert other.submit(outbox._told.get).result()
            assert not outbox._told.get()


@pytest.mark.django_db
class TestDeliver:
    def test_runs_the_handler_with_the_payload_and_marks_it_done(self) -> None:
        delivery = make_delivery()

        outbox.deliver(delivery_ids=[str(delivery.pk)])

        delivery.refresh_from_db()
        assert [seen["delivery_id"] for seen in handlers.seen] == [str(delivery.pk)]
        assert handlers.seen[0]["units"] == 1
        assert delivery.state == "done"

    def test_runs_it_once_however_often_the_message_comes(self) -> None:
        delivery = make_delivery(WRITE)

        for _ in range(3):
            outbox.deliver(delivery_ids=[str(delivery.pk)])

        assert OutboxEvent.objects.filter(name="tests.written").count() == 1

    def test_undoes_the_handlers_work_when_it_fails_and_tries_again_later(self) -> None:
        delivery = make_delivery(FAIL)
        before = timezone.now()

        outbox.deliver(delivery_ids=[str(delivery.pk)])

        delivery.refresh_from_db()
        assert not OutboxEvent.objects.filter(name="tests.written").exists()
        assert (delivery.state, delivery.attempts) == ("owed", 1)
        assert delivery.last_error == "RuntimeError: not today"
        assert before + SECOND < delivery.due_at < before + 4 * SECOND

    def test_gives_up_after_the_last_try_and_lets_the_next_of_the_aggregate_through(self) -> None:
        delivery = make_delivery(REFUSE, aggregate="order-1", attempts=outbox.MAX_ATTEMPTS - 1)
        following = make_delivery(REFUSE, aggregate="order-1")

        outbox.deliver(delivery_ids=[str(delivery.pk)])

        delivery.refresh_from_db()
        assert delivery.state == "dead"
        assert relaying.claim_due(now=timezone.now()) == [following]

    def test_counts_a_handler_that_is_not_there_as_a_failure(self) -> None:
        delivery = make_delivery("core.tests.handlers.nothing_here")

        outbox.deliver(delivery_ids=[str(delivery.pk)])

        delivery.refresh_from_db()
        assert (delivery.state, delivery.attempts) == ("owed", 1)

    def test_tells_whether_more_of_the_aggregate_is_owed(self) -> None:
        first, second = make_delivery(aggregate="order-1"), make_delivery(aggregate="order-1")

        assert outbox.deliver(delivery_ids=[str(first.pk)]) is True
        assert outbox.deliver(delivery_ids=[str(second.pk)]) is False

    def test_ignores_a_delivery_that_is_gone(self) -> None:
        assert outbox.deliver(delivery_ids=[str(new_id())]) is False


@pytest.mark.django_db
class TestDeliverOutside:
    CALL = "core.tests.handlers.call"

    @pytest.fixture(autouse=True)
    def _outside(self, settings: Any) -> Iterator[None]:
        settings.EVENT_HANDLERS_OUTSIDE = (self.CALL,)
        yield
        handlers.called.clear()
        handlers.refused.clear()

    def deliver(self, *deliveries: Delivery) -> list[str]:
        outbox.deliver(delivery_ids=[str(each.pk) for each in deliveries], handler=self.CALL)
        for each in deliveries:
            each.refresh_from_db()
        return [each.state for each in deliveries]

    def test_gives_all_to_it_at_once_while_no_transaction_is_open(self) -> None:
        deliveries = [make_delivery(self.CALL) for _ in range(3)]

        states = self.deliver(*deliveries)

        assert handlers.called == [([str(each.pk) for each in deliveries], False)]
        assert states == ["done"] * 3

    def test_leaves_out_what_is_done(self) -> None:
        done = make_delivery(self.CALL, done_at=NOON)

        assert self.deliver(done) == ["done"]
        assert handlers.called == []

    def test_goes_one_by_one_where_they_fail_together_and_tries_again(self) -> None:
        good, bad = make_delivery(self.CALL), make_delivery(self.CALL)
        handlers.refused.add(str(bad.pk))

        states = self.deliver(good, bad)

        assert states == ["done", "owed"]
        assert (bad.attempts, bad.last_error) == (1, "ConnectionError: nobody there")
        assert bad.due_at > timezone.now()
        handlers.refused.clear()
        assert self.deliver(bad) == ["done"]

    def test_is_how_drain_delivers(self) -> None:
        delivery = make_delivery(self.CALL)

        outbox.drain()

        delivery.refresh_from_db()
        assert (delivery.state, handlers.called[0][1]) == ("done", False)


@pytest.mark.django_db
class TestDeliverTogether:
    SOME = "core.tests.handlers.write_some"

    @pytest.fixture(autouse=True)
    def _of_many(self, settings: Any) -> None:
        settings.EVENT_HANDLERS_OF_MANY = {
            REMEMBER: "core.tests.handlers.remember_all",
            self.SOME: "core.tests.handlers.write_all",
        }

    def deliver(self, handler: str, deliveries: list[Delivery]) -> None:
        outbox.deliver(delivery_ids=[str(each.pk) for each in deliveries], handler=handler)
        for each in deliveries:
            each.refresh_from_db()

    def test_gives_all_to_a_handler_of_many_in_their_order(self) -> None:
        deliveries = [make_delivery() for _ in range(3)]

        self.deliver(REMEMBER, deliveries)

        (seen,) = handlers.seen
        assert [fact["delivery_id"] for fact in seen["together"]] == [str(each.pk) for each in deliveries]
        assert {fact["units"] for fact in seen["together"]} == {1}
        assert {each.state for each in deliveries} == {"done"}

    def test_costs_the_same_for_any_number(self, django_assert_num_queries: Any) -> None:
        for count in (2, 7):
            deliveries = [make_delivery() for _ in range(count)]
            ids = [str(each.pk) for each in deliveries]
            with django_assert_num_queries(5):  # with a savepoint in this test
                outbox.deliver(delivery_ids=ids, handler=REMEMBER)

    def test_leaves_out_what_is_done_and_what_another_has(self) -> None:
        done, owed = make_delivery(done_at=NOON), make_delivery()

        self.deliver(REMEMBER, [done, owed])

        assert [fact["delivery_id"] for fact in handlers.seen[0]["together"]] == [str(owed.pk)]
        assert done.done_at == NOON

    def test_calls_nobody_where_all_are_done(self) -> None:
        self.deliver(REMEMBER, [make_delivery(done_at=NOON), make_delivery(done_at=NOON)])

        assert handlers.seen == []

    def test_goes_one_by_one_where_one_fails_and_holds_up_no_other(self) -> None:
        good, bad, other = (make_delivery(self.SOME) for _ in range(3))
        OutboxEvent.objects.filter(pk=bad.event_id).update(payload={"units": -1})

        self.deliver(self.SOME, [good, bad, other])

        assert [each.state for each in (good, bad, other)] == ["done", "owed", "done"]
        assert (bad.attempts, bad.last_error) == (1, "RuntimeError: not this one")
        written = OutboxEvent.objects.filter(name="tests.written").values_list("aggregate", flat=True)
        assert sorted(written) == sorted([str(good.pk), str(other.pk)])

    def test_one_alone_goes_the_usual_way(self) -> None:
        delivery = make_delivery()

        self.deliver(REMEMBER, [delivery])

        assert [seen["delivery_id"] for seen in handlers.seen] == [str(delivery.pk)]


@pytest.mark.django_db
class TestConditions:
    @pytest.fixture(autouse=True)
    def _conditions(self, subscribed: Any) -> None:
        subscribed.EVENT_CONDITIONS = {REMEMBER: {"units": 3}}

    def test_of_what_does_not_concern_a_handler_nothing_is_owed_to_it(self) -> None:
        publish(ThingHappened(thing_id=new_id(), units=2), at=NOON)

        assert [delivery.handler for delivery in Delivery.objects.all()] == [WRITE]

    def test_what_concerns_it_is_owed(self) -> None:
        publish(ThingHappened(thing_id=new_id(), units=3), at=NOON)

        assert {delivery.handler for delivery in Delivery.objects.all()} == {REMEMBER, WRITE}

    def test_what_was_owed_before_there_was_a_condition_is_done_without_it(self) -> None:
        delivery = make_delivery()

        outbox.deliver(delivery_ids=[str(delivery.pk)])

        delivery.refresh_from_db()
        assert (delivery.state, handlers.seen) == ("done", [])


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_while_it_runs_a_handler_leaves_the_delivery_owed(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    delivery = make_delivery(WRITE)
    relaying.claim_due(now=NOON)

    def killed(**_: object) -> None:
        handlers.write(delivery_id=str(delivery.pk))
        raise SystemExit(137)

    monkeypatch.setattr(handlers, "write_and_fail", killed)
    Delivery.objects.update(handler=FAIL)
    with pytest.raises(SystemExit):
        outbox.deliver(delivery_ids=[str(delivery.pk)])

    assert not OutboxEvent.objects.filter(name="tests.written").exists()
    assert relaying.claim_due(now=NOON + settings.OUTBOX_LEASE) == [delivery]


class TestBackOff:
    @pytest.mark.parametrize(("attempts", "seconds"), [(1, 2), (2, 4), (5, 32), (40, 3600), (5000, 3600)])
    def test_doubles_up_to_an_hour(self, attempts: int, seconds: int) -> None:
        pause = outbox.back_off(attempts).total_seconds()

        assert 0.89 * seconds < pause < 1.11 * seconds


@pytest.mark.django_db
class TestDrain:
    def test_delivers_all_that_is_due_and_what_follows_in_the_same_aggregate(self) -> None:
        made = [make_delivery(aggregate="order-1") for _ in range(5)]

        count = outbox.drain()

        assert count == 5
        assert [seen["delivery_id"] for seen in handlers.seen] == [str(delivery.pk) for delivery in made]

    def test_stops_at_failures_that_are_due_later(self) -> None:
        make_delivery(REFUSE)

        assert outbox.drain() == 1


@pytest.mark.django_db
class TestRetryDead:
    def test_owes_them_again_with_all_their_tries(self) -> None:
        delivery = make_delivery(attempts=12, dead_at=NOON)

        count = outbox.retry_dead(delivery_ids=[delivery.pk], now=NOON)

        delivery.refresh_from_db()
        assert count == 1
        assert (delivery.state, delivery.attempts, delivery.due_at) == ("owed", 0, NOON)

    def test_refuses_what_is_not_dead(self) -> None:
        delivery = make_delivery(attempts=3)

        with pytest.raises(NotFound):
            outbox.retry_dead(delivery_ids=[delivery.pk], now=NOON)

        delivery.refresh_from_db()
        assert delivery.attempts == 3


@pytest.mark.django_db
class TestForgetFinished:
    def test_removes_what_is_done_and_keeps_what_is_owed_or_dead(self) -> None:
        make_delivery(done_at=NOON - SECOND)
        kept = [make_delivery(), make_delivery(dead_at=NOON - SECOND), make_delivery(done_at=NOON)]
        OutboxEvent.objects.update(occurred_at=NOON - SECOND)

        assert outbox.forget_finished(before=NOON) == 1

        assert list(Delivery.objects.order_by("pk")) == kept
        assert OutboxEvent.objects.count() == 3


@pytest.mark.django_db
class TestDelivery:
    def test_is_made_once_per_event_and_handler(self) -> None:
        delivery = make_delivery()

        with pytest.raises(IntegrityError, match="delivery_once_per_subscriber"):
            Delivery.objects.create(event=delivery.event, handler=delivery.handler, due_at=NOON)

    def test_is_never_done_and_dead(self) -> None:
        with pytest.raises(IntegrityError, match="delivery_done_or_dead"):
            make_delivery(done_at=NOON, dead_at=NOON)
