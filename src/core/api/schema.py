"""How the OpenAPI document is made: refusals, idempotency keys, the market, and exactly what strict input accepts."""

from __future__ import annotations

import re
from typing import Any

from django.core.validators import RegexValidator
from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter

from core.api.fields import TextField
from core.api.serializers import Input

_SAFE = ("GET", "HEAD", "OPTIONS")
# What any operation may answer with.
_ALWAYS = ("400", "404", "405", "406", "413", "415", "429", "500", "503")
_SIGNED_IN = ("401", "403")
_WRITES = ("409", "412", "422")
_MEANINGS = {
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
    "500": "A defect of ours, logged under the request's id.",
    "503": "Something needed does not answer; see Retry-After.",
}
PROBLEM = {
    "type": "object",
    "description": "Problem details (RFC 9457). The facts of the case stand beside these members.",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "description": "Stable; what a program goes by."},
        "request_id": {"type": "string"},
        "retry_after": {"type": "integer", "description": "Seconds; also sent as Retry-After."},
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
}
_KEY = OpenApiParameter(
    name="Idempotency-Key",
    location=OpenApiParameter.HEADER,
    required=False,
    description="The same key and body replay the first answer; kept for 24 hours.",
    type={"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[ -~]*[!#-~][ -~]*$"},
)
_IF_MATCH = OpenApiParameter(
    name="If-Match",
    location=OpenApiParameter.HEADER,
    required=False,
    description="The ETag of the version that is to be changed; another one is refused with 412.",
    type={"type": "string", "pattern": r'^(\*|"[!#-~]*")$'},
)
_COUNTED = {
    "RateLimit": {
        "description": 'What is left of each limit: `"sign-in";r=19;t=900`, more after `t` seconds.',
        "schema": {"type": "string"},
    },
    "RateLimit-Policy": {
        "description": 'The limits that count here: `"sign-in";q=20;w=900`, so many in `w` seconds.',
        "schema": {"type": "string"},
    },
}
_MARKET = OpenApiParameter(
    name="market",
    location=OpenApiParameter.QUERY,
    required=False,
    description="The market's code (also `X-Market`); without it the default market.",
    type={"type": "string", "minLength": 1, "maxLength": 20},
)


class BearerScheme(OpenApiAuthenticationExtension):
    """``Authorization: Bearer``."""

    target_class = "accounts.api.authentication.BearerAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        """Describe the access token."""
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


class TextScheme(OpenApiSerializerFieldExtension):
    """A strict text also refuses control characters, and what is nothing but spaces where it may not be empty."""

    target_class = TextField
    match_subclasses = True

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> dict[str, Any]:
        """Describe the text with its pattern, as ECMA 262 writes it."""
        schema: dict[str, Any] = auto_schema._map_serializer_field(  # noqa: SLF001 - as the library's own extensions do
            self.target, direction, bypass_extensions=True
        )
        # The library adds null again to what an extension returns.
        if isinstance(schema.get("type"), list):
            schema["type"] = next(name for name in schema["type"] if name != "null")
        has_own_pattern = any(isinstance(check, RegexValidator) for check in self.target.validators)
        if direction == "request" and "enum" not in schema and not has_own_pattern:
            schema.setdefault("pattern", _pattern(self.target))
        return schema


def _pattern(field: TextField) -> str:
    breaks = "" if field.multiline else r"\n\r"
    unsafe = r"\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\u202a-\u202e\u2066-\u2069" + breaks
    return f"^[^{unsafe}]*$" if field.allow_blank else rf"^[^{unsafe}]*[^{unsafe}\s][^{unsafe}]*$"


class NexusSchema(AutoSchema):
    """Adds what every endpoint has in common.

    A view says ``versioned = True`` where its writes honour ``If-Match``, and ``by_market = True`` where its answers
    depend on the market.
    """

    def get_override_parameters(self) -> list[Any]:
        """Add the headers and parameters that no view has to name."""
        is_write = self.method not in _SAFE
        found = [_KEY] if is_write and getattr(self.view, "idempotent", False) else []
        if is_write and getattr(self.view, "versioned", False):
            found.append(_IF_MATCH)
        if getattr(self.view, "by_market", False):
            found.append(_MARKET)
        return found

    def get_tags(self) -> list[str]:
        """Group by app."""
        return [self.view.__module__.split(".")[0]]

    def get_operation(self, *place: Any) -> dict[str, Any] | None:
        """Name the permissions that are needed, behind what the view says of the operation."""
        operation: dict[str, Any] | None = super().get_operation(*place)
        said = operation.get("description", "") if operation else ""
        needed = [f"`{name}`" for name in getattr(self.view, "permissions", {}).get(self.method, ())]
        if operation and (unnamed := [name for name in needed if name not in said]):
            operation["description"] = f"{said} Needs {' and '.join(unnamed)}.".strip()
        return operation

    def get_operation_id(self) -> str:
        """Name it as ``extend_schema`` says, or by path and method."""
        name: str = super().get_operation_id()
        return name.removeprefix("api_v1_")

    def get_auth(self) -> list[dict[str, list[str]]]:
        """Tell where a token is needed, and where it merely may be sent."""
        super().get_auth()  # describes the scheme
        bearer: list[dict[str, list[str]]] = [{"bearer": []}]
        is_needed = getattr(self.view, "signed_in", False) or self.method in getattr(self.view, "permissions", {})
        return bearer if is_needed else [*bearer, {}]

    def _insert_field_validators(self, field: Any, schema: dict[str, Any]) -> None:
        super()._insert_field_validators(field, schema)  # type: ignore[no-untyped-call]
        # The library offers the empty text beside a pattern; ours allows it already, and it must not match twice.
        if isinstance(field, TextField) and schema.get("oneOf", [{}])[0].get("pattern") == _pattern(field):
            schema.update(schema.pop("oneOf")[0])

    def _map_basic_serializer(self, serializer: Any, direction: str) -> dict[str, Any]:
        schema: dict[str, Any] = super()._map_basic_serializer(serializer, direction)  # type: ignore[no-untyped-call]
        if direction == "request" and isinstance(serializer, Input):
            schema["additionalProperties"] = False
        return schema


def _count(result: dict[str, Any]) -> None:
    """Describe the headers of the refusal for having tried too often, and of what is counted."""
    result["components"]["headers"] = _COUNTED
    counted = {name: {"$ref": f"#/components/headers/{name}"} for name in _COUNTED}
    result["components"]["responses"]["Problem429"]["headers"] = counted


def add_problems(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Describe, for every operation, the refusals that it may answer with."""
    components = result.setdefault("components", {})
    components.setdefault("schemas", {})["Problem"] = PROBLEM
    components["responses"] = {f"Problem{status}": _problem(status) for status in _MEANINGS}
    _count(result)
    for path in result["paths"].values():
        for method, operation in path.items():
            for status in _statuses(method, operation):
                described = operation["responses"].get(status)
                if described is None:
                    operation["responses"][status] = {"$ref": f"#/components/responses/Problem{status}"}
                elif "content" not in described and "$ref" not in described:
                    described["content"] = _problem(status)["content"]
            operation["responses"] = dict(sorted(operation["responses"].items()))
    return result


def _statuses(method: str, operation: dict[str, Any]) -> set[str]:
    """Return the refusals of an operation: those of all, and those that it declares without a body."""
    declared = {status for status in operation["responses"] if re.fullmatch("[45][0-9]{2}", status)}
    writes = () if method.upper() in _SAFE else _WRITES
    return {*_ALWAYS, *_SIGNED_IN, *writes, *(declared & _MEANINGS.keys())}


def _problem(status: str) -> dict[str, Any]:
    content = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {"description": _MEANINGS[status], "content": {"application/problem+json": content}}
