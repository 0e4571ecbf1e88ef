"""PayPal: Orders v2. The shopper approves on PayPal's page, then we capture.

An order that is approved may be captured, and so is ``authorised`` in our words; nothing is taken unless we ask. What
PayPal is told of us is the amount, the currency and our own reference, as ``custom_id``.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Literal

import httpx
from django.conf import settings

from payments.domain import DECLINED, AttemptStatus
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
)
from payments.providers.paypal_reading import as_amount, charge_of_order, charge_told, payments_in
from payments.providers.paypal_signing import check_signature
from payments.providers.wire import judge, read, read_object, send, timeout

_ORDERS = "/v2/checkout/orders"
_PAYMENTS = "/v2/payments"
# Taken anew while the old one still holds.
_EARLY_SECONDS = 60
_DECLINES = frozenset({"INSTRUMENT_DECLINED", "PAYER_CANNOT_PAY", "TRANSACTION_REFUSED", "CARD_EXPIRED"})


class PayPal:
    """PayPal's wallet and what else its page offers."""

    name: ClassVar[str] = "paypal"
    is_by_hand: ClassVar[bool] = False

    def __init__(self) -> None:
        self._client = httpx.Client(base_url=settings.PAYPAL_API_BASE, timeout=timeout())
        self._token = _Token(self._client)

    def create(self, wanted: NewCharge) -> Charge:
        """Make an order and return PayPal's page, where the shopper approves it."""
        url = wanted.return_url or settings.STOREFRONT_URL
        context = {"return_url": url, "cancel_url": url, "user_action": "PAY_NOW", "shipping_preference": "NO_SHIPPING"}
        unit = {"custom_id": wanted.key, "amount": as_amount(wanted.amount_minor, wanted.currency)}
        body = {
            "intent": "CAPTURE" if wanted.capture else "AUTHORIZE",
            "purchase_units": [unit],
            "payment_source": {"paypal": {"experience_context": context}},
        }
        return charge_of_order(self._ask("POST", _ORDERS, key=wanted.key, body=body))

    def confirm(self, *, reference: str, key: str) -> Charge:
        """Take what the shopper approved, or hold it where it was so asked for."""
        order = self._ask("GET", f"{_ORDERS}/{reference}")
        if order["status"] != "APPROVED":
            return charge_of_order(order)
        return self._take(order, key)

    def capture(self, *, reference: str, amount_minor: int, currency: str, key: str) -> Charge:
        """Take what was approved, or what is held. What a bank declines then has failed."""
        order = self._ask("GET", f"{_ORDERS}/{reference}")
        held = payments_in(order, "authorizations")
        if not held:
            return self._take(order, key)
        body = {"amount": as_amount(amount_minor, currency), "final_capture": True}
        # Where it was taken or given up already, the order tells.
        with contextlib.suppress(ProviderRefused):
            self._ask("POST", f"{_PAYMENTS}/authorizations/{held[-1]['id']}/capture", key=key, body=body)
        return self._look(reference)

    def _take(self, order: Mapping[str, Any], key: str) -> Charge:
        verb = "authorize" if order.get("intent") == "AUTHORIZE" else "capture"
        reference = str(order["id"])
        try:
            return charge_of_order(self._ask("POST", f"{_ORDERS}/{reference}/{verb}", key=key, body={}))
        except ProviderRefused as refusal:
            charge = self._look(reference)
            if refusal.code in _DECLINES and not charge.captured_minor:
                return _failed(charge)
            return charge

    def void(self, *, reference: str, key: str) -> Charge:
        """Give up what is held. What was only approved is called off by not asking for it."""
        order = self._ask("GET", f"{_ORDERS}/{reference}")
        for held in payments_in(order, "authorizations"):
            if held.get("status") == "CREATED":
                self._ask("POST", f"{_PAYMENTS}/authorizations/{held['id']}/void", key=key, body={})
        charge = self._look(reference)
        is_open = charge.status in (AttemptStatus.REQUIRES_ACTION, AttemptStatus.AUTHORISED)
        return _cancelled(charge) if is_open else charge

    def refund(self, wanted: NewRefund) -> GivenBack:
        """Give back of the capture; PayPal knows our key for 45 days."""
        order = self._ask("GET", f"{_ORDERS}/{wanted.reference}")
        taken = payments_in(order, "captures")
        if not taken:
            raise ProviderRefused("nothing_captured")
        body = {"amount": as_amount(wanted.amount_minor, wanted.currency), "custom_id": wanted.reference}
        said = self._ask("POST", f"{_PAYMENTS}/captures/{taken[0]['id']}/refund", key=wanted.key, body=body)
        # What is pending was taken on by PayPal.
        is_done = said["status"] in ("COMPLETED", "PENDING")
        return GivenBack(reference=str(said["id"]), is_done=is_done, failure="" if is_done else "refund_failed")

    def fetch(self, *, reference: str, key: str) -> Charge | None:
        """Ask how it stands. An order whose id we never got is one that nobody can approve: it is not there."""
        if not reference:
            return None
        try:
            return self._look(reference)
        except ProviderRefused as error:
            if error.code == "RESOURCE_NOT_FOUND":
                return None
            raise

    def parse_webhook(self, *, body: bytes, headers: Mapping[str, str], at: datetime) -> Notice:
        """Check PayPal's signature and its time, with any of the live webhook ids, by the certificates we were given.

        It is kept under the id of the transmission, which is signed; the body is so by its CRC-32 alone.
        """
        transmission = check_signature(body=body, headers=headers, at=at)
        try:
            event = read_object(body)
            kind = str(event["event_type"])
            return Notice(event_id=transmission, kind=kind, charge=charge_told(kind, event["resource"]))
        except (ValueError, KeyError, TypeError, AttributeError, OutcomeUnknown) as error:
            raise WebhookRefused from error

    def _look(self, reference: str) -> Charge:
        return charge_of_order(self._ask("GET", f"{_ORDERS}/{reference}"))

    def _ask(
        self,
        method: Literal["GET", "POST"],
        path: str,
        *,
        key: str = "",
        body: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        headers = {"Prefer": "return=representation"} | ({"PayPal-Request-Id": key} if key else {})
        answer = self._token.send(method, path, headers=headers, json=body)
        judge(answer.status_code)
        said = read(answer)
        if answer.status_code >= 400:
            raise ProviderRefused(_issue(said, answer.status_code))
        return said


class _Token:
    """The access token, kept until shortly before it expires."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._value = ""
        self._holds_until = 0.0

    def send(self, method: Literal["GET", "POST"], path: str, *, headers: dict[str, str], json: Any) -> httpx.Response:
        """Send a request with the token, and once more with a new one if that is not accepted (RFC 6750)."""
        answer = self._send(method, path, headers, json)
        if answer.status_code == 401:
            self._holds_until = 0.0
            answer = self._send(method, path, headers, json)
        return answer

    def _send(self, method: Literal["GET", "POST"], path: str, headers: dict[str, str], json: Any) -> httpx.Response:
        bearer = {"Authorization": f"Bearer {self._get()}"}
        return send(self._client, method, path, headers=headers | bearer, json=json)

    def _get(self) -> str:
        with self._lock:
            if time.monotonic() >= self._holds_until:
                self._renew()
            return self._value

    def _renew(self) -> None:
        """Without a token nothing was asked for, whatever went wrong."""
        try:
            answer = send(
                self._client,
                "POST",
                "/v1/oauth2/token",
                data={"grant_type": "client_credentials"},
                auth=(settings.PAYPAL_CLIENT_ID, settings.PAYPAL_CLIENT_SECRET),
            )
            judge(answer.status_code)
            said = read(answer)
        except OutcomeUnknown as error:
            raise ProviderUnavailable("no token") from error
        if answer.status_code >= 400:
            raise ProviderRefused(str(said.get("error") or answer.status_code))
        self._value = str(said["access_token"])
        self._holds_until = time.monotonic() + float(said["expires_in"]) - _EARLY_SECONDS


def _issue(said: Mapping[str, Any], status: int) -> str:
    details = said.get("details") or [{}]
    return str(details[0].get("issue") or said.get("name") or status)


def _failed(charge: Charge) -> Charge:
    return _as(charge, AttemptStatus.FAILED, DECLINED)


def _cancelled(charge: Charge) -> Charge:
    return _as(charge, AttemptStatus.CANCELLED, "")


def _as(charge: Charge, status: AttemptStatus, failure: str) -> Charge:
    said = {"status": status.value, "failure": failure, "next_action": None}
    return Charge.from_dict(charge.as_dict() | said)
