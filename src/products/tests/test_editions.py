"""A process answers a list again without looking for it, as long as nothing of it can have changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

import orjson
import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from core import lines
from core.api import public
from core.api.public import PublicAnswer, PublicRequest
from core.errors import Malformed
from core.remembering import Memory
from core.tests.threads import at_once
from markets.models import Market
from markets.tests.factories import make_market
from products import selectors, services
from products.api import reading
from products.models import Category, Edition, Product, ProductDocument
from products.tests.factories import make_category, make_product, refresh

pytestmark = pytest.mark.django_db(transaction=True)

Change = Callable[[Product], object]


@pytest.fixture(autouse=True)
def _alone(settings: Settings) -> Iterator[None]:
    settings.ALLOWED_HOSTS = ["testserver"]
    public._origin.cache_clear()
    reading._memory.forget()
    yield
    reading._memory.forget()
    lines.close_lines()


def ask(query: str = "", **environ: str) -> PublicAnswer:
    """Ask for a list as the short way does."""
    given: dict[str, Any] = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/api/v1/products",
        "QUERY_STRING": query,
        "SERVER_NAME": "testserver",
        "SERVER_PORT": "80",
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(),
    }
    with lines.on_line():
        return reading.read_list(PublicRequest(given | environ))


def looks(query: str = "", **environ: str) -> int:
    """Return how many statements of a list look at documents."""
    with CaptureQueriesContext(connection) as asked:
        ask(query, **environ)
    return sum("products_productdocument" in each["sql"] for each in asked)


def shown(query: str = "", **environ: str) -> list[str]:
    return [row["name"] for row in orjson.loads(ask(query, **environ).body)["results"]]


def edition(market: str | None = None, category: str | None = None) -> str | None:
    with lines.on_line():
        return selectors.edition_of(market=market, category=category)


def rename(product: Product) -> None:
    services.update_product(product_id=product.pk, changes={"name": "Oil lamp"}, at=timezone.now())


def sell_out(product: Product) -> None:
    with transaction.atomic():
        services.set_availability(available={product.variants.get().pk: False})


def withdraw(product: Product) -> None:
    ProductDocument.objects.filter(product=product).delete()


def rate(product: Product) -> None:
    ProductDocument.objects.filter(product=product).update(rating="4.50", document='{"name":"Lamp","rating":"4.50"}')


def add(product: Product) -> None:
    make_product("Second lamp", category=product.category)


def price_in_euros(product: Product) -> None:
    Market.objects.filter(code="uk").update(currency="EUR")
    refresh(product)


def move(product: Product) -> None:
    above = make_category("Light", slug="light")
    Category.objects.filter(pk=product.category_id).update(ancestor_ids=[above.pk, product.category_id])
    refresh(product)


class TestAListAskedForAgain:
    @pytest.mark.parametrize(
        "query", ["", "category=lamps", "search=lamp", "min_price=1&in_stock=true", "page=2&size=1"]
    )
    def test_is_not_looked_for(self, query: str) -> None:
        for name in ("Lamp", "Other lamp"):
            make_product(name, category=make_category(name, slug=name.lower().replace(" ", "-") + "s"))
        first = ask(query)

        with CaptureQueriesContext(connection) as asked:
            again = ask(query)

        assert again == first
        assert ["products_productdocument" in each["sql"] for each in asked] == [False]
        held = first.headers["ETag"]
        assert looks(query, HTTP_IF_NONE_MATCH=held) == 0
        assert ask(query, HTTP_IF_NONE_MATCH=held).status == 304
        assert ask(query, HTTP_IF_NONE_MATCH='"other"') == first

    def test_is_known_after_304(self) -> None:
        make_product("Lamp")
        first = ask()
        reading._memory.forget()

        assert [looks(HTTP_IF_NONE_MATCH=first.headers["ETag"]) for _ in range(2)] == [1, 0]
        assert looks() == 1
        assert looks() == 0
        assert ask() == first

    @pytest.mark.parametrize("change", [rename, sell_out, withdraw, rate, add, price_in_euros, move])
    @pytest.mark.parametrize("query", ["", "category=lamps", "search=lamp"])
    def test_shows_what_has_changed(self, change: Change, query: str) -> None:
        product = make_product("Lamp", category=make_category("Lamps", slug="lamps"))
        before = ask(query)
        edition_before = edition(category="lamps" if "category" in query else None)

        change(product)

        after = ask(query)
        reading._memory.forget()
        assert after == ask(query)
        assert edition(category="lamps" if "category" in query else None) != edition_before
        if change is not move:
            assert after.body != before.body

    def test_of_a_category_that_is_gone_is_refused(self) -> None:
        make_product("Lamp", category=(category := make_category("Lamps", slug="lamps")))
        ask("category=lamps")
        Category.objects.filter(pk=category.pk).update(slug="lights", path="lights")

        with pytest.raises(Malformed):
            ask("category=lamps")
        make_category("Other lamps", slug="lamps")
        assert shown("category=lamps") == []
        assert shown("category=lights") == ["Lamp"]

    def test_of_another_default_market_is_that_market_s(self) -> None:
        make_product("Lamp")
        assert shown() == ["Lamp"]
        Market.objects.update(is_default=False)
        make_market("fr", is_default=True, currency="EUR")

        assert shown() == []
        assert shown(HTTP_X_MARKET="uk") == ["Lamp"]
        assert shown("market=uk") == ["Lamp"]

    def test_is_looked_for_where_nothing_may_be_remembered(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(reading, "_memory", Memory(0))
        make_product("Lamp")

        assert [looks() for _ in range(2)] == [1, 1]

    def test_is_not_remembered_as_a_transaction_sees_it(self) -> None:
        product = make_product("Lamp")
        request = PublicRequest(
            {"REQUEST_METHOD": "GET", "PATH_INFO": "/api/v1/products", "SERVER_NAME": "testserver",
             "SERVER_PORT": "80", "wsgi.url_scheme": "http", "wsgi.input": BytesIO()}
        )  # fmt: skip
        with transaction.atomic():
            Product.objects.filter(pk=product.pk).update(name="Oil lamp")
            refresh(product)
            assert b"Oil lamp" in reading.read_list(request).body
            transaction.set_rollback(True)
        sell_out(product)

        assert shown() == ["Lamp"]

    def test_read_before_a_commit_is_not_taken_for_one_after_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        product, head = make_product("Lamp"), reading._head

        def slowly(*given: Any) -> bytes:
            monkeypatch.setattr(reading, "_head", head)
            at_once(rename, [product])
            return head(*given)

        monkeypatch.setattr(reading, "_head", slowly)

        assert shown() == ["Lamp"]
        assert shown() == ["Oil lamp"]


class TestTheEdition:
    def test_stays_while_a_market_lists_the_same(self) -> None:
        product = make_product("Lamp")
        before = edition()

        refresh(product)
        services.gather_tallies()
        make_category("Chairs")
        make_market("fr", currency="EUR")
        make_product("Lampe", currency="EUR")

        assert before is not None
        assert edition() == before

    def test_is_kept_in_one_row(self) -> None:
        product = make_product("Lamp")
        rename(product)
        sell_out(product)
        before, rows = edition(), Edition.objects.count()

        services.gather_tallies()

        assert rows == 3
        assert edition() == before
        assert [row.changes for row in Edition.objects.all()] == [3]

    def test_is_not_summed_up_where_too_much_changes(self) -> None:
        make_product("Lamp")
        market = Market.objects.get()
        Edition.objects.bulk_create(Edition(market_id=market.pk, changes=1) for _ in range(1000))

        assert edition() is None
        assert [looks() for _ in range(2)] == [1, 1]
        services.gather_tallies()
        assert edition() is not None
        assert [looks() for _ in range(2)] == [1, 0]

    def test_is_of_no_market_that_there_is_not(self) -> None:
        make_product("Lamp")

        assert edition("none") is None

    def test_of_writers_waits_for_none(self) -> None:
        made = [make_product(f"Lamp {number}") for number in range(4)]
        before = edition()

        with transaction.atomic():
            sell_out(made[0])
            at_once(sell_out, made[1:])
            meanwhile = edition()

        assert len({before, meanwhile, edition()}) == 3
