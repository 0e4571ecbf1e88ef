from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from celery import current_app

from core import deadletters, tasks
from core.errors import NotFound, Unavailable
from core.ids import new_id
from core.models import DeadLetter, Delivery
from core.tests.factories import NOON, make_dead_letter, make_delivery

QUEUE = "nexus.test.dead"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _has_dead_letters(settings: Any) -> None:
    settings.DEAD_LETTER_QUEUE = QUEUE
    with current_app.connection_for_write() as broker, broker.SimpleQueue(QUEUE) as queue:
        queue.clear()


def die(task: str = "", kwargs: dict[str, Any] | None = None, *, body: str = "", name: str = "") -> None:
    """Put a message among the dead letters, as RabbitMQ does."""
    told = body or json.dumps([[], kwargs or {}, {}])
    death = {"queue": "nexus.bulk", "reason": "delivery_limit", "count": 1, "time": 1795428572}
    headers = {"id": name or new_id().hex, "x-death": [death]} | ({"task": task} if task else {})
    with current_app.connection_for_write() as broker:
        broker.Producer().publish(
            told, routing_key=QUEUE, headers=headers, content_type="application/json", content_encoding="utf-8"
        )


class TestCollect:
    def test_notes_each_once_even_if_it_is_met_again(self) -> None:
        for _ in range(2):
            die("orders.tasks.expire_unpaid_orders", name="one")
        die("orders.tasks.expire_unpaid_orders", name="another")

        count = deadletters.collect(now=NOON)

        assert count == 3
        assert DeadLetter.objects.count() == 2
        assert deadletters.collect(now=NOON) == 0

    def test_gives_up_the_delivery_that_was_being_done_alone(self) -> None:
        done, poison, later = make_delivery(done_at=NOON), make_delivery(attempts=8), make_delivery()
        die("core.tasks.deliver", {"delivery_ids": [str(row.pk) for row in (done, poison, later)] + ["none"]})

        tasks.collect_dead_letters()

        found = [Delivery.objects.get(pk=row.pk) for row in (done, poison, later)]
        assert [(row.state, row.attempts) for row in found] == [("done", 0), ("dead", 12), ("owed", 0)]
        assert DeadLetter.objects.get().resent_at is None

    def test_tries_a_delivery_again_after_a_pause_and_gives_it_up_the_third_time(self) -> None:
        delivery = make_delivery(due_at=NOON)
        seen = []

        for _ in range(3):
            die("core.tasks.deliver", {"delivery_ids": [str(delivery.pk)]})
            deadletters.collect(now=NOON)
            delivery.refresh_from_db()
            seen.append((delivery.state, round((delivery.due_at - NOON) / timedelta(minutes=1))))

        assert [state for state, _ in seen] == ["owed", "owed", "dead"]
        assert [minutes for _, minutes in seen][:2] in ([0, 4], [0, 5])
        assert delivery.due_at > NOON
        assert "worker was lost" in delivery.last_error
        assert [letter.resent_at for letter in DeadLetter.objects.order_by("pk")] == [NOON, NOON, None]

    def test_two_messages_of_one_delivery_are_given_up_once(self) -> None:
        kwargs = {"delivery_ids": [str(make_delivery(attempts=8).pk)]}
        for name in ("one", "another"):
            die("core.tasks.deliver", kwargs, name=name)

        deadletters.collect(now=NOON)

        letter = DeadLetter.objects.get()
        deadletters.resend(letter_ids=[letter.pk], now=NOON)
        for name in ("a third", "a fourth", "a fifth", "a sixth"):
            die("core.tasks.deliver", kwargs, name=name)
        deadletters.collect(now=NOON)
        assert DeadLetter.objects.filter(resent_at=None).count() == 1
        assert [row.state for row in Delivery.objects.all()] == ["dead"]

    @pytest.mark.parametrize("body", ["{", "[]", "[[], 5, {}]", "x" * 9000, "null"])
    def test_keeps_the_beginning_of_what_cannot_be_read(self, body: str) -> None:
        die(body=body)

        deadletters.collect(now=NOON)

        letter = DeadLetter.objects.get()
        assert (letter.task, letter.kwargs, letter.body) == ("", {}, body[:2000])

    @pytest.mark.parametrize("word", ["a\\u0000b", "\\ud800"])
    def test_a_message_that_no_table_takes_holds_up_no_other(self, word: str) -> None:
        die("tests.first", body=f'[[], {{"word": "{word}"}}, {{}}]')
        die("tests.second")

        assert deadletters.collect(now=NOON) == 2

        assert set(DeadLetter.objects.values_list("task", flat=True)) == {"", "tests.second"}
        assert word in DeadLetter.objects.get(task="").body

    def test_does_nothing_where_the_broker_keeps_none(self, settings: Any) -> None:
        die("orders.tasks.expire_unpaid_orders")
        settings.DEAD_LETTER_QUEUE = ""

        assert deadletters.collect(now=NOON) == 0
        assert not DeadLetter.objects.exists()


class TestResend:
    def test_sends_it_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        sent: list[tuple[str, Any]] = []
        monkeypatch.setattr(current_app, "send_task", lambda name, kwargs, **_: sent.append((name, kwargs)))
        letter = make_dead_letter(kwargs={"order_id": "1"})

        count = deadletters.resend(letter_ids=[letter.pk], now=NOON)

        letter.refresh_from_db()
        assert (count, letter.resent_at) == (1, NOON)
        assert sent == [("orders.tasks.expire_unpaid_orders", {"order_id": "1"})]
        with pytest.raises(NotFound):
            deadletters.resend(letter_ids=[letter.pk], now=NOON)

    def test_owes_its_dead_deliveries_again(self) -> None:
        dead = make_delivery(dead_at=NOON, attempts=3)
        letter = make_dead_letter("core.tasks.deliver", kwargs={"delivery_ids": [str(dead.pk)]})

        deadletters.resend(letter_ids=[letter.pk], now=NOON)

        dead.refresh_from_db()
        assert (dead.state, dead.attempts) == ("owed", 0)

    def test_stays_where_the_broker_does_not_answer(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def away(*_: object, **__: object) -> None:
            raise ConnectionRefusedError

        monkeypatch.setattr(current_app, "send_task", away)
        letter = make_dead_letter()

        with pytest.raises(Unavailable):
            deadletters.resend(letter_ids=[letter.pk], now=NOON)

        letter.refresh_from_db()
        assert letter.resent_at is None

    def test_knows_no_way_for_what_cannot_be_read(self) -> None:
        with pytest.raises(NotFound):
            deadletters.resend(letter_ids=[make_dead_letter("", body="{").pk], now=NOON)


def test_forget_removes_what_is_old() -> None:
    old, new = make_dead_letter(noted_at=NOON - timedelta(days=91)), make_dead_letter()

    deadletters.forget(before=NOON - timedelta(days=90))

    assert set(DeadLetter.objects.values_list("pk", flat=True)) == {new.pk}
    assert old.pk != new.pk
