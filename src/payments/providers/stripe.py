"""Stripe: Payment Intents for a payment method that the storefront has a token of, else Checkout on Stripe's page.

The official SDK, which is loaded by the first process that asks for this provider. What Stripe is told of us is the
amount, the currency and our own reference, as ``metadata.reference``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, ClassVar, TypeVar

import stripe
from django.conf import settings

from payments.domain import DECLINED
from payments.errors import WebhookRefused
from payments.providers.base import (
    Charge,
    GivenBack,
    NewCharge,
    NewRefund,
    Notice,
    OutcomeUnknown,
    ProviderRefused,
    ProviderUnavailable,
    SavedToken,
)
from payments.providers.stripe_asking import LATER, around, intent_params, page_params
from payments.providers.stripe_reading import (
    charge_of_intent,
    charge_of_session,
    charge_told,
    is_tried_on_page,
    reference_of,
    refund_of,
    to_stripe,
)
from payments.providers.wire import NOT_SENT, judge, timeout

R = TypeVar("R")

_TOLERANCE_SECONDS = 300
_STAMP = re.compile(r"t=([0-9]{1,12}),", re.ASCII)
_TOKEN = re.compile(r"pm_[A-Za-z0-9_]{1,37}", re.ASCII)
_VOID = "-void"
# A payment method that was detached, or never attached.
_GONE = frozenset({"resource_missing", "payment_method_unexpected_state", "InvalidRequestError"})
_SEEN = ["latest_charge.balance_transaction"]
_SEEN_OF_SESSION = [f"payment_intent.{path}" for path in _SEEN]


class Stripe:
    """Cards, wallets and whatever else is switched on in Stripe's dashboard."""

    name: ClassVar[str] = "stripe"
    is_by_hand: ClassVar[bool] = False
    can_save: ClassVar[bool] = True
    totals_count_pending: ClassVar[bool] = True

    def __init__(self) -> None:
        self._client = stripe.StripeClient(
            settings.STRIPE_SECRET_KEY,
            base_addresses={"api": settings.STRIPE_API_BASE},
            # Whoever repeats a call is the sweep: it asks first.
            max_network_retries=0,
            http_client=stripe.HTTPXClient(timeout=timeout(), allow_sync_methods=True),
        )
        self._intents = self._client.v1.payment_intents
        self._sessions = self._client.v1.checkout.sessions

    def create(self, wanted: NewCharge) -> Charge:
        """Charge the payment method that was kept, or whose token (``pm_…``) is given as method; else open a page.

        A page has no charge yet, and so no reference: it is found by our key until the shopper pays. Whatever is kept
        belongs to a Customer at Stripe, of whom nothing is told.
        """
        if wanted.saved is not None:
            kept = {"customer": wanted.saved.payer} if wanted.saved.payer else {}
            return self._charge(wanted, wanted.saved.token, kept)
        if not _TOKEN.fullmatch(wanted.method):
            return self._open_page(wanted)
        keeping = {"customer": self._payer(wanted), "setup_future_usage": LATER} if wanted.save else {}
        return self._charge(wanted, wanted.method, keeping)

    def _payer(self, wanted: NewCharge) -> str:
        if wanted.payer:
            return wanted.payer
        customers = self._client.v1.customers
        return str(self._write(lambda options: customers.create({}, options), f"{wanted.key}-payer")["id"])

    def _charge(self, wanted: NewCharge, method: str, of_customer: Mapping[str, str]) -> Charge:
        params: Any = {**intent_params(wanted, method), **of_customer, "expand": _SEEN}
        return charge_of_intent(self._write(lambda options: self._intents.create(params, options), wanted.key))

    def _open_page(self, wanted: NewCharge) -> Charge:
        params: Any = {**page_params(wanted), "expand": _SEEN_OF_SESSION}
        said = self._write(lambda options: self._sessions.create(params, options), wanted.key)
        return charge_of_session(said, wanted.currency)

    def confirm(self, *, reference: str, key: str) -> Charge:
        """Stripe goes on by itself after the shopper did what was asked: ask how it stands."""
        return self._known(reference, key)

    def capture(self, *, reference: str, amount_minor: int, currency: str, key: str) -> Charge:
        """Take what was authorised."""
        params: Any = {"amount_to_capture": to_stripe(amount_minor, currency), "expand": _SEEN}
        try:
            return charge_of_intent(self._write(lambda options: self._intents.capture(reference, params, options), key))
        except ProviderRefused:
            return self._known(reference, key)

    def void(self, *, reference: str, key: str) -> Charge:
        """Call it off, or close the page. What is over already is told as it is."""
        ours = key.removesuffix(_VOID)
        try:
            return self._cancel(reference, key) if reference else self._close_page(ours, key)
        except ProviderRefused:
            charge = self._known(reference, ours)
            # What is tried on an open page cannot be cancelled; the page can be closed.
            return self._close_page(ours, f"{key}-page") if reference and not charge.reference else charge

    def _cancel(self, reference: str, key: str) -> Charge:
        params: Any = {"expand": _SEEN}
        return charge_of_intent(self._write(lambda options: self._intents.cancel(reference, params, options), key))

    def _close_page(self, ours: str, key: str) -> Charge:
        session = self._find_session(ours)
        if session is None:
            raise OutcomeUnknown("no such page")
        if (intent := session.get("payment_intent")) and session.get("status") != "open":
            return self._cancel(intent["id"], key)
        params: Any = {"expand": _SEEN_OF_SESSION}
        said = self._write(lambda options: self._sessions.expire(session["id"], params, options), key)
        return charge_of_session(said)

    def refund(self, wanted: NewRefund) -> GivenBack:
        """Give back. Stripe forgets keys after a day, and so its books are read first."""
        found = next((r for r in self._refunds(wanted.reference) if reference_of(r) == wanted.key), None)
        if found is None:
            params: Any = {
                "payment_intent": wanted.reference,
                "amount": to_stripe(wanted.amount_minor, wanted.currency),
                "metadata": {"reference": wanted.key},
            }
            found = self._write(lambda options: self._client.v1.refunds.create(params, options), wanted.key)
        return refund_of(found)

    def fetch_refund(self, *, wanted: NewRefund, reference: str) -> GivenBack:
        """Ask how it stands, by Stripe's id."""
        return refund_of(self._ask(lambda: self._client.v1.refunds.retrieve(reference)))

    def remove(self, saved: SavedToken) -> None:
        """Detach it from its Customer: Stripe charges it never again. What is detached already is refused, and gone."""
        methods = self._client.v1.payment_methods
        try:
            self._ask(lambda: methods.detach(saved.token))
        except ProviderRefused as error:
            if error.code not in _GONE:
                raise

    def fetch(self, *, reference: str, key: str) -> Charge | None:
        """Ask how it stands: by Stripe's id, else by our key among what was made at that time."""
        intent = self._retrieve(reference) if reference else None
        if reference and (intent is None or not is_tried_on_page(intent)):
            return charge_of_intent(intent) if intent is not None else None
        if (session := self._find_session(key)) is not None:
            return charge_of_session(session)
        if intent is not None:
            return charge_of_intent(intent)
        params: Any = {"created": around(key), "limit": 100, "expand": [f"data.{path}" for path in _SEEN]}
        intents = self._all(lambda: self._intents.list(params))
        found = next((each for each in intents if reference_of(each) == key), None)
        return charge_of_intent(found) if found is not None else None

    def _retrieve(self, reference: str) -> dict[str, Any] | None:
        params: Any = {"expand": _SEEN}
        try:
            return self._ask(lambda: self._intents.retrieve(reference, params))
        except ProviderRefused as error:
            if error.code == "resource_missing":
                return None
            raise

    def parse_webhook(self, *, body: bytes, headers: Mapping[str, str], at: datetime) -> Notice:
        """Check ``Stripe-Signature`` by the SDK, with any of the live secrets, and its time by ours."""
        header = headers.get("Stripe-Signature") or ""
        match = _STAMP.match(header)
        if match is None or abs(at.timestamp() - int(match[1])) > _TOLERANCE_SECONDS:
            raise WebhookRefused
        event = next((e for s in settings.STRIPE_WEBHOOK_SECRETS if (e := _event(body, header, s))), None)
        if event is None:
            raise WebhookRefused
        try:
            charge = charge_told(event["type"], event["data"]["object"])
            return Notice(event_id=str(event["id"]), kind=str(event["type"]), charge=charge)
        except (KeyError, TypeError, AttributeError, OutcomeUnknown) as error:
            raise WebhookRefused from error

    def _known(self, reference: str, key: str) -> Charge:
        charge = self.fetch(reference=reference, key=key)
        if charge is None:
            raise OutcomeUnknown("not found")
        return charge

    def _find_session(self, key: str) -> dict[str, Any] | None:
        params: Any = {"created": around(key), "limit": 100, "expand": [f"data.{path}" for path in _SEEN_OF_SESSION]}
        sessions = self._all(lambda: self._sessions.list(params))
        return next((session for session in sessions if session.get("client_reference_id") == key), None)

    def _refunds(self, reference: str) -> Iterator[dict[str, Any]]:
        return self._all(lambda: self._client.v1.refunds.list({"payment_intent": reference, "limit": 100}))

    def _all(self, list_: Callable[[], Any]) -> Iterator[dict[str, Any]]:
        pages = _guarded(list_).auto_paging_iter()
        while (row := _guarded(lambda: next(pages, None))) is not None:
            yield row.to_dict()

    def _write(self, ask: Callable[[Any], Any], key: str) -> dict[str, Any]:
        return self._ask(lambda: ask({"idempotency_key": key}))

    def _ask(self, ask: Callable[[], Any]) -> dict[str, Any]:
        said: dict[str, Any] = _guarded(ask).to_dict()
        return said


def _guarded(ask: Callable[[], R]) -> R:
    """Return what is answered, its failures in our words."""
    try:
        return ask()
    except stripe.APIConnectionError as error:
        if isinstance(error.__cause__, NOT_SENT):
            raise ProviderUnavailable(type(error.__cause__).__name__) from error
        raise OutcomeUnknown(type(error.__cause__).__name__) from error
    except stripe.CardError as error:
        raise ProviderRefused(DECLINED) from error
    except stripe.StripeError as error:
        status = error.http_status or 500
        judge(status)
        # An earlier request under the same key still runs, or it was done and the answer cannot be read.
        if status == 409 or status < 300:
            raise OutcomeUnknown(str(status)) from error
        raise ProviderRefused(error.code or type(error).__name__) from error


def _event(body: bytes, header: str, secret: str) -> dict[str, Any] | None:
    try:
        # Without its tolerance: the time is judged by the caller's clock.
        event = stripe.Webhook.construct_event(body, header, secret, tolerance=0)
    except (stripe.SignatureVerificationError, ValueError, RecursionError, TypeError, AttributeError):
        return None
    said: dict[str, Any] = event.to_dict()
    return said
