"""How the OpenAPI document is made: problem details for every refusal, idempotency keys on every unsafe method."""

from __future__ import annotations

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter

_PROBLEM_STATUSES = {
    "400": "The request is malformed: wrong or unknown fields, filters or values.",
    "401": "Sign in first, or the token is no longer good.",
    "403": "You may not do this.",
    "404": "There is none, or it is not yours.",
    "405": "The method is not allowed here.",
    "406": "Only JSON is served here.",
    "409": "The state of things does not allow it.",
    "412": "The object is not in the version that If-Match names.",
    "413": "The request is too large.",
    "415": "This kind of body is not accepted.",
    "422": "The rules of the shop refuse it.",
    "429": "Too many requests; see Retry-After.",
    "503": "Something needed does not answer; see Retry-After.",
}
PROBLEM = {
    "type": "object",
    "description": "Problem details (RFC 9457).",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "field": {"type": "string"},
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                },
                "required": ["field", "code", "message"],
            },
        },
    },
    "required": ["type", "title", "status", "detail", "code", "request_id"],
    "example": {
        "type": "/docs/problems/inventory.out_of_stock",
        "title": "Some items are out of stock.",
        "status": 409,
        "detail": "Some items are out of stock.",
        "code": "inventory.out_of_stock",
        "request_id": "0192f3c47bd97cc28b5de0a6f0a3b1f4",
    },
}


class NexusSchema(AutoSchema):
    """Adds what every endpoint has in common."""

    def get_override_parameters(self) -> list[Any]:
        if self.method in ("GET", "HEAD", "OPTIONS") or not getattr(self.view, "idempotent", False):
            return []
        return [
            OpenApiParameter(
                name="Idempotency-Key",
                location=OpenApiParameter.HEADER,
                required=False,
                description="The same key and body replay the first answer; kept for 24 hours.",
                type={"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
            )
        ]

    def get_tags(self) -> list[str]:
        return [self.view.__module__.split(".")[0]]


def add_problems(result: dict[str, Any], generator: Any, **_: Any) -> dict[str, Any]:
    """Describe, for every operation, the refusals that any endpoint may answer with."""
    result.setdefault("components", {}).setdefault("schemas", {})["Problem"] = PROBLEM
    reference = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for path in result["paths"].values():
        for operation in path.values():
            for status, meaning in _PROBLEM_STATUSES.items():
                operation["responses"].setdefault(status, {"description": meaning, "content": reference})
    return result
