"""One JSON line per event, with the ids of request, user and order, and nothing personal."""

from __future__ import annotations

import json
import logging
import logging.config
import sys
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from uuid import UUID

import orjson
import structlog
from structlog.typing import Processor

from core import tracing
from core.privacy import redact

# What the lines of a request, or of a delivery, are about: name -> id.
_known: ContextVar[dict[str, Any] | None] = ContextVar("known", default=None)


@contextmanager
def about(**ids: Any) -> Iterator[Mapping[str, Any]]:
    """Have the block's lines tell these ids, and what it notes; yield them all."""
    known = {**(_known.get() or {}), **ids}
    token = _known.set(known)
    try:
        yield known
    finally:
        _known.reset(token)


def note(**ids: Any) -> None:
    """Tell these ids in the lines of the surrounding ``about`` from now on; nothing happens where there is none."""
    known = _known.get()
    if known is not None:
        known.update(ids)


def _add_known(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name, value in (_known.get() or {}).items():
        event.setdefault(name, value)
    if tracing.is_on() and (here := tracing.here()):
        event.setdefault("trace_id", here.split("-")[1])
    return event


def _add_request_id(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Django tells of a 5xx after the middleware, when nothing is bound any more, with the request beside it."""
    request_id = getattr(getattr(event.get("_record"), "request", None), "request_id", None)
    if request_id is not None:
        event.setdefault("request_id", request_id)
    return event


_SHARED: list[Any] = [
    _add_known,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def _without_personal_data(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name, value in event.items():
        if not isinstance(value, (int, float, UUID)):
            event[name] = _redacted(value)
    return event


def _redacted(value: Any) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {redact(str(key)): _redacted(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_redacted(inner) for inner in value]
    return value if value is None or isinstance(value, (int, float)) else redact(str(value))


def _as_line(event: Any, **_: Any) -> bytes:
    try:
        return orjson.dumps(event)
    except TypeError:  # half a character, or a number of more than 64 bits
        return json.dumps(event, default=str).encode()


def _as_text(event: Any, **_: Any) -> str:
    return _as_line(event).decode()


def configure(level: str, *, watchers: Sequence[Processor] = (), senders: Sequence[Processor] = ()) -> None:
    """Write what structlog is told, and what the standard library's logging is, as JSON lines on standard error.

    :param watchers: processors of structlog's that see each event before it becomes text, exceptions and all
    :param senders: processors that see each line as it is written, without personal data
    """
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "json": {
                    "()": structlog.stdlib.ProcessorFormatter,
                    "foreign_pre_chain": [*_SHARED, _add_request_id],
                    "processors": [
                        *watchers,
                        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                        structlog.processors.format_exc_info,
                        _without_personal_data,
                        *senders,
                        structlog.processors.JSONRenderer(serializer=_as_text),
                    ],
                }
            },
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
            "root": {"handlers": ["stderr"], "level": level},
            "loggers": {
                "django.request": {"level": "ERROR"},
                "django.security": {"level": "WARNING"},
                "httpx": {"level": "WARNING"},  # it would say nothing but that a provider was asked
            },
        }
    )
    # A line for nearly every request: not by way of the standard library, which takes five times as long.
    structlog.configure(
        processors=[
            *_SHARED,
            *watchers,
            structlog.processors.format_exc_info,
            _without_personal_data,
            *senders,
            structlog.processors.JSONRenderer(serializer=_as_line),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.BytesLoggerFactory(sys.stderr.buffer),
        cache_logger_on_first_use=True,
    )
