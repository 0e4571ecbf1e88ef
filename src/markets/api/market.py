"""Which market a request is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markets import selectors

if TYPE_CHECKING:
    from django.http import HttpRequest
    from rest_framework.request import Request

    from markets.models import Market


def market_code_of(request: HttpRequest | Request) -> str | None:
    """Return the code in ``?market=`` or ``X-Market``, or ``None`` for the default."""
    return request.GET.get("market") or request.META.get("HTTP_X_MARKET") or None


def market_of(request: HttpRequest | Request) -> Market:
    """Return the market that the request names, or the default. One query.

    :raises UnknownMarket: there is none of that code
    """
    code = market_code_of(request)
    return selectors.get_market(code=code if code is None or code.isprintable() else "?")
