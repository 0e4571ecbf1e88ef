from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event as Flag
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core import outbox, relaying, tasks
from core.models import Delivery, OutboxEvent
from core.tests import handlers
from core.tests.factories import NOON, make_delivery
from core.tests.plans import STATISTICS, pile_up, visits
from core.tests.threads import at_once, in_thread
from core.transactions import command

REMEMBER, WRITE = (f"core.tests.handlers.{n}" for n in ("remember", "write"))
SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def _clean_memory() -> Iterator[None]:
    handlers.seen.clear()
    yield
    handlers.seen.clear()


_MANY = """
WITH made AS (
    INSERT INTO core_outboxevent (id, name, aggregate, payload, occurred_at, trace)
    SELECT gen_random_uuid(), 'tests.thing_happened', 'order-' || n / %(each)s, '{}', %(due)s, ''
      FROM generate_series(1, %(count)s) n RETURNING id, aggregate)
INSERT INTO core_delivery (id, event_id, handler, aggregate, attempts, due_at, done_at, last_error)
SELECT gen_random_uuid(), id, %(handler)s, aggregate, 0, %(due)s, %(done)s, '' FROM made
"""


def make_many(count: int, handler: str = WRITE, *, of_each: int = 3, due_at: Any = NOON, done_at: Any = None) -> None:
    """Owe the handler so much at one time, some facts of each aggregate."""
    told = {"each": of_each, "due": due_at, "count": count, "handler": handler, "done": done_at}
    with connection.cursor() as cursor:
        cursor.execute(_MANY, told)


@pytest.mark.django_db
class TestClaimDue:
    def test_takes_what_is_due_oldest_first_and_leaves_the_rest(self) -> None:
        later = make_delivery(due_at=NOON - SECOND)
        first = make_delivery(due_at=NOON - 2 * SECOND)
        make_delivery(due_at=NOON + SECOND)
        make_delivery(done_at=NOON)
        make_delivery(dead_at=NOON)

        assert relaying.claim_due(now=NOON) == [first, later]

    def test_takes_one_at_a_time_of_an_aggregate_in_the_order_of_the_facts(self) -> None:
        first = make_delivery(aggregate="order-1", due_at=NOON)
        make_delivery(aggregate="order-1", due_at=NOON - SECOND)
        other = make_delivery(aggregate="order-2", due_at=NOON)

        claimed = relaying.claim_due(now=NOON)

        assert claimed == [first, other]
        assert relaying.claim_due(now=NOON) == []

    def test_goes_on_with_an_aggregate_when_its_first_is_done_or_dead(self) -> None:
        make_delivery(aggregate="order-1", done_at=NOON)
        make_delivery(aggregate="order-1", dead_at=NOON)
        third = make_delivery(aggregate="order-1")

        assert relaying.claim_due(now=NOON) == [third]

    def test_does_not_hold_up_another_handler_of_the_aggregate(self) -> None:
        both = [make_delivery(aggregate="order-1"), make_delivery(WRITE, aggregate="order-1")]

        assert relaying.claim_due(now=NOON) == both

    def test_gives_a_lease_after_which_another_worker_may_take_it(self, settings: Any) -> None:
        delivery = make_delivery()
        relaying.claim_due(now=NOON)

        assert relaying.claim_due(now=NOON + settings.OUTBOX_LEASE - SECOND) == []
        assert relaying.claim_due(now=NOON + settings.OUTBOX_LEASE) == [delivery]

    def test_costs_one_statement_where_nothing_is_due(self) -> None:
        with CaptureQueriesContext(connection) as queries:
            relaying.claim_due(now=NOON)

        assert len([query for query in queries if query["sql"].strip().startswith(("WITH", "SELECT", "UPDATE"))]) == 1

    def test_costs_three_statements_for_any_number_of_a_handler(self) -> None:
        for _ in range(5):
            make_delivery()

        with CaptureQueriesContext(
            connection,
        ) as queries:
            relaying.claim_due(now=NOON)

        statements = [query["sql"] for query in queries if "SAVEPOINT" not in query["sql"]]
        assert len(statements) == 3
        assert "SKIP LOCKED" in statements[1]


@pytest.mark.django_db(transaction=True)
class TestClaimDueByManyWorkers:
    def test_gives_each_delivery_to_one_of_them(self) -> None:
        made = {make_delivery().pk for _ in range(40)}

        def claim(_: int) -> list[Any]:
            return [delivery.pk for delivery in relaying.claim_due(now=NOON, most=10)]

        claimed = [pk for taken in at_once(claim, range(8)) for pk in taken]

        assert len(claimed) == len(set(claimed))
        assert set(claimed) <= made

    def test_skips_what_another_worker_is_running(self) -> None:
        delivery, running, go_on = make_delivery(), Flag(), Flag()

        @command
        def hold() -> None:
            Delivery.objects.filter(pk=delivery.pk).locked().get()
            running.set()
            assert go_on.wait(10)

        with ThreadPoolExecutor(1) as worker:
            held = worker.submit(in_thread, hold)
            assert running.wait(10)
            claimed = relaying.claim_due(now=NOON)
            ran = outbox.deliver(delivery_ids=[str(delivery.pk)])
            go_on.set()
            held.result()

        delivery.refresh_from_db()
        assert claimed == []
        assert ran is False
        assert handlers.seen == []
        assert delivery.attempts == 0


# Three facts of each aggregate; what is done is of others.
_FACT = {"handler": "'late'", "aggregate": "(n / 3)::text", "event_id": "lpad(to_hex(n), 32, '0')::uuid"}
_DONE = _FACT | {"done_at": "'2026-02-01 12:00Z'", "due_at": "'2026-02-01 12:00Z'"}
_DUE = _FACT | {"due_at": "'2026-02-28 12:00Z'"}


def pile_up_deliveries(statistics: str) -> None:
    pile_up(OutboxEvent, statistics=statistics, done={}, due={})
    pile_up(Delivery, statistics=statistics, done=_DONE, due=_DUE)


@pytest.mark.django_db
class TestBacklog:
    @pytest.mark.parametrize("statistics", STATISTICS)
    def test_costs_the_same_whatever_the_database_believes_of_it(self, statistics: str) -> None:
        pile_up_deliveries(statistics)

        with visits() as seen:
            assert len(relaying.claim_due(now=NOON, most=20)) == 20

        assert sum(visit.rows for visit in seen) < 500

    @pytest.mark.parametrize("statistics", STATISTICS)
    def test_costs_no_more_to_ask_whether_there_is_more(self, statistics: str) -> None:
        pile_up_deliveries(statistics)
        done = [str(pk) for pk in Delivery.objects.exclude(done_at=None).values_list("pk", flat=True)[:10]]

        with visits() as seen:
            assert relaying.is_more_owed(delivery_ids=done, handler="nobody's", now=NOON) is False

        assert sum(visit.rows for visit in seen) < 100

    def test_of_one_handler_keeps_no_other_waiting(self) -> None:
        make_many(300, of_each=1, due_at=NOON - SECOND)
        other = make_delivery(due_at=NOON)

        assert other in relaying.claim_due(now=NOON, most=10)

    def test_is_not_handed_out_all_at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(relaying, "_WAITING", relaying._WAITING.replace(str(relaying.UNDER_WAY), "20"))
        make_many(50, of_each=1)
        other = make_delivery(due_at=NOON)

        first, second, third = (relaying.claim_due(now=NOON, most=10) for _ in range(3))

        assert (len(first), len(second), third) == (11, 10, [])
        assert other in first
        Delivery.objects.filter(pk__in=[delivery.pk for delivery in first]).update(done_at=NOON)
        assert len(relaying.claim_due(now=NOON, most=10)) == 10

    def test_is_handed_out_again_when_the_lease_is_over(self, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(relaying, "_WAITING", relaying._WAITING.replace(str(relaying.UNDER_WAY), "20"))
        make_many(20, of_each=1)
        taken = {delivery.pk for delivery in relaying.claim_due(now=NOON, most=20)}

        again = {delivery.pk for delivery in relaying.claim_due(now=NOON + settings.OUTBOX_LEASE, most=20)}

        assert taken == again

    def test_who_ends_a_part_of_it_asks_for_more(self) -> None:
        make_many(30, REMEMBER, of_each=1, due_at=timezone.now() - 5 * SECOND)
        delivery = make_delivery(due_at=timezone.now() - 5 * SECOND)

        assert outbox.deliver(delivery_ids=[str(delivery.pk)], handler=REMEMBER) is True
        Delivery.objects.update(due_at=timezone.now())
        assert outbox.deliver(delivery_ids=[str(delivery.pk)], handler=REMEMBER) is False

    def test_is_done_by_relays_and_workers_in_turns(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(relaying, "_WAITING", relaying._WAITING.replace(str(relaying.UNDER_WAY), "20"))
        make_many(90, REMEMBER, due_at=timezone.now() - 5 * SECOND)
        sent: list[dict[str, Any]] = []
        monkeypatch.setattr(tasks.deliver, "delay", lambda **told: sent.append(told))
        turns = []

        while Delivery.objects.filter(done_at=None).exists():
            tasks.relay()
            turns.append(sum(len(message["delivery_ids"]) for message in sent))
            for message in sent:
                outbox.deliver(**message)
            sent.clear()

        assert sum(turns) == len(handlers.seen) == 90
        assert max(turns) <= 100


class TestParcelled:
    def test_puts_few_of_one_handler_together(self) -> None:
        made = [Delivery(handler=handler) for handler in [WRITE] * 12 + [REMEMBER] * 2]

        parcels = [(handler, len(ids)) for handler, ids, _ in relaying.parcelled(made)]

        assert parcels == [(WRITE, 10), (WRITE, 2), (REMEMBER, 2)]
