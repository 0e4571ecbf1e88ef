"""How much Nginx takes of whom: sizes, times and numbers of requests."""

from __future__ import annotations

import re
import socket
import ssl
import time
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.urls import URLPattern, URLResolver, get_resolver

from core import errors
from core.api.uploads import UploadView
from proxy_conf import NGINX
from tests.production.before import LIST, Proxy, assert_problem
from tests.runtime.shop import temporary_folder

SECONDS_TO_BE_CLOSED = 30


def _is_closed(line: ssl.SSLSocket, *, drip: bool) -> bool:
    """Wait a second for the other side to hang up, and send it another byte if it has not."""
    try:
        while line.recv(4096):
            pass
    except TimeoutError:
        if drip:
            line.sendall(b"x")
        return False
    except OSError:
        return True
    return True


class TestLimits:
    def uploads(self) -> Iterator[str]:
        """Every address that takes files."""

        def walk(resolver: URLResolver, prefix: str) -> Iterator[str]:
            for found in resolver.url_patterns:
                path = prefix + str(found.pattern)
                if isinstance(found, URLPattern):
                    view = getattr(found.callback, "cls", None)
                    if view is not None and issubclass(view, UploadView):
                        yield "/" + re.sub(r"<[^>]+>", "x", path)
                elif not path.startswith("admin"):
                    yield from walk(found, path)

        yield from walk(get_resolver(), "")

    def test_of_bodies_are_above_those_of_the_shop(self) -> None:
        places = (NGINX / "templates" / "places.conf.template").read_text()
        general, pictures = (int(found) * 2**20 for found in re.findall(r"client_max_body_size (\d+)m;", places))
        one = settings.UPLOAD_MAX_BYTES + 2**20
        many = settings.UPLOAD_MAX_BYTES * settings.DATA_UPLOAD_MAX_NUMBER_FILES + 2**20
        found = re.search(r"location ~ (\S+images\S+) ", places)
        assert found is not None

        assert one < general < 2 * one
        assert pictures == many
        several = [path for path in self.uploads() if re.match(found[1], path)]
        assert several == [f"{LIST}/x/images"]
        assert len(list(self.uploads())) > len(several)

    def test_s32_of_time_are_short_for_who_sends_slowly(self) -> None:
        said = (NGINX / "templates" / "nginx.conf.template").read_text()
        found = re.findall(r"^  (client_header|client_body|send)_timeout (\d+)s;", said, re.MULTILINE)
        seconds = {name: int(number) for name, number in found}

        assert len(seconds) == 3
        assert max(seconds.values()) <= SECONDS_TO_BE_CLOSED

    @pytest.mark.long
    @pytest.mark.parametrize(
        "begun",
        [b"GET / HTTP/1.1\r\nHost: shop\r\nX-Slow: ", b"POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 9\r\n\r\n"],
        ids=["headers that drip", "a body that does not come"],
    )
    def test_s32_close_a_connection_that_is_held_open(self, proxy: Proxy, begun: bytes) -> None:
        with (
            socket.create_connection(("127.0.0.1", proxy.https)) as plain,
            proxy.context.wrap_socket(plain, server_hostname="127.0.0.1") as line,
        ):
            line.settimeout(1)
            since = time.monotonic()
            line.sendall(begun)
            while not _is_closed(line, drip=begun.endswith(b": ")):
                assert time.monotonic() - since < SECONDS_TO_BE_CLOSED

        assert proxy.shop.asked == []

    def test_refuse_a_body_that_is_too_large_as_the_shop_does(self, proxy: Proxy) -> None:
        answer = proxy.ask("/api/v1/cart/items", method="POST", body=b"x" * (12 * 2**20 + 1))

        assert_problem(answer, errors.TooLarge)
        assert proxy.shop.asked == []

    def test_leave_smaller_ones_to_the_shop(self, proxy: Proxy) -> None:
        body = b"x" * (settings.UPLOAD_MAX_BYTES + 2**20)

        assert proxy.ask("/api/v1/me/profile/avatar", method="POST", body=body).status == 200
        assert proxy.shop.last().body == body
        assert proxy.ask(f"{LIST}/lamp/images", method="POST", body=body + body).status == 200

    @pytest.mark.parametrize(
        ("path", "values"),
        [
            ("/api/v1/auth/login", {"NEXUS_SIGN_IN_RATE": "1r/m", "NEXUS_SIGN_IN_BURST": "2"}),
            ("/api/auth/login/", {"NEXUS_SIGN_IN_RATE": "1r/m", "NEXUS_SIGN_IN_BURST": "2"}),
            ("/api/v1/cart", {"NEXUS_RATE": "1r/m", "NEXUS_BURST": "2"}),
            (LIST, {"NEXUS_RATE": "1r/m", "NEXUS_BURST": "2"}),
        ],
    )
    def test_s33_of_requests_hold_for_one_address(self, nginx: None, path: str, values: dict[str, str]) -> None:
        with temporary_folder() as folder:
            proxy = Proxy(folder, values).start()
            try:
                statuses = [proxy.ask(path).status for _ in range(3)]
                refused = proxy.ask(path)
            finally:
                proxy.stop()

        assert 200 in statuses
        assert_problem(refused, errors.TooManyRequests)
        assert int(refused.headers["retry-after"]) == refused.json["retry_after"] == 1
