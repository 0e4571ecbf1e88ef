"""What the providers that speak JSON over HTTP have in common: which failure means what."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal

import httpx
from django.conf import settings

from core.money import NotMoney, digits, to_minor
from payments.providers.base import OutcomeUnknown, ProviderRefused, ProviderUnavailable

#: The request did not leave the house.
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
NOT_PAYABLE = "amount_not_payable"

# It does not take our key, or not yet: of what was asked it knows nothing.
_LOCKED = 401
_BUSY = 429
_TIMED_OUT = 408


def timeout() -> httpx.Timeout:
    """Return how long a provider is waited for."""
    seconds = settings.PAYMENT_TIMEOUT_SECONDS
    return httpx.Timeout(seconds, connect=min(2.0, seconds))


def send(client: httpx.Client, method: Literal["GET", "POST", "DELETE"], path: str, **request: Any) -> httpx.Response:
    """Send a request, and return whatever is answered.

    :raises ProviderUnavailable: it was not reached
    :raises OutcomeUnknown: the answer did not come, or not whole
    """
    try:
        return client.request(method, path, **request)
    except NOT_SENT as error:
        raise ProviderUnavailable(type(error).__name__) from error
    except httpx.HTTPError as error:
        raise OutcomeUnknown(type(error).__name__) from error


def judge(status: int) -> None:
    """Return where the answer says what happened.

    :raises ProviderUnavailable: it was turned away before anything was done
    :raises OutcomeUnknown: it may have been done
    """
    if status in (_LOCKED, _BUSY):
        raise ProviderUnavailable(str(status))
    if status >= 500 or status == _TIMED_OUT:
        raise OutcomeUnknown(str(status))


def read(answer: httpx.Response) -> dict[str, Any]:
    """Return the object in an answer. Numbers with a fraction are exact.

    :raises OutcomeUnknown: it is none
    """
    try:
        return read_object(answer.content)
    except ValueError as error:
        raise OutcomeUnknown("unreadable") from error


def read_object(body: bytes) -> dict[str, Any]:
    """Return a JSON object.

    :raises ValueError: it is none
    """
    try:
        said = json.loads(body, parse_float=Decimal)
    except RecursionError as error:
        raise ValueError("too deep") from error
    if not isinstance(said, dict):
        raise ValueError("not an object")  # noqa: TRY004 - of what was received, not of what was passed
    return said


def rescale(minor: int, places: int, to: int) -> int:
    """Return an amount of ``places`` decimal digits as a count of units of ``to`` digits.

    :raises ProviderRefused: it has more digits than the provider takes
    """
    if to >= places:
        return int(minor * 10 ** (to - places))
    units, rest = divmod(minor, 10 ** (places - to))
    if rest:
        raise ProviderRefused(NOT_PAYABLE)
    return int(units)


def minor_of(amount: object, currency: str) -> int:
    """Return what a provider writes in major units, as text or number.

    :raises OutcomeUnknown: it is no amount of that currency
    """
    try:
        return to_minor(Decimal(str(amount)), currency)
    except (NotMoney, ArithmeticError) as error:
        raise OutcomeUnknown("unreadable") from error


def whole_text(minor: int, currency: str) -> str:
    """Return an amount without decimal digits, for providers that want none of a currency that has some.

    :raises ProviderRefused: it has some
    """
    return str(rescale(minor, digits(currency), 0))


def first(headers: Mapping[str, str], name: str) -> str:
    """Return a header, empty where it is missing."""
    return headers.get(name) or ""
