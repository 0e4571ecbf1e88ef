"""Deliveries that take their workers down, where the broker does not count how often."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from core import outbox, relaying, tasks
from core.models import Delivery
from core.tests import handlers
from core.tests.factories import NOON, make_delivery

FATAL, REMEMBER = "core.tests.handlers.refuse", "core.tests.handlers.remember"
CALL = "core.tests.handlers.call"


@pytest.fixture(autouse=True)
def _fatal(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def be_killed(**_: object) -> None:
        raise SystemExit(137)

    monkeypatch.setattr(handlers, "refuse", be_killed)
    handlers.seen.clear()
    handlers.called.clear()
    yield
    handlers.seen.clear()
    handlers.called.clear()


def one_round(now: datetime) -> int:
    """Claim and carry out all messages, each by a worker of its own, and return how many of these were lost."""
    lost = 0
    for parcel in relaying.parcelled(relaying.claim_due(now=now)):
        try:
            outbox.deliver(**parcel._asdict())
        except SystemExit:
            lost += 1
    return lost


@pytest.mark.django_db(transaction=True)
class TestSuspects:
    @pytest.mark.parametrize("handler", [FATAL, CALL])
    def test_workers_are_lost_so_often_and_what_came_with_it_is_done(
        self, settings: Any, monkeypatch: pytest.MonkeyPatch, handler: str
    ) -> None:
        settings.EVENT_HANDLERS_OUTSIDE = [CALL]
        fatal, *others = [make_delivery(handler) for _ in range(4)]

        def be_killed_by_one(**told: Any) -> None:
            if str(fatal.pk) in [told.get("delivery_id"), *(fact["delivery_id"] for fact in told.get("facts", ()))]:
                raise SystemExit(137)

        monkeypatch.setattr(handlers, handler.rpartition(".")[2], be_killed_by_one)
        lost = 0
        for _ in range(100):
            lost += one_round(_latest_due())

        fatal.refresh_from_db()
        assert (fatal.state, fatal.last_error) == ("dead", outbox._LOST)
        assert lost == relaying._SUSPECT + outbox.MAX_ATTEMPTS
        assert {Delivery.objects.get(pk=other.pk).state for other in others} == {"done"}

    def test_those_that_were_only_late_are_done(self) -> None:
        late = [make_delivery(REMEMBER, handed_out=relaying._SUSPECT) for _ in range(12)]

        assert one_round(NOON) == 0

        assert len(handlers.seen) == len(late)
        assert {(row.state, row.last_error) for row in Delivery.objects.all()} == {("done", "")}

    def test_are_not_mixed_with_others(self) -> None:
        rows = [Delivery(handler=REMEMBER, handed_out=times) for times in (0, relaying._SUSPECT, 1)]

        parcels = [(parcel.delivery_ids, parcel.is_suspect) for parcel in relaying.parcelled(rows)]

        assert parcels == [([str(rows[0].pk), str(rows[2].pk)], False), ([str(rows[1].pk)], True)]

    def test_are_left_to_a_broker_that_counts_by_itself(self, settings: Any) -> None:
        settings.DEAD_LETTER_QUEUE = "nexus.dead"
        rows = [Delivery(handler=REMEMBER, handed_out=relaying._SUSPECT)]

        assert [parcel.is_suspect for parcel in relaying.parcelled(rows)] == [False]

    def test_the_message_says_so(self, monkeypatch: pytest.MonkeyPatch) -> None:
        make_delivery(REMEMBER, handed_out=relaying._SUSPECT, due_at=timezone.now())
        sent: list[dict[str, Any]] = []
        monkeypatch.setattr(tasks.deliver, "delay", lambda **told: sent.append(told))

        tasks.relay()
        tasks.deliver(**sent[0])

        assert sent[0]["is_suspect"] is True
        assert Delivery.objects.get().attempts == 1

    def test_one_that_another_worker_is_doing_is_left_to_it(self) -> None:
        done = make_delivery(REMEMBER, done_at=NOON)

        assert outbox._may_try(delivery_id=str(done.pk), now=NOON) is False

        done.refresh_from_db()
        assert done.attempts == 0

    def test_whose_failure_was_noted_is_none_any_more(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(**_: object) -> None:
            raise ValueError("refused")

        monkeypatch.setattr(handlers, "refuse", fail)
        delivery = make_delivery(FATAL, handed_out=3)

        assert one_round(NOON) == 0

        delivery.refresh_from_db()
        assert (delivery.attempts, delivery.handed_out) == (1, 0)


def _latest_due() -> datetime:
    """When everything that is owed is due, as the database's leases have it."""
    owed = Delivery.objects.filter(done_at=None, dead_at=None).order_by("due_at").values_list("due_at", flat=True)
    return max(owed.last() or NOON, NOON) + timedelta(microseconds=1)
