from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from pytest_django import Settings

from config.edge import with_readable_headers
from config.wsgi import application
from markets.tests.factories import make_market

JSON = "application/json"


def passed_on(given: str | None) -> Any:
    """Return the ``Content-Type`` that reaches Django."""
    seen: dict[str, Any] = {}

    def django(environ: dict[str, Any], _: Any) -> list[bytes]:
        seen.update(environ)
        return []

    list(with_readable_headers(django)({} if given is None else {"CONTENT_TYPE": given}, print))
    return seen.get("CONTENT_TYPE")


class TestReadableHeaders:
    @pytest.mark.parametrize(
        "given",
        [None, "", JSON, f"{JSON}; charset=utf-8", f"{JSON};charset=ISO-8859-1", "multipart/form-data; boundary=x"],
    )
    def test_leaves_what_can_be_read(self, given: str | None) -> None:
        assert passed_on(given) == given

    @pytest.mark.parametrize(
        "params", ["charset=hex", "charset=rot13", "charset=nothing", "a*=foo''x", "charset*=x''%e4"]
    )
    def test_takes_what_cannot_be_read_for_unknown_bytes(self, params: str) -> None:
        assert passed_on(f"{JSON}; {params}") == "application/octet-stream"


@pytest.fixture
def _as_a_server(settings: Settings) -> Iterator[None]:
    """Ask as a server does, but on the connection of the test."""
    settings.ALLOWED_HOSTS = ["shop.example"]
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.mark.django_db
@pytest.mark.usefixtures("_as_a_server")
@pytest.mark.parametrize("params", ["charset=hex", "a*=foo''x"])
def test_the_application_answers_whatever_is_asked(params: str) -> None:
    make_market()
    answered: list[str] = []
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/api/v1/products",
        "QUERY_STRING": "size=1",
        "CONTENT_TYPE": f"text/plain; {params}",
        "SERVER_NAME": "shop.example",
        "SERVER_PORT": "80",
        "wsgi.input": BytesIO(),
        "wsgi.url_scheme": "http",
    }

    body = b"".join(application(environ, lambda status, headers: answered.append(status)))

    assert answered == ["200 OK"], body
