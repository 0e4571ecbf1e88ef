from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from payments.domain import DECLINED, AttemptStatus
from payments.errors import WebhookRefused
from payments.providers import NewCharge, NewRefund, Notice, ProviderRefused
from payments.providers.paypal import PayPal
from payments.providers.paypal_reading import as_amount
from payments.tests.paypal_far import LIVE, PLAY, PayPalFar, certificate, event


@pytest.fixture
def far(settings: Settings) -> Iterator[PayPalFar]:
    """PayPal's far end."""
    settings.PAYMENT_TIMEOUT_SECONDS = 5
    with PayPalFar() as far_end:
        far_end.configure(settings)
        yield far_end


@pytest.fixture
def paypal(far: PayPalFar) -> PayPal:
    """Our side of it."""
    return PayPal()


def wanted(**more: Any) -> NewCharge:
    usual: dict[str, Any] = {"key": "pay-1", "amount_minor": 2500, "currency": "GBP", "method": "", "capture": True}
    return NewCharge(return_url="https://shop.example/thanks", **usual | more)


def take(paypal: PayPal, reference: str, key: str = "pay-1-capture") -> AttemptStatus:
    return paypal.capture(reference=reference, amount_minor=2500, currency="GBP", key=key).status


class TestToken:
    def test_is_asked_for_once(self, far: PayPalFar, paypal: PayPal) -> None:
        for number in range(3):
            paypal.create(wanted(key=f"pay-{number}"))

        assert far.tokens == 1

    def test_is_renewed_when_it_is_not_accepted_any_more(self, far: PayPalFar, paypal: PayPal) -> None:
        paypal.create(wanted())
        far.tokens += 1  # the old one was revoked

        paypal.create(wanted(key="pay-2"))

        assert [sale.key for sale in far.sales] == ["pay-1", "pay-2"]


class TestCapture:
    def test_takes_what_the_shopper_approved(self, far: PayPalFar, paypal: PayPal) -> None:
        charge = paypal.create(wanted())
        far.approve(far.sales[0])
        approved = paypal.fetch(reference=charge.reference, key="pay-1")

        status = take(paypal, charge.reference)

        assert approved is not None
        assert approved.status is AttemptStatus.AUTHORISED
        assert (status, far.sales[0].takes) == (AttemptStatus.CAPTURED, 1)

    def test_takes_nothing_that_was_not_approved(self, far: PayPalFar, paypal: PayPal) -> None:
        charge = paypal.create(wanted())

        status = take(paypal, charge.reference)

        assert (status, far.sales[0].takes) == (AttemptStatus.REQUIRES_ACTION, 0)

    def test_has_failed_when_the_bank_declines(self, far: PayPalFar, paypal: PayPal) -> None:
        charge = paypal.create(wanted())
        far.approve(far.sales[0])
        far.declines = True

        said = paypal.capture(reference=charge.reference, amount_minor=2500, currency="GBP", key="c")

        assert (said.status, said.failure) == (AttemptStatus.FAILED, DECLINED)

    def test_takes_what_is_held(self, far: PayPalFar, paypal: PayPal) -> None:
        charge = paypal.create(wanted(capture=False))
        far.approve(far.sales[0])
        held = paypal.confirm(reference=charge.reference, key="pay-1-authorize")

        status = take(paypal, charge.reference)

        assert (held.status, status) == (AttemptStatus.AUTHORISED, AttemptStatus.CAPTURED)
        assert far.sales[0].takes == 1


class TestVoid:
    def test_gives_up_what_is_held(self, far: PayPalFar, paypal: PayPal) -> None:
        charge = paypal.create(wanted(capture=False))
        far.approve(far.sales[0])
        paypal.confirm(reference=charge.reference, key="pay-1-authorize")

        said = paypal.void(reference=charge.reference, key="pay-1-void")

        assert (said.status, far.sales[0].state) == (AttemptStatus.CANCELLED, "gone")


class TestRefund:
    def test_of_what_was_never_taken_is_refused(self, far: PayPalFar, paypal: PayPal) -> None:
        charge = paypal.create(wanted())

        with pytest.raises(ProviderRefused):
            paypal.refund(NewRefund(key="r", reference=charge.reference, amount_minor=400, currency="GBP"))

        assert far.sales[0].back == 0


class TestAsAmount:
    @pytest.mark.parametrize(
        ("currency", "minor", "text"), [("GBP", 1250, "12.50"), ("JPY", 500, "500"), ("HUF", 50000, "500")]
    )
    def test_writes_as_paypal_does(self, currency: str, minor: int, text: str) -> None:
        assert as_amount(minor, currency) == {"currency_code": currency, "value": text}

    def test_refuses_parts_that_paypal_does_not_take(self) -> None:
        with pytest.raises(ProviderRefused):
            as_amount(50050, "HUF")


class TestParseWebhook:
    def test_takes_no_interest_in_other_objects(self, far: PayPalFar, paypal: PayPal) -> None:
        notice = parse(far, paypal, event("BILLING.PLAN.CREATED", {"id": "P-1"}, "WH-1"))

        assert notice.charge is None

    @pytest.mark.parametrize(
        ("header", "value"),
        [
            ("Paypal-Cert-Url", "https://api.paypal.com.evil.example/v1/notifications/certs/CERT-1"),
            ("Paypal-Cert-Url", "http://api.paypal.com/v1/notifications/certs/CERT-1"),
            # Play money, where real money moves.
            ("Paypal-Cert-Url", "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-1"),
            ("Paypal-Cert-Url", "https://www.paypal.com/v1/notifications/certs/CERT-1"),
            ("Paypal-Auth-Algo", "SHA1withRSA"),
            ("Paypal-Transmission-Id", "a|b"),
            ("Paypal-Transmission-Sig", "!"),
        ],
    )
    def test_refuses_headers_that_are_not_paypals(
        self, far: PayPalFar, paypal: PayPal, header: str, value: str
    ) -> None:
        with pytest.raises(WebhookRefused):
            parse(far, paypal, event("BILLING.PLAN.CREATED", {"id": "P-1"}, "WH-1"), headers={header: value})

        assert far.asked == []

    @pytest.mark.parametrize(
        ("base", "url", "owner", "is_accepted"),
        [
            ("https://api-m.paypal.com", "https://api-m.paypal.com", LIVE, True),
            ("https://api-m.paypal.com", "https://api.paypal.com", PLAY, False),
            ("https://api-m.sandbox.paypal.com", "https://api.sandbox.paypal.com", PLAY, True),
            ("https://api-m.sandbox.paypal.com", "https://api.sandbox.paypal.com", LIVE, False),
            ("https://api-m.sandbox.paypal.com", "https://api.paypal.com", PLAY, False),
            ("https://api-m.paypal.com", "https://api.paypal.com", "api.paypal.com.evil.example", False),
        ],
    )
    def test_believes_the_certificates_of_its_own_world_alone(
        self, far: PayPalFar, paypal: PayPal, settings: Settings, base: str, url: str, owner: str, is_accepted: bool
    ) -> None:
        settings.PAYPAL_API_BASE = base
        settings.PAYPAL_WEBHOOK_CERTIFICATES = certificate(owner)[1]
        body, at = event("BILLING.PLAN.CREATED", {"id": "P-1"}, "WH-1"), timezone.now()
        headers = far.sign(body, at=at, secret=far.secrets[0], owner=owner)
        headers["Paypal-Cert-Url"] = f"{url}/v1/notifications/certs/CERT-1"

        try:
            paypal.parse_webhook(body=body, headers=headers, at=at)
        except WebhookRefused:
            assert not is_accepted
        else:
            assert is_accepted

    def test_refuses_an_expired_certificate(self, far: PayPalFar, paypal: PayPal) -> None:
        with pytest.raises(WebhookRefused):
            parse(
                far,
                paypal,
                event("BILLING.PLAN.CREATED", {"id": "P-1"}, "WH-1"),
                at=timezone.now() + timedelta(days=60),
            )

    def test_refuses_everything_without_a_certificate(self, far: PayPalFar, paypal: PayPal, settings: Settings) -> None:
        settings.PAYPAL_WEBHOOK_CERTIFICATES = ""

        with pytest.raises(WebhookRefused):
            parse(far, paypal, event("BILLING.PLAN.CREATED", {"id": "P-1"}, "WH-1"))

    def test_keeps_what_has_the_same_checksum_as_the_same_event(self, far: PayPalFar, paypal: PayPal) -> None:
        genuine = event("BILLING.PLAN.CREATED", {"id": "P-1"}, "WH-1")
        forged = same_checksum(genuine, event("PAYMENT.CAPTURE.COMPLETED", {"id": "P-2"}, "WH-2"))
        at = timezone.now()
        headers = far.sign(genuine, at=at, secret=far.secrets[0])

        events = {paypal.parse_webhook(body=body, headers=headers, at=at).event_id for body in (genuine, forged)}

        assert zlib.crc32(forged) == zlib.crc32(genuine)
        assert len(events) == 1


def parse(
    far: PayPalFar, paypal: PayPal, body: bytes, *, at: datetime | None = None, headers: dict[str, str] | None = None
) -> Notice:
    stamp = at or timezone.now()
    signed = far.sign(body, at=stamp, secret=far.secrets[0]) | (headers or {})
    return paypal.parse_webhook(body=body, headers=signed, at=stamp)


def same_checksum(genuine: bytes, forged: bytes) -> bytes:
    """Return a JSON text that says what the forged one does and has the checksum of the genuine one.

    CRC-32 is linear: 32 places that may each be a space or a tab are enough to reach any checksum.
    """
    assert json.loads(forged)
    wanted, blank = zlib.crc32(genuine), forged + b" " * 40
    now = zlib.crc32(blank)
    rows: list[tuple[int, int]] = []
    for place in range(40):
        changed = bytearray(blank)
        changed[len(forged) + place] = 0x09
        effect, chosen = zlib.crc32(bytes(changed)) ^ now, 1 << place
        for known, choice in rows:
            if effect ^ known < effect:
                effect, chosen = effect ^ known, chosen ^ choice
        if effect:
            rows.append((effect, chosen))
            rows.sort(reverse=True)
    missing, choices = wanted ^ now, 0
    for known, choice in rows:
        if missing ^ known < missing:
            missing, choices = missing ^ known, choices ^ choice
    tail = bytes(0x09 if choices >> place & 1 else 0x20 for place in range(40))
    return forged + tail
