from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from core.transactions import command
from orders import services
from orders.tests.factories import make_order
from orders.tests.gateway import agree, cancel, catch_up, charges, crash, pay, set_faults, state_of
from payments import services as payments
from payments.errors import (
    NotPayable,
    PaymentInProgress,
    ProviderDown,
)
from payments.models import Attempt, Payment
from payments.providers import forget_failures
from payments.providers.calling import InTransaction, call


@pytest.mark.django_db
class TestFaults:
    def test_r29_a_lost_answer_is_asked_about_and_never_charged_again(self) -> None:
        for fault in ({"error_after_success": 1}, {"timeout_after_success": 1}):
            order = make_order()
            set_faults(**fault)

            payment = pay(order)

            assert (payment.status, payment.attempts.get().status) == ("pending", "unknown")
            assert state_of(order) == "pending"
            catch_up(after=timedelta(minutes=2))
            assert state_of(order) == "paid"
            agree()

        assert len(charges()) == 2

    def test_r29_while_it_is_unknown_nobody_may_try_again(self) -> None:
        order = make_order()
        set_faults(error_after_success=1)
        pay(order)

        with pytest.raises(PaymentInProgress):
            pay(order)

        assert len(charges()) == 1

    def test_r29_a_provider_that_is_not_reached_charges_nothing_and_another_try_works(self) -> None:
        order = make_order()
        set_faults(unavailable=1)

        with pytest.raises(ProviderDown):
            pay(order, request_key="k")

        assert Attempt.objects.get().failure == "provider_unavailable"
        assert pay(order, request_key="k").status == "captured"
        assert len(charges()) == 1
        agree()

    def test_r29_an_outage_of_minutes_ends_with_one_charge(self) -> None:
        order = make_order()
        set_faults(error_after_success=1)
        pay(order)
        set_faults(unavailable=True)
        for minutes in range(1, 6):
            catch_up(after=timedelta(minutes=minutes))
        set_faults()
        forget_failures()

        forget = Attempt.objects.get()
        catch_up(after=timedelta(minutes=7))

        assert forget.status == "unknown"
        assert state_of(order) == "paid"
        assert len(charges()) == 1
        agree()

    def test_r18_a_crash_before_the_call_is_never_charged_by_the_sweep(self, monkeypatch: pytest.MonkeyPatch) -> None:
        order = make_order()
        crash(monkeypatch, "call", order)

        early = Attempt.objects.get()
        payments.ask(attempt_id=early.pk, at=timezone.now() + timedelta(seconds=30))
        early.refresh_from_db()
        assert early.status == "created"
        catch_up(after=timedelta(minutes=2))

        attempt = Attempt.objects.get()
        assert (attempt.status, attempt.failure, charges()) == ("failed", "never_arrived", [])
        assert pay(order).status == "captured"
        agree()

    def test_r18_a_crash_before_the_call_is_never_charged_once_the_order_is_cancelled(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        order = make_order()
        crash(monkeypatch, "call", order, request_key="k")
        cancel(order)
        with transaction.atomic():
            services.stop_paying(order_id=order.pk, at=timezone.now())

        with pytest.raises(PaymentInProgress):
            pay(order, request_key="k", at=timezone.now() + timedelta(seconds=20))
        assert charges() == []

        catch_up(after=timedelta(minutes=2))
        with pytest.raises(NotPayable):
            pay(order, request_key="k", at=timezone.now() + timedelta(minutes=3))
        assert charges() == []
        agree()

    def test_r18_a_crash_after_the_call_is_found_by_the_sweep(self, monkeypatch: pytest.MonkeyPatch) -> None:
        order = make_order()
        crash(monkeypatch, "take_in", order)

        catch_up(after=timedelta(minutes=2))

        assert state_of(order) == "paid"
        assert len(charges()) == 1
        agree()

    def test_r18_a_retry_after_a_crash_continues_the_same_attempt(self, monkeypatch: pytest.MonkeyPatch) -> None:
        order = make_order()
        crash(monkeypatch, "take_in", order, request_key="k")

        with pytest.raises(PaymentInProgress):
            pay(order, request_key="k")
        payment = pay(order, request_key="k", at=timezone.now() + timedelta(minutes=1))
        again = pay(order, request_key="k", at=timezone.now() + timedelta(minutes=2))

        assert (payment.status, again.status, state_of(order)) == ("captured", "captured", "paid")
        assert Attempt.objects.count() == len(charges()) == 1
        agree()

    def test_one_that_cannot_be_taken_in_holds_up_no_other(self) -> None:
        wrong, right = make_order(), make_order()
        for order in (wrong, right):
            set_faults(error_after_success=1)
            pay(order)
        Payment.objects.filter(order_id=wrong.pk).update(currency="JPY")

        catch_up(after=timedelta(minutes=2))

        assert (state_of(wrong), state_of(right)) == ("pending", "paid")

    def test_a_provider_is_never_called_in_a_transaction(self) -> None:
        with pytest.raises(InTransaction):
            _in_a_command()

        assert charges() == []


@command
def _in_a_command() -> None:
    call("sandbox", lambda provider: provider.fetch(reference="", key="x"))
