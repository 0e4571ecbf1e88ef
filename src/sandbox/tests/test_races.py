"""Several requests at once: one wins, the others wait and then see what it did."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from core.errors import DomainError
from core.tests.threads import at_once, in_thread, waits_for_a_lock
from core.transactions import hosted
from sandbox import selectors, services
from sandbox.domain import Card, FaultName, Switch
from sandbox.models import Charge, Event, Key, Refund
from sandbox.services.charging import settle_charge
from sandbox.services.sending import claim_events
from sandbox.tests.factories import NOON, make_charge, wanted

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("_books_agree_after_races"),
]


def try_to(work: Any, *given: Any, **named: Any) -> str:
    try:
        work(*given, **named)
    except DomainError as refusal:
        return refusal.code
    return "done"


class TestCreateCharge:
    def test_r17_makes_one_charge_of_one_key(self) -> None:
        wish = wanted()

        charges = at_once(lambda _: services.create_charge(wanted=wish, key="k", at=NOON), range(8))

        assert len({charge.pk for charge in charges}) == 1
        assert (Charge.objects.count(), Key.objects.count(), Event.objects.count()) == (1, 1, 1)
        assert selectors.totals() == {"GBP": {"authorised": 1250, "captured": 1250}}

    def test_r18_makes_the_charge_that_a_crash_did_not(self) -> None:
        wish = wanted()

        with ThreadPoolExecutor(max_workers=1) as second:
            with transaction.atomic():
                Key.objects.create(key="k", fingerprint="", made_id=Charge().pk)
                waiting = second.submit(in_thread, lambda: services.create_charge(wanted=wish, key="k", at=NOON))
                assert waits_for_a_lock(waiting)
                transaction.set_rollback(True)
            made = waiting.result()

        assert Charge.objects.get().pk == made.pk


class TestRefundCharge:
    def test_r06_gives_back_no_more_than_was_captured(self) -> None:
        charge = make_charge(amount=1000)

        def refund(_: int) -> str:
            return try_to(services.refund_charge, charge_id=charge.pk, amount=300, reference="", key=None, at=NOON)

        outcomes = sorted(at_once(refund, range(8)))

        charge.refresh_from_db()
        assert outcomes == ["done"] * 3 + ["sandbox.too_much"] * 5
        assert (charge.refunded_minor, Refund.objects.count()) == (900, 3)

    def test_r06_is_one_refund_of_one_key(self) -> None:
        charge = make_charge()

        refunds = at_once(
            lambda _: services.refund_charge(charge_id=charge.pk, amount=100, reference="", key="k", at=NOON), range(8)
        )

        assert len({refund.pk for refund in refunds}) == 1
        assert Refund.objects.count() == 1

    @pytest.mark.parametrize("attempt", range(5))
    def test_r07_or_the_bank_takes_it(self, attempt: int) -> None:
        charge = make_charge()
        refund = {"amount": 1250, "reference": ""}
        work = [(services.refund_charge, refund), (services.dispute_charge, {})]

        outcomes = at_once(lambda job: try_to(job[0], charge_id=charge.pk, key=None, at=NOON, **job[1]), work)

        charge.refresh_from_db()
        assert sorted(outcomes) == ["done", "sandbox.too_much"]
        assert charge.refunded_minor + charge.disputed_minor == 1250


class TestCaptureCharge:
    @pytest.mark.parametrize("attempt", range(5))
    def test_r07_or_it_is_voided(self, attempt: int) -> None:
        charge = make_charge(capture=False)
        work = [(services.capture_charge, {"amount": None}), (services.void_charge, {})]

        outcomes = at_once(lambda job: try_to(job[0], charge_id=charge.pk, key=None, at=NOON, **job[1]), work)

        charge.refresh_from_db()
        assert sorted(outcomes) == ["done", "sandbox.not_possible"]
        assert charge.status == ("captured" if outcomes[0] == "done" else "voided")


def capture(pk: UUID) -> object:
    return services.capture_charge(charge_id=pk, amount=None, key=None, at=NOON)


def void(pk: UUID) -> object:
    return services.void_charge(charge_id=pk, key=None, at=NOON)


def refund(pk: UUID) -> object:
    return services.refund_charge(charge_id=pk, amount=1250, reference="", key=None, at=NOON)


def dispute(pk: UUID) -> object:
    return services.dispute_charge(charge_id=pk, key=None, at=NOON)


def pay(pk: UUID) -> object:
    return services.pay(charge_id=pk, card=Card.SUCCESS, at=NOON)


def authenticate(pk: UUID) -> object:
    return services.authenticate(charge_id=pk, is_approved=True, at=NOON)


def settle(pk: UUID) -> object:
    return settle_charge(charge_id=pk, at=NOON)


@pytest.mark.parametrize(
    ("fields", "first", "second", "outcome", "status"),
    [
        ({"capture": False}, void, capture, "sandbox.not_possible", "voided"),
        ({"capture": False}, capture, void, "sandbox.not_possible", "captured"),
        ({}, dispute, refund, "sandbox.too_much", "captured"),
        ({}, refund, dispute, "sandbox.too_much", "captured"),
        ({"card": None}, void, pay, "done", "voided"),
        ({"card": "3ds"}, void, authenticate, "done", "voided"),
        ({"card": "slow"}, void, settle, "done", "voided"),
    ],
    ids=["capture", "void", "refund", "dispute", "pay", "authenticate", "settle"],
)
class TestLock:
    def test_lets_whoever_waited_see_what_the_first_did(
        self, fields: dict[str, Any], first: Any, second: Any, outcome: str, status: str
    ) -> None:
        charge = make_charge(**fields)

        with ThreadPoolExecutor(max_workers=1) as other:
            with hosted():
                first(charge.pk)
                waiting = other.submit(in_thread, try_to, second, charge.pk)
                assert waits_for_a_lock(waiting)
            ended = waiting.result()

        charge.refresh_from_db()
        assert (ended, charge.status) == (outcome, status)

    def test_comes_in_id_order_before_the_write(
        self, fields: dict[str, Any], first: Any, second: Any, outcome: str, status: str
    ) -> None:
        charge = make_charge(**fields)

        with CaptureQueriesContext(connection) as seen:
            second(charge.pk)

        statements = [query["sql"] for query in seen if "sandbox_charge" in query["sql"]]
        assert 'ORDER BY "sandbox_charge"."id" ASC' in statements[0]
        assert "FOR UPDATE" in statements[0]
        assert any(statement.startswith("UPDATE") for statement in statements[1:])


class TestTakeFault:
    def test_is_met_as_often_as_it_was_set(self) -> None:
        services.set_faults(switches={FaultName.UNAVAILABLE: Switch(3)})

        met = at_once(lambda _: services.take_fault(name=FaultName.UNAVAILABLE) is not None, range(8))

        assert sum(met) == 3


class TestClaimEvents:
    def test_gives_each_webhook_to_one_worker(self) -> None:
        make_charge()

        claimed = at_once(lambda _: len(claim_events(now=NOON)), range(6))

        assert sum(claimed) == 1
