"""Which market a request is about."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from markets import selectors

if TYPE_CHECKING:
    from django.http import HttpRequest
    from rest_framework.request import Request

    from core.api.public import Asked
    from markets.models import Market


CODE = re.compile(r"[A-Za-z0-9_-]{1,20}")
# No code looks like this.
_NO_MARKET = "?"


def market_code_of(request: Asked | Request) -> str | None:
    """Return the code in ``?market=``, else in ``X-Market``; ``None`` for the default.

    Where either is no code at all, what comes back is that of no market.
    """
    named = [code for code in (request.GET.get("market"), request.META.get("HTTP_X_MARKET")) if code is not None]
    if not all(map(CODE.fullmatch, named)):
        return _NO_MARKET
    return named[0] if named else None


def named_market(request: HttpRequest | Request) -> Market | None:
    """Return the market that the request names, ``None`` where it names none. At most one query.

    :raises UnknownMarket: there is none of that code
    """
    code = market_code_of(request)
    return None if code is None else selectors.get_market(code=code)


def market_of(request: HttpRequest | Request) -> Market:
    """Return the market that the request names, or the default. One query.

    :raises UnknownMarket: there is none of that code
    """
    return selectors.get_market(code=market_code_of(request))
