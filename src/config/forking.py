"""What web processes share: it is loaded once, before they are forked, and stands in memory once."""

from __future__ import annotations

from django.urls import get_resolver

from config.celery import app


def load_for_web() -> None:
    """Load all views, and the client of the broker, which the first who asks whether it answers would load."""
    get_resolver().url_patterns  # noqa: B018
    app.connection_for_write().get_transport_cls()
