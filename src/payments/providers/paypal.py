"""PayPal: Orders v2. The shopper approves on PayPal's page, then we capture.

An order that is approved may be captured, and so is ``authorised`` in our words; nothing is taken unless we ask. What
PayPal is told of us is the amount, the currency and our own reference, as ``custom_id``.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import replace
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
    SavedToken,
)
from payments.providers.paypal_reading import (
    as_amount,
    charge_of_order,
    charge_told,
    payments_in,
    refund_of,
    vault_customer,
)
from payments.providers.paypal_signing import check_signature
from payments.providers.paypal_token import AccessToken
from payments.providers.wire import judge, read, read_object, timeout

_ORDERS = "/v2/checkout/orders"
_PAYMENTS = "/v2/payments"
_VAULT = "/v3/vault/payment-tokens"
_GONE = frozenset({"RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID", "404"})
_DECLINES = frozenset({"INSTRUMENT_DECLINED", "PAYER_CANNOT_PAY", "TRANSACTION_REFUSED", "CARD_EXPIRED"})


class PayPal:
    """PayPal's wallet and what else its page offers."""

    name: ClassVar[str] = "paypal"
    is_by_hand: ClassVar[bool] = False
    can_save: ClassVar[bool] = True
    totals_count_pending: ClassVar[bool] = False

    def __init__(self) -> None:
        self._client = httpx.Client(base_url=settings.PAYPAL_API_BASE, timeout=timeout())
        self._token = AccessToken(self._client)

    def create(self, wanted: NewCharge) -> Charge:
        """Make an order and return PayPal's page, where the shopper approves it; or charge what was kept."""
        if wanted.saved is not None:
            return self._charge(wanted, wanted.saved)
        url = wanted.return_url or settings.STOREFRONT_URL
        context = {"return_url": url, "cancel_url": url, "user_action": "PAY_NOW", "shipping_preference": "NO_SHIPPING"}
        source: dict[str, Any] = {"experience_context": context}
        if wanted.save:
            keeping: dict[str, Any] = {"vault": {"store_in_vault": "ON_SUCCESS", "usage_type": "MERCHANT"}}
            source["attributes"] = keeping | ({"customer": {"id": wanted.payer}} if wanted.payer else {})
        return charge_of_order(self._order(wanted, {"payment_source": {"paypal": source}}))

    def _charge(self, wanted: NewCharge, saved: SavedToken) -> Charge:
        """Make an order, then take it from what was kept.

        In two calls, for an order whose id was told can be asked about. Where the second is not answered the order may
        be open still: the shopper may approve it as any other, and it is taken once.
        """
        order = self._order(wanted, {})
        source = {"payment_source": {"paypal": {"vault_id": saved.token}}}
        try:
            return self._take(order, f"{wanted.key}-kept", source)
        except (OutcomeUnknown, ProviderUnavailable):
            return charge_of_order(order)

    def _order(self, wanted: NewCharge, paid_from: Mapping[str, Any]) -> dict[str, Any]:
        unit = {"custom_id": wanted.key, "amount": as_amount(wanted.amount_minor, wanted.currency)}
        intent = "CAPTURE" if wanted.capture else "AUTHORIZE"
        body = {"intent": intent, "purchase_units": [unit], **paid_from}
        return self._ask("POST", _ORDERS, key=wanted.key, body=body)

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

    def _take(self, order: Mapping[str, Any], key: str, paid_from: Mapping[str, Any] | None = None) -> Charge:
        verb = "authorize" if order.get("intent") == "AUTHORIZE" else "capture"
        reference = str(order["id"])
        try:
            said = self._ask("POST", f"{_ORDERS}/{reference}/{verb}", key=key, body=paid_from or {})
            return charge_of_order(said)
        except ProviderRefused as refusal:
            charge = self._look(reference)
            if refusal.code in _DECLINES and not charge.captured_minor:
                return replace(charge, status=AttemptStatus.FAILED, failure=DECLINED, next_action=None)
            return charge

    def void(self, *, reference: str, key: str) -> Charge:
        """Give up what is held. What was only approved is called off by not asking for it."""
        order = self._ask("GET", f"{_ORDERS}/{reference}")
        for held in payments_in(order, "authorizations"):
            if held.get("status") == "CREATED":
                self._ask("POST", f"{_PAYMENTS}/authorizations/{held['id']}/void", key=key, body={})
        charge = self._look(reference)
        is_open = charge.status in (AttemptStatus.REQUIRES_ACTION, AttemptStatus.AUTHORISED)
        return replace(charge, status=AttemptStatus.CANCELLED, next_action=None) if is_open else charge

    def refund(self, wanted: NewRefund) -> GivenBack:
        """Give back of the capture; PayPal knows our key for 45 days."""
        order = self._ask("GET", f"{_ORDERS}/{wanted.reference}")
        taken = payments_in(order, "captures")
        if not taken:
            raise ProviderRefused("nothing_captured")
        body = {"amount": as_amount(wanted.amount_minor, wanted.currency), "custom_id": wanted.reference}
        said = self._ask("POST", f"{_PAYMENTS}/captures/{taken[0]['id']}/refund", key=wanted.key, body=body)
        return refund_of(said)

    def fetch_refund(self, *, wanted: NewRefund, reference: str) -> GivenBack:
        """Ask how it stands, by PayPal's id."""
        return refund_of(self._ask("GET", f"{_PAYMENTS}/refunds/{reference}"))

    def remove(self, saved: SavedToken) -> None:
        """Take it out of PayPal's vault."""
        try:
            self._ask("DELETE", f"{_VAULT}/{saved.token}")
        except ProviderRefused as error:
            if error.code not in _GONE:
                raise

    def fetch(self, *, reference: str, key: str) -> Charge | None:
        """Ask how it stands. An order whose id we never got is one that nobody can approve: it is not there."""
        if not reference:
            return None
        try:
            order = self._ask("GET", f"{_ORDERS}/{reference}")
        except ProviderRefused as error:
            if error.code == "RESOURCE_NOT_FOUND":
                return None
            raise
        charge, customer = charge_of_order(order), vault_customer(order)
        return replace(charge, saved=self._newest_token(customer)) if customer else charge

    def _newest_token(self, customer: str) -> SavedToken | None:
        """Return what was kept for a shopper last: it is made a while after the payment that it was approved with."""
        query = {"customer_id": customer, "page_size": "1", "page": "1"}
        found = self._ask("GET", _VAULT, query=query).get("payment_tokens") or []
        return SavedToken(token=str(found[0]["id"]), payer=customer, brand=self.name) if found else None

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
        method: Literal["GET", "POST", "DELETE"],
        path: str,
        *,
        key: str = "",
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        headers = {"Prefer": "return=representation"} | ({"PayPal-Request-Id": key} if key else {})
        answer = self._token.send(method, path, headers=headers, json=body, params=query)
        judge(answer.status_code)
        if answer.status_code == 204:
            return {}
        said = read(answer)
        if answer.status_code >= 400:
            raise ProviderRefused(_issue(said, answer.status_code))
        return said


def _issue(said: Mapping[str, Any], status: int) -> str:
    details = said.get("details") or [{}]
    return str(details[0].get("issue") or said.get("name") or status)
