"""The OpenAPI document: made from the views, shown by Swagger UI and ReDoc from our own files, and committed."""

from __future__ import annotations

import secrets
from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiYamlRenderer

# Both viewers write styles; ReDoc searches in a worker that it makes itself. Scripts are ours, or bear the nonce.
_POLICY = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'unsafe-inline'; connect-src 'self'; "
    "img-src 'self' data:; font-src 'self' data:; worker-src blob:; frame-ancestors 'none'; base-uri 'none'"
)


def as_yaml(document: dict[str, Any]) -> str:
    """Return the document as it is committed."""
    text: bytes = OpenApiYamlRenderer().render(document, renderer_context={})
    return text.decode()


@cache
def _served() -> tuple[bytes, bytes]:
    document: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return OpenApiJsonRenderer().render(document, renderer_context={}), as_yaml(document).encode()


@require_safe
def schema(request: HttpRequest) -> HttpResponse:
    """Send the document: YAML, or JSON to who accepts that (or says ``?format=json``)."""
    as_json, as_text = _served()
    wants_json = request.GET.get("format") == "json" or "json" in request.headers.get("Accept", "")
    body, kind = (as_json, "openapi+json") if wants_json else (as_text, "openapi")
    response = HttpResponse(body, content_type=f"application/vnd.oai.{kind}")
    patch_vary_headers(response, ["Accept"])
    return response


@require_safe
def swagger(request: HttpRequest) -> HttpResponse:
    """Swagger UI, from our own files."""
    return _page(request, "config/swagger.html")


@require_safe
def redoc(request: HttpRequest) -> HttpResponse:
    """ReDoc, from our own files."""
    return _page(request, "config/redoc.html")


def _page(request: HttpRequest, template: str) -> HttpResponse:
    nonce = secrets.token_urlsafe(16)
    response = render(request, template, {"nonce": nonce})
    response.headers["Content-Security-Policy"] = _POLICY.format(nonce=nonce)
    return response
