"""How much of a limit is left, told in headers: the IETF draft "RateLimit header fields for HTTP", revision 10.

Whoever counts says so with ``tell``; an endpoint that declares that it counts gathers what was said. Elsewhere nothing
is gathered, and telling costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Quota:
    """A limit as one asker finds it: of ``most`` in a window, so many are left; there are more after the reset."""

    name: str
    most: int
    window_seconds: int
    left: int
    reset_seconds: int


_told: ContextVar[dict[str, Quota] | None] = ContextVar("quotas", default=None)


@contextmanager
def gathered() -> Iterator[dict[str, Quota]]:
    """Gather the quotas that are told within, name -> quota; of one name the last holds."""
    quotas: dict[str, Quota] = {}
    token = _told.set(quotas)
    try:
        yield quotas
    finally:
        _told.reset(token)


def tell(quota: Quota) -> None:
    """Say what is left of a limit, to whoever gathers it."""
    quotas = _told.get()
    if quotas is not None:
        quotas[quota.name] = quota


def give_back(names: Iterable[str]) -> None:
    """Say that this request's try counts no more in these limits."""
    quotas = _told.get() or {}
    for name in quotas.keys() & set(names):
        quotas[name] = replace(quotas[name], left=min(quotas[name].most, quotas[name].left + 1))


def use_up(waits: Mapping[str, int]) -> None:
    """Say that this request has come to count in these limits.

    :param waits: limit -> seconds until there is more, once nothing is left
    """
    quotas = _told.get() or {}
    for name in quotas.keys() & waits.keys():
        left = max(0, quotas[name].left - 1)
        reset = quotas[name].reset_seconds if left else waits[name]
        quotas[name] = replace(quotas[name], left=left, reset_seconds=reset)


def quota_headers(quotas: dict[str, Quota]) -> dict[str, str]:
    """Return ``RateLimit`` and ``RateLimit-Policy`` (lists of RFC 9651), or nothing where nothing was counted."""
    if not quotas:
        return {}
    told = quotas.values()
    return {
        "RateLimit-Policy": ", ".join(f'"{quota.name}";q={quota.most};w={quota.window_seconds}' for quota in told),
        "RateLimit": ", ".join(f'"{quota.name}";r={quota.left};t={quota.reset_seconds}' for quota in told),
    }
