"""PayPal's access token."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import httpx
from django.conf import settings

from payments.providers.base import OutcomeUnknown, ProviderUnavailable
from payments.providers.wire import judge, read, send

Method: TypeAlias = Literal["GET", "POST", "DELETE"]

# Taken anew while the old one still holds.
_EARLY_SECONDS = 60


class AccessToken:
    """The access token, kept until shortly before it expires."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._value = ""
        self._holds_until = 0.0

    def send(self, method: Method, path: str, *, headers: Mapping[str, str], **request: Any) -> httpx.Response:
        """Send a request with the token, and once more with a new one if that is not accepted (RFC 6750)."""
        answer = self._send(method, path, headers, request)
        if answer.status_code == 401:
            self._holds_until = 0.0
            answer = self._send(method, path, headers, request)
        return answer

    def _send(
        self, method: Method, path: str, headers: Mapping[str, str], request: Mapping[str, Any]
    ) -> httpx.Response:
        bearer = {"Authorization": f"Bearer {self._get()}"}
        return send(self._client, method, path, headers={**headers, **bearer}, **request)

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
            raise ProviderUnavailable(str(said.get("error") or answer.status_code))
        self._value = str(said["access_token"])
        self._holds_until = time.monotonic() + float(said["expires_in"]) - _EARLY_SECONDS
