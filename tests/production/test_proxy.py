"""What Nginx does by itself: whom it believes, what it keeps, what it refuses, and how it says so."""

from __future__ import annotations

import gzip
import http.client
import json
import re
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import settings
from django.urls import URLPattern, URLResolver, get_resolver

from config.certifying import certify
from config.files import SHOWN_TYPES
from config.settings import processes
from core import errors
from core.api.uploads import UploadView
from proxy_conf import NGINX, defaults, write_configuration
from tests.production.before import Asked, Proxy, Reply, Shop
from tests.production.fleet import Answer
from tests.runtime.shop import temporary_folder, wait_for

LIST = "/api/v1/products"
SECONDS_TO_BE_CLOSED = 30
PUBLIC = {"Cache-Control": "public, max-age=0, must-revalidate", "Content-Type": "application/json"}
PAGE = b'{"results": ["%b"]}' % (b"lamp " * 400)


class Goods:
    """A list with an ``ETag``, in as many versions as a test wants."""

    def __init__(self, proxy: Proxy, **headers: str) -> None:
        self.proxy, self.version, self.headers = proxy, 1, {**PUBLIC, **headers}
        proxy.shop.answer = self.answer

    def answer(self, asked: Asked) -> Reply:
        tag = f'"v{self.version}"'
        headers = self.headers | {"ETag": tag}
        if tag in asked.headers.get("If-None-Match", ""):
            return Reply(304, headers)
        mine = asked.headers.get("X-Market", "")
        body = {"version": self.version, "market": mine, "rest": "long enough to be compressed " * 30}
        return Reply(200, headers, json.dumps(body).encode())

    def read(self, **headers: str) -> Answer:
        return self.proxy.ask(LIST, headers={name.replace("_", "-"): value for name, value in headers.items()})


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


@pytest.fixture
def keeping(nginx: None) -> Iterator[Proxy]:
    """Nginx that answers for ten minutes without asking."""
    with temporary_folder() as folder:
        made = Proxy(folder, {"NEXUS_KEPT": "600"})
        try:
            yield made.start()
        finally:
            made.stop()


def forget(proxy: Proxy, *, method: str = "POST") -> int:
    """Tell it as a worker does, and return what it answers."""
    with closing(http.client.HTTPConnection("127.0.0.1", proxy.health, timeout=30)) as connection:
        connection.request(method, "/forget")
        return connection.getresponse().status


def kept(proxy: Proxy, answer: Answer) -> str:
    """Return what became of the cache when that was answered."""
    return str(proxy.noted(answer.headers["x-request-id"])["kept"])


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


def assert_problem(answer: Answer, error: type[errors.DomainError]) -> None:
    """It is worded as the shop words it."""
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    told = answer.json
    assert (answer.status, told["status"]) == (error.status, error.status)
    assert (told["code"], told["title"], told["detail"]) == (error.code, error.title, error.title)
    assert told["type"] == f"/docs/problems/{error.code}"
    assert told["request_id"] == answer.headers["x-request-id"]


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


class TestTls:
    def test_is_where_everybody_is_sent(self, proxy: Proxy) -> None:
        answer = proxy.ask("/admin/?x=1", plain=True)

        assert answer.status == 308
        assert answer.headers["location"] == f"https://127.0.0.1:{proxy.https}/admin/?x=1"
        assert proxy.shop.asked == []

    @pytest.mark.parametrize("path", ["/api/v1/cart?x=1", "/api/auth/login", "/graphql", "/graphql/"])
    def test_is_not_where_programs_are_led_which_would_not_notice(self, proxy: Proxy, path: str) -> None:
        answer = proxy.ask(path, plain=True)

        assert (answer.status, json.loads(answer.body)["code"]) == (403, "core.forbidden")
        assert "location" not in answer.headers
        assert proxy.shop.asked == []

    def test_says_so_for_two_years_and_only_there(self, proxy: Proxy) -> None:
        proxy.shop.answer = lambda _: Reply(200, {"Strict-Transport-Security": "max-age=1"})

        assert proxy.ask("/api/v1/cart").headers["strict-transport-security"] == "max-age=63072000; includeSubDomains"
        assert "strict-transport-security" not in proxy.ask("/", plain=True).headers

    @pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1")
    @pytest.mark.parametrize(("version", "taken"), [("TLSv1_1", False), ("TLSv1_2", True), ("TLSv1_3", True)])
    def test_is_of_today(self, proxy: Proxy, version: str, taken: bool) -> None:
        context = ssl.create_default_context(cafile=str(proxy.folder / "certificate.pem"))
        context.set_alpn_protocols(["h2", "http/1.1"])
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = context.maximum_version = ssl.TLSVersion[version]

        with socket.create_connection(("127.0.0.1", proxy.https)) as line:
            if taken:
                assert context.wrap_socket(line, server_hostname="localhost").selected_alpn_protocol() == "h2"
            else:
                with pytest.raises(OSError):  # noqa: PT011 - by whom it is refused differs
                    context.wrap_socket(line, server_hostname="localhost")


class TestTheShop:
    """It is asked by TLS, and believed with the certificate of its own alone."""

    def test_is_asked_by_tls_1_3_and_sessions_are_gone_on_with(self, nginx: None) -> None:
        with temporary_folder() as folder:
            proxy = Proxy(folder, {"NEXUS_WORKERS": "1"}).start()  # each keeps sessions of its own
            try:
                proxy.shop.answer = lambda _: Reply(200, {"Connection": "close"})
                statuses = [proxy.ask(path).status for path in (LIST, "/api/v1/cart", LIST, "/api/v1/cart")]
            finally:
                proxy.stop()

        assert statuses == [200] * 4
        assert proxy.shop.sessions == [("TLSv1.3", False), *[("TLSv1.3", True)] * 3]

    @pytest.mark.parametrize("path", [LIST, "/api/v1/cart", "/api/v1/auth/login", "/media/none.png"])
    @pytest.mark.parametrize("shown", ["by another CA", "for another name", "nothing"])
    def test_is_not_believed_with_another_certificate(self, nginx: None, shown: str, path: str) -> None:
        with temporary_folder() as folder:
            place = folder / ("others" if shown == "by another CA" else "tls")
            certify(place, names=["another" if shown == "for another name" else "web"], at=datetime.now(UTC))
            other = Shop(None if shown == "nothing" else place)
            proxy = Proxy(folder, {"NEXUS_SHOP": f"server 127.0.0.1:{other.port};"}).start()
            try:
                answer = proxy.ask(path)
            finally:
                proxy.stop()
                other.close()

        assert (answer.status, json.loads(answer.body)["code"]) == (503, "core.unavailable")
        assert other.asked == []

    def test_is_asked_without_where_one_says_so(self, nginx: None) -> None:
        with temporary_folder() as folder:
            plain = Shop()
            values = {"NEXUS_SHOP": f"server 127.0.0.1:{plain.port};", "NEXUS_SHOP_SCHEME": "http"}
            proxy = Proxy(folder, values | {"NEXUS_SHOP_CA": "/nowhere"}).start()
            try:
                statuses = [proxy.ask(path).status for path in (LIST, "/api/v1/cart")]
            finally:
                proxy.stop()
                plain.close()

        assert statuses == [200, 200]


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


class TestKeptReads:
    def test_are_asked_about_each_time_and_never_older_than_the_shop(self, proxy: Proxy) -> None:
        goods = Goods(proxy, Vary="X-Market, Authorization")
        first, again = goods.read(), goods.read()
        goods.version = 2
        changed, after = goods.read(), goods.read()

        assert [answer.json["version"] for answer in (first, again, changed, after)] == [1, 1, 2, 2]
        found = [kept(proxy, answer) for answer in (first, again, changed, after)]
        assert found == ["MISS", "REVALIDATED", "EXPIRED", "REVALIDATED"]
        assert len(proxy.shop.asked) == 4
        assert '"v1"' in proxy.shop.asked[1].headers["If-None-Match"]
        assert len({answer.headers["x-request-id"] for answer in (first, again, changed, after)}) == 4

    def test_answer_304_to_whoever_has_them(self, proxy: Proxy) -> None:
        goods = Goods(proxy, Vary="X-Market")
        tag = goods.read().headers["etag"]

        same = goods.read(If_None_Match=tag)
        goods.version = 2
        other = goods.read(If_None_Match=tag)

        assert (same.status, other.status) == (304, 200)

    def test_are_apart_by_what_they_vary_by(self, proxy: Proxy) -> None:
        goods = Goods(proxy, Vary="X-Market, Authorization")
        for _ in range(2):
            for market in ("uk", "de"):
                packed = goods.read(X_Market=market, Accept_Encoding="gzip")
                assert json.loads(gzip.decompress(packed.body))["market"] == market
                assert goods.read(X_Market=market).json["market"] == market

    def test_are_not_for_those_who_sign_in(self, proxy: Proxy) -> None:
        goods = Goods(proxy)
        goods.read()

        signed_in = goods.read(Authorization="Bearer x")

        assert kept(proxy, signed_in) == "BYPASS"
        assert "If-None-Match" not in proxy.shop.last().headers
        goods.version = 2
        goods.read(Authorization="Bearer x")
        assert goods.read().json["version"] == 2
        assert "v1" in proxy.shop.last().headers["If-None-Match"]

    @pytest.mark.parametrize(
        "headers",
        [
            {"Cache-Control": "private, max-age=0"}, {"Cache-Control": "no-store"}, {"Cache-Control": ""},
            {"Set-Cookie": "a=b"}, {"Vary": "*"},
        ],
    )  # fmt: skip
    def test_are_none_of_what_nobody_may_keep(self, proxy: Proxy, headers: dict[str, str]) -> None:
        goods = Goods(proxy, **headers)

        goods.read()

        assert kept(proxy, goods.read()) == "MISS"

    @pytest.mark.parametrize("status", [301, 404, 410, 500, 503])
    def test_are_no_refusals(self, proxy: Proxy, status: int) -> None:
        proxy.shop.answer = lambda _: Reply(status, PUBLIC | {"Location": "/x"})
        proxy.ask(LIST)
        proxy.shop.answer = lambda _: Reply(200, PUBLIC)

        assert proxy.ask(LIST).status == 200

    def test_are_compressed_once_for_each_version(self, proxy: Proxy) -> None:
        proxy.shop.answer = lambda asked: (
            Reply(304, PUBLIC | {"ETag": '"v1"'}) if "If-None-Match" in asked.headers
            else Reply(200, PUBLIC | {"ETag": '"v1"'}, PAGE)
        )  # fmt: skip

        first, again = (proxy.ask(LIST, headers={"Accept-Encoding": "gzip"}) for _ in range(2))
        plain = proxy.ask(LIST)

        assert first.headers["content-encoding"] == again.headers["content-encoding"] == "gzip"
        assert gzip.decompress(again.body) == plain.body == PAGE
        assert kept(proxy, again) == "REVALIDATED"
        assert "Accept-Encoding" in first.headers["vary"]
        assert "content-encoding" not in plain.headers

    def test_are_forgotten_when_they_are_purged(self, proxy: Proxy) -> None:
        goods = Goods(proxy)
        goods.read()

        subprocess.run(["sh", str(NGINX / "purge.sh"), str(proxy.folder)], check=True)

        assert kept(proxy, goods.read()) == "MISS"
        assert kept(proxy, goods.read()) == "REVALIDATED"

    def test_are_answered_without_the_shop_for_as_long_as_one_says_until_it_is_told(self, keeping: Proxy) -> None:
        goods = Goods(keeping, Vary="X-Market")
        first, again = goods.read(), goods.read()
        goods.version = 2
        old = goods.read()
        told = forget(keeping)
        new, kept_anew = goods.read(), goods.read(X_Market="de")

        assert told == 204
        assert [answer.json["version"] for answer in (first, again, old, new, kept_anew)] == [1, 1, 1, 2, 2]
        assert [kept(keeping, answer) for answer in (first, again, old, new)] == ["MISS", "HIT", "HIT", "MISS"]
        assert kept(keeping, goods.read()) == "HIT"

    def test_that_were_asked_for_before_a_change_are_not_found_after_it(self, keeping: Proxy) -> None:
        goods, asked, may_answer = Goods(keeping), threading.Event(), threading.Event()

        def slowly(one: Asked) -> Reply:
            reply = goods.answer(one)
            asked.set()
            may_answer.wait(30)
            return reply

        keeping.shop.answer = slowly
        with ThreadPoolExecutor() as clients:
            under_way = clients.submit(goods.read)
            asked.wait(30)
            goods.version = 2
            forget(keeping)
            may_answer.set()
            before = under_way.result().json["version"]

        assert (before, goods.read().json["version"]) == (1, 2)

    def test_are_forgotten_by_all_workers_and_after_a_new_start(self, nginx: None) -> None:
        with temporary_folder() as folder:
            proxy = Proxy(folder, {"NEXUS_KEPT": "600", "NEXUS_WORKERS": "4"}).start()
            try:
                goods = Goods(proxy)
                before = {goods.read().json["version"] for _ in range(12)}
                goods.version = 2
                forget(proxy)
                after = {goods.read().json["version"] for _ in range(12)}
                assert proxy.process is not None
                proxy.process.terminate()
                proxy.process.wait(30)
                goods.version = 3
                proxy.start()
                old = goods.read().json["version"]
                forget(proxy)
                told = goods.read().json["version"]
            finally:
                proxy.stop()

        assert (before, after, old, told) == ({1}, {2}, 2, 3)

    def test_are_gone_by_themselves_where_nobody_tells(self, nginx: None) -> None:
        with temporary_folder() as folder:
            proxy = Proxy(folder, {"NEXUS_KEPT": "1"}).start()
            try:
                goods = Goods(proxy)
                goods.read()
                goods.version = 2
                wait_for(lambda: goods.read().json["version"] == 2, 10)
            finally:
                proxy.stop()

    def test_keep_files_of_the_pages_that_have_names_of_their_own(self, keeping: Proxy) -> None:
        goods = Goods(keeping)
        keeping.ask("/static/app.1234.js")
        forget(keeping)

        assert kept(keeping, keeping.ask("/static/app.1234.js")) == "HIT"
        assert goods.version == 1

    def test_are_forgotten_at_nobodys_word_from_outside(self, keeping: Proxy) -> None:
        goods = Goods(keeping)
        goods.read()

        for path in ("/forget", "/.edition"):
            for method in ("GET", "POST"):
                keeping.ask(path, method=method)
        looked = forget(keeping, method="GET")

        assert looked == 403
        assert keeping.ask("/.edition").status == 404
        assert kept(keeping, goods.read()) == "HIT"

    def test_are_forgotten_at_the_word_of_those_inside_alone(self, nginx: None) -> None:
        with temporary_folder() as folder:
            proxy = Proxy(folder, {"NEXUS_KEPT": "600", "NEXUS_INSIDE": "allow 10.0.0.0/8;"}).start()
            try:
                told = forget(proxy)
            finally:
                proxy.stop()

        assert told == 403

    def test_are_changed_by_nobody(self, proxy: Proxy) -> None:
        proxy.shop.answer = lambda asked: Reply(201, {}, asked.body)

        answer = proxy.ask(LIST, method="POST", body=b'{"name": "Lamp"}', headers={"Content-Type": "application/json"})

        assert (answer.status, json.loads(answer.body)) == (201, {"name": "Lamp"})
        assert len(proxy.shop.asked) == 1


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
