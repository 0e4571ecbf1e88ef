from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from celery import current_app

from core import courier, tasks
from core.tests import handlers
from core.tests.factories import make_delivery

REMEMBER, FAIL = "core.tests.handlers.remember", "core.tests.handlers.write_and_fail"


@pytest.fixture(autouse=True)
def _own_courier(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    settings.OUTBOX_COURIER = True
    monkeypatch.setattr(courier, "_courier", None)
    monkeypatch.setattr(courier, "_PAUSE_AFTER_FAILURE_SECONDS", 0.01)
    monkeypatch.setattr(courier, "_REST_SECONDS", 0.0)
    handlers.seen.clear()
    yield
    handlers.seen.clear()


class TestWake:
    def test_asks_once_for_all_wakes_that_come_while_the_broker_is_asked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        sent: list[str] = []
        asked, released, done = threading.Event(), threading.Event(), threading.Event()

        def send(name: str, **_: object) -> None:
            sent.append(name)
            if len(sent) == 1:
                asked.set()
                assert released.wait(10)
            elif {"core.tasks.relay", "last"} == set(sent[1:]):
                done.set()

        monkeypatch.setattr(current_app, "send_task", send)
        courier.wake()
        assert asked.wait(10)

        for _ in range(20):
            courier.wake()
        courier.wake("last")
        released.set()

        assert done.wait(10)
        assert sorted(sent) == ["core.tasks.relay", "core.tasks.relay", "last"]

    def test_never_waits_for_a_broker_that_hangs(self, monkeypatch: pytest.MonkeyPatch) -> None:
        released = threading.Event()
        monkeypatch.setattr(current_app, "send_task", lambda *_, **__: released.wait(10))

        started = time.perf_counter()
        for _ in range(100):
            courier.wake()
        took = time.perf_counter() - started
        released.set()

        assert took < 1

    def test_goes_on_after_a_broker_that_was_away(self, monkeypatch: pytest.MonkeyPatch) -> None:
        tries: list[str] = []
        second = threading.Event()

        def send(name: str, **_: object) -> None:
            tries.append(name)
            if len(tries) == 1:
                raise ConnectionRefusedError
            second.set()

        monkeypatch.setattr(current_app, "send_task", send)
        deadline = time.monotonic() + 5
        while not second.is_set() and time.monotonic() < deadline:
            courier.wake()
            time.sleep(0.02)

        assert second.is_set()

    def test_is_silent_where_it_is_switched_off(self, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        settings.OUTBOX_COURIER = False

        courier.wake()

        assert courier._courier is None


@pytest.mark.django_db
class TestTasks:
    def test_relay_hands_over_what_is_due_and_deliver_runs_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        made = make_delivery()
        handed: list[dict[str, Any]] = []
        monkeypatch.setattr(tasks.deliver, "delay", lambda **words: handed.append(words))

        tasks.relay(from_a_newer_version=True)
        tasks.deliver(**handed[0], from_a_newer_version=True)

        assert handed == [{"delivery_ids": [str(made.pk)], "handler": REMEMBER, "is_suspect": False}]
        assert [seen["delivery_id"] for seen in handlers.seen] == [str(made.pk)]

    def test_deliver_wakes_the_courier_where_more_is_owed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        woken: list[bool] = []
        monkeypatch.setattr(courier, "wake", lambda: woken.append(True))
        first = make_delivery(aggregate="order-1")
        make_delivery(aggregate="order-1")

        tasks.deliver(delivery_ids=[str(first.pk)])

        assert woken == [True]

    def test_relay_hands_over_few_together_and_of_one_handler(self, monkeypatch: pytest.MonkeyPatch) -> None:
        made = [make_delivery(handler=(REMEMBER, FAIL)[number % 2]) for number in range(25)]
        handed: list[list[str]] = []
        monkeypatch.setattr(tasks.deliver, "delay", lambda *, delivery_ids, **_: handed.append(delivery_ids))

        tasks.relay()

        assert handed == [
            [str(row.pk) for row in rows] for rows in (made[:20:2], made[20::2], made[1:20:2], made[21::2])
        ]

    def test_deliver_goes_on_after_one_that_fails(self) -> None:
        first, failing, last = make_delivery(), make_delivery(handler=FAIL), make_delivery()

        tasks.deliver(delivery_ids=[str(row.pk) for row in (first, failing, last)])

        assert [seen["delivery_id"] for seen in handlers.seen] == [str(first.pk), str(last.pk)]
        failing.refresh_from_db()
        assert (failing.done_at, failing.attempts) == (None, 1)

    def test_forgetting_tasks_run(self) -> None:
        tasks.forget_finished()
        tasks.forget_expired_keys()
