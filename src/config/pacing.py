"""How often one address may search, fill carts, order and pay: counted in Redis, for all processes.

A convenience, of the machine and of those who share it. Without Redis each process counts for itself, so that so many
times the limit are let in as there are processes; what must be counted exactly (guesses of passwords and codes,
declined cards) is counted in PostgreSQL.

Counted are addresses of the public network. One of ours stands for many shoppers: that of a storefront's server, or
of a proxy that ``TRUSTED_PROXIES`` should name. What is kept is a keyed digest of the address, of IPv6 of its network
(/64, which one line has), until its window ends.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Iterable
from ipaddress import IPv6Address, ip_address, ip_network
from threading import Lock
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote_plus

import orjson
import structlog
from django.conf import settings
from django.utils.module_loading import import_string

from config.edge import Application
from config.settings.limits import RateLimit
from core.api.problems import CONTENT_TYPE, problem_body, problem_headers
from core.errors import TooManyRequests
from core.middleware import request_id_of, secure
from core.proxies import client_address
from core.quotas import Quota, quota_headers

log = structlog.get_logger(__name__)

_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_POST = frozenset({"POST"})
# Scope -> by which methods and where. What staff do with orders and payments stands below them, and is not counted.
_SCOPES = (
    ("cart", _WRITES, re.compile(r"/api/v1/cart(?:/.{0,200})?")),
    ("orders", _POST, re.compile(r"/api/v1/orders/?")),
    ("payments", _POST, re.compile(r"/api/v1/payments/?")),
)
_LIST = re.compile(r"/api/v1/products/?")
# Caches hand these answers to others, whom how much is left to one is no business of.
_SHARED = "search"
_TELLING = ("RateLimit-Policy", "RateLimit")
_MOST_KEYS = 20_000


class LocalCounter:
    """Counts in this process alone, by keys that are forgotten after a while, or when there are too many."""

    def __init__(self) -> None:
        self._counts: dict[str, tuple[int, float]] = {}
        self._lock = Lock()

    def add_one(self, key: str, *, seconds: int) -> int:
        """Return the count with this one.

        :param seconds: how long the key is kept from now on
        """
        now = time.time()
        with self._lock:
            if key not in self._counts and len(self._counts) >= _MOST_KEYS:
                self._counts = {name: kept for name, kept in self._counts.items() if kept[1] > now}
                if len(self._counts) >= _MOST_KEYS:
                    self._counts = {}
            count = self._counts.get(key, (0, now))[0] + 1
            self._counts[key] = count, now + seconds
        return count


class Paced:
    """Counts each request of a scope, says how many are left, and refuses those beyond."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self.limits: dict[str, RateLimit] = settings.RATE_LIMITS
        url = getattr(settings, "REDIS_URL", "")
        self.counter = import_string("config.counting.Counter")(url) if url else None
        self.local = LocalCounter()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        limit = self.limits.get(_scope_of(environ))
        quota = None if limit is None else self._count(limit, environ)
        if quota is None:
            return self.application(environ, start_response)
        if quota.left < 0:
            return _refuse(quota, environ, start_response)
        if quota.name == _SHARED:
            return self.application(environ, start_response)

        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            return start_response(status, _told(headers, quota), *error)

        return self.application(environ, start)

    def _count(self, limit: RateLimit, environ: dict[str, Any]) -> Quota | None:
        """Count it; ``None`` where nobody in particular asks. One round trip."""
        who = _who(environ)
        if not who:
            return None
        window, passed = divmod(time.time(), limit.seconds)
        key = f"pace:{limit.scope}:{who}:{int(window)}"
        count = self.counter.add_one(key, seconds=limit.seconds + 1) if self.counter else None
        if count is None:
            count = self.local.add_one(key, seconds=limit.seconds + 1)
        reset = max(1, round(limit.seconds - passed))
        return Quota(limit.scope, limit.most, limit.seconds, limit.most - count, reset)


def _scope_of(environ: dict[str, Any]) -> str:
    path, method = environ.get("PATH_INFO", ""), environ["REQUEST_METHOD"]
    if method in {"GET", "HEAD"}:
        return "search" if _LIST.fullmatch(path) and _is_search(environ.get("QUERY_STRING", "")) else ""
    return next((scope for scope, methods, where in _SCOPES if method in methods and where.fullmatch(path)), "")


def _is_search(query: str) -> bool:
    """Tell whether a parameter has that name, however it is written (``sea%72ch``)."""
    return any(unquote_plus(pair.partition("=")[0]) == "search" for pair in query.split("&"))


def _who(environ: dict[str, Any]) -> str:
    """Return the digest of the client's address, or nothing where it is none of the public network."""
    address = client_address(
        peer=environ.get("REMOTE_ADDR", ""),
        forwarded_for=environ.get("HTTP_X_FORWARDED_FOR", ""),
        trusted=settings.TRUSTED_PROXIES,
    )
    try:
        known = ip_address(address)
    except ValueError:  # a socket's other end has none
        return ""
    if not known.is_global:
        return ""
    network = str(ip_network((known, 64), strict=False)) if isinstance(known, IPv6Address) else str(known)
    return hashlib.blake2b(network.encode(), key=settings.SECRET_KEY.encode()[:64], digest_size=12).hexdigest()


def _told(headers: list[tuple[str, str]], quota: Quota) -> list[tuple[str, str]]:
    """Add how many are left to what the answer tells of other limits."""
    told = quota_headers({quota.name: quota})
    others = {name: value for name, value in headers if name in _TELLING}
    rest = [(name, value) for name, value in headers if name not in _TELLING]
    return [*rest, *((name, ", ".join(filter(None, [others.get(name), told[name]]))) for name in _TELLING)]


def _refuse(quota: Quota, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    problem, request_id = TooManyRequests(retry_after=quota.reset_seconds), request_id_of(environ)
    body = orjson.dumps(problem_body(problem, SimpleNamespace(request_id=request_id)))
    none_left = Quota(quota.name, quota.most, quota.window_seconds, 0, quota.reset_seconds)
    headers = problem_headers(problem) | quota_headers({quota.name: none_left})
    headers |= {"Content-Type": CONTENT_TYPE, "Content-Length": str(len(body)), "X-Request-ID": request_id}
    secure(headers, environ)
    log.info("too many requests", scope=quota.name, request_id=request_id)
    start_response("429 Too Many Requests", list(headers.items()))
    return [body]
