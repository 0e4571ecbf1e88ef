from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from payments.domain import AttemptStatus
from payments.providers import NewCharge, NewRefund, OutcomeUnknown, ProviderRefused
from payments.providers.flutterwave import Flutterwave
from payments.tests.flutterwave_far import FlutterwaveFar, event


@pytest.fixture
def far(settings: Settings) -> Iterator[FlutterwaveFar]:
    """Flutterwave's far end."""
    settings.PAYMENT_TIMEOUT_SECONDS = 5
    with FlutterwaveFar() as far_end:
        far_end.configure(settings)
        yield far_end


@pytest.fixture
def flutterwave(far: FlutterwaveFar) -> Flutterwave:
    """Our side of it."""
    return Flutterwave()


def wanted(**more: Any) -> NewCharge:
    usual: dict[str, Any] = {"key": "pay-1", "amount_minor": 2500, "currency": "NGN", "method": "", "capture": True}
    return NewCharge(return_url="https://shop.example/thanks", **usual | more)


class TestFetch:
    @pytest.mark.parametrize(("currency", "minor"), [("NGN", 250050), ("UGX", 5000), ("RWF", 700), ("KWD", 1234)])
    def test_counts_in_the_currencys_own_units(
        self, far: FlutterwaveFar, flutterwave: Flutterwave, currency: str, minor: int
    ) -> None:
        flutterwave.create(wanted(currency=currency, amount_minor=minor))
        far.sales[0].take()

        charge = flutterwave.fetch(reference="pay-1", key="pay-1")

        assert charge is not None
        assert (charge.captured_minor, charge.currency) == (minor, currency)

    def test_believes_no_transaction_of_another_reference(self, far: FlutterwaveFar, flutterwave: Flutterwave) -> None:
        flutterwave.create(wanted())
        far.sales[0].take()
        other = far.transaction(far.sales[0]) | {"tx_ref": "pay-2"}
        far.transaction = lambda sale: other  # type: ignore[method-assign]

        with pytest.raises(OutcomeUnknown):
            flutterwave.fetch(reference="pay-1", key="pay-1")


class TestVoid:
    def test_waits_no_longer_though_the_page_stays_open(self, far: FlutterwaveFar, flutterwave: Flutterwave) -> None:
        flutterwave.create(wanted())

        said = flutterwave.void(reference="pay-1", key="pay-1-void")

        assert said.status is AttemptStatus.CANCELLED


class TestRefund:
    def test_of_what_was_never_paid_is_refused(self, far: FlutterwaveFar, flutterwave: Flutterwave) -> None:
        flutterwave.create(wanted())

        with pytest.raises(ProviderRefused):
            flutterwave.refund(NewRefund(key="r", reference="pay-1", amount_minor=400, currency="NGN"))

        assert far.sales[0].back == 0


class TestParseWebhook:
    def test_believes_nothing_of_a_body_that_is_not_signed(self, far: FlutterwaveFar, flutterwave: Flutterwave) -> None:
        flutterwave.create(wanted())
        far.sales[0].take()
        body = event("charge.completed", far.transaction(far.sales[0]))

        notice = flutterwave.parse_webhook(body=body, headers={"Verif-Hash": far.secrets[1]}, at=timezone.now())

        assert notice.charge is not None
        assert (notice.charge.key, notice.charge.status) == ("pay-1", AttemptStatus.CREATED)
        assert notice.charge.captured_minor == 0

    @pytest.mark.parametrize("kind", ["transfer.completed", "subscription.cancelled"])
    def test_takes_no_interest_in_other_objects(self, far: FlutterwaveFar, flutterwave: Flutterwave, kind: str) -> None:
        body, at = event(kind, {"id": 1, "status": "SUCCESSFUL"}), timezone.now()

        notice = flutterwave.parse_webhook(body=body, headers=far.sign(body, at=at, secret="hash-new"), at=at)

        assert notice.charge is None

    @pytest.mark.parametrize("said", ["", "hash", "hash-old ", "HASH-OLD", "\u00e9"])
    def test_refuses_every_other_hash(self, far: FlutterwaveFar, said: str) -> None:
        headers: Any = {"Verif-Hash": said}
        body = event("transfer.completed", {"id": 1})

        answer = Client(raise_request_exception=False).post(
            "/api/v1/webhooks/flutterwave", body, content_type="application/json", headers=headers
        )

        assert answer.status_code == 400

    def test_takes_a_late_body_that_carries_no_time(self, far: FlutterwaveFar, flutterwave: Flutterwave) -> None:
        body = event("transfer.completed", {"id": 1})
        later = timezone.now() + timedelta(days=3)

        notice = flutterwave.parse_webhook(body=body, headers=far.sign(body, at=later, secret="hash-old"), at=later)

        assert notice.event_id == "transfer.completed:1:"
