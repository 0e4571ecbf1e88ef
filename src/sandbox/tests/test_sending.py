from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from core.tests.plans import STATISTICS, pile_up, visits
from sandbox import selectors, services, tasks
from sandbox.domain import FaultName, Switch, sign
from sandbox.models import Attempt, Charge, Event
from sandbox.services import charging, sending
from sandbox.services.sending import MAX_TRIES, claim_events
from sandbox.tests.factories import NOON, make_charge
from sandbox.tests.receiver import Receiver, listening

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)


@pytest.fixture
def shop(settings: Any) -> Iterator[Receiver]:
    with listening() as receiver:
        settings.SANDBOX_WEBHOOK_URL = receiver.url
        yield receiver


def at(moment: datetime) -> Callable[[], datetime]:
    return lambda: moment


def types(shop: Receiver) -> list[str]:
    return [json.loads(body)["type"] for _, body in shop.heard]


class TestSendDueEvents:
    def test_posts_the_signed_bytes_once(self, shop: Receiver, settings: Any) -> None:
        charge = make_charge()

        arrived = [sending.send_due_events(clock=at(NOON + SECOND)) for _ in range(2)]

        ((headers, body),) = shop.heard
        event = Event.objects.get()
        assert arrived == [1, 0]
        assert body.decode() == event.body
        assert json.loads(body) == {
            "id": f"evt_{event.pk.hex}",
            "type": "charge.captured",
            "created": int(NOON.timestamp()),
            "data": {"charge": json.loads(body)["data"]["charge"]},
        }
        assert json.loads(body)["data"]["charge"]["id"] == charge.public_id
        signed_at = int((NOON + SECOND).timestamp())
        expected = sign(secret=settings.SANDBOX_WEBHOOK_SECRETS[0], at=signed_at, body=body)
        assert headers["Sandbox-Signature"] == expected
        assert headers["Content-Type"] == "application/json"
        assert (event.due_at, event.sent_at) == (None, NOON + SECOND)

    def test_tells_what_was_true_when_it_happened(self, shop: Receiver) -> None:
        charge = make_charge()
        services.refund_charge(charge_id=charge.pk, amount=250, reference="", key=None, at=NOON)

        sending.send_due_events(clock=at(NOON))

        told = [json.loads(body)["data"]["charge"]["refunded"] for _, body in shop.heard]
        assert list(zip(types(shop), told, strict=True)) == [("charge.captured", 0), ("charge.refunded", 250)]

    @pytest.mark.parametrize("status", [301, 302, 307, 400, 404, 410, 429, 500, 503])
    def test_r33_tries_again_later_and_follows_nobody(self, shop: Receiver, status: int) -> None:
        make_charge()
        shop.answers = [status]

        refused = sending.send_due_events(clock=at(NOON))
        event = Event.objects.get()
        arrived = sending.send_due_events(clock=at(NOON + timedelta(seconds=3)))

        assert (refused, arrived, len(shop.heard)) == (0, 1, 2)
        assert event.due_at is not None
        assert event.due_at > NOON + SECOND
        assert [(a.status, a.error) for a in Attempt.objects.order_by("pk")] == [(status, ""), (200, "")]
        assert shop.heard[0][1] == shop.heard[1][1]

    def test_pauses_longer_after_each_try(self, shop: Receiver) -> None:
        make_charge()
        shop.answers = [500] * 4
        now, pauses = NOON, []

        for _ in range(4):
            sending.send_due_events(clock=at(now))
            due = Event.objects.get().due_at
            assert due is not None
            pauses.append(due - now)
            now = due

        assert pauses == sorted(pauses)
        assert pauses[-1] > 3 * pauses[0]

    def test_records_a_merchant_who_is_away(self, settings: Any) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))  # nobody listens there
            settings.SANDBOX_WEBHOOK_URL = f"http://127.0.0.1:{taken.getsockname()[1]}/"
            make_charge()

            arrived = sending.send_due_events(clock=at(NOON))

        attempt = Attempt.objects.get()
        assert (arrived, attempt.status) == (0, None)
        assert attempt.error.startswith("ConnectError")

    def test_gives_up_at_last(self, shop: Receiver) -> None:
        make_charge()
        Event.objects.update(tries=MAX_TRIES - 1)
        shop.answers = [500]

        sending.send_due_events(clock=at(NOON))

        event = Event.objects.get()
        assert (event.due_at, event.sent_at, len(shop.heard)) == (None, None, 1)

    def test_r31_sends_a_doubled_one_twice(self, shop: Receiver) -> None:
        services.set_faults(switches={FaultName.DOUBLED: Switch(1)})
        make_charge()

        sending.send_due_events(clock=at(NOON))

        assert len(shop.heard) == 2
        assert shop.heard[0][1] == shop.heard[1][1]

    def test_r31_never_sends_a_lost_one(self, shop: Receiver) -> None:
        services.set_faults(switches={FaultName.LOST: Switch(None)})
        make_charge()

        sending.send_due_events(clock=at(NOON + timedelta(days=30)))

        assert shop.heard == []

    def test_r31_sends_a_late_one_late(self, shop: Receiver) -> None:
        services.set_faults(switches={FaultName.LATE: Switch(None, 3 * 86400)})
        make_charge()

        arrived = [sending.send_due_events(clock=at(NOON + timedelta(days=days))) for days in (2, 3)]

        assert arrived == [0, 1]

    def test_r31_sends_reordered_ones_backwards(self, shop: Receiver) -> None:
        services.set_faults(switches={FaultName.REORDERED: Switch(None)})
        charge = make_charge(capture=False)
        services.capture_charge(charge_id=charge.pk, amount=None, key=None, at=NOON)
        services.refund_charge(charge_id=charge.pk, amount=1, reference="", key=None, at=NOON)

        sending.send_due_events(clock=at(NOON + 2 * SECOND))

        assert types(shop) == ["charge.refunded", "charge.captured", "charge.authorised"]


class TestClaimEvents:
    def test_is_one_worker_s_until_its_lease_is_over(self) -> None:
        make_charge()

        claims = [len(claim_events(now=NOON + seconds * SECOND)) for seconds in (0, 29, 30)]

        assert claims == [1, 0, 1]


class TestTasks:
    def test_send_what_is_due(self, shop: Receiver) -> None:
        make_charge()

        tasks.send_due_events.delay  # noqa: B018 - it is a task
        tasks.send_due_events(later="argument")

        assert len(shop.heard) == 1

    def test_settle_what_is_due(self) -> None:
        charge, waiting = make_charge(card="slow"), make_charge(card="slow")
        type(waiting).objects.filter(pk=waiting.pk).update(due_at=NOON + timedelta(days=36500))

        tasks.settle_due(later="argument")

        for row in (charge, waiting):
            row.refresh_from_db()
        assert (charge.status, waiting.status) == ("captured", "pending")

    def test_a_charge_that_cannot_be_decided_holds_up_no_other(self, monkeypatch: pytest.MonkeyPatch) -> None:
        stuck, other = make_charge(card="slow"), make_charge(card="slow")
        become = charging._become

        def stumble(charge: Charge, *rest: Any, **more: Any) -> None:
            if charge.pk == stuck.pk:
                raise RuntimeError("nobody knows how")
            become(charge, *rest, **more)

        monkeypatch.setattr(charging, "_become", stumble)

        tasks.settle_due()

        assert dict(Charge.objects.values_list("pk", "status")) == {stuck.pk: "pending", other.pk: "captured"}

    @pytest.mark.parametrize("statistics", STATISTICS)
    def test_looks_at_the_charges_that_it_decides_next_alone(self, statistics: str) -> None:
        usual = {"card": "'slow'", "currency": "'EUR'", "amount_minor": "1"}
        done = {"status": "'captured'", "captured_minor": "1"}
        due = {"status": "'pending'", "due_at": "timestamptz '2026-03-01 11:00Z'"}
        pile_up(Charge, statistics=statistics, done=usual | done, due=usual | due)

        with visits() as seen:
            found = selectors.list_due(at=timezone.now())

        assert [pk.int for pk in found] == list(range(100_000, 100_100))
        assert [each.rows for each in seen] == [100]
