"""Who sends traces and lines of the log, and which span they belong to, in OpenTelemetry's words."""

from __future__ import annotations

import os

from django.conf import settings
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from config.version import VERSION

W3C = TraceContextTextMapPropagator()


def resource() -> Resource:
    """Name this process."""
    about = {"service.name": settings.OTEL_SERVICE_NAME, "service.version": VERSION, "process.pid": os.getpid()}
    return Resource.create(about)


def context_of(traceparent: str) -> Context:
    """Return a context in which that span runs; an empty one where there is none."""
    return W3C.extract({"traceparent": traceparent}, Context())
