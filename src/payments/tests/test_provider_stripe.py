from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from core.ids import new_id
from payments.domain import DECLINED, AttemptStatus
from payments.providers import Charge, NewCharge, NewRefund, OutcomeUnknown, ProviderRefused, SavedToken
from payments.providers.stripe import Stripe
from payments.providers.stripe_reading import charge_of_intent, from_stripe, to_stripe
from payments.tests.stripe_far import StripeFar

ASKED = {
    "a charge": lambda stripe: stripe.create(wanted(method="pm_card_visa")),
    "a hold": lambda stripe: stripe.create(wanted(method="pm_card_visa", capture=False)),
    "a page": lambda stripe: stripe.create(wanted()),
    "after an action": lambda stripe: stripe.confirm(reference="pi_1", key="k"),
    "a capture": lambda stripe: stripe.capture(reference="pi_1", amount_minor=400, currency="GBP", key="k"),
    "to call a charge off": lambda stripe: stripe.void(reference="pi_1", key="k"),
    "to close a page": lambda stripe: stripe.void(reference="", key=f"{THERE}-void"),
    "a refund": lambda stripe: stripe.refund(NewRefund(key="r", reference="pi_1", amount_minor=400, currency="GBP")),
    "a charge that keeps": lambda stripe: stripe.create(wanted(method="pm_card_visa", save=True)),
    "a page that keeps": lambda stripe: stripe.create(wanted(save=True)),
    "a page of somebody known": lambda stripe: stripe.create(wanted(save=True, payer="cus_1")),
    "what was kept": lambda stripe: stripe.create(wanted(saved=SavedToken(token="pm_1", payer="cus_1"))),
    "to forget": lambda stripe: stripe.remove(SavedToken(token="pm_1", payer="cus_1")),
    "how a refund stands": lambda stripe: stripe.fetch_refund(
        wanted=NewRefund(key="r", reference="pi_1", amount_minor=400, currency="GBP"), reference="re_1"
    ),
    "how a charge stands": lambda stripe: stripe.fetch(reference="pi_1", key="k"),
    "what our key became": lambda stripe: stripe.fetch(reference="", key=f"pay-{new_id().hex}"),
}
THERE = "pay-there"


def wanted(**more: Any) -> NewCharge:
    usual: dict[str, Any] = {
        "key": f"pay-{new_id().hex}",
        "amount_minor": 2500,
        "currency": "GBP",
        "method": "",
        "capture": True,
    }
    return NewCharge(return_url="https://shop.example/thanks", **usual | more)


@pytest.fixture
def mock(stripe_mock_url: str, settings: Settings) -> Stripe:
    """Our side of a real stripe-mock, which knows every parameter that Stripe takes."""
    settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE = "sk_test_1", stripe_mock_url
    return Stripe()


@pytest.fixture
def far(settings: Settings) -> Iterator[StripeFar]:
    """Stripe's far end, with books."""
    settings.PAYMENT_TIMEOUT_SECONDS = 5
    with StripeFar() as far_end:
        far_end.configure(settings)
        yield far_end


@pytest.fixture
def stripe(far: StripeFar) -> Stripe:
    """Our side of the far end."""
    return Stripe()


class TestShape:
    """Every call that we make, as stripe-mock judges it: by Stripe's own description of its API."""

    @pytest.mark.parametrize("what", [what for what in ASKED if what != "to close a page"])
    def test_is_accepted_when_we_ask_for(self, mock: Stripe, what: str) -> None:
        ask: Callable[[Stripe], Any] = ASKED[what]

        ask(mock)

    def test_is_accepted_when_we_ask_to_close_a_page(self, mock: Stripe) -> None:
        said = mock._sessions.expire("cs_1", {"expand": ["payment_intent.latest_charge.balance_transaction"]})

        assert said.object == "checkout.session"

    def test_is_refused_where_a_parameter_does_not_exist(self, mock: Stripe) -> None:
        params: Any = {"amount": 400, "currency": "gbp", "no_such_thing": 1}

        with pytest.raises(ProviderRefused):
            mock._write(lambda options: mock._intents.create(params, options), "k")


class TestCreate:
    def test_charges_a_payment_method_at_once(self, far: StripeFar, stripe: Stripe) -> None:
        charge = stripe.create(wanted(method="pm_card_visa"))

        assert (charge.reference, charge.status, charge.captured_minor) == ("pi_1", AttemptStatus.CAPTURED, 2500)
        assert charge.next_action is None
        assert far.sales[0].takes == 1

    def test_holds_the_money_until_it_is_captured(self, far: StripeFar, stripe: Stripe) -> None:
        held = stripe.create(wanted(method="pm_card_visa", capture=False))
        taken = stripe.capture(reference=held.reference, amount_minor=2000, currency="GBP", key="c")

        assert (held.status, held.captured_minor) == (AttemptStatus.AUTHORISED, 0)
        assert (taken.status, taken.captured_minor) == (AttemptStatus.CAPTURED, 2000)

    def test_tells_a_declined_card_by_the_word_that_is_counted(self, far: StripeFar, stripe: Stripe) -> None:
        with pytest.raises(ProviderRefused) as refusal:
            stripe.create(wanted(method="pm_card_chargeDeclined"))

        assert refusal.value.code == DECLINED
        assert far.sales == []

    @pytest.mark.parametrize("method", ["", "success", "4242424242424242", "pm_x; drop", "tok_visa"])
    def test_opens_a_page_for_all_that_is_no_token(self, far: StripeFar, stripe: Stripe, method: str) -> None:
        charge = stripe.create(wanted(method=method))

        assert charge.reference == ""
        assert charge.next_action == {"type": "redirect", "url": "https://checkout.stripe.com/c/1"}
        assert far.asked == [("POST", "/v1/checkout/sessions")]


class TestPage:
    def test_is_found_by_our_key_before_and_after_it_is_paid(self, far: StripeFar, stripe: Stripe) -> None:
        asked = wanted()
        stripe.create(asked)

        before = stripe.fetch(reference="", key=asked.key)
        far.approve(far.sales[0])
        after = stripe.fetch(reference="", key=asked.key)

        assert before is not None
        assert after is not None
        assert (before.reference, before.status) == ("", AttemptStatus.REQUIRES_ACTION)
        assert (after.reference, after.status, after.captured_minor) == ("pi_1", AttemptStatus.CAPTURED, 2500)

    def test_is_closed_when_it_is_called_off(self, far: StripeFar, stripe: Stripe) -> None:
        asked = wanted()
        stripe.create(asked)

        said = stripe.void(reference="", key=f"{asked.key}-void")

        assert (said.status, far.sales[0].state) == (AttemptStatus.CANCELLED, "gone")

    def test_tells_of_its_payment_by_webhook(self, far: StripeFar, stripe: Stripe) -> None:
        asked, at = wanted(), timezone.now()
        stripe.create(asked)
        far.approve(far.sales[0])
        body = far.page_paid(far.sales[0])

        notice = stripe.parse_webhook(body=body, headers=far.sign(body, at=at, secret=far.secrets[0]), at=at)

        assert notice.charge is not None
        assert (notice.charge.reference, notice.charge.key) == ("pi_1", asked.key)
        assert (notice.charge.status, notice.charge.captured_minor) == (AttemptStatus.CAPTURED, 2500)

    def test_waits_for_another_card_when_one_was_declined(self) -> None:
        charge = charge_of_intent(declined_intent(page="1"))

        assert charge.status is AttemptStatus.REQUIRES_ACTION

    @pytest.mark.parametrize("state", ["declined", "asked"])
    def test_is_shown_and_closed_as_a_page_also_when_a_card_was_tried_there(
        self, far: StripeFar, stripe: Stripe, state: str
    ) -> None:
        asked = wanted()
        stripe.create(asked)
        far.sales[0].state = state

        before = stripe.fetch(reference="", key=asked.key)
        said = stripe.void(reference="", key=f"{asked.key}-void")

        assert before is not None
        assert (before.reference, before.next_action) == (
            "",
            {"type": "redirect", "url": "https://checkout.stripe.com/c/1"},
        )
        assert (said.status, far.sales[0].state) == (AttemptStatus.CANCELLED, "gone")

    @pytest.mark.parametrize(("state", "kind"), [("declined", "payment_failed"), ("asked", "requires_action")])
    def test_is_not_told_of_by_what_is_tried_there(self, far: StripeFar, stripe: Stripe, state: str, kind: str) -> None:
        at = timezone.now()
        stripe.create(wanted())
        far.sales[0].state = state
        body = far.intent_told(kind, far.sales[0])

        notice = stripe.parse_webhook(body=body, headers=far.sign(body, at=at, secret=far.secrets[0]), at=at)

        assert notice.charge is None

    @pytest.mark.parametrize("reference", ["", "pi_1"])
    def test_has_failed_when_what_was_to_come_from_a_bank_did_not(
        self, far: StripeFar, stripe: Stripe, reference: str
    ) -> None:
        asked = wanted()
        stripe.create(asked)
        far.sales[0].state = "bounced"

        charge = stripe.fetch(reference=reference, key=asked.key)

        assert charge is not None
        assert (charge.reference, charge.status) == ("pi_1", AttemptStatus.FAILED)

    def test_of_which_an_earlier_webhook_named_the_charge_is_closed_as_a_page(
        self, far: StripeFar, stripe: Stripe
    ) -> None:
        asked = wanted()
        stripe.create(asked)
        far.sales[0].state = "declined"

        said = stripe.void(reference="pi_1", key=f"{asked.key}-void")

        assert (said.status, far.sales[0].state) == (AttemptStatus.CANCELLED, "gone")


class TestRefund:
    def test_goes_back_once_though_stripe_forgot_the_key(self, far: StripeFar, stripe: Stripe) -> None:
        charge = stripe.create(wanted(method="pm_card_visa"))
        back = NewRefund(key="refund-1", reference=charge.reference, amount_minor=400, currency="GBP")
        stripe.refund(back)

        far.forget_keys()
        again = stripe.refund(back)

        assert (again.is_done, far.sales[0].back) == (True, 400)


class TestParseWebhook:
    @pytest.mark.parametrize("kind", ["customer.created", "charge.succeeded", "payout.paid", "payment_intent.created"])
    def test_takes_no_interest_in_other_objects(self, far: StripeFar, stripe: Stripe, kind: str) -> None:
        at, body = timezone.now(), far.event(kind, {"id": "x_1", "object": "x"}, "1")

        notice = stripe.parse_webhook(body=body, headers=far.sign(body, at=at, secret=far.secrets[0]), at=at)

        assert (notice.event_id, notice.kind, notice.charge) == ("evt_1", kind, None)

    def test_takes_no_interest_in_charges_of_other_shops(self, far: StripeFar, stripe: Stripe) -> None:
        at = timezone.now()
        body = far.event("payment_intent.succeeded", declined_intent() | {"status": "succeeded", "metadata": {}}, "1")

        notice = stripe.parse_webhook(body=body, headers=far.sign(body, at=at, secret=far.secrets[0]), at=at)

        assert notice.charge is None

    @pytest.mark.parametrize("status", ["warning_needs_response", "warning_under_review", "warning_closed"])
    def test_books_no_question_of_a_bank_that_took_nothing(self, far: StripeFar, stripe: Stripe, status: str) -> None:
        said = {"object": "dispute", "payment_intent": "pi_1", "amount": 600, "currency": "gbp", "status": status}
        at, body = timezone.now(), far.event("charge.dispute.created", said, "1")

        notice = stripe.parse_webhook(body=body, headers=far.sign(body, at=at, secret=far.secrets[0]), at=at)

        assert notice.charge is None


class TestChargeOfIntent:
    def test_has_failed_when_the_card_was_declined(self) -> None:
        charge = charge_of_intent(declined_intent())

        assert (charge.status, charge.failure) == (AttemptStatus.FAILED, DECLINED)

    def test_carries_nothing_of_the_card(self) -> None:
        card = {"payment_method_details": {"card": {"last4": "4242", "fingerprint": "Xt5EWLLDS7FJjR1c"}}}

        charge = charge_of_intent(declined_intent() | {"latest_charge": card})

        assert "4242" not in str(charge.as_dict())
        assert set(charge.as_dict()) == set(Charge.__slots__) - {"saved"}

    def test_of_a_coarser_currency_has_its_fee_rounded(self) -> None:
        latest = {"balance_transaction": {"currency": "isk", "fee": 1475}}

        charge = charge_of_intent(taken_intent(amount=50000, received=50000) | {"latest_charge": latest})

        assert (charge.status, charge.captured_minor, charge.fee_minor) == (AttemptStatus.CAPTURED, 500, 15)

    def test_of_an_amount_that_is_none_of_ours_is_unknown_and_not_refused(self) -> None:
        with pytest.raises(OutcomeUnknown):
            charge_of_intent(taken_intent(amount=50000, received=49950))


class TestToStripe:
    @pytest.mark.parametrize(
        ("currency", "minor", "amount"),
        [
            ("GBP", 1250, 1250),
            ("JPY", 500, 500),
            ("ISK", 500, 50000),
            ("UGX", 5, 500),
            ("KWD", 5120, 5120),
            ("MGA", 500, 5),
        ],
    )
    def test_counts_as_stripe_does(self, currency: str, minor: int, amount: int) -> None:
        assert to_stripe(minor, currency) == amount
        assert from_stripe(amount, currency) == minor

    @pytest.mark.parametrize(("currency", "minor"), [("KWD", 5123), ("MGA", 550)])
    def test_refuses_what_stripe_cannot_count(self, currency: str, minor: int) -> None:
        with pytest.raises(ProviderRefused):
            to_stripe(minor, currency)


def taken_intent(*, amount: int, received: int) -> dict[str, Any]:
    return {
        "id": "pi_9",
        "status": "succeeded",
        "amount": amount,
        "amount_received": received,
        "currency": "isk",
        "metadata": {"reference": "pay-9"},
    }


def declined_intent(**metadata: str) -> dict[str, Any]:
    return {
        "id": "pi_9",
        "status": "requires_payment_method",
        "amount": 2500,
        "currency": "gbp",
        "metadata": {"reference": "pay-9"} | metadata,
        "last_payment_error": {"type": "card_error", "code": "card_declined"},
    }
