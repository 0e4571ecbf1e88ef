"""What holds for every provider of ways to pay that are kept. The far end's books are the oracle."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.tests.factories import make_user
from payments import services
from payments.domain import AttemptStatus
from payments.models import Attempt, SavedMethod
from payments.providers import NewRefund, Provider, ProviderRefused, SavedToken
from payments.providers.flutterwave import Flutterwave
from payments.providers.paypal import PayPal
from payments.services.saving import carry_out_removal
from payments.tests.factories import make_attempt, make_saved_method
from payments.tests.far_end import BREAK, CUT, HANG, FarEnd
from payments.tests.flutterwave_far import FlutterwaveFar
from payments.tests.paypal_far import PayPalFar
from payments.tests.wires import a_charge, carry_out, deliver, paid, take_in

AFTER_SUCCESS = pytest.mark.parametrize("fault", [HANG, CUT, BREAK])
SEEN = {"stripe": ("visa", "4242", 12, 2034), "paypal": ("paypal", "", None, None)}
SEEN["flutterwave"] = ("mastercard", "2950", 9, 2032)


def kept_by(far: FarEnd, provider: Provider) -> SavedToken:
    """Return what the provider keeps after the shopper paid and agreed."""
    charge, sale = paid(far, provider, save=True)
    found = provider.fetch(reference=charge.reference, key=sale.key)
    assert found is not None
    assert found.saved is not None
    return found.saved


def an_attempt(far: FarEnd, saved: SavedToken, **wish: Any) -> Attempt:
    """Return an attempt to pay with what was kept."""
    customer = make_user()
    method = make_saved_method(customer, saved.token, provider=far.name, payer=saved.payer)
    return make_attempt(provider=far.name, saved_method_id=method.pk, customer_id=customer.pk, **wish)


class TestCreate:
    def test_keeps_what_paid_where_it_is_asked_to(self, far: FarEnd, provider: Provider) -> None:
        saved = kept_by(far, provider)

        assert saved.token in far.kept
        assert (saved.brand, saved.last4, saved.month, saved.year) == SEEN[far.name]

    def test_keeps_nothing_before_it_was_paid(self, far: FarEnd, provider: Provider) -> None:
        charge = provider.create(a_charge(far, save=True))

        assert charge.saved is None
        assert far.kept == set()

    def test_charges_what_was_kept_without_a_page(self, far: FarEnd, provider: Provider) -> None:
        saved = kept_by(far, provider)

        charge = provider.create(a_charge(far, method="", saved=saved))

        assert (charge.status, charge.captured_minor, charge.next_action) == (AttemptStatus.CAPTURED, 2500, None)
        assert far.sales[-1].takes == 1

    def test_takes_nothing_by_what_was_removed(self, far: FarEnd, provider: Provider) -> None:
        saved = kept_by(far, provider)
        far.kept.clear()

        try:
            charge = provider.create(a_charge(far, method="", saved=saved))
        except ProviderRefused:
            charge = None

        assert charge is None or charge.captured_minor == 0
        assert sum(sale.takes for sale in far.sales) == 1

    def test_tells_nothing_of_a_token_in_what_is_stored(self, far: FarEnd, provider: Provider) -> None:
        saved = kept_by(far, provider)
        charge = provider.create(a_charge(far, method="", saved=saved, save=True))

        assert saved.token not in str(charge.as_dict())
        assert saved.token not in repr(a_charge(far, saved=saved))


class TestRemove:
    def test_has_the_provider_forget_it(self, far: FarEnd, provider: Provider) -> None:
        saved = kept_by(far, provider)

        provider.remove(saved)

        # Version 3 of Flutterwave forgets no tokens.
        assert (saved.token in far.kept) is (far.name == "flutterwave")

    def test_of_what_is_gone_is_well(self, far: FarEnd, provider: Provider) -> None:
        saved = kept_by(far, provider)

        for _ in range(3):
            provider.remove(saved)

        assert (saved.token in far.kept) is (far.name == "flutterwave")


@pytest.mark.django_db
class TestPaying:
    @AFTER_SUCCESS
    def test_charges_what_was_kept_once_when_nothing_is_heard(
        self, far: FarEnd, provider: Provider, fault: str
    ) -> None:
        attempt = an_attempt(far, kept_by(far, provider))
        far.fault = fault
        carry_out(attempt, at=timezone.now())

        far.fault = ""
        later = timezone.now() + timedelta(minutes=2)
        carry_out(attempt, at=later)
        services.ask(attempt_id=attempt.pk, at=later)

        attempt.refresh_from_db()
        mine = [sale for sale in far.sales if sale.key == attempt.idempotency_key]
        assert len(mine) == 1
        # The first of PayPal's two calls makes an order, of which nothing is taken while its id is not known.
        taken = 0 if far.name == "paypal" else 1
        assert (mine[0].takes, attempt.state is AttemptStatus.CAPTURED) == (taken, bool(taken))

    def test_keeps_what_a_webhook_said_is_paid(self, far: FarEnd) -> None:
        customer = make_user()
        attempt = make_attempt(provider=far.name, method=far.method, is_saving=True, customer_id=customer.pk)
        Attempt.objects.filter(pk=attempt.pk).update(created_at=timezone.now())
        carry_out(attempt, at=timezone.now())
        sale = far.find(attempt.idempotency_key)
        for body in far.story(sale):
            deliver(far, body)
        take_in()
        assert not SavedMethod.objects.exists()

        services.sweep(now=timezone.now() + timedelta(days=1))

        kept = SavedMethod.objects.get()
        attempt.refresh_from_db()
        assert (kept.customer_id, kept.provider, kept.token, kept.is_default) == (
            customer.pk,
            far.name,
            sale.token,
            True,
        )
        assert (attempt.is_saving, attempt.ask_at) == (False, None)

    @AFTER_SUCCESS
    def test_has_what_was_given_up_forgotten_though_nothing_is_heard(
        self, far: FarEnd, provider: Provider, fault: str
    ) -> None:
        saved, at = kept_by(far, provider), timezone.now()
        method = make_saved_method(make_user(), saved.token, provider=far.name, removed_at=at, ask_at=at)
        far.fault = fault
        carry_out_removal(method_id=method.pk, at=at)

        far.fault = ""
        services.sweep(now=at + timedelta(minutes=1))

        assert not SavedMethod.objects.exists()
        assert (saved.token in far.kept) is (far.name == "flutterwave")


class TestPayPal:
    @pytest.fixture
    def paypal_far(self, settings: Settings) -> Iterator[PayPalFar]:
        settings.PAYMENT_TIMEOUT_SECONDS = 0.4
        with PayPalFar() as far_end:
            far_end.configure(settings)
            yield far_end

    def test_finds_the_token_that_the_vault_tells_later(self, paypal_far: PayPalFar) -> None:
        paypal_far.vaults_late = True
        charge, sale = paid(paypal_far, PayPal(), save=True)

        found = PayPal().fetch(reference=charge.reference, key=sale.key)

        assert found is not None
        assert found.saved is not None
        assert (found.saved.token, found.saved.payer) == (sale.token, "payer-1")

    @AFTER_SUCCESS
    def test_knows_the_order_whose_capture_was_not_answered(self, paypal_far: PayPalFar, fault: str) -> None:
        paypal = PayPal()
        saved = kept_by(paypal_far, paypal)
        wanted = a_charge(paypal_far, saved=saved)
        paypal_far.fault, paypal_far.fault_at = fault, "/capture"

        charge = paypal.create(wanted)

        found = paypal.fetch(reference=charge.reference, key=wanted.key)
        assert charge.captured_minor == 0
        assert found is not None
        assert (found.status, found.captured_minor) == (AttemptStatus.CAPTURED, 2500)
        assert paypal_far.sales[-1].takes == 1


class TestRefund:
    def test_that_is_pending_is_neither_done_nor_failed(self, far: FarEnd, provider: Provider) -> None:
        charge, sale = paid(far, provider)
        far.refund_state = "pending"
        wanted = NewRefund(key="refund-1", reference=charge.reference, amount_minor=400, currency="GBP")

        said = provider.refund(wanted)
        asked = provider.fetch_refund(wanted=wanted, reference=said.reference)

        assert (said.is_done, said.is_pending, said.failure) == (False, True, "")
        assert (asked.is_done, asked.is_pending, asked.reference) == (False, True, said.reference)
        assert sale.back == 400

    @pytest.mark.parametrize(
        ("state", "ends"), [("done", (True, False, "")), ("failed", (False, False, "refund_failed"))]
    )
    def test_tells_how_a_pending_one_ended(self, far: FarEnd, provider: Provider, state: str, ends: Any) -> None:
        charge, _ = paid(far, provider)
        far.refund_state = "pending"
        wanted = NewRefund(key="refund-1", reference=charge.reference, amount_minor=400, currency="GBP")
        said = provider.refund(wanted)

        far.refund_state = state
        asked = provider.fetch_refund(wanted=wanted, reference=said.reference)

        assert (asked.is_done, asked.is_pending, asked.failure) == ends


class TestFlutterwave:
    def test_finds_its_refund_on_a_later_page_of_the_list(self, settings: Settings) -> None:
        settings.PAYMENT_TIMEOUT_SECONDS = 5
        with FlutterwaveFar() as far:
            far.configure(settings)
            flutterwave = Flutterwave()
            charge, sale = paid(far, flutterwave)
            for number in range(5):
                sale.give_back(f"refund-{number}", 100)

            said = flutterwave.refund(
                NewRefund(key="refund-4", reference=charge.reference, amount_minor=100, currency="GBP")
            )

        assert (said.is_done, sale.back) == (True, 500)
