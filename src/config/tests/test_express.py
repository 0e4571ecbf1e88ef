"""The short way answers as the long one does, or leaves it to that."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import Any, NamedTuple

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
        return Answer(status, {name: value for name, value in headers if name not in _OF_EACH_ANSWER}, body)


@pytest.fixture
def shop(transactional_db: None, settings: Settings) -> Iterator[Shop]:
    settings.ALLOWED_HOSTS = ["testserver", "shop.example"]
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


class TestTheShortWay:
    def test_answers_what_the_long_way_answers(self, shop: Shop) -> None:
        for target in targets(shop):
            for method in ("GET", "HEAD"):
                short = shop.ask(target, REQUEST_METHOD=method)
                long = shop.ask(target, REQUEST_METHOD=method, application=shop.long_way)
                assert short == long, target
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
            {"HTTP_HOST": "shop.example", "HTTP_X_FORWARDED_PROTO": "https"},
        ],
        ids=lambda origin: " ".join(origin.values()),
    )
    def test_names_the_shop_as_it_was_asked_for(self, shop: Shop, origin: dict[str, str]) -> None:
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

    def test_shows_what_was_committed_last(self, shop: Shop) -> None:
        before = shop.ask(f"{LIST}/{shop.chair.slug}")
        Product.objects.filter(pk=shop.chair.pk).update(name="Ash chair")
        refresh(shop.chair)

        after = shop.ask(f"{LIST}/{shop.chair.slug}")

        assert b"Ash chair" in after.body
        assert before.headers["ETag"] != after.headers["ETag"]


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

    def test_cannot_write(self, shop: Shop) -> None:
        with lines.on_line(), pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            lines.current_line().execute("DELETE FROM products_productdocument")

    def test_of_a_parent_are_left_to_it(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        shop.ask(LIST)
        with lines.on_line():
            inherited = lines.current_line()
        monkeypatch.setattr(lines._lines, "pid", 1)

        with lines.on_line():
            assert lines.current_line() is not inherited
        inherited.close()
