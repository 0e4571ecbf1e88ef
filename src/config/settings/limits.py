"""How often one address may ask for what costs most (``config.pacing``)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from django.core.exceptions import ImproperlyConfigured

from config.settings.env import env

SCOPES = ("search", "cart", "orders", "payments")
_LIMIT = re.compile(r"(\w{1,20})=(\d{1,7})/(\d{1,5})")


@dataclass(frozen=True, slots=True)
class RateLimit:
    """So many requests of a scope within so many seconds."""

    scope: str
    most: int
    seconds: int


def rate_limits(given: Sequence[str]) -> dict[str, RateLimit]:
    """Read ``scope=most/seconds``; a scope of none (``0/…``) is not counted.

    :raises ImproperlyConfigured: one is not of that shape, or of no scope of ours
    """
    limits = {}
    for text in given:
        match = _LIMIT.fullmatch(text.strip())
        if match is None or match[1] not in SCOPES or int(match[3]) == 0:
            raise ImproperlyConfigured(f"RATE_LIMITS: {text!r} is not scope=most/seconds; scopes: {', '.join(SCOPES)}")
        if int(match[2]):
            limits[match[1]] = RateLimit(match[1], int(match[2]), int(match[3]))
    return limits


# Several times what a quick shopper does, and a tenth of what a script does.
_USUAL = ["search=120/60", "cart=240/60", "orders=30/60", "payments=30/60"]
RATE_LIMITS = rate_limits(env.list("RATE_LIMITS", default=_USUAL))
