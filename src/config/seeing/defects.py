"""Defects, told to Sentry: each exception that the log tells of as an error, scrubbed.

The SDK's own ways of watching are left off: they send headers, queries and local variables. What goes out is a type,
a redacted sentence, the frames of our code, and ids.
"""

from __future__ import annotations

import sys
from collections.abc import MutableMapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

import sentry_sdk
from django.conf import settings
from sentry_sdk.integrations.dedupe import DedupeIntegration

from config.version import VERSION
from core.privacy import redact

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint

# Ids, by which the same case is found in the log.
_TOLD = ("request_id", "user_id", "order_id", "delivery_id", "event", "handler", "trace_id")
_KEPT = {
    "event_id", "timestamp", "level", "platform", "release", "environment", "exception", "tags", "logger", "sdk",
    "transaction", "message",
}  # fmt: skip


def switch_on() -> None:
    """Tell Sentry from now on."""
    sentry_sdk.init(
        dsn=settings.SENTRY_DSN,
        release=f"nexus@{VERSION}",
        environment=settings.SENTRY_ENVIRONMENT,
        server_name="nexus",
        send_default_pii=False,
        include_local_variables=False,
        include_source_context=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        traces_sample_rate=0.0,
        auto_session_tracking=False,
        default_integrations=False,
        auto_enabling_integrations=False,
        integrations=[DedupeIntegration()],
        before_send=scrubbed,
    )


def report(_logger: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Tell of an exception that is logged as an error, as a processor of structlog's."""
    error = _error_of(event.get("exc_info"))
    if error is not None and event.get("level", method) in {"error", "exception", "critical"}:
        with sentry_sdk.new_scope() as scope:
            for name in _TOLD:
                if name in event and not (name == "event" and "delivery_id" not in event):
                    scope.set_tag(name, str(event[name]))
            scope.capture_exception(error)
    return event


def _error_of(given: Any) -> BaseException | None:
    if isinstance(given, BaseException):
        return given
    if isinstance(given, tuple):
        kind, error, _ = _triple(given)
        return error if kind is not None else None
    return sys.exc_info()[1] if given else None


def _triple(given: tuple[Any, ...]) -> tuple[type[BaseException] | None, BaseException | None, TracebackType | None]:
    kind, error, traceback = given
    return kind, error, traceback


def scrubbed(event: Event, _: Hint) -> Event:
    """Return what may leave the house: of the members that are known the texts without personal data."""
    kept: Any = {name: value for name, value in event.items() if name in _KEPT}
    for told in (kept.get("exception") or {}).get("values", []):
        told["value"] = redact(str(told.get("value") or ""))
        told.pop("mechanism", None)
        for frame in (told.get("stacktrace") or {}).get("frames", []):
            frame.pop("vars", None)
    found: Event = kept
    return found
