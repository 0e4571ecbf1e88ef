"""The base of the gateway's endpoints: the merchant's secret key, and the faults that are switched on."""

from __future__ import annotations

import hmac
import time
from typing import Any

from django.conf import settings
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.views import ApiView
from core.errors import Unauthenticated
from core.idempotency import check_key
from sandbox import selectors, services
from sandbox.domain import FaultName
from sandbox.errors import Broken, SwitchedOff, TimedOut

_SAFE = ("GET", "HEAD", "OPTIONS")
_REFUSED = 400


class GatewayView(ApiView):
    """An endpoint for merchants. It stands in no document of the shop's API, and keeps its keys itself."""

    schema = None
    authentication_classes = []
    idempotent = False
    #: Off where tests ask and switch, not merchants.
    can_fail = True

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        shown = request.META.get("HTTP_AUTHORIZATION", "").encode("utf-8", "replace")
        if not hmac.compare_digest(shown, f"Bearer {settings.SANDBOX_SECRET_KEY}".encode()):
            raise Unauthenticated("Show the gateway's secret key.")

    def _handle(self, request: Request) -> Response:
        switched_on = selectors.faults() if self.can_fail else {}
        if FaultName.UNAVAILABLE.value in switched_on and services.take_fault(name=FaultName.UNAVAILABLE):
            raise SwitchedOff
        response = super()._handle(request)
        if switched_on and request.method not in _SAFE and response.status_code < _REFUSED:
            _lose_answer()
        return response


def _lose_answer() -> None:
    """Break, or let the client wait, if such a fault is still switched on. What was asked is done by now."""
    if services.take_fault(name=FaultName.ERROR_AFTER_SUCCESS):
        raise Broken
    if held_back := services.take_fault(name=FaultName.TIMEOUT_AFTER_SUCCESS):
        time.sleep(held_back.seconds)
        raise TimedOut


def key_of(request: Request) -> str | None:
    """Return the ``Idempotency-Key``.

    :raises Malformed: it is empty, too long, or not printable ASCII
    """
    key = request.META.get("HTTP_IDEMPOTENCY_KEY")
    return None if key is None else check_key(key)
