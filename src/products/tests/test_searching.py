"""Searches by OpenSearch: what is asked of it, and what it never decides."""

from __future__ import annotations

import logging
from io import BytesIO

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from structlog.testing import capture_logs

from accounts.tests.factories import make_group
from core import lines
from core.api.public import PublicRequest
from core.models import Delivery
from markets.models import Market
from markets.tests.factories import make_market
from products import selectors, services
from products.api import reading
from products.domain import NewProduct, NewVariant
from products.domain import searching as questions
from products.engine import InTransaction, engine
from products.models import Product
from products.selectors.searching import list_places, name_of
from products.tests.factories import make_category, make_price_list, make_product, refresh
from products.tests.searching import (
    LIST,
    Counted,
    follow,
    hide,
    names,
    page_of,
    rename,
    rows_of,
)

pytestmark = pytest.mark.django_db


class TestASearch:
    def test_is_one_call_and_one_statement(
        self, client: Client, counted: Counted, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        for number in range(25):
            make_product(f"Lamp {number}")
        follow()
        names(client)  # which market is meant is looked for once

        with django_assert_num_queries(1):
            page = page_of(client)

        assert (page["count"], len(page["results"])) == (25, 20)
        assert counted.answered() == "opensearch"

    def test_without_search_url_loads_nothing_of_it_and_announces_nothing(self) -> None:
        make_product("Lamp")

        assert not Delivery.objects.filter(handler="products.handlers.index_products").exists()
        assert services.fill_missing(at=timezone.now()) == []
        assert selectors.search_state() == "off"

    @pytest.mark.parametrize("words", ["lmap", "Lapm", "lampp", "tabel lamp", "kichen lamp for the table"])
    def test_that_finds_nothing_takes_words_that_are_nearly_these(
        self, client: Client, counted: Counted, words: str
    ) -> None:
        make_product("Table lamp", description="kitchen")
        make_product("Chair")
        follow()

        assert names(client, words) == ["Table lamp"]

    def test_that_finds_something_takes_no_others(self, client: Client, counted: Counted) -> None:
        make_product("Lamp")
        make_product("Lamb")
        follow()

        assert names(client, "lamb") == ["Lamb"]

    def test_for_another_number_finds_nothing(self, client: Client, counted: Counted) -> None:
        make_product("Lamp", sku="LAMP-12345")
        follow()

        assert names(client, "lamp-12346") == []
        assert names(client, "lamp-12345") == ["Lamp"]

    @pytest.mark.parametrize(
        ("words", "found"),
        [('"oak lamp"', ["Oak lamp"]), ("lamp -oak", ["Elm lamp"]), ("oak or elm", ["Elm lamp", "Oak lamp"])],
    )
    def test_with_operators_is_answered_by_postgresql(
        self, client: Client, counted: Counted, words: str, found: list[str]
    ) -> None:
        make_product("Oak lamp")
        make_product("Elm lamp")
        follow()

        assert names(client, words, sort="name") == found
        assert counted.answered() == "none"

    def test_that_finds_too_much_is_answered_by_postgresql(
        self, client: Client, counted: Counted, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for number in range(4):
            make_product(f"Lamp {number}")
        follow()
        monkeypatch.setattr(questions, "MOST_FOUND", 3)

        page = page_of(client, size=2)

        assert (page["count"], len(page["results"])) == (4, 2)
        assert counted.answered() == "postgresql"

    @pytest.mark.parametrize("words", ["\0", "x" * 201, "x" * 1_000_000])
    def test_s26_refuses_what_is_no_text(self, client: Client, counted: Counted, words: str) -> None:
        assert client.get(LIST, {"search": words}).status_code == 400
        assert counted.answered() == "none"

    @pytest.mark.parametrize(
        "words", ["lamp " * 40, "x" * 200, "😀" * 200, "a-" * 100, "* " * 100, "la~2 AND name:*", "{}[]()"]
    )
    def test_s26_of_odd_words_harms_nobody(self, client: Client, counted: Counted, words: str) -> None:
        make_product("Lamp")
        follow()

        with capture_logs() as logged:
            client.get(LIST, {"search": words[:200]})

        assert [line for line in logged if line["event"] != "request"] == []
        assert counted.answered() == "opensearch"

    def test_shows_a_group_its_prices(self, counted: Counted) -> None:
        group = make_group()
        make_price_list((make_product("Lamp", price_minor=1000).variants.get(), 700), group=group)
        follow()
        listing = selectors.Listing(group_id=group.pk, filters={"search": "lamp", "max_price": "8.00"})

        found = selectors.list_documents(listing=listing)

        assert found.count == 1
        assert '"amount":"7.00"' in found.results

    def test_in_a_transaction_is_answered_by_postgresql(self, counted: Counted) -> None:
        make_product("Lamp")
        follow()

        with transaction.atomic():
            found = selectors.list_documents(listing=selectors.Listing(filters={"search": "lamp"}))
            with pytest.raises(InTransaction):
                engine().list_indexes(beginning="x")

        assert found.count == 1
        assert counted.answered() == "none"

    def test_writes_no_words_into_the_log(
        self, client: Client, counted: Counted, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        caplog.set_level("DEBUG")
        monkeypatch.setattr(logging.getLogger("opensearchpy.trace"), "handlers", [caplog.handler])
        make_product("Lamp")
        follow()

        names(client, "unmentionable")

        assert "unmentionable" not in " ".join(
            line.getMessage() for line in caplog.records if line.name != "django.db.backends"
        )
        assert not [line for line in caplog.records if line.name.startswith("opensearch")]

    def test_is_not_remembered(self, counted: Counted) -> None:
        make_product("Lamp")
        follow()

        by_engine = selectors.list_documents(listing=selectors.Listing(filters={"search": "lamp"}))
        by_operators = selectors.list_documents(listing=selectors.Listing(filters={"search": '"lamp"'}))

        assert by_engine.edition is None
        assert by_operators.edition is not None

    @pytest.mark.django_db(transaction=True)
    def test_over_a_line_is_looked_for_each_time(self, counted: Counted) -> None:
        make_product("Lamp")
        follow()
        request = PublicRequest(
            {"REQUEST_METHOD": "GET", "PATH_INFO": LIST, "QUERY_STRING": "search=lamp", "SERVER_NAME": "testserver",
             "SERVER_PORT": "80", "wsgi.url_scheme": "http", "wsgi.input": BytesIO()}
        )  # fmt: skip

        with lines.on_line():
            answers = [reading.read_list(request) for _ in range(2)]
        lines.close_lines()

        assert counted.counts["searches", "opensearch"] == 2
        assert [b'"count":1' in answer.body for answer in answers] == [True, True]

    def test_is_tagged_by_what_it_shows(self, client: Client, counted: Counted) -> None:
        make_product("Lamp")
        follow()
        tag = client.get(LIST, {"search": "lamp"})["ETag"]
        other = make_product("Other lamp")

        behind = client.get(LIST, {"search": "lamp"}, headers={"If-None-Match": tag})
        follow()
        after = client.get(LIST, {"search": "lamp"}, headers={"If-None-Match": tag})

        assert (behind.status_code, after.status_code) == (304, 200)
        assert rows_of(after) == [other.name, "Lamp"]

    def test_goes_by_another_default_market_at_once(self, client: Client, counted: Counted) -> None:
        make_market("fr", currency="EUR", countries=[])
        make_product("Lamp")
        make_product("Lampe lamp", currency="EUR")
        follow()
        before = names(client)
        Market.objects.update(is_default=False)
        Market.objects.filter(code="fr").update(is_default=True)

        assert (before, names(client), names(client)) == (["Lamp"], ["Lampe lamp"], ["Lampe lamp"])


class TestWhatIsShown:
    def test_is_never_what_is_hidden_while_the_index_is_behind(self, client: Client, counted: Counted) -> None:
        kept, hidden, deleted = make_product("Kept lamp"), make_product("Hidden lamp"), make_product("Deleted lamp")
        follow()

        hide(hidden)
        services.delete_product(product_id=deleted.pk, at=timezone.now())
        page = page_of(client)

        assert ([row["id"] for row in page["results"]], page["count"]) == ([str(kept.pk)], 1)
        assert counted.answered() == "opensearch"

    def test_is_as_it_was_committed_last_while_the_index_is_behind(self, client: Client, counted: Counted) -> None:
        product = make_product("Lamp")
        follow()

        rename(product, "Oil lamp")
        Product.objects.filter(pk=product.pk).update(tags=["new"])
        refresh(product)

        assert names(client, tag="new") == ["Oil lamp"]
        assert names(client, "oil") == []  # by its new words it is found when the index has them
        follow()
        assert names(client, "oil") == ["Oil lamp"]

    def test_follows_each_change(self, client: Client, counted: Counted) -> None:
        product = make_product("Lamp")
        follow()

        rename(product, "Chair")
        follow()
        renamed = names(client), names(client, "chair")
        hide(product)
        follow()
        hidden = engine().find(index=name_of(list_places()[0]), query={"match_all": {}}, most=9, seconds=9)
        services.set_active(product_ids=[product.pk], is_active=True, at=timezone.now())
        follow()

        assert renamed == ([], ["Chair"])
        assert hidden.ids == [str(product.pk)]  # a line without words
        assert names(client, "chair") == ["Chair"]

    def test_has_what_was_loaded_in_bulk_by_one_event(self, client: Client, counted: Counted) -> None:
        follow()
        category = make_category()
        goods = [
            NewProduct(
                name=f"Lamp {number}",
                category_id=category.pk,
                variants=[NewVariant(sku=f"L-{number}", price_minor=100, currency="GBP")],
            )
            for number in range(3)
        ]
        services.create_many(products=goods, at=timezone.now())
        owed = Delivery.objects.filter(handler="products.handlers.index_products").count()
        follow()

        assert owed == 1
        assert sorted(names(client)) == ["Lamp 0", "Lamp 1", "Lamp 2"]
