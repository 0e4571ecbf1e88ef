"""How anything here refuses. Apps subclass the kinds with a stable ``code`` and a ``title`` for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

# What every problem has (RFC 9457, section 3.1, and ours).
_MEMBERS = frozenset({"type", "title", "status", "detail", "code", "request_id"})


class DomainError(Exception):
    """A refusal with facts. Rendered as problem details (RFC 9457) by ``core.api.problems``."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "core.error"
    title: ClassVar[str] = "Something is wrong."
    # Facts of a case, for the documentation.
    example: ClassVar[Mapping[str, Any]] = {}

    def __init__(self, detail: str = "", **facts: Any) -> None:
        """:param facts: JSON-ready facts that a client can act on; they stand in the answer beside the title

        :raises TypeError: a fact has the name of a member that every problem has
        """
        if taken := _MEMBERS & facts.keys():
            raise TypeError(f"not a name for a fact: {', '.join(sorted(taken))}")
        super().__init__(detail or self.title)
        self.detail = detail
        self.facts = facts

    @property
    def retry_after_seconds(self) -> int | None:
        """When to try again, where that is known: sent as ``Retry-After``."""
        return self.facts.get("retry_after")


class Malformed(DomainError):
    """The request is not of the shape that the schema describes."""

    status = 400
    code = "core.malformed"
    title = "The request is malformed."
    example = {"errors": [{"field": "quantity", "code": "invalid", "message": "A valid integer is required."}]}

    def __init__(self, detail: str = "", *, errors: list[dict[str, str]] | None = None, **facts: Any) -> None:
        """:param errors: ``[{"field", "code", "message"}]``"""
        if errors is not None:
            facts["errors"] = errors
        super().__init__(detail, **facts)

    @classmethod
    def field(cls, field: str, message: str, code: str = "invalid") -> Malformed:
        """One field is wrong."""
        return cls(errors=[{"field": field, "code": code, "message": message}])


class Unauthenticated(DomainError):
    """Who asks is not known."""

    status = 401
    code = "core.unauthenticated"
    title = "Sign in first."


class Forbidden(DomainError):
    """Who asks may not do this to anything."""

    status = 403
    code = "core.forbidden"
    title = "You may not do this."


class NotFound(DomainError):
    """There is none, or it is not the asker's."""

    status = 404
    code = "core.not_found"
    title = "There is no such thing here."


class Conflict(DomainError):
    """The state of things does not allow it now."""

    status = 409
    code = "core.conflict"
    title = "The state of things does not allow this."


class PreconditionFailed(DomainError):
    """The object is not in the version that ``If-Match`` names (RFC 9110, section 13.1.1)."""

    status = 412
    code = "core.precondition_failed"
    title = "It was changed in the meantime."


class TooLarge(DomainError):
    """The body is larger than allowed."""

    status = 413
    code = "core.too_large"
    title = "The request is too large."
    example = {"max_bytes": 1_048_576}


class Invalid(DomainError):
    """Well formed, but the rules refuse it."""

    status = 422
    code = "core.invalid"
    title = "The rules of the shop refuse this."


class TooManyRequests(DomainError):
    """Asked too often; ``retry_after`` is in seconds."""

    status = 429
    code = "core.too_many_requests"
    title = "Too many requests."
    example = {"retry_after": 30}

    def __init__(self, *, retry_after: int) -> None:
        super().__init__(retry_after=retry_after)


class Unavailable(DomainError):
    """Something that is needed does not answer; trying again later helps."""

    status = 503
    code = "core.unavailable"
    title = "Not available at the moment."
    example = {"retry_after": 1}

    def __init__(self, *, retry_after: int = 1) -> None:
        super().__init__(retry_after=retry_after)
