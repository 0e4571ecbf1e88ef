"""Public reads: of a request as much as they need, and an answer that is nothing but its bytes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from io import BytesIO
from typing import Any, NamedTuple, Protocol

from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse, QueryDict

# What tells by which name the shop was asked for (``HttpRequest.build_absolute_uri``).
_ORIGIN = (
    "wsgi.url_scheme",
    "HTTP_HOST",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PORT",
    "HTTP_X_FORWARDED_PROTO",
    "SERVER_NAME",
    "SERVER_PORT",
)
_NOTHING_ASKED = QueryDict("")
# What is asked often is asked in the same words. Longer ones are read anew.
_REMEMBERED, _LONGEST_REMEMBERED = 1024, 300


class Asked(Protocol):
    """What a public read looks at: Django's request, or a ``PublicRequest``."""

    META: dict[str, Any]
    method: str | None
    path: str

    @property
    def GET(self) -> Any: ...  # noqa: N802 - Django's name, and a ``QueryDict``

    def build_absolute_uri(self, location: str) -> str: ...


class PublicRequest:
    """A request as it came through WSGI, of which nothing is read before it is asked for."""

    __slots__ = ("META", "_asked", "method", "path")

    def __init__(self, environ: dict[str, Any]) -> None:
        self.META = environ
        self.method: str | None = environ["REQUEST_METHOD"]
        self.path: str = environ["PATH_INFO"]
        self._asked: QueryDict | None = None

    @property
    def GET(self) -> QueryDict:  # noqa: N802 - Django's name
        if self._asked is None:
            query = self.META.get("QUERY_STRING")
            if not query:
                self._asked = _NOTHING_ASKED
            else:
                self._asked = (_read_again if len(query) <= _LONGEST_REMEMBERED else _read)(query)
        return self._asked

    def build_absolute_uri(self, location: str) -> str:
        """Return the absolute address of a path.

        :raises DisallowedHost: the shop was asked for by a name that is not one of its own
        """
        return _origin(tuple(self.META.get(name) for name in _ORIGIN)) + location


def _read(query: str) -> QueryDict:
    """Return the parameters, as Django's own request reads them: WSGI hands bytes over as Latin-1."""
    return QueryDict(query.encode("iso-8859-1"))


_read_again = lru_cache(maxsize=_REMEMBERED)(_read)


@lru_cache(maxsize=16)
def _origin(known: tuple[str | None, ...]) -> str:
    """Return scheme and host, as Django understands and checks them."""
    environ = {name: value for name, value in zip(_ORIGIN, known, strict=True) if value is not None}
    asked = WSGIRequest(environ | {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "wsgi.input": BytesIO()})
    return asked.build_absolute_uri("/").removesuffix("/")


class PublicAnswer(NamedTuple):
    """An answer, whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def as_response(self) -> HttpResponse:
        """Return it as Django sends it."""
        response = HttpResponse(self.body, status=self.status, headers=self.headers)
        if "Content-Type" not in self.headers:
            del response.headers["Content-Type"]
        return response
