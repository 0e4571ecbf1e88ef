"""What is made of webhooks that say little, or what cannot be."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from core.models import OutboxEvent
from payments import selectors, services
from payments.domain import AttemptStatus
from payments.errors import PaymentNotFound
from payments.models import Attempt, LedgerEntry, ProviderEvent
from payments.providers import Charge, calling
from payments.providers.flutterwave import Flutterwave
from payments.tests.factories import NOON, charge_of, make_attempt, make_captured
from payments.tests.flutterwave_far import FlutterwaveFar, event
from payments.tests.wires import begin, take_in


@pytest.fixture(autouse=True)
def _no_orders(settings: Settings) -> None:
    """Orders are of another app: nobody waits for a capture here."""
    settings.EVENT_INLINE_SUBSCRIPTIONS = {}


def tell(charge: Charge, *, provider: str = "sandbox", event_id: str = "evt_1") -> ProviderEvent:
    """Take a webhook in, and return it as it is kept."""
    notice = ProviderEvent.objects.create(
        provider=provider, event_id=event_id, kind="x", charge=charge.as_dict(), received_at=NOON
    )
    with transaction.atomic():
        services.take_notice(notice_id=notice.pk, at=NOON)
    notice.refresh_from_db()
    return notice


def alerts() -> list[str]:
    facts = OutboxEvent.objects.filter(name="payments.staff_needed").order_by("pk")
    return [fact.payload["what"] for fact in facts]


@pytest.mark.django_db
class TestTakeNotice:
    def test_finds_an_attempt_by_our_key_though_the_charge_has_another_name_by_now(self) -> None:
        attempt = make_attempt()
        Attempt.objects.filter(pk=attempt.pk).update(provider_reference="pi_first", status="requires_action")

        notice = tell(charge_of(attempt, AttemptStatus.CAPTURED, reference="pi_second"))

        attempt.refresh_from_db()
        assert notice.processed_at == NOON
        assert (attempt.state, attempt.provider_reference) == (AttemptStatus.CAPTURED, "pi_first")

    def test_finds_no_attempt_of_another_provider_and_waits(self) -> None:
        attempt = make_attempt(provider="manual")

        with pytest.raises(PaymentNotFound):
            tell(charge_of(attempt, AttemptStatus.CAPTURED))

        assert not ProviderEvent.objects.filter(processed_at__isnull=False).exists()

    @pytest.mark.parametrize("wrong", [{"currency": "EUR"}, {"captured_minor": 2501}])
    def test_asks_staff_about_what_cannot_be_and_takes_nothing_in(self, wrong: dict[str, Any]) -> None:
        attempt = make_attempt()

        notice = tell(charge_of(attempt, AttemptStatus.CAPTURED, **wrong))
        again = tell(charge_of(attempt, AttemptStatus.CAPTURED, **wrong), event_id="evt_2")

        attempt.refresh_from_db()
        assert (notice.processed_at, again.processed_at) == (None, None)
        assert alerts() == ["charge_mismatch"]
        assert (attempt.state, attempt.captured_minor) == (AttemptStatus.CREATED, 0)
        assert not LedgerEntry.objects.exists()
        assert selectors.find_differences() == []

    @pytest.mark.parametrize("what", ["disputed_minor", "refunded_minor"])
    def test_takes_in_nothing_that_left_in_another_currency(self, what: str) -> None:
        attempt = make_captured()

        notice = tell(charge_of(attempt, AttemptStatus.PENDING, currency="JPY", **{what: 600}))

        attempt.refresh_from_db()
        assert (notice.processed_at, alerts()) == (None, ["charge_mismatch"])
        assert (attempt.disputed_minor, attempt.refunded_minor) == (0, 0)
        assert not LedgerEntry.objects.exclude(kind="capture").exists()


@pytest.mark.django_db
class TestAsk:
    def test_asks_staff_about_what_cannot_be_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        attempt = make_attempt()
        wrong = charge_of(attempt, AttemptStatus.CAPTURED, currency="EUR")
        monkeypatch.setattr("payments.providers.sandbox.Sandbox.fetch", lambda *_, **__: wrong)

        for minutes in range(3):
            services.ask(attempt_id=attempt.pk, at=NOON + timedelta(minutes=minutes))

        attempt.refresh_from_db()
        assert alerts() == ["charge_mismatch"]
        assert (attempt.state, attempt.captured_minor) == (AttemptStatus.CREATED, 0)


@pytest.mark.django_db
class TestBareNotice:
    """Flutterwave's older header, which vouches for no body."""

    @pytest.fixture
    def far(self, settings: Settings) -> Iterator[FlutterwaveFar]:
        settings.PAYMENT_TIMEOUT_SECONDS = 5
        calling._load.cache_clear()
        with FlutterwaveFar() as far_end:
            far_end.configure(settings)
            yield far_end
        calling._load.cache_clear()

    def send(self, far: FlutterwaveFar, body: bytes) -> int:
        client = Client(raise_request_exception=False)
        headers: Any = {"Verif-Hash": far.secrets[0]}
        answer = client.post("/api/v1/webhooks/flutterwave", body, content_type="application/json", headers=headers)
        return answer.status_code

    def test_has_the_sweep_ask_at_once_and_is_not_believed(
        self, far: FlutterwaveFar, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
    ) -> None:
        woken: list[str] = []
        monkeypatch.setattr("core.courier.wake", woken.append)
        attempt, sale = begin(far)
        body = event("charge.completed", far.transaction(sale) | {"status": "successful"})

        assert self.send(far, body) == 204
        with django_capture_on_commit_callbacks(execute=True):
            take_in()

        attempt.refresh_from_db()
        notice = ProviderEvent.objects.get()
        assert (attempt.state, attempt.captured_minor) == (AttemptStatus.REQUIRES_ACTION, 0)
        assert notice.processed_at is not None
        assert attempt.ask_at == notice.processed_at
        assert "payments.tasks.sweep" in woken

    def test_leads_to_what_flutterwave_says_itself(self, far: FlutterwaveFar) -> None:
        attempt, sale = begin(far)
        sale.take()
        self.send(far, event("charge.completed", far.transaction(sale)))
        take_in()
        attempt.refresh_from_db()
        assert attempt.ask_at is not None

        services.sweep(now=attempt.ask_at)

        attempt.refresh_from_db()
        assert (attempt.state, attempt.captured_minor) == (AttemptStatus.CAPTURED, 2500)
        assert Flutterwave.name == attempt.provider

    def test_of_a_page_that_was_given_up_leads_to_what_was_paid_there_later(self, far: FlutterwaveFar) -> None:
        attempt, sale = begin(far)
        sale.state = "failed"
        services.ask(attempt_id=attempt.pk, at=attempt.created_at)
        attempt.refresh_from_db()
        assert attempt.state is AttemptStatus.FAILED
        sale.take()

        self.send(far, event("charge.completed", far.transaction(sale)))
        take_in()
        services.sweep(now=timezone.now())

        attempt.refresh_from_db()
        assert (attempt.state, attempt.captured_minor, attempt.ask_at) == (AttemptStatus.CAPTURED, 2500, None)

    @pytest.mark.parametrize("state", ["failed", "open"])
    def test_of_a_page_that_was_given_up_is_asked_about_once(self, far: FlutterwaveFar, state: str) -> None:
        attempt, sale = begin(far)
        sale.state = "failed"
        services.ask(attempt_id=attempt.pk, at=attempt.created_at)
        sale.state = state

        self.send(far, event("charge.completed", far.transaction(sale)))
        take_in()
        services.sweep(now=timezone.now())

        attempt.refresh_from_db()
        assert (attempt.state, attempt.captured_minor, attempt.ask_at) == (AttemptStatus.FAILED, 0, None)
