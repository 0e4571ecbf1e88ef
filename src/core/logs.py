"""One JSON line per event, with the request's id, and nothing personal."""

from __future__ import annotations

import json
import logging
import logging.config
import sys
from collections.abc import MutableMapping
from typing import Any

import orjson
import structlog


def _add_request_id(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Django tells of a 5xx after the middleware, when nothing is bound any more, with the request beside it."""
    request_id = getattr(getattr(event.get("_record"), "request", None), "request_id", None)
    if request_id is not None:
        event.setdefault("request_id", request_id)
    return event


_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def _as_line(event: Any, *, default: Any) -> bytes:
    try:
        return orjson.dumps(event, default=default)
    except TypeError:  # half a character, or a number of more than 64 bits
        return json.dumps(event, default=default).encode()


def configure(level: str) -> None:
    """Write what structlog is told, and what the standard library's logging is, as JSON lines on standard error."""
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "json": {
                    "()": structlog.stdlib.ProcessorFormatter,
                    "foreign_pre_chain": [*_SHARED, _add_request_id],
                    "processors": [
                        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                        structlog.processors.format_exc_info,
                        structlog.processors.JSONRenderer(),
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
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=_as_line),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.BytesLoggerFactory(sys.stderr.buffer),
        cache_logger_on_first_use=True,
    )
