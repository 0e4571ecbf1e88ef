"""What Nginx does by itself: whom it believes, what it refuses and how it says so, which files it hands out."""

from __future__ import annotations

import re
import socket
import subprocess
from pathlib import Path

import pytest
from django.conf import settings

from config.files import SHOWN_TYPES
from config.settings import processes
from core import errors
from proxy_conf import NGINX, defaults, write_configuration
from tests.production.before import LIST, Proxy, Reply, assert_problem
from tests.runtime.shop import temporary_folder


class TestConfiguration:
    def test_is_taken_by_nginx(self, nginx: None) -> None:
        with temporary_folder() as folder:
            proxy = Proxy(folder)
            done = subprocess.run([*proxy.command, "-t"], capture_output=True, text=True, check=False)
            proxy.shop.close()

        assert done.returncode == 0, done.stderr
        assert "emerg" not in done.stderr

    def test_asks_for_nothing_that_has_no_default(self, tmp_path: Path) -> None:
        write_configuration(tmp_path, {})

        assert not [file for file in tmp_path.iterdir() if "${NEXUS" in file.read_text()]
        assert {name for name in defaults() if not name.startswith("NEXUS_")} == set()
        with pytest.raises(KeyError, match="NEXUS_WRONG"):
            write_configuration(tmp_path, {"NEXUS_WRONG": ""})

    def test_closes_idle_connections_before_the_shop_does(self) -> None:
        said = re.search(r"keepalive_timeout (\d+)s;", (NGINX / "templates" / "shop.conf.template").read_text())

        assert said is not None
        assert int(said[1]) < processes.SECONDS_TO_KEEP_ALIVE

    def test_shows_of_uploads_what_the_shop_shows(self) -> None:
        places = (NGINX / "templates" / "places.conf.template").read_text()

        assert set(re.findall(r"^    (image/\w+) ", places, re.MULTILINE)) == SHOWN_TYPES

    def test_logs_no_address_that_is_a_key(self) -> None:
        asking = (NGINX / "templates" / "asking.conf.template").read_text()

        assert [path for path in settings.KEY_PATHS if path not in asking] == []


class TestRefusals:
    def test_tell_of_a_shop_that_is_away(self, proxy: Proxy) -> None:
        proxy.shop.close()

        for path in ("/api/v1/cart", LIST):
            answer = proxy.ask(path)
            assert_problem(answer, errors.Unavailable)
            assert answer.headers["retry-after"] == "1"

    def test_leave_those_of_the_shop_as_they_are(self, proxy: Proxy) -> None:
        headers = {"Content-Type": "application/problem+json", "Retry-After": "7"}
        proxy.shop.answer = lambda _: Reply(503, headers, b'{"code": "mine"}')

        for path in ("/api/v1/cart", LIST):
            answer = proxy.ask(path)
            assert (answer.status, answer.json, answer.headers["retry-after"]) == (503, {"code": "mine"}, "7")

    def test_say_that_metrics_are_not_here(self, proxy: Proxy) -> None:
        assert_problem(proxy.ask("/metrics"), errors.NotFound)
        assert proxy.shop.asked == []


class TestMessages:
    @pytest.mark.parametrize(
        "lines",
        [
            b"Content-Length: 4\r\nTransfer-Encoding: chunked",
            b"Transfer-Encoding: chunked\r\nContent-Length: 4",
            b"Content-Length: 4\r\nContent-Length: 40",
            b"Transfer-Encoding: xchunked",
            b"Transfer-Encoding: chunked, identity",
            b"Content-Length: +4",
        ],
    )
    def test_of_which_the_end_is_in_doubt_are_refused_with_what_follows(self, proxy: Proxy, lines: bytes) -> None:
        hidden = b"GET /api/v1/hidden HTTP/1.1\r\nHost: localhost\r\n\r\n"
        sent = b"POST /api/v1/cart/items HTTP/1.1\r\nHost: localhost\r\n" + lines + b"\r\n\r\n0\r\n\r\n" + hidden

        with (
            socket.create_connection(("127.0.0.1", proxy.https), timeout=10) as line,
            proxy.context.wrap_socket(line, server_hostname="localhost") as tls,
        ):
            tls.sendall(sent)
            answer = b""
            while part := tls.recv(65536):
                answer += part

        assert answer.split(b" ", 2)[1] in (b"400", b"501")
        assert answer.count(b"HTTP/1.1 ") == 1
        assert proxy.shop.asked == []


class TestWhoAsks:
    def test_is_told_to_the_shop_by_nginx_alone(self, proxy: Proxy) -> None:
        spoofed = {
            "X-Forwarded-For": "9.9.9.9", "X-Forwarded-Proto": "http", "X-Forwarded-Host": "evil.example",
            "X-Forwarded-Port": "1", "X-Real-IP": "9.9.9.9", "Forwarded": "for=9.9.9.9",
        }  # fmt: skip

        for path in ("/api/v1/cart", LIST):
            proxy.ask(path, headers=spoofed)
            told = proxy.shop.last().headers
            assert (told["X-Forwarded-For"], told["X-Forwarded-Proto"]) == ("127.0.0.1", "https")
            assert told["Host"] == f"127.0.0.1:{proxy.https}"
            assert {"X-Forwarded-Host", "X-Forwarded-Port", "X-Real-IP", "Forwarded"} & told.keys() == set()

    def test_is_told_by_a_balancer_of_ours(self, nginx: None) -> None:
        with temporary_folder() as folder:
            proxy = Proxy(folder, {"NEXUS_BALANCER": "127.0.0.1/32"}).start()
            try:
                given = {"X-Forwarded-For": "6.6.6.6, 9.9.9.9", "X-Forwarded-Proto": "https"}
                answer = proxy.ask("/api/v1/cart", headers=given, plain=True)
                told = proxy.shop.last().headers
            finally:
                proxy.stop()

        assert answer.status == 200
        assert (told["X-Forwarded-For"], told["X-Forwarded-Proto"]) == ("9.9.9.9", "https")

    @pytest.mark.parametrize(("given", "taken"), [("shopper-1234", True), ("short", False), ("evil\tlog: line", False)])
    def test_may_name_the_request(self, proxy: Proxy, given: str, taken: bool) -> None:
        for path in ("/api/v1/cart", LIST):
            answer = proxy.ask(path, headers={"X-Request-ID": given})
            named = answer.headers["x-request-id"]
            assert proxy.shop.last().headers["X-Request-ID"] == named
            assert (named == given) is taken
            assert len(named) >= 8

    def test_is_logged_without_address_query_or_key(self, proxy: Proxy) -> None:
        answer = proxy.ask("/pay/secret-token?token=secret")

        line = proxy.noted(answer.headers["x-request-id"])

        assert (line["path"], line["network"], line["status"]) == ("/pay/...", "127.0.0.0", 200)
        assert "secret" not in (proxy.folder / "access.log").read_text()


class TestMedia:
    def test_shows_pictures_and_hands_out_the_rest(self, proxy: Proxy) -> None:
        for name in ("lamp.webp", "page.html", "drawing.svg"):
            (proxy.folder / "media" / name).write_text("<script>")

        picture, page, drawing = (proxy.ask(f"/media/{name}") for name in ("lamp.webp", "page.html", "drawing.svg"))

        assert (picture.status, picture.headers["content-type"]) == (200, "image/webp")
        assert "content-disposition" not in picture.headers
        for other in (page, drawing):
            assert other.headers["content-type"] == "application/octet-stream"
            assert other.headers["content-disposition"] == "attachment"
        for answer in (picture, page, drawing):
            assert answer.headers["content-security-policy"] == "default-src 'none'; base-uri 'none'; sandbox"
            assert answer.headers["x-content-type-options"] == "nosniff"
        assert proxy.shop.asked == []

    def test_reaches_nothing_else(self, proxy: Proxy) -> None:
        (proxy.folder / "media" / "link.webp").symlink_to(proxy.folder / "certificate.key")
        proxy.shop.answer = lambda _: Reply(404)

        for path in ("/media/../certificate.key", "/media/%2e%2e/certificate.key", "/media/link.webp", "/media/", "/x"):
            assert b"PRIVATE" not in proxy.ask(path).body
        assert proxy.ask("/media/lamp.webp", method="DELETE").status == 404
        assert {asked.method for asked in proxy.shop.asked} <= {"GET"}
