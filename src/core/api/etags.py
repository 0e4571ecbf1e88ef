"""``ETag`` and ``If-None-Match`` of public reads that are made afresh for each request (RFC 9110, section 13.1.2)."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from django.http import HttpResponse
from django.utils.http import parse_etags
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse

from core.api.renderers import JSONRenderer

if TYPE_CHECKING:
    from django.http import HttpRequest
    from rest_framework.request import Request

IF_NONE_MATCH = OpenApiParameter(
    name="If-None-Match",
    location=OpenApiParameter.HEADER,
    description="The `ETag` of the copy that you have; if it is still good, the answer is 304 without a body.",
    type={"type": "string"},
)
NOT_MODIFIED = OpenApiResponse(description="The copy that `If-None-Match` names is still good.")


def etag_of(body: Any) -> str:
    """Return the entity tag of an answer with that body."""
    return _tag(JSONRenderer().render(body))


def tagged_response(request: HttpRequest | Request, body: Any) -> HttpResponse:
    """Answer with the body and its ``ETag``, or with 304 where the asker has it."""
    content = JSONRenderer().render(body)
    etag = _tag(content)
    headers = {"ETag": etag, "Cache-Control": "no-cache"}
    held = [tag.removeprefix("W/") for tag in parse_etags(request.META.get("HTTP_IF_NONE_MATCH", ""))]
    if etag in held or "*" in held:
        return HttpResponse(status=304, headers=headers)
    return HttpResponse(content, content_type="application/json", headers=headers)


def _tag(content: bytes) -> str:
    return f'"{hashlib.blake2b(content, digest_size=16).hexdigest()}"'
