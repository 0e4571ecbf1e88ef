"""The client of the sandbox gateway: JSON over HTTP, below ``/sandbox/v1/``."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Literal

import httpx
import orjson
from django.conf import settings
from django.utils.module_loading import import_string

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
    ProviderUnavailable,
    SavedToken,
)

_TOLERANCE_SECONDS = 300
_TIMEOUT = httpx.Timeout(4.0, connect=2.0)
_SIGNATURE = re.compile(r"t=([0-9]{1,12}),v1=([0-9a-f]{64})", re.ASCII)
_STATUS = {"voided": AttemptStatus.CANCELLED.value}


class Sandbox:
    """Play money, by the wire of our own gateway."""

    name: ClassVar[str] = "sandbox"
    is_by_hand: ClassVar[bool] = False
    can_save: ClassVar[bool] = True
    totals_count_pending: ClassVar[bool] = False

    def __init__(self) -> None:
        app = settings.SANDBOX_WSGI
        # In one process group the gateway is called without a socket: nobody waits for a worker that waits for them.
        transport = httpx.WSGITransport(app=import_string(app)) if app else None
        self._client = httpx.Client(base_url=settings.SANDBOX_URL, transport=transport, timeout=_TIMEOUT)

    def create(self, wanted: NewCharge) -> Charge:
        """Ask for money; with a test card at once, without one on the hosted page."""
        body = {
            "amount": wanted.amount_minor,
            "currency": wanted.currency,
            "reference": wanted.key,
            "return_url": wanted.return_url or settings.STOREFRONT_URL,
            "card": wanted.method or None,
            "capture": wanted.capture,
            "save": wanted.save,
            "saved": wanted.saved.token if wanted.saved else None,
        }
        return _charge(self._ask("POST", "charges", key=wanted.key, body=body))

    def confirm(self, *, reference: str, key: str) -> Charge:
        """The gateway goes on by itself: ask how it stands."""
        return _charge(self._ask("GET", f"charges/{reference}"))

    def capture(self, *, reference: str, amount_minor: int, currency: str, key: str) -> Charge:
        """Take what was authorised."""
        return _charge(self._ask("POST", f"charges/{reference}/capture", key=key, body={"amount": amount_minor}))

    def void(self, *, reference: str, key: str) -> Charge:
        """Call it off. What is over already is told as it is."""
        try:
            return _charge(self._ask("POST", f"charges/{reference}/void", key=key, body={}))
        except ProviderRefused:
            return _charge(self._ask("GET", f"charges/{reference}"))

    def refund(self, wanted: NewRefund) -> GivenBack:
        """Give back."""
        body = {"amount": wanted.amount_minor, "reference": wanted.key}
        return _given_back(self._ask("POST", f"charges/{wanted.reference}/refunds", key=wanted.key, body=body))

    def fetch_refund(self, *, wanted: NewRefund, reference: str) -> GivenBack:
        """Ask how it stands."""
        return _given_back(self._ask("GET", f"refunds/{reference}"))

    def remove(self, saved: SavedToken) -> None:
        """Have the card forgotten."""
        try:
            self._ask("DELETE", f"methods/{saved.token}")
        except ProviderRefused as error:
            if error.code != "sandbox.method_not_found":
                raise

    def fetch(self, *, reference: str, key: str) -> Charge | None:
        """Ask how it stands."""
        try:
            if reference:
                return _charge(self._ask("GET", f"charges/{reference}"))
            said = self._ask("GET", "charges", query={"reference": key})
        except ProviderRefused as error:
            if error.code == "sandbox.not_found":
                return None
            raise
        found = said.get("results", [said])
        return _charge(found[0]) if found else None

    def parse_webhook(self, *, body: bytes, headers: Mapping[str, str], at: datetime) -> Notice:
        """``Sandbox-Signature: t=<unix>,v1=<hex HMAC-SHA256 of "<t>.<raw body>">``, of any of the live secrets."""
        match = _SIGNATURE.fullmatch(headers.get("Sandbox-Signature", ""))
        if match is None or abs(at.timestamp() - int(match[1])) > _TOLERANCE_SECONDS:
            raise WebhookRefused
        signed = f"{match[1]}.".encode() + body
        if not any(hmac.compare_digest(_mac(secret, signed), match[2]) for secret in settings.SANDBOX_WEBHOOK_SECRETS):
            raise WebhookRefused
        try:
            said = orjson.loads(body)
            return Notice(event_id=str(said["id"]), kind=str(said["type"]), charge=_charge(_inner(said["data"])))
        except (ValueError, KeyError, TypeError, AttributeError, OutcomeUnknown) as error:
            raise WebhookRefused from error

    def _ask(
        self,
        method: Literal["GET", "POST", "DELETE"],
        path: str,
        *,
        key: str = "",
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {settings.SANDBOX_SECRET_KEY}"}
        if key:
            headers["Idempotency-Key"] = key
        try:
            answer = self._client.request(method, f"/sandbox/v1/{path}", headers=headers, json=body, params=query)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise ProviderUnavailable(type(error).__name__) from error
        except httpx.HTTPError as error:
            raise OutcomeUnknown(type(error).__name__) from error
        return _read(answer)


def _read(answer: httpx.Response) -> dict[str, Any]:
    if answer.status_code in (429, 503):
        raise ProviderUnavailable(str(answer.status_code))
    # 408, 409 of a request that still runs, 5xx: it may be doing it.
    if answer.status_code >= 500 or answer.status_code == 408:
        raise OutcomeUnknown(str(answer.status_code))
    if answer.status_code == 204:
        return {}
    try:
        said = orjson.loads(answer.content)
    except ValueError as error:
        raise OutcomeUnknown("unreadable") from error
    if answer.status_code >= 400:
        code = str(said.get("code", answer.status_code))
        if code == "core.idempotency_still_running":
            raise OutcomeUnknown(code)
        raise ProviderRefused(code)
    if isinstance(said, list):
        return {"results": said}
    return dict(said)


def _inner(data: Mapping[str, Any]) -> Mapping[str, Any]:
    inner: Mapping[str, Any] = data.get("charge", data)
    return inner


def _charge(said: Mapping[str, Any]) -> Charge:
    try:
        return Charge(
            reference=str(said["id"]),
            key=str(said.get("reference") or ""),
            status=AttemptStatus(_STATUS.get(said["status"], said["status"])),
            amount_minor=int(said["amount"]),
            currency=str(said["currency"]),
            captured_minor=int(said["captured"]),
            refunded_minor=int(said["refunded"]),
            disputed_minor=int(said.get("disputed") or 0),
            next_action=said.get("next_action"),
            failure=str(said.get("failure") or ""),
            saved=_saved(said.get("saved")),
        )
    except (KeyError, ValueError, TypeError) as error:
        raise OutcomeUnknown("unreadable") from error


def _saved(said: Mapping[str, Any] | None) -> SavedToken | None:
    if not said:
        return None
    return SavedToken(
        token=str(said["token"]),
        brand=str(said["brand"]),
        last4=str(said["last4"]),
        month=int(said["month"]),
        year=int(said["year"]),
    )


def _given_back(said: Mapping[str, Any]) -> GivenBack:
    is_done, is_pending = said["status"] == "succeeded", said["status"] == "pending"
    failure = "" if is_done or is_pending else "refund_failed"
    return GivenBack(reference=said["id"], is_done=is_done, is_pending=is_pending, failure=failure)


def _mac(secret: str, signed: bytes) -> str:
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
