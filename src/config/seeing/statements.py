"""Statements that a process sends, whichever way they go: counted for each request, and part of its trace."""

from __future__ import annotations

import threading
from typing import Any

from django.conf import settings
from django.db.backends.postgresql.base import ServerBindingCursor

from core import tracing
from core.privacy import redact

_LONGEST = 2000


class _Sent(threading.local):
    count = 0


_sent = _Sent()


def sent_by_thread() -> int:
    """How many statements this thread has sent so far."""
    return _sent.count


class WatchedCursor(ServerBindingCursor):
    """The cursor of all connections, public reads' included."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        _sent.count += 1
        if not tracing.here():
            return super().execute(query, params, **options)  # type: ignore[misc]
        with tracing.span(_verb(query), **{"db.system.name": "postgresql", "db.query.text": _text(query)}):
            return super().execute(query, params, **options)  # type: ignore[misc]

    def executemany(self, query: Any, params_seq: Any, **options: Any) -> Any:
        _sent.count += 1
        if not tracing.here():
            return super().executemany(query, params_seq, **options)  # type: ignore[misc]
        with tracing.span(_verb(query), **{"db.system.name": "postgresql", "db.query.text": _text(query)}):
            return super().executemany(query, params_seq, **options)  # type: ignore[misc]


def switch_on() -> None:
    """Have every connection that is opened from now on be watched."""
    settings.DATABASES["default"].setdefault("OPTIONS", {})["cursor_factory"] = WatchedCursor


def _plain(query: Any) -> str:
    if isinstance(query, bytes):
        return query.decode(errors="replace")
    return query if isinstance(query, str) else "composed"


def _text(query: Any) -> str:
    return redact(_plain(query)[:_LONGEST])


def _verb(query: Any) -> str:
    words = _plain(query).split(None, 1)
    return words[0].upper()[:20] if words else "statement"
