"""Flutterwave: Standard (v3). The shopper pays on Flutterwave's page; what came of it is asked, never believed.

Our key is its ``tx_ref``, and what we know a charge by. Version 3 of the API knows no idempotency keys; a page that was
opened twice is two tries at one ``tx_ref``, and a refund carries our key in its comments and is looked for first.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal

import httpx
from django.conf import settings

from core.money import to_text
from payments.domain import AttemptStatus
from payments.errors import WebhookRefused
from payments.providers.base import (
    Charge,
    GivenBack,
    NewCharge,
    NewRefund,
    Notice,
    OutcomeUnknown,
    ProviderRefused,
    SavedToken,
)
from payments.providers.flutterwave_reading import charge_of, opened, refund_of, to_be_asked
from payments.providers.wire import first, judge, read, read_object, send, timeout

_TOLERANCE_SECONDS = 300
_NOT_THERE = frozenset({"no transaction was found for this id", "transaction not found"})
# More pages of refunds than one charge can have.
_MOST_PAGES = 50


class Flutterwave:
    """Cards, mobile money and bank transfers of African countries."""

    name: ClassVar[str] = "flutterwave"
    is_by_hand: ClassVar[bool] = False
    can_save: ClassVar[bool] = True
    totals_count_pending: ClassVar[bool] = False

    def __init__(self) -> None:
        self._client = httpx.Client(base_url=settings.FLUTTERWAVE_API_BASE, timeout=timeout())

    def create(self, wanted: NewCharge) -> Charge:
        """Charge a card that was kept, or open Flutterwave's page. Each card that pays there gets a token."""
        if wanted.saved is not None:
            return self._charge(wanted, wanted.saved)
        body = {
            "tx_ref": wanted.key,
            "amount": to_text(wanted.amount_minor, wanted.currency),
            "currency": wanted.currency,
            "redirect_url": wanted.return_url or settings.STOREFRONT_URL,
            "customer": {"email": settings.FLUTTERWAVE_EMAIL},
            "customizations": {"title": settings.PAYMENT_TITLE},
        }
        link = str(self._ask("POST", "/v3/payments", body=body)["data"]["link"])
        return opened(wanted.key, wanted.amount_minor, wanted.currency, link)

    def _charge(self, wanted: NewCharge, saved: SavedToken) -> Charge:
        """Charge a token, once: what was refused is asked for by its ``tx_ref``, under which it failed."""
        body = {
            "token": saved.token,
            "email": saved.payer or settings.FLUTTERWAVE_EMAIL,
            "tx_ref": wanted.key,
            "amount": to_text(wanted.amount_minor, wanted.currency),
            "currency": wanted.currency,
            "redirect_url": wanted.return_url or settings.STOREFRONT_URL,
        }
        try:
            return charge_of(self._ask("POST", "/v3/tokenized-charges", body=body)["data"])
        except ProviderRefused:
            charge = self.fetch(reference=wanted.key, key=wanted.key)
            if charge is None:
                raise
            return charge

    def confirm(self, *, reference: str, key: str) -> Charge:
        """Ask what came of the shopper's visit."""
        return self.fetch(reference=reference, key=key) or opened(reference, 0, "", "")

    def capture(self, *, reference: str, amount_minor: int, currency: str, key: str) -> Charge:
        """Standard takes the money at once: ask how it stands."""
        return self.confirm(reference=reference, key=key)

    def void(self, *, reference: str, key: str) -> Charge:
        """Wait no longer. A page cannot be closed: what is paid on it all the same is taken in, and given back."""
        charge = self.confirm(reference=reference, key=key)
        if charge.captured_minor:
            return charge
        return replace(charge, status=AttemptStatus.CANCELLED, next_action=None)

    def refund(self, wanted: NewRefund) -> GivenBack:
        """Give back, unless Flutterwave's list of refunds has it already."""
        transaction = self._find(wanted.reference)
        if transaction is None:
            raise ProviderRefused("nothing_captured")
        number = transaction["id"]
        said = next((row for row in self._refunds(number) if row.get("comments") == wanted.key), None)
        if said is None:
            body = {"amount": to_text(wanted.amount_minor, wanted.currency), "comments": wanted.key}
            said = self._ask("POST", f"/v3/transactions/{number}/refund", body=body)["data"]
        return refund_of(said)

    def _refunds(self, number: object) -> Iterator[Mapping[str, Any]]:
        """Return all refunds of a transaction, page by page. A page that repeats another is the last."""
        seen: set[str] = set()
        for page in range(1, _MOST_PAGES + 1):
            rows = self._ask("GET", "/v3/refunds", query={"id": str(number), "page": str(page)}).get("data") or []
            fresh = [row for row in rows if str(row.get("id")) not in seen]
            yield from fresh
            if not fresh:
                return
            seen |= {str(row.get("id")) for row in fresh}

    def fetch_refund(self, *, wanted: NewRefund, reference: str) -> GivenBack:
        """Ask how it stands, by Flutterwave's number."""
        return refund_of(self._ask("GET", f"/v3/refunds/{reference}")["data"])

    def remove(self, saved: SavedToken) -> None:
        """Version 3 forgets no tokens: that we know it no more is all that can be done."""

    def fetch(self, *, reference: str, key: str) -> Charge | None:
        """Verify by our reference. ``None``: the shopper has not paid, nor tried to."""
        transaction = self._find(reference or key)
        return charge_of(transaction) if transaction is not None else None

    def parse_webhook(self, *, body: bytes, headers: Mapping[str, str], at: datetime) -> Notice:
        """Check ``flutterwave-signature``, the base64 HMAC-SHA-256 of the raw body, with any of the live secrets.

        ``verif-hash`` is the bare secret and vouches for no body: what it brings says which charge to ask about, and
        nothing of it. A body that carries a ``timestamp`` in milliseconds is refused when it is stale.
        """
        is_signed = _is_signed(body, first(headers, "Flutterwave-Signature"))
        if not is_signed and not _knows_secret(first(headers, "Verif-Hash")):
            raise WebhookRefused
        try:
            event = read_object(body)
            _check_time(event.get("timestamp"), at)
            kind, said = str(event.get("event") or event["type"]), event["data"]
            number = str(event.get("webhook_id") or f"{said['id']}:{said.get('status', '')}")
            charge = charge_of(said) if kind == "charge.completed" and said.get("tx_ref") else None
        except (ValueError, KeyError, TypeError, AttributeError, OutcomeUnknown) as error:
            raise WebhookRefused from error
        if charge is not None and not is_signed:
            charge = to_be_asked(charge)
        return Notice(event_id=f"{kind}:{number}", kind=kind, charge=charge)

    def _find(self, reference: str) -> Mapping[str, Any] | None:
        """Return the transaction of our reference, which Flutterwave repeats."""
        path = "/v3/transactions/verify_by_reference"
        try:
            found = self._ask("GET", path, query={"tx_ref": reference})["data"]
        except ProviderRefused as error:
            if error.code in _NOT_THERE or error.code == "404":
                return None
            raise
        if found.get("tx_ref") != reference:
            raise OutcomeUnknown("another transaction")
        transaction: Mapping[str, Any] = found
        return transaction

    def _ask(
        self,
        method: Literal["GET", "POST"],
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {settings.FLUTTERWAVE_SECRET_KEY}"}
        answer = send(self._client, method, path, headers=headers, json=body, params=query)
        judge(answer.status_code)
        said = read(answer)
        if answer.status_code >= 400 or said.get("status") != "success":
            raise ProviderRefused(str(said.get("message") or answer.status_code).strip().rstrip(".").lower())
        return said


def _is_signed(body: bytes, signature: str) -> bool:
    secrets = [secret.encode() for secret in settings.FLUTTERWAVE_WEBHOOK_SECRETS]
    macs = [base64.b64encode(hmac.new(secret, body, hashlib.sha256).digest()) for secret in secrets]
    return _is_any(signature, macs)


def _knows_secret(said: str) -> bool:
    return _is_any(said, [secret.encode() for secret in settings.FLUTTERWAVE_WEBHOOK_SECRETS])


def _is_any(said: str, wanted: list[bytes]) -> bool:
    """Compare with each of them, in constant time."""
    return bool(said) and sum(hmac.compare_digest(said.encode(), one) for one in wanted) > 0


def _check_time(stamp: object, at: datetime) -> None:
    if stamp is None:
        return
    sent_at = datetime.fromtimestamp(int(str(stamp)) / 1000, tz=UTC)
    if abs((at - sent_at).total_seconds()) > _TOLERANCE_SECONDS:
        raise ValueError("stale")
