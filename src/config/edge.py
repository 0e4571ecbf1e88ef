"""What stands between the server and Django."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.utils.http import parse_header_parameters

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

_UNKNOWN = "application/octet-stream"


def with_readable_headers(application: Application) -> Application:
    """Take a ``Content-Type`` that cannot be read for that of unknown bytes (RFC 9110, section 8.3).

    Django reads it before any middleware, and lets what it names decode the query: an error of either is nobody's to
    answer.
    """

    def readable(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        given = environ.get("CONTENT_TYPE")
        if given and ";" in given and not _is_readable(given):
            environ["CONTENT_TYPE"] = _UNKNOWN
        return application(environ, start_response)

    return readable


def _is_readable(given: str) -> bool:
    try:
        _, params = parse_header_parameters(given)
        if "charset" in params:
            b"a=b".decode(params["charset"])
    except (ValueError, LookupError):
        return False
    return True
