"""Flutterwave: Standard (v3). The shopper pays on Flutterwave's page; what came of it is asked, never believed.

Our key is its ``tx_ref``, and what we know a charge by. Version 3 of the API knows no idempotency keys; a page that was
opened twice is two tries at one ``tx_ref``, and a refund carries our key in its comments and is looked for first.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar, Literal

import httpx
from django.conf import settings

from core.money import digits, to_text
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
)
from payments.providers.wire import first, judge, minor_of, read, read_object, send, timeout

_TOLERANCE_SECONDS = 300
_NOT_THERE = frozenset({"no transaction was found for this id", "transaction not found"})
_STATUS = {
    "successful": AttemptStatus.CAPTURED,
    "succeeded": AttemptStatus.CAPTURED,
    "pending": AttemptStatus.PENDING,
    "failed": AttemptStatus.FAILED,
    "cancelled": AttemptStatus.CANCELLED,
}
_FAILED = "failed"


class Flutterwave:
    """Cards, mobile money and bank transfers of African countries."""

    name: ClassVar[str] = "flutterwave"
    is_by_hand: ClassVar[bool] = False

    def __init__(self) -> None:
        self._client = httpx.Client(base_url=settings.FLUTTERWAVE_API_BASE, timeout=timeout())

    def create(self, wanted: NewCharge) -> Charge:
        """Open Flutterwave's page."""
        body = {
            "tx_ref": wanted.key,
            "amount": to_text(wanted.amount_minor, wanted.currency),
            "currency": wanted.currency,
            "redirect_url": wanted.return_url or settings.STOREFRONT_URL,
            "customer": {"email": settings.FLUTTERWAVE_EMAIL},
            "customizations": {"title": settings.PAYMENT_TITLE},
        }
        link = str(self._ask("POST", "/v3/payments", body=body)["data"]["link"])
        return _opened(wanted.key, wanted.amount_minor, wanted.currency, link)

    def confirm(self, *, reference: str, key: str) -> Charge:
        """Ask what came of the shopper's visit."""
        return self.fetch(reference=reference, key=key) or _opened(reference, 0, "", "")

    def capture(self, *, reference: str, amount_minor: int, currency: str, key: str) -> Charge:
        """Standard takes the money at once: ask how it stands."""
        return self.confirm(reference=reference, key=key)

    def void(self, *, reference: str, key: str) -> Charge:
        """Wait no longer. A page cannot be closed: what is paid on it all the same is taken in, and given back."""
        charge = self.confirm(reference=reference, key=key)
        if charge.captured_minor:
            return charge
        said = {"status": AttemptStatus.CANCELLED.value, "next_action": None}
        return Charge.from_dict(charge.as_dict() | said)

    def refund(self, wanted: NewRefund) -> GivenBack:
        """Give back, unless Flutterwave's list of refunds has it already."""
        transaction = self._find(wanted.reference)
        if transaction is None:
            raise ProviderRefused("nothing_captured")
        number = transaction["id"]
        found = self._ask("GET", "/v3/refunds", query={"id": str(number)}).get("data") or []
        said = next((row for row in found if row.get("comments") == wanted.key), None)
        if said is None:
            body = {"amount": to_text(wanted.amount_minor, wanted.currency), "comments": wanted.key}
            said = self._ask("POST", f"/v3/transactions/{number}/refund", body=body)["data"]
        # What is pending was taken on by Flutterwave.
        is_done = not str(said.get("status") or "").startswith(_FAILED)
        return GivenBack(reference=str(said["id"]), is_done=is_done, failure="" if is_done else "refund_failed")

    def fetch(self, *, reference: str, key: str) -> Charge | None:
        """Verify by our reference. ``None``: the shopper has not paid, nor tried to."""
        transaction = self._find(reference or key)
        return _charge(transaction) if transaction is not None else None

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
            charge = _charge(said) if kind == "charge.completed" and said.get("tx_ref") else None
        except (ValueError, KeyError, TypeError, AttributeError, OutcomeUnknown) as error:
            raise WebhookRefused from error
        if charge is not None and not is_signed:
            charge = _to_be_asked(charge)
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


def _charge(said: Mapping[str, Any]) -> Charge:
    try:
        currency = str(said["currency"])
        status = _STATUS[str(said["status"]).lower()]
        amount = minor_of(said["amount"], currency)
        is_taken = status is AttemptStatus.CAPTURED
        return Charge(
            reference=str(said["tx_ref"]),
            key=str(said["tx_ref"]),
            status=status,
            amount_minor=amount,
            currency=currency,
            captured_minor=amount if is_taken else 0,
            refunded_minor=0,
            fee_minor=_fee_of(said, currency) if is_taken else 0,
            failure=DECLINED if status is AttemptStatus.FAILED else "",
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise OutcomeUnknown("unreadable") from error


def _opened(reference: str, amount_minor: int, currency: str, link: str) -> Charge:
    return Charge(
        reference=reference,
        key=reference,
        status=AttemptStatus.REQUIRES_ACTION,
        amount_minor=amount_minor,
        currency=currency,
        next_action={"type": "redirect", "url": link} if link else None,
    )


def _to_be_asked(charge: Charge) -> Charge:
    """Return nothing but which charge it is: the sweep asks."""
    return Charge(
        reference=charge.reference,
        key=charge.key,
        status=AttemptStatus.CREATED,
        amount_minor=charge.amount_minor,
        currency=charge.currency,
    )


def _fee_of(said: Mapping[str, Any], currency: str) -> int:
    """Return the fee, to the nearest minor unit: it is told with more digits than the currency has."""
    return minor_of(round(Decimal(str(said.get("app_fee") or 0)), digits(currency)), currency)


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
