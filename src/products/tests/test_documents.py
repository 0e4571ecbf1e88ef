from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core import outbox
from core.models import OutboxEvent
from core.tests.threads import in_thread, waits_for_a_lock
from core.transactions import NoTransaction
from markets.events import MarketSaved
from markets.tests.factories import make_market
from products import services
from products.handlers import render_market
from products.models import Category, Price, Product, ProductDocument, Variant
from products.services import documents
from products.tests.factories import make_category, make_product, make_variant, refresh

if TYPE_CHECKING:
    from pytest_django import DjangoAssertNumQueries


def shown(product: Product) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(ProductDocument.objects.get(product=product, market__code="uk").document)
    return found


@pytest.mark.django_db
class TestRenderProducts:
    def test_is_a_step(self) -> None:
        with pytest.raises(NoTransaction):
            services.render_products(product_ids=[])

    def test_costs_the_same_for_one_and_for_many(self, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        products = [make_product(f"Lamp {n}") for n in range(12)]
        make_market("jp", currency="JPY", countries=["JP"])
        Product.objects.update(brand="Acme")

        for some in (products[:1], products):
            with transaction.atomic(), django_assert_num_queries(4):
                services.render_products(product_ids=[product.pk for product in some])

    def test_locks_in_id_order_before_it_reads_and_writes(self) -> None:
        products = [make_product(), make_product()]

        with transaction.atomic(), CaptureQueriesContext(connection) as statements:
            services.render_products(product_ids=[product.pk for product in reversed(products)])

        first = next(query["sql"] for query in statements.captured_queries if "SAVEPOINT" not in query["sql"])
        assert 'SELECT "products_product"."id"' in first
        assert first.endswith('ORDER BY 1 ASC FOR UPDATE OF "products_product"')

    def test_does_not_touch_a_document_that_is_as_it_was(self) -> None:
        product = make_product()
        before = ProductDocument.objects.get()

        with transaction.atomic():
            changed = services.render_products(product_ids=[product.pk])

        after = ProductDocument.objects.get()
        assert changed == set()
        assert (after.pk, after.version) == (before.pk, before.version)

    def test_shows_the_cheapest_variant_and_only_those_with_a_price(self) -> None:
        product = make_product(price_minor=900, options=[{"name": "Wood", "values": ["Oak", "Ash"]}])
        make_variant(product, price_minor=500, compare_at_minor=800, options={"Wood": "Ash"}, is_available=False)
        make_variant(product, price_minor=None)

        document = shown(product)

        assert document["price"] == {"amount": "5.00", "currency": "GBP"}
        assert document["compare_at_price"] == {"amount": "8.00", "currency": "GBP"}
        assert len(document["variants"]) == 2
        assert document["in_stock"] is True

    def test_s24_keeps_texts_as_they_are(self) -> None:
        name = "\u202eX \"quoted\" 'it' \\ {a,b} \U0001f600"
        product = make_product("Plain", tags=['a"b', "c\\d", "{e}"])
        Product.objects.filter(pk=product.pk).update(name=name)
        refresh(product)

        row = ProductDocument.objects.get()
        assert (row.name, row.tags) == (name, ['a"b', "c\\d", "{e}"])
        assert orjson.loads(row.document)["name"] == name


@pytest.mark.django_db
class TestRenderCategory:
    def test_takes_name_and_path_over(self) -> None:
        category = make_category("Light", slug="light")
        product = make_product(category=make_category("Lamps", slug="lamps", parent=category))

        services.update_category(slug="light", changes={"slug": "bright", "name": "Bright"}, at=timezone.now())

        assert shown(product)["category"]["path"] == "bright/lamps"


@pytest.mark.django_db
class TestRenderMarket:
    def test_lists_what_has_a_price_and_clears_a_closed_one(self) -> None:
        make_product()
        market = make_market("uk2", currency="GBP")

        with transaction.atomic():
            render_market(market_id=str(market.pk), delivery_id="x")
        assert ProductDocument.objects.filter(market=market).count() == 1
        market.is_active = False
        market.save()
        with transaction.atomic():
            render_market(market_id=str(market.pk), delivery_id="x")

        assert not ProductDocument.objects.filter(market=market).exists()
        assert ProductDocument.objects.count() == 1

    def test_goes_part_by_part_and_takes_up_where_it_ended(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(documents, "_PART", 2)
        products = sorted(make_product(f"Lamp {number}").pk for number in range(5))
        market = make_market("uk2", currency="GBP")
        rendered = []

        def went_on() -> None:
            (part,) = OutboxEvent.objects.filter(name="products.market_part_rendered").order_by("-pk")[:1]
            assert (part.aggregate, part.payload["market_id"]) == (str(market.pk), str(market.pk))
            rendered.append(ProductDocument.objects.filter(market=market).count())
            render_market(**part.payload, delivery_id="x")

        with transaction.atomic():
            render_market(market_id=str(market.pk), delivery_id="x")
            went_on()
            went_on()

        assert rendered == [2, 4]
        assert OutboxEvent.objects.filter(name="products.market_part_rendered").count() == 2
        shown_there = ProductDocument.objects.filter(market=market).values_list("product_id", flat=True)
        assert sorted(shown_there) == products

    def test_a_worker_goes_on_by_itself(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(documents, "_PART", 2)
        for number in range(4):
            make_product(f"Lamp {number}")
        with transaction.atomic():
            market = make_market("uk2", currency="GBP")
            outbox.publish(MarketSaved(market_id=market.pk), at=timezone.now())

        outbox.drain()

        assert ProductDocument.objects.filter(market=market).count() == 4


@pytest.mark.django_db
class TestSetAvailability:
    def test_shows_it_in_a_constant_number_of_statements(
        self, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        products = [make_product(f"Lamp {n}") for n in range(5)]
        variants = list(Variant.objects.values_list("pk", flat=True))

        with transaction.atomic(), django_assert_num_queries(5):
            services.set_availability(available=dict.fromkeys(variants, False))

        assert not any(shown(product)["in_stock"] for product in products)
        assert not Variant.objects.filter(is_available=True).exists()

    def test_leaves_what_a_render_would(self) -> None:
        make_market("jp", currency="JPY", countries=["JP"])
        product = make_product("Lamp", price_minor=1250)
        second = make_variant(product, price_minor=1400)
        first = product.variants.exclude(pk=second.pk).get()
        Price.objects.create(variant=first, currency="JPY", amount_minor=900)
        refresh(product)

        for available in ({first.pk: False}, {first.pk: True, second.pk: False}, {first.pk: False}):
            with transaction.atomic():
                services.set_availability(available=available)

            call_command("rebuild_documents", "--check")
        assert shown(product)["in_stock"] is False

    def test_does_no_more_than_look_where_nothing_changes(
        self, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        variant = make_product().variants.get()

        with transaction.atomic(), django_assert_num_queries(1):
            services.set_availability(available={variant.pk: True})


@pytest.mark.django_db
class TestRebuildDocuments:
    def test_finds_nothing_in_a_healthy_shop(self, capsys: pytest.CaptureFixture[str]) -> None:
        make_product()

        call_command("rebuild_documents", "--check")

        assert "0 products differed." in capsys.readouterr().out

    def test_reports_and_mends_a_document_that_differs(self, capsys: pytest.CaptureFixture[str]) -> None:
        product = make_product()
        ProductDocument.objects.update(version="0")

        with pytest.raises(CommandError):
            call_command("rebuild_documents", "--check")

        assert f"differed: {product.pk}" in capsys.readouterr().out
        call_command("rebuild_documents", "--check")


@pytest.mark.django_db(transaction=True)
def test_a_stock_flip_and_an_edit_at_once_leave_a_document_that_shows_both() -> None:
    product = make_product("Before")
    variant = product.variants.get()
    edited, may_commit = threading.Event(), threading.Event()

    def edit() -> None:
        with transaction.atomic():
            Product.objects.filter(pk=product.pk).update(name="After")
            services.render_products(product_ids=[product.pk])
            edited.set()
            may_commit.wait(5)
        connection.close()

    def flip() -> None:
        edited.wait(5)
        threading.Timer(0.3, may_commit.set).start()
        with transaction.atomic():
            services.set_availability(available={variant.pk: False})
        connection.close()

    with ThreadPoolExecutor(max_workers=2) as both:
        for done in [both.submit(edit), both.submit(flip)]:
            done.result()

    assert (shown(product)["name"], shown(product)["in_stock"]) == ("After", False)


@pytest.mark.django_db(transaction=True)
def test_a_market_that_opens_while_a_product_is_written_shows_it() -> None:
    make_market()

    def open_market() -> None:
        market = make_market("ie", currency="GBP", countries=["IE"])
        with transaction.atomic():
            render_market(market_id=str(market.pk), delivery_id="x")

    with ThreadPoolExecutor(max_workers=1) as staff:
        with transaction.atomic():
            product = make_product()
            opening = staff.submit(in_thread, open_market)
            waits_for_a_lock(opening)
        opening.result()

    markets = ProductDocument.objects.filter(product=product).values_list("market__code", flat=True)
    assert sorted(markets) == ["ie", "uk"]


@pytest.mark.django_db(transaction=True)
def test_many_writers_of_one_product_leave_the_last_state() -> None:
    product = make_product(price_minor=100)
    variant = product.variants.get()
    others = [make_product(f"Lamp {n}", category=Category.objects.get()) for n in range(4)]

    def write(number: int) -> None:
        try:
            match number % 4:
                case 0:
                    with transaction.atomic():
                        services.set_availability(available={variant.pk: number % 8 == 0})
                case 1:
                    services.update_product(
                        product_id=product.pk, changes={"name": f"Lamp {number}"}, at=timezone.now()
                    )
                case 2:
                    slug = Category.objects.values_list("slug", flat=True).get()
                    services.update_category(slug=slug, changes={"name": f"Lamps {number}"}, at=timezone.now())
                case 3:
                    services.set_active(
                        product_ids=[other.pk for other in others], is_active=number % 8 == 3, at=timezone.now()
                    )
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=6) as writers:
        list(writers.map(write, range(48)))

    call_command("rebuild_documents", "--check")
    assert Price.objects.get(variant=variant).amount_minor == 100
