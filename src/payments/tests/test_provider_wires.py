"""What holds for every provider at the other end of a wire. The far end's books are the oracle."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

import orjson
import pytest
from django.test import Client
from django.utils import timezone
from django.utils.module_loading import import_string
from pytest_django import Settings

from core.ids import new_id
from payments import selectors, services
from payments.domain import AttemptStatus
from payments.errors import ProviderDown
from payments.models import ProviderEvent
from payments.providers import NewRefund, OutcomeUnknown, Provider, ProviderRefused, ProviderUnavailable
from payments.tests.factories import make_attempt
from payments.tests.far_end import AWAY, BREAK, BUSY, CUT, ELSEWHERE, HANG, FarEnd
from payments.tests.wires import a_charge, begin, carry_out, deliver, paid, state_of, take_in

NOBODY = "http://127.0.0.1:9"
AFTER_SUCCESS = pytest.mark.parametrize("fault", [HANG, CUT, BREAK])


class TestCreate:
    def test_sends_the_shopper_to_the_providers_page(self, far: FarEnd, provider: Provider) -> None:
        wanted = a_charge(far)

        charge = provider.create(wanted)

        assert charge.status is AttemptStatus.REQUIRES_ACTION
        assert charge.key == wanted.key
        assert (charge.amount_minor, charge.currency, charge.captured_minor) == (2500, "GBP", 0)
        assert charge.next_action is not None
        assert charge.next_action["url"].startswith("https://")

    def test_with_the_same_key_is_one_sale(self, far: FarEnd, provider: Provider) -> None:
        wanted = a_charge(far)

        charges = [provider.create(wanted) for _ in range(3)]

        # Version 3 of Flutterwave knows no keys: that is three pages of one tx_ref. Payments never asks twice.
        assert len(far.sales) == (3 if far.name == "flutterwave" else 1)
        assert {(charge.reference, charge.key) for charge in charges} == {(charges[0].reference, wanted.key)}

    @AFTER_SUCCESS
    def test_after_which_nothing_is_heard_has_an_unknown_outcome(
        self, far: FarEnd, provider: Provider, fault: str
    ) -> None:
        far.fault = fault

        with pytest.raises(OutcomeUnknown):
            provider.create(a_charge(far))

        assert len(far.sales) == 1

    def test_of_nobody_is_certain_to_have_done_nothing(
        self, far: FarEnd, settings: Settings, provider: Provider
    ) -> None:
        far.configure(settings, NOBODY)
        lost = import_string(settings.PAYMENT_PROVIDERS[far.name])()

        with pytest.raises(ProviderUnavailable):
            lost.create(a_charge(far))

        assert far.sales == []

    def test_that_is_turned_away_did_nothing(self, far: FarEnd, provider: Provider) -> None:
        far.fault = BUSY

        with pytest.raises(ProviderUnavailable):
            provider.create(a_charge(far))

        assert far.sales == []

    def test_that_is_not_let_in_did_nothing(self, far: FarEnd, provider: Provider) -> None:
        far.is_locked = True

        with pytest.raises(ProviderUnavailable):
            provider.create(a_charge(far))

        assert far.sales == []

    def test_that_is_sent_elsewhere_does_not_go_there(self, far: FarEnd, provider: Provider) -> None:
        far.fault = AWAY

        with pytest.raises((OutcomeUnknown, ProviderRefused, ProviderUnavailable)):
            provider.create(a_charge(far))

        assert [path for _, path in far.asked if path.startswith(ELSEWHERE)] == []
        assert far.sales == []


class TestFetch:
    def test_tells_what_was_taken_and_given_back(self, far: FarEnd, provider: Provider) -> None:
        charge, sale = paid(far, provider)
        sale.give_back("somebody", 400)

        found = provider.fetch(reference=charge.reference, key=sale.key)

        assert found is not None
        assert found.status is AttemptStatus.CAPTURED
        assert found.captured_minor == 2500
        assert found.refunded_minor == (0 if far.name == "flutterwave" else 400)
        assert found.fee_minor == 45

    def test_finds_nothing_that_is_not_there(self, far: FarEnd, provider: Provider) -> None:
        assert provider.fetch(reference="", key=f"pay-{new_id().hex}") is None


class TestCapture:
    def test_repeated_takes_the_money_once(self, far: FarEnd, provider: Provider) -> None:
        charge, sale = paid(far, provider)

        for attempt in range(3):
            said = provider.capture(
                reference=charge.reference, amount_minor=2500, currency="GBP", key=f"{sale.key}-{attempt}"
            )

        assert (said.status, said.captured_minor) == (AttemptStatus.CAPTURED, 2500)
        assert sale.takes == 1


class TestVoid:
    def test_calls_an_open_charge_off(self, far: FarEnd, provider: Provider) -> None:
        charge = provider.create(a_charge(far))

        said = provider.void(reference=charge.reference, key=f"{charge.key}-void")

        assert said.status is AttemptStatus.CANCELLED
        assert far.sales[0].takes == 0

    def test_leaves_what_was_taken_as_it_is(self, far: FarEnd, provider: Provider) -> None:
        charge, sale = paid(far, provider)

        said = provider.void(reference=charge.reference, key=f"{sale.key}-void")

        assert (said.status, said.captured_minor) == (AttemptStatus.CAPTURED, 2500)


class TestRefund:
    @AFTER_SUCCESS
    def test_repeated_after_silence_goes_back_once(self, far: FarEnd, provider: Provider, fault: str) -> None:
        charge, sale = paid(far, provider)
        wanted = NewRefund(key="refund-1", reference=charge.reference, amount_minor=400, currency="GBP")
        far.fault = fault

        with pytest.raises(OutcomeUnknown):
            provider.refund(wanted)
        far.fault = ""
        repeated = [provider.refund(wanted) for _ in range(2)]

        assert all(back.is_done for back in repeated)
        assert sale.back == 400

    def test_of_more_than_was_taken_is_refused(self, far: FarEnd, provider: Provider) -> None:
        charge, sale = paid(far, provider)

        with pytest.raises(ProviderRefused):
            provider.refund(NewRefund(key="refund-1", reference=charge.reference, amount_minor=2501, currency="GBP"))

        assert sale.back == 0


@pytest.mark.django_db
class TestPaying:
    """The provider within payments."""

    @AFTER_SUCCESS
    def test_charges_once_when_nothing_is_heard(self, far: FarEnd, fault: str) -> None:
        attempt = make_attempt(provider=far.name, method=far.method)
        far.fault = fault
        carry_out(attempt, at=timezone.now())
        attempt.refresh_from_db()
        assert attempt.state is AttemptStatus.UNKNOWN

        far.fault = ""
        later = timezone.now() + timedelta(minutes=2)
        carry_out(attempt, at=later)
        services.ask(attempt_id=attempt.pk, at=later)

        attempt.refresh_from_db()
        # Whose id or page was never told to us cannot be paid by anybody.
        is_known = far.name == "stripe"
        assert attempt.state is (AttemptStatus.REQUIRES_ACTION if is_known else AttemptStatus.FAILED)
        assert len(far.sales) == 1
        assert far.sales[0].takes == 0

    def test_takes_the_money_once_the_shopper_agreed(self, far: FarEnd) -> None:
        attempt, sale = begin(far)
        far.approve(sale)

        for _ in range(3):
            services.ask(attempt_id=attempt.pk, at=timezone.now())

        attempt.refresh_from_db()
        assert (attempt.state, attempt.captured_minor, sale.takes) == (AttemptStatus.CAPTURED, 2500, 1)

    def test_is_called_off_when_nobody_wants_it(self, far: FarEnd) -> None:
        attempt, sale = begin(far)

        services.call_off(attempt_id=attempt.pk, at=timezone.now())

        attempt.refresh_from_db()
        assert (attempt.state, sale.takes) == (AttemptStatus.CANCELLED, 0)

    def test_fails_when_nobody_is_there(self, far: FarEnd, settings: Settings) -> None:
        far.configure(settings, NOBODY)
        attempt = make_attempt(provider=far.name, method=far.method)

        with pytest.raises(ProviderDown):
            carry_out(attempt, at=timezone.now())

        attempt.refresh_from_db()
        assert attempt.state is AttemptStatus.FAILED
        assert far.asked == []


@pytest.mark.django_db
class TestWebhooks:
    def test_r31_in_all_120_orders_of_arrival_end_in_the_same_state(self, far: FarEnd) -> None:
        ends: dict[str, list[Any]] = {}

        for order in itertools.permutations(range(5)):
            attempt, sale = begin(far)
            bodies = far.story(sale)
            for at in order:
                assert deliver(far, bodies[at]) == 204
                take_in()
            ends.setdefault(str(state_of(attempt)), []).append(order)

        assert [len(orders) for orders in ends.values()] == [120], ends
        assert state_of(attempt)["attempt"][:2] == ["captured", 2500]
        assert selectors.find_differences() == []

    def test_r31_repeated_ten_fold_are_taken_in_once(self, far: FarEnd) -> None:
        attempt, sale = begin(far)
        bodies = far.story(sale)

        for body in bodies * 10:
            assert deliver(far, body) == 204
            take_in()

        assert ProviderEvent.objects.count() == 5
        assert state_of(attempt)["attempt"][:2] == ["captured", 2500]

    def test_r32_are_accepted_under_either_live_secret(self, far: FarEnd) -> None:
        _, sale = begin(far)
        bodies = far.story(sale)

        for body, secret in zip(bodies, far.secrets, strict=False):
            assert deliver(far, body, **far.sign(body, at=timezone.now(), secret=secret)) == 204

        assert ProviderEvent.objects.count() == 2

    @pytest.mark.parametrize(
        "wrong", ["forged", "unsigned", "truncated", "re-serialised", "of another", "by an old secret"]
    )
    def test_r32_a19_are_refused_when(self, far: FarEnd, wrong: str) -> None:
        attempt, sale = begin(far)
        before = state_of(attempt)
        bodies = far.story(sale)
        genuine = bodies[2]
        signed = far.sign(genuine, at=timezone.now(), secret=far.secrets[0])
        retired = far.sign(genuine, at=timezone.now(), secret="retired")
        body, headers = {
            "forged": (genuine, {name: value[:-6] + "AAAAAA" for name, value in signed.items()}),
            "unsigned": (genuine, dict.fromkeys(signed, "")),
            "truncated": (genuine[:-1], signed),
            "re-serialised": (orjson.dumps(orjson.loads(genuine)), signed),
            "of another": (bodies[3], signed),
            "by an old secret": (genuine, retired),
        }[wrong]

        status = deliver(far, body, **headers)

        assert status == 400
        take_in()
        assert not ProviderEvent.objects.exists()
        assert state_of(attempt) == before

    @pytest.mark.parametrize("minutes", [-6, 6, 60 * 24 * 3])
    def test_r32_are_refused_when_stale(self, far: FarEnd, minutes: int) -> None:
        _, sale = begin(far)
        body = far.story(sale)[2]
        at = timezone.now() - timedelta(minutes=minutes)
        if far.name == "flutterwave":
            body = body[:-1] + b', "timestamp": %d}' % int(at.timestamp() * 1000)

        status = deliver(far, body, **far.sign(body, at=at, secret=far.secrets[0]))

        assert status == 400
        assert not ProviderEvent.objects.exists()

    @pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{}", b'{"data": 1}', b"[" * 5000, b"\xff", b'"x"'])
    def test_r32_that_cannot_be_read_are_refused_though_signed(self, far: FarEnd, body: bytes) -> None:
        headers = {}
        if body != b"\xff" and not body.startswith(b"{"):
            headers = far.sign(body, at=timezone.now(), secret=far.secrets[0])

        answer = Client(raise_request_exception=False).post(
            f"/api/v1/webhooks/{far.name}", body, content_type="application/json", headers=headers
        )

        assert answer.status_code == 400
        assert not ProviderEvent.objects.exists()
