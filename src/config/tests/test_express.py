"""The short way answers as the long one does, or leaves it to that."""

from __future__ import annotations

import os
from collections.abc import Iterator
from io import BytesIO
from typing import Any, NamedTuple

import orjson
import psycopg
import pytest
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.utils import timezone
from pytest_django import Settings
from structlog.testing import capture_logs

from accounts.tests.factories import make_session, make_user
from config.express import Express
from core import lines
from core.api import public
from core.pagination import encode_cursor
from core.tests.threads import at_once
from products import services
from products.models import Category, Product
from products.tests.factories import make_category, make_product, refresh

LIST = "/api/v1/products"
_OF_EACH_ANSWER = {"X-Request-ID"}


class Answer(NamedTuple):
    status: str
    headers: dict[str, str]
    body: bytes


class Shop:
    """A product in each of two categories, asked by the short way and by the long one."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.long_way = get_wsgi_application()
        self.application = Express(self._long)
        self.chairs: Category = make_category("Chairs")
        self.chair: Product = make_product("Oak chair", category=self.chairs, price_minor=9900)
        self.lamps = [make_product(f"Lamp {number}") for number in range(4)]

    def _long(self, environ: dict[str, Any], start_response: Any) -> Any:
        self.taken.append(environ["PATH_INFO"])
        return self.long_way(environ, start_response)

    def ask(self, target: str, *, application: Any = None, **environ: str) -> Answer:
        path, _, query = target.partition("?")
        said: list[Any] = []
        given: dict[str, Any] = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "SERVER_NAME": "testserver",
            "SERVER_PORT": "80",
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.url_scheme": "http",
            "wsgi.input": BytesIO(),
            "wsgi.errors": BytesIO(),
        }
        parts = (application or self.application)(given | environ, lambda *words: said.append(words))
        body = b"".join(parts)
        if hasattr(parts, "close"):
            parts.close()
        status, headers = said[0]
        assert len(dict(headers)) == len(headers)
        return Answer(status, {name: value for name, value in headers if name not in _OF_EACH_ANSWER}, body)


@pytest.fixture
def shop(transactional_db: None, settings: Settings) -> Iterator[Shop]:
    settings.ALLOWED_HOSTS = ["testserver", "shop.example"]
    public._origin.cache_clear()  # the settings of each test
    yield Shop()
    lines.close_lines()


def targets(shop: Shop) -> list[str]:
    return [
        LIST,
        f"{LIST}/",
        f"{LIST}?size=2",
        f"{LIST}?size=2&page=2&sort=price",
        f"{LIST}?cursor=&size=2",
        f"{LIST}?search=oak+chair",
        f"{LIST}?search=%C3%B6k",
        f"{LIST}?category={shop.chairs.slug}",
        f"{LIST}?min_price=50&in_stock=true&market=uk",
        f"{LIST}/{shop.chair.slug}",
        f"{LIST}/{shop.chair.slug}/",
        f"{LIST}/{shop.chair.pk}?market=uk",
    ]


ODD_QUERIES = [
    "&&", "=1", "size=", "size=2&size=3", "size=+2", "size=02", "size=%32", "size=%D9%A2", "size=101", "size=0",
    "size=-1", "size=2#x", "page=2&size=1", "page=100001", "page=99999&size=100", "page=2&cursor=", "cursor=zzz",
    "cursor=%FF", "search=", "search=+", "search=lamp&size=1", "search=%00", "search=%FF%FE&size=1", "search=%ED%A0%80",
    "search=a;b", "search=l%61mp+&size=1&", "search=\xf6k", "search=\xc3\xb6k", f"search={'a' * 201}", "sort=",
    "sort=relevance", "sort=price&cursor=&size=1", "market=", "market=uk", "market=UK", "market=uk&market=uk",
    "market=%00", "in_stock=True", "rating=5.001", "min_price=1e3", "max_price=9999999999999.9999", "category=none",
    "nothing", "&".join(f"a{number}" for number in range(3001)),
]  # fmt: skip
ODD_HEADERS = [
    *(("HTTP_IF_NONE_MATCH", text) for text in ("", "*", " * ", '""', 'W/"x"', ",", '"a","b"', "\xff", "*, *")),
    *(("HTTP_X_MARKET", text) for text in ("", "uk", "UK", "none", "\xff", "a" * 21)),
    *(("HTTP_AUTHORIZATION", text) for text in ("", "Bearer x", "Basic eDp5", "bearer", "\xff")),
    *(("CONTENT_TYPE", text) for text in ("application/json", "text/plain; charset=utf-16", "; charset=none")),
    ("CONTENT_LENGTH", "abc"),
    ("HTTP_ACCEPT", "text/html"),
    ("HTTP_ACCEPT_ENCODING", "gzip"),
    ("HTTP_ACCEPT_LANGUAGE", "de"),
    ("HTTP_COOKIE", "sessionid=a; csrftoken=b"),
    ("HTTP_IF_MATCH", '"x"'),
    ("HTTP_IF_MODIFIED_SINCE", "Thu, 01 Jan 2099 00:00:00 GMT"),
    ("HTTP_ORIGIN", "https://elsewhere.example"),
    ("HTTP_RANGE", "bytes=0-1"),
    ("HTTP_X_FORWARDED_FOR", "1.2.3.4"),
    ("HTTP_X_HTTP_METHOD_OVERRIDE", "DELETE"),
    ("SCRIPT_NAME", "/below"),
]


def assert_alike(shop: Shop, target: str, **environ: str) -> None:
    """Both ways say the same, whichever is taken."""
    named = {"HTTP_X_REQUEST_ID": "the-same-one", **environ}
    assert shop.ask(target, **named) == shop.ask(target, application=shop.long_way, **named), (target, environ)


class TestTheShortWay:
    def test_answers_what_the_long_way_answers(self, shop: Shop) -> None:
        for target in targets(shop):
            short = shop.ask(target)
            assert short == shop.ask(target, application=shop.long_way), target
            assert short.status == "200 OK"
        assert shop.taken == []

    def test_knows_the_copy_that_the_asker_has(self, shop: Shop) -> None:
        for target in targets(shop):
            held = shop.ask(target).headers["ETag"]
            short = shop.ask(target, HTTP_IF_NONE_MATCH=f'"other", W/{held}')
            long = shop.ask(target, HTTP_IF_NONE_MATCH=f'"other", W/{held}', application=shop.long_way)
            assert short == long, target
            assert (short.status, short.body) == ("304 Not Modified", b"")
        assert shop.taken == []

    @pytest.mark.parametrize(
        "origin",
        [
            {"HTTP_HOST": "shop.example"},
            {"HTTP_HOST": "shop.example:8443", "wsgi.url_scheme": "https"},
            {"HTTP_HOST": "elsewhere.example"},
            {"HTTP_HOST": "shop.example:port"},
            {"HTTP_HOST": "shop.example", "HTTP_X_FORWARDED_HOST": "elsewhere.example", "HTTP_X_FORWARDED_PORT": "1"},
            {"HTTP_HOST": "shop.example", "HTTP_X_FORWARDED_PROTO": "https"},
        ],
        ids=lambda origin: " ".join(origin.values()),
    )
    @pytest.mark.parametrize("believed", [None, ("HTTP_X_FORWARDED_PROTO", "https")])
    def test_names_the_shop_as_it_was_asked_for(
        self, shop: Shop, settings: Settings, origin: dict[str, str], believed: tuple[str, str] | None
    ) -> None:
        settings.SECURE_PROXY_SSL_HEADER = believed
        named = origin | {"HTTP_X_REQUEST_ID": "the-same-one"}

        short = shop.ask(f"{LIST}?size=1", **named)

        assert short == shop.ask(f"{LIST}?size=1", application=shop.long_way, **named)

    def test_takes_over_the_request_s_name(self, shop: Shop) -> None:
        names: list[Any] = []
        environ = {"REQUEST_METHOD": "GET", "PATH_INFO": LIST, "SERVER_NAME": "testserver", "SERVER_PORT": "80"}
        for given in ("of-the-asker", "not well formed"):
            shop.application(
                environ | {"wsgi.url_scheme": "http", "HTTP_X_REQUEST_ID": given},
                lambda _, headers: names.append(dict(headers)["X-Request-ID"]),
            )

        assert names[0] == "of-the-asker"
        assert len(names[1]) == 32

    def test_answers_many_at_once(self, shop: Shop) -> None:
        slugs = [lamp.slug for lamp in shop.lamps] * 4

        answers = at_once(lambda slug: shop.ask(f"{LIST}/{slug}"), slugs)

        assert [orjson.loads(answer.body)["slug"] for answer in answers] == slugs
        assert shop.taken == []

    def test_shows_what_was_committed_last(self, shop: Shop) -> None:
        before = shop.ask(f"{LIST}/{shop.chair.slug}")
        Product.objects.filter(pk=shop.chair.pk).update(name="Ash chair")
        refresh(shop.chair)

        after = shop.ask(f"{LIST}/{shop.chair.slug}")

        assert b"Ash chair" in after.body
        assert before.headers["ETag"] != after.headers["ETag"]


class TestEitherWay:
    def test_reads_odd_queries_alike(self, shop: Shop) -> None:
        for query in ODD_QUERIES:
            assert_alike(shop, f"{LIST}?{query}")
            assert_alike(shop, f"{LIST}/{shop.chair.slug}?{query}")

    def test_reads_odd_headers_alike(self, shop: Shop) -> None:
        for name, text in ODD_HEADERS:
            for target in (f"{LIST}?size=1", f"{LIST}?size=1&market=uk", f"{LIST}/{shop.chair.slug}"):
                assert_alike(shop, target, **{name: text})

    def test_takes_each_method_alike(self, shop: Shop) -> None:
        chair, lamp = shop.chair.slug, str(shop.lamps[0].pk).upper()
        for method in ("GET", "HEAD", "get", "OPTIONS", "TRACE", "PURGE"):
            for below in ("", "/", "//", "/prices", "/none", f"/{chair}/", f"/{lamp}", "/\n", "/\xe4"):
                assert_alike(shop, f"{LIST}{below}", REQUEST_METHOD=method)

    def test_leaves_the_same_log(self, shop: Shop) -> None:
        out_of_range = encode_cursor(["relevance", "1e999", str(shop.chair.pk)])
        for target, method in (
            (LIST, "GET"),
            (LIST, "HEAD"),
            (f"{LIST}/none", "GET"),
            (f"{LIST}?search=oak&cursor={out_of_range}", "GET"),
        ):
            told = []
            for application in (shop.application, shop.long_way):
                with capture_logs() as said:
                    shop.ask(target, REQUEST_METHOD=method, application=application)
                told.append([line["event"] for line in said])
            assert told[0] == told[1], (target, method)


class TestTheLongWay:
    def test_explains_what_is_refused(self, shop: Shop) -> None:
        refused = ["?page=0", "?nothing=1", "?size=1&size=2", "?category=none", "?market=none", "?market=%3F", "/none"]

        for target in refused:
            assert shop.ask(f"{LIST}{target}").status[:3] in ("400", "404", "422"), target

        assert len(shop.taken) == len(refused)

    def test_redirects_from_a_former_slug(self, shop: Shop) -> None:
        former = shop.chair.slug
        boss = make_user(is_superuser=True)
        services.update_product(
            product_id=shop.chair.pk, changes={"slug": "new-slug"}, actor_id=boss.pk, at=timezone.now()
        )

        answer = shop.ask(f"{LIST}/{former}")

        assert answer.status == "308 Permanent Redirect"
        assert answer.headers["Location"] == f"{LIST}/new-slug"

    def test_is_that_of_whoever_signs_in(self, shop: Shop) -> None:
        answer = shop.ask(LIST, HTTP_AUTHORIZATION=f"Bearer {make_session(make_user()).access}")

        assert (answer.status, shop.taken) == ("200 OK", [LIST])

    @pytest.mark.parametrize(
        ("path", "method"),
        [
            (LIST, "POST"),
            (LIST, "OPTIONS"),
            (LIST, "HEAD"),
            (f"{LIST}/some/images", "GET"),
            (f"{LIST}//", "GET"),
            (f"{LIST}/\0", "GET"),
            (f"{LIST}x", "GET"),
            ("/api/v1/categories", "GET"),
        ],
    )
    def test_is_that_of_everything_else(self, shop: Shop, path: str, method: str) -> None:
        shop.ask(path, REQUEST_METHOD=method)

        assert shop.taken == [path]

    def test_is_that_of_queries_in_another_charset(self, shop: Shop) -> None:
        shop.ask(f"{LIST}?search=%F6k", CONTENT_TYPE="text/plain; charset=latin-1")

        assert shop.taken == [LIST]

    def test_answers_where_the_short_one_has_a_defect(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("config.express.read_list", lambda request: request.nothing)

        with capture_logs() as said:
            assert shop.ask(LIST).status == "200 OK"

        assert shop.taken == [LIST]
        assert said[0]["event"] == "the short way failed"


class TestLines:
    def test_are_used_again(self, shop: Shop) -> None:
        shop.ask(LIST)
        with lines.on_line():
            first = lines.current_line()
        shop.ask(LIST)

        with lines.on_line():
            assert lines.current_line() is first
        assert lines.current_line() is None

    def test_that_broke_are_replaced_without_an_error_for_the_asker(self, shop: Shop) -> None:
        shop.ask(LIST)
        with lines.on_line():
            pid = lines.current_line().info.backend_pid
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 10000)", [pid])

        assert shop.ask(LIST).status == "200 OK"
        assert shop.taken == [LIST]
        shop.ask(LIST)
        assert shop.taken == [LIST]

    def test_that_cannot_be_opened_are_not_waited_for(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        def refused() -> Any:
            raise psycopg.OperationalError("too many clients")

        monkeypatch.setattr("core.lines._open", refused)

        assert shop.ask(LIST).status == "200 OK"
        assert shop.taken == [LIST]

    def test_cannot_write(self, shop: Shop) -> None:
        with lines.on_line(), pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            lines.current_line().execute("DELETE FROM products_productdocument")

    def test_are_set_up_as_they_are_opened(self, shop: Shop) -> None:
        """A pooler between may give what a session sets later to the next session."""
        names = ["TimeZone", "default_transaction_read_only", "statement_timeout"]

        with lines.on_line():
            told = lines.current_line().execute("SELECT setting, source FROM pg_settings WHERE name = ANY(%s)", [names])

            assert set(told) == {("UTC", "client"), ("on", "client"), ("5000", "client")}

    def test_lead_to_replicas_where_there_are_some(self, shop: Shop, settings: Settings) -> None:
        own = connection.get_connection_params()
        settings.DATABASE_READ = {
            "host": own["host"], "user": own["user"], "dbname": own["dbname"], "application_name": "replica"
        }  # fmt: skip

        assert shop.ask(LIST).status == "200 OK"

        assert shop.taken == []
        with lines.on_line():
            line = lines.current_line()
            assert line.info.get_parameters()["application_name"] == "replica"
            assert line.execute("SHOW default_transaction_read_only").fetchone() == ("on",)

    def test_lead_to_the_primary_while_no_replica_answers(
        self, shop: Shop, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        now, asked = [1000.0], []
        connect = psycopg.connect

        def noted(**where: Any) -> Any:
            asked.append(where["host"])
            return connect(**where)

        settings.DATABASE_READ = {"host": "127.0.0.1", "port": "1", "user": "nobody", "dbname": "shop"}
        monkeypatch.setattr("core.lines.psycopg.connect", noted)
        monkeypatch.setattr("core.lines.monotonic", lambda: now[0])
        monkeypatch.setattr("core.lines._replicas", lines._Replicas())
        primary = connection.get_connection_params()["host"]

        with capture_logs() as said:
            assert [shop.ask(LIST).status for _ in range(3)] == ["200 OK"] * 3
        lines.close_lines()
        shop.ask(LIST)
        now[0] += 11
        shop.ask(LIST)

        assert shop.taken == []
        assert asked == ["127.0.0.1", primary, primary, "127.0.0.1", primary]
        assert [each["event"] for each in said if each["log_level"] != "info"] == ["read replicas do not answer"]

    def test_are_not_kept_for_ever(self, shop: Shop) -> None:
        with lines.on_line():
            first = lines.current_line()
            first.good_until = 0

        with lines.on_line():
            assert lines.current_line() is not first
        assert first.closed

    def test_of_a_parent_are_left_to_it(self, shop: Shop) -> None:
        shop.ask(LIST)
        with lines.on_line():
            own = lines.current_line().info.backend_pid

        child = os.fork()
        if child == 0:
            status = 1
            try:
                with lines.on_line():
                    status = int(lines.current_line().info.backend_pid == own)
            finally:
                os._exit(status)
        assert os.waitpid(child, 0)[1] == 0

        with lines.on_line():
            assert lines.current_line().info.backend_pid == own
            assert lines.current_line().execute("SELECT 1").fetchone() == (1,)
