"""Problem details (RFC 9457) for every refusal, whoever raised it."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import structlog
from django.core.exceptions import (
    BadRequest,
    ObjectDoesNotExist,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
    TooManyFilesSent,
    ValidationError,
)
from django.db import DataError, IntegrityError, InterfaceError, InternalError, OperationalError, connection
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from psycopg.errors import ReadOnlySqlTransaction
from psycopg_pool import PoolTimeout
from rest_framework import exceptions as drf
from rest_framework.response import Response

from core import errors, logs, tally
from core.api.renderers import JSONRenderer

log = structlog.get_logger(__name__)

CONTENT_TYPE = "application/problem+json"

BY_STATUS: dict[int, tuple[str, str]] = {
    405: ("core.method_not_allowed", "This method is not allowed here."),
    406: ("core.not_acceptable", "Only JSON is served here."),
    415: ("core.unsupported_media_type", "This kind of body is not accepted here."),
}


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Turn whatever a view raised into a problem; unknown errors are logged loudly and told as a plain 500."""
    problem = as_domain_error(error)
    if problem is None:
        log.exception("unexpected error", exc_info=error)
        problem = errors.DomainError()
    response = problem_response(problem, context["request"])
    if isinstance(error, drf.MethodNotAllowed) and context.get("view") is not None:
        response["Allow"] = ", ".join(context["view"].allowed_methods)
    return response


def problem_response(problem: errors.DomainError, request: Any) -> Response:
    """Return the DRF response for a refusal."""
    response = Response(problem_body(problem, request), status=problem.status, content_type=CONTENT_TYPE)
    for name, value in problem_headers(problem).items():
        response[name] = value
    return response


def problem_headers(problem: errors.DomainError) -> dict[str, str]:
    """Return the headers that go with a refusal."""
    headers = {"Cache-Control": "no-store"}
    if problem.retry_after_seconds is not None:
        headers["Retry-After"] = str(problem.retry_after_seconds)
    if problem.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Bearer realm="nexus"'
    return headers


def problem_body(problem: errors.DomainError, request: Any) -> dict[str, Any]:
    """Return the members of the problem: the standard ones, ours, then the facts of the case."""
    tally.count("refusals", problem.code)
    logs.note(code=problem.code)
    return {
        "type": f"/docs/problems/{problem.code}",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail or problem.title,
        "code": problem.code,
        "request_id": getattr(getattr(request, "_request", request), "request_id", ""),
        **problem.facts,
    }


def plain_problem(request: HttpRequest, problem: errors.DomainError) -> HttpResponse:
    """Return the problem without DRF: for the fast read path and for Django's own error pages."""
    body = JSONRenderer().render(problem_body(problem, request))
    return HttpResponse(body, status=problem.status, content_type=CONTENT_TYPE, headers=problem_headers(problem))


def as_domain_error(error: Exception) -> errors.DomainError | None:
    """Return the refusal that an exception means, or ``None`` for a defect."""
    if isinstance(error, errors.DomainError):
        return error
    if isinstance(error, drf.APIException) and error.status_code in BY_STATUS:
        return _of_status(error.status_code, str(error.detail))
    for kinds, refuse in _BY_KIND:
        if isinstance(error, kinds):
            return refuse(error)
    return None


def _wrong_fields(error: drf.ValidationError) -> errors.DomainError:
    return errors.Malformed("Some fields are wrong.", errors=list(_field_errors(error.get_full_details())))


def _database_away(error: Exception) -> errors.DomainError:
    log.error("database does not answer", exc_info=error)
    return errors.Unavailable()


def _cannot_write(error: Exception) -> errors.DomainError | None:
    """A server that does not take writes is about to be replaced, or is no primary any more: it is not asked again."""
    if not isinstance(error.__cause__, ReadOnlySqlTransaction):
        return None
    if connection.connection is not None:
        connection.connection.close()
    return _database_away(error)


def _value_refused(error: Exception) -> errors.DomainError:
    log.error("the database refuses a value that a field should have", exc_info=error)
    return errors.Malformed()


def _constraint_broken(error: Exception) -> errors.DomainError:
    log.error("a constraint caught what a rule should have", exc_info=error)
    return errors.Conflict()


# The first that fits: the narrow kinds stand before those that they are kinds of.
_BY_KIND: tuple[tuple[tuple[type[Exception], ...], Callable[[Any], errors.DomainError | None]], ...] = (
    ((drf.ValidationError,), _wrong_fields),
    ((drf.ParseError,), lambda error: errors.Malformed(str(error))),
    ((RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent), lambda _: errors.TooLarge()),
    ((SuspiciousOperation, BadRequest, UnreadablePostError, ValidationError), lambda _: errors.Malformed()),
    ((drf.NotAuthenticated, drf.AuthenticationFailed), lambda error: errors.Unauthenticated(str(error.detail))),
    ((drf.PermissionDenied, PermissionDenied), lambda _: errors.Forbidden()),
    ((Http404, drf.NotFound, ObjectDoesNotExist), lambda _: errors.NotFound()),
    ((drf.Throttled,), lambda error: errors.TooManyRequests(retry_after=max(1, int(error.wait or 1)))),
    ((OperationalError, InterfaceError, PoolTimeout), _database_away),
    ((InternalError,), _cannot_write),
    ((DataError,), _value_refused),
    ((IntegrityError,), _constraint_broken),
)


def _of_status(status: int, detail: str) -> errors.DomainError:
    return _REFUSALS[status](detail)


_REFUSALS: dict[int, type[errors.DomainError]] = {
    status: type("Refusal", (errors.DomainError,), {"__doc__": title, "status": status, "code": code, "title": title})
    for status, (code, title) in BY_STATUS.items()
}


def _field_errors(details: Any, path: str = "") -> Any:
    """Flatten DRF's nested details to ``{"field", "code", "message"}``; list positions stand as ``items[2].sku``."""
    if isinstance(details, dict) and "message" in details and "code" in details and isinstance(details["code"], str):
        yield {"field": path, "code": str(details["code"]), "message": str(details["message"])}
    elif isinstance(details, dict):
        for name, inner in details.items():
            at_index = isinstance(name, int)
            here = (
                path if name == "non_field_errors" else f"{path}[{name}]" if at_index else f"{path}.{name}".strip(".")
            )
            yield from _field_errors(inner, here)
    elif isinstance(details, list):
        nested = any(isinstance(item, dict) and not {"message", "code"} <= item.keys() for item in details)
        for index, item in enumerate(details):
            yield from _field_errors(item, f"{path}[{index}]" if nested else path)


def _inside(path: str, name: str | int) -> str:
    if name == "non_field_errors":
        return path
    return f"{path}[{name}]" if isinstance(name, int) else f"{path}.{name}".strip(".")
