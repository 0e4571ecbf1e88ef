from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import uuid4

import orjson
import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from core import outbox
from core.models import Delivery, OutboxEvent
from inventory.tests.factories import make_stock
from orders.models import Order
from orders.tests.factories import make_order
from orders.tests.gateway import agree, catch_up, deliver, pay, set_faults, signature_of, webhook_bodies
from payments import selectors as ledger
from payments import services as payments
from payments.models import Attempt, Payment, ProviderEvent
from sandbox.domain import sign

ACCOUNTS = ("provider:sandbox", "authorised:sandbox", "authorisations", "deposits", "sales", "charge_backs", "cash")


def lost_answer(order: Order) -> Attempt:
    """Return an attempt that captured at the gateway, of which we do not know."""
    set_faults(error_after_success=1)
    pay(order)
    return Attempt.objects.get(payment__order_id=order.pk)


def state() -> dict[str, Any]:
    """Return all that webhooks may change."""
    payment = Payment.objects.get()
    return {
        "order": Order.objects.get().status,
        "payment": (payment.status, payment.captured_minor, payment.refunded_minor),
        "attempts": list(
            Attempt.objects.values_list(
                "status", "captured_minor", "refunded_minor", "promised_minor", "disputed_minor", "authorised_minor"
            )
        ),
        "refunds": list(payment.refunds.order_by("pk").values_list("amount_minor", "status")),
        "ledger": {account: ledger.balance(account=account, currency="GBP") for account in ACCOUNTS},
        "charged_back": ledger.balance(account="charge_backs", currency="GBP"),
    }


@pytest.mark.django_db
class TestWebhook:
    def test_confirms_the_order_of_which_the_answer_was_lost(self) -> None:
        order = make_order()
        lost_answer(order)

        status = deliver(webhook_bodies()[-1])

        assert (status, Order.objects.get().status) == (204, "pending")
        outbox.drain()
        assert Order.objects.get().status == "paid"
        agree()

    def test_r31_repeated_ten_times_is_kept_once(self) -> None:
        lost_answer(make_order())
        body = webhook_bodies()[-1]

        statuses = {deliver(body) for _ in range(10)}
        outbox.drain()

        assert statuses == {204}
        assert ProviderEvent.objects.count() == 1
        agree()

    def test_s50_keeps_the_body_sealed(self) -> None:
        lost_answer(make_order())
        deliver(webhook_bodies()[-1])

        with connection.cursor() as cursor:
            cursor.execute("SELECT body FROM payments_providerevent")
            (sealed,) = cursor.fetchone()

        assert "captured" not in sealed
        assert "captured" in ProviderEvent.objects.get().body

    @pytest.mark.parametrize(
        "forge",
        [
            lambda body: deliver(body.replace(b"captured", b"refunded"), signature=_signed(body)),
            lambda body: deliver(body[:-1], signature=_signed(body)),
            lambda body: deliver(orjson.dumps(orjson.loads(body), option=orjson.OPT_INDENT_2), signature=_signed(body)),
            lambda body: deliver(body, secret="of somebody else"),
            lambda body: deliver(body, signature="t=1,v1=" + "0" * 64),
            lambda body: deliver(body, signature="nonsense"),
            lambda body: deliver(body, at=timezone.now() - timedelta(minutes=6)),
            lambda body: deliver(body, at=timezone.now() + timedelta(minutes=6)),
            lambda body: deliver(b"not json"),
            lambda body: deliver(b'{"id": 1}'),
        ],
        ids=[
            "altered",
            "cut",
            "re-serialised",
            "secret",
            "zeros",
            "nonsense",
            "stale",
            "future",
            "no json",
            "no event",
        ],
    )
    def test_r32_a19_is_refused_where_it_is_forged_and_nothing_changes(self, forge: Any) -> None:
        lost_answer(make_order())
        before = state()

        status = forge(webhook_bodies()[-1])
        outbox.drain()

        assert status == 400
        assert state() == before
        assert not ProviderEvent.objects.exists()

    def test_r32_is_accepted_under_either_of_two_live_secrets(self, settings: Any) -> None:
        lost_answer(make_order())
        body, old = webhook_bodies()[-1], settings.SANDBOX_WEBHOOK_SECRETS[0]
        settings.SANDBOX_WEBHOOK_SECRETS = ["the new one", old]

        assert deliver(body, secret=old) == 204
        assert deliver(body, secret="the new one") == 204
        settings.SANDBOX_WEBHOOK_SECRETS = ["the new one"]
        assert deliver(body, secret=old) == 400

    def test_is_refused_for_a_provider_that_there_is_not(self) -> None:
        answer = Client().post("/api/v1/webhooks/barter", b"{}", content_type="application/json")

        assert (answer.status_code, answer.json()["code"]) == (404, "payments.webhook_not_found")

    def test_r31_of_an_unknown_charge_is_kept_and_tried_again(self) -> None:
        body = _captured(key="pay-unknown", amount_minor=1)

        assert deliver(body) == 204
        outbox.drain()

        delivery = Delivery.objects.get(handler="payments.handlers.take_notice")
        assert (delivery.state, delivery.attempts) == ("owed", 1)
        assert "PaymentNotFound" in delivery.last_error
        assert not ProviderEvent.objects.exclude(processed_at=None).exists()

    def test_r31_before_what_it_tells_of_is_committed_is_taken_in_afterwards(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        attempt_id, order = uuid4(), make_order()
        early = _captured(key=f"pay-{attempt_id.hex}", amount_minor=order.total_minor)

        assert deliver(early) == 204
        outbox.drain()
        before = (Order.objects.get().status, ProviderEvent.objects.get().processed_at)
        monkeypatch.setattr("payments.services.beginning.new_id", lambda: attempt_id)
        set_faults(error_after_success=1)
        pay(order)
        outbox.drain(now=timezone.now() + timedelta(hours=1))

        assert before == ("pending", None)
        assert Attempt.objects.get().idempotency_key == f"pay-{attempt_id.hex}"
        assert ProviderEvent.objects.get().processed_at is not None
        assert Order.objects.get().status == "paid"
        agree()

    @pytest.mark.parametrize("is_known", [False, True], ids=["news", "known"])
    def test_r31_three_days_late_ends_as_in_time(self, is_known: bool) -> None:
        order = make_order()
        lost_answer(order)
        body, late = webhook_bodies()[-1], timezone.now() + timedelta(days=3)
        with _undone():
            _take_at_once(body)
            in_time = state()

        if is_known:
            catch_up(after=timedelta(minutes=1))
        _receive(body, at=late)
        outbox.drain(now=late)

        assert in_time["order"] == "paid"
        assert state() == in_time
        assert ProviderEvent.objects.get().processed_at is not None
        agree()

    def test_r31_of_another_currency_changes_nothing(self) -> None:
        lost_answer(make_order())
        before = state()

        deliver(webhook_bodies()[-1].replace(b'"GBP"', b'"JPY"'))
        outbox.drain()

        assert state() == before
        assert not ProviderEvent.objects.exclude(processed_at=None).exists()
        assert OutboxEvent.objects.get(name="payments.staff_needed").payload["what"] == "charge_mismatch"

    def test_is_taken_by_any_provider_that_can_sign_only(self) -> None:
        answer = Client().post("/api/v1/webhooks/manual", b"{}", content_type="application/json")

        assert answer.status_code == 400

    def test_r31_all_120_orders_of_arrival_end_in_the_same_state(self) -> None:
        order = make_order((make_stock(price_minor=1000), 1))
        set_faults(error_after_success=1)
        pay(order, "", capture=False)
        attempt = Attempt.objects.get()
        bodies = _five_events(attempt)
        ends = set()

        for arrival in permutations(range(5)):
            with _undone():
                for index in arrival:
                    _take_at_once(bodies[index])
                ends.add(str(state()))

        assert len(ends) == 1
        assert "'order': 'paid'" in next(iter(ends))
        assert len(set(permutations(range(5)))) == 120


@contextmanager
def _undone() -> Iterator[None]:
    block: Any = transaction.atomic()
    block._from_testcase = True
    with block:
        yield
        transaction.set_rollback(True)


def _take_at_once(body: bytes) -> None:
    """Receive a webhook and take it in, as an endpoint and a worker do one after the other; then a repetition."""
    for _ in range(2):
        _receive(body, at=timezone.now())
    with transaction.atomic():
        for notice in ProviderEvent.objects.filter(processed_at=None):
            payments.take_notice(notice_id=notice.pk, at=timezone.now())


def _receive(body: bytes, *, at: datetime) -> None:
    headers = {"Sandbox-Signature": signature_of(body, at=at)}
    payments.receive_notice(provider="sandbox", body=body, headers=headers, at=at)


def _signed(body: bytes) -> str:
    return sign(secret=settings.SANDBOX_WEBHOOK_SECRETS[0], at=int(timezone.now().timestamp()), body=body)


def _captured(*, key: str, amount_minor: int) -> bytes:
    """Return what a gateway tells of a charge that was captured, and that we know by our own key at most."""
    amounts = {"amount": amount_minor, "captured": amount_minor, "refunded": 0, "currency": "GBP"}
    charge = {"id": "ch_unknown", "status": "captured", "reference": key} | amounts
    return orjson.dumps({"id": "evt_unknown", "type": "charge.captured", "created": 1, "data": {"charge": charge}})


def _five_events(attempt: Attempt) -> list[bytes]:
    """Return what a gateway tells of one charge: waited for, authorised, captured, a part given back, charged back."""
    charge = {
        "id": "ch_1",
        "amount": attempt.amount_minor,
        "currency": "GBP",
        "reference": attempt.idempotency_key,
        "captured": 0,
        "refunded": 0,
        "disputed": 0,
        "failure": None,
        "next_action": None,
    }
    stages: list[dict[str, Any]] = [
        {"status": "pending"},
        {"status": "authorised"},
        {"status": "captured", "captured": 1000},
        {"status": "captured", "captured": 1000, "refunded": 300},
        {"status": "captured", "captured": 1000, "refunded": 300, "disputed": 700},
    ]
    return [
        orjson.dumps({"id": f"evt_{number}", "type": "charge.x", "created": 1, "data": {"charge": charge | stage}})
        for number, stage in enumerate(stages)
    ]
