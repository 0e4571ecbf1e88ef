"""The references of ``make bench``: a bare view, and a bare view with one ``SELECT``, of the bytes of a real answer.

Routed only where ``settings.BENCH`` is on (``NEXUS_BENCH=1``, never in production).
"""

from __future__ import annotations

import functools

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path


def bare(_: HttpRequest, name: str) -> HttpResponse:
    """Answer bytes that the process holds."""
    return HttpResponse(_held(name), content_type="application/json")


def select(_: HttpRequest, name: str) -> HttpResponse:
    """Answer the bytes of one row."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT body FROM bench_bytes WHERE name = %s", [name])
        (body,) = cursor.fetchone()
    return HttpResponse(bytes(body), content_type="application/json")


@functools.cache
def _held(name: str) -> bytes:
    content: bytes = (settings.DATA / "bench" / name).read_bytes()
    return content


urlpatterns = [path("bare/<slug:name>", bare), path("select/<slug:name>", select)]
