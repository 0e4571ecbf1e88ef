from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from django.db import connection, transaction
from django.utils import timezone

from core.errors import DomainError, PreconditionFailed
from core.models import OutboxEvent
from core.sql import insert_all
from core.tests.threads import in_thread, waits_for_a_lock
from core.transactions import command
from markets.tests.factories import make_market
from products import selectors, services
from products.domain import AmountGiven, ProductData, VariantData, version_of
from products.errors import (
    CategoryNotFound,
    LastVariant,
    NotDeleted,
    PriceInvalid,
    PricesInvalid,
    ProductInvalid,
    ProductNotFound,
    SkuTaken,
    SlugTaken,
)
from products.models import FormerSlug, Price, Product, ProductDocument, Variant
from products.services import PriceLine
from products.services.slugs import refused_when_taken
from products.tests.factories import make_category, make_price, make_product, make_variant

if TYPE_CHECKING:
    from pytest_django import DjangoAssertNumQueries

pytestmark = pytest.mark.django_db


def amount(text: str, currency: str | None = None) -> AmountGiven:
    return AmountGiven(amount=Decimal(text), currency=currency)


def create(name: str = "Oak lamp", *, slug: str | None = None, **variant: Any) -> Product:
    make_market()
    category = make_category("Lamps")
    data = ProductData(
        name=name, category=category.slug, slug=slug, variants=[VariantData(**{"price": amount("12.50")} | variant)]
    )
    return services.create_product(data=data, at=timezone.now())


def update(product: Product, **changes: Any) -> Product:
    return services.update_product(product_id=product.pk, changes=changes, at=timezone.now())


class TestCreateProduct:
    def test_writes_price_stock_document_and_event(self) -> None:
        product = create(stock=3)

        document = orjson.loads(ProductDocument.objects.get().document)
        assert (document["slug"], document["variants"][0]["sku"]) == ("oak-lamp", "OAK-LAMP")
        assert document["price"] == {"amount": "12.50", "currency": "GBP"}
        assert document["in_stock"] is True
        events = OutboxEvent.objects.order_by("pk").values_list("name", flat=True)
        assert list(events) == ["products.stock_declared", "products.product_created"]
        assert OutboxEvent.objects.order_by("pk")[1].aggregate == str(product.pk)

    def test_numbers_slugs_and_skus_of_equal_names(self) -> None:
        products = [create(), create(), create()]

        assert [product.slug for product in products] == ["oak-lamp", "oak-lamp-2", "oak-lamp-3"]
        assert Variant.objects.filter(sku="OAK-LAMP-3").exists()

    def test_does_not_take_a_slug_that_another_product_once_had(self) -> None:
        update(create(), slug="pine-lamp")

        assert create().slug == "oak-lamp-2"
        with pytest.raises(SlugTaken):
            create(slug="oak-lamp")

    @pytest.mark.parametrize(
        ("variant", "refusal"),
        [
            ({"price": amount("1.001")}, PriceInvalid),
            ({"price": amount("1.5", "JPY")}, PriceInvalid),
            ({"price": amount("1.5001", "KWD")}, PriceInvalid),
            ({"price": amount("9999999999999")}, PriceInvalid),
            ({"price": amount("5"), "compare_at_price": amount("5")}, PriceInvalid),
            ({"price": amount("5"), "compare_at_price": amount("9", "EUR")}, PriceInvalid),
            ({"sku": "\t"}, ProductInvalid),
            ({"options": {"Wood": "Oak"}}, ProductInvalid),
        ],
    )
    def test_refuses_the_whole_product_for_one_wrong_part(
        self, variant: dict[str, Any], refusal: type[DomainError]
    ) -> None:
        with pytest.raises(refusal):
            create(**variant)

        assert not Product.all_objects.exists()
        assert not OutboxEvent.objects.exists()

    @pytest.mark.parametrize(
        "options",
        [
            [{"name": "Wood", "values": ["Oak", "Oak"]}],
            [{"name": "Wood", "values": ["Oak"]}, {"name": "Wood", "values": ["Oak"]}],
        ],
    )
    def test_refuses_what_stands_twice_among_the_options(self, options: list[dict[str, Any]]) -> None:
        variant = VariantData(options={"Wood": "Oak"})
        data = ProductData(name="Lamp", category=make_category().slug, options=options, variants=[variant])

        with pytest.raises(ProductInvalid, match="twice"):
            services.create_product(data=data, at=timezone.now())

        assert not Product.all_objects.exists()

    def test_refuses_a_sku_that_lives(self) -> None:
        make_product(sku="ONE")

        with pytest.raises(SkuTaken) as refusal:
            create(sku="ONE")

        assert refusal.value.skus == ["ONE"]
        assert Product.objects.count() == 1

    def test_refuses_an_unknown_category(self) -> None:
        make_market()

        with pytest.raises(CategoryNotFound):
            services.create_product(data=ProductData(name="x", category="none"), at=timezone.now())


class TestRefusedWhenTaken:
    def test_refuses_what_was_only_going_to_be_written(self) -> None:
        product = make_product()

        @command
        def write() -> None:
            with refused_when_taken():
                insert_all([FormerSlug(slug="old", product=product), FormerSlug(slug="old", product=product)])

        with pytest.raises(SlugTaken):
            write()


class TestUpdateProduct:
    def test_leaves_a_redirect_behind_and_may_go_back(self) -> None:
        product = create()

        update(product, slug="pine-lamp")
        assert FormerSlug.objects.get().slug == "oak-lamp"
        update(product, slug="oak-lamp")

        assert FormerSlug.objects.get().slug == "pine-lamp"

    def test_keeps_what_is_not_named(self) -> None:
        product = create(compare_at_price=amount("20.00"), sku="ONE")

        update(product, price=amount("13.00"))

        price = Price.objects.get()
        assert (price.amount_minor, price.compare_at_minor) == (1300, 2000)
        update(product, compare_at_price=None)
        assert Price.objects.get().compare_at_minor is None
        assert Variant.objects.get().sku == "ONE"

    def test_declares_stock_before_it_locks_the_product(self) -> None:
        product = create(stock=0)

        update(product, stock=4, name="Other")

        document = orjson.loads(ProductDocument.objects.get().document)
        assert (document["in_stock"], document["name"]) == (True, "Other")

    def test_refuses_a_price_for_several_variants(self) -> None:
        product = make_product()
        make_variant(product)

        with pytest.raises(ProductInvalid):
            update(product, price=amount("1"))

    def test_honours_the_version_of_product_and_document(self) -> None:
        product = create()
        shown = ProductDocument.objects.get().version
        staff = version_of(Product.objects.get().updated_at)

        with pytest.raises(PreconditionFailed):
            services.update_product(product_id=product.pk, changes={"name": "x"}, versions=["0"], at=timezone.now())
        services.update_product(product_id=product.pk, changes={"brand": "x"}, versions=[shown], at=timezone.now())
        with pytest.raises(PreconditionFailed):
            services.update_product(
                product_id=product.pk, changes={"brand": "y"}, versions=[shown, staff], at=timezone.now()
            )

        assert (Product.objects.get().name, Product.objects.get().brand) == ("Oak lamp", "x")


class TestDeleteProduct:
    def test_frees_slug_and_sku_and_tells(self) -> None:
        first = create(sku="ONE")

        services.delete_product(product_id=first.pk, at=timezone.now())
        second = create(sku="ONE")

        assert second.slug == "oak-lamp"
        assert OutboxEvent.objects.filter(name="products.product_deleted").count() == 1
        with pytest.raises(ProductNotFound):
            services.delete_product(product_id=first.pk, at=timezone.now())


class TestRestoreProduct:
    def test_brings_back_the_variants_that_it_had_then(self) -> None:
        product = make_product(options=[])
        gone = make_variant(product, options={"a": "b"})
        now = timezone.now()
        services.remove_variant(product_id=product.pk, variant_id=gone.pk, at=now)
        services.delete_product(product_id=product.pk, at=timezone.now())

        services.restore_product(product_id=product.pk, at=timezone.now())

        assert Variant.objects.count() == 1
        assert ProductDocument.objects.count() == 1
        with pytest.raises(NotDeleted):
            services.restore_product(product_id=product.pk, at=now)

    def test_refuses_when_slug_or_sku_belong_to_another_now(self) -> None:
        first = create(sku="ONE")
        services.delete_product(product_id=first.pk, at=timezone.now())
        second = create(sku="ONE")

        with pytest.raises(SkuTaken):
            services.restore_product(product_id=first.pk, at=timezone.now())
        update(second, sku="TWO")
        with pytest.raises(SlugTaken):
            services.restore_product(product_id=first.pk, at=timezone.now())
        services.restore_product(product_id=first.pk, slug="first", at=timezone.now())

        assert Product.objects.get(pk=first.pk).slug == "first"


class TestVariants:
    def test_are_added_changed_and_removed(self) -> None:
        product = make_product(options=[{"name": "Wood", "values": ["Oak", "Ash"]}])
        Variant.objects.update(options={"Wood": "Oak"})
        now = timezone.now()
        data = VariantData(options={"Wood": "Ash"}, price=amount("5"), stock=2)

        added = services.add_variant(product_id=product.pk, data=data, at=now)
        services.update_variant(
            product_id=product.pk, variant_id=added.pk, changes={"price": amount("6"), "sku": "ASH"}, at=now
        )

        document = orjson.loads(ProductDocument.objects.get().document)
        assert [v["price"]["amount"] for v in document["variants"]] == ["10.00", "6.00"]
        assert document["variants"][1]["sku"] == "ASH"
        services.remove_variant(product_id=product.pk, variant_id=added.pk, at=now)
        with pytest.raises(LastVariant):
            services.remove_variant(product_id=product.pk, variant_id=Variant.objects.get().pk, at=now)

    def test_have_options_of_their_own(self) -> None:
        product = make_product(options=[{"name": "Wood", "values": ["Oak", "Ash"]}])
        Variant.objects.update(options={"Wood": "Oak"})

        for options in ({"Wood": "Oak"}, {"Wood": "Pine"}, {}, {"Size": "L"}):
            with pytest.raises(ProductInvalid):
                services.add_variant(product_id=product.pk, data=VariantData(options=options), at=timezone.now())

        assert Variant.objects.count() == 1


class TestSetPrices:
    def test_writes_all(self, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        products = [make_product(sku=f"S{n}") for n in range(4)]
        lines = [PriceLine(sku=f"S{n}", price=amount("3")) for n in range(4)]
        lines.append(PriceLine(variant=products[0].variants.get().pk, price=amount("300", "JPY")))

        assert services.set_prices(lines=lines, at=timezone.now()) == 4
        assert Price.objects.filter(amount_minor=300).count() == 5

    def test_costs_the_same_for_one_and_for_many(self, django_assert_max_num_queries: Any) -> None:
        for n in range(20):
            make_product(sku=f"S{n}")

        with django_assert_max_num_queries(13):
            services.set_prices(lines=[PriceLine(sku=f"S{n}", price=amount("3")) for n in range(20)], at=timezone.now())

    def test_writes_none_and_names_every_bad_line(self) -> None:
        make_product(sku="S0")
        lines = [
            PriceLine(sku="S0", price=amount("1")),
            PriceLine(sku="S0", price=amount("2")),
            PriceLine(sku="NONE", price=amount("1")),
            PriceLine(sku="S0", price=amount("1.5", "JPY")),
        ]

        with pytest.raises(PricesInvalid) as refusal:
            services.set_prices(lines=lines, at=timezone.now())

        assert [line["line"] for line in refusal.value.lines] == [1, 2, 3]
        assert Price.objects.get().amount_minor == 1000


class TestChangePricesByPercent:
    def test_rounds_half_up_once_and_drops_what_no_longer_compares(self) -> None:
        category = make_category("Top")
        product = make_product(category=make_category(parent=category), with_variant=False)
        variant = make_variant(product, price_minor=1005, compare_at_minor=1100)
        make_price(variant, 15, currency="JPY")
        make_product("Elsewhere")

        changed = services.change_prices_by_percent(percent=Decimal(10), category_id=category.pk, at=timezone.now())

        assert changed == 1
        assert set(Price.objects.filter(variant=variant).values_list("amount_minor", "compare_at_minor")) == {
            (1106, None),
            (17, None),
        }

    @pytest.mark.parametrize("percent", ["-100.1", "1001", "NaN", "Infinity"])
    def test_refuses_what_is_no_percentage(self, percent: str) -> None:
        with pytest.raises(PriceInvalid):
            services.change_prices_by_percent(percent=Decimal(percent), product_ids=[], at=timezone.now())


class TestOffers:
    def test_are_one_query_and_only_what_is_on_sale(self, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        market = make_market()
        sold = make_product(sku="SOLD", price_minor=700).variants.get()
        make_product(sku="NO-PRICE", price_minor=None)
        services.delete_product(product_id=make_product(sku="GONE").pk, at=timezone.now())
        services.set_active(product_ids=[make_product(sku="HIDDEN").pk], is_active=False, at=timezone.now())

        with django_assert_num_queries(1):
            found = selectors.offers_by_sku(skus=["SOLD", "NO-PRICE", "GONE", "HIDDEN", "NONE"], market=market)

        assert list(found) == ["SOLD"]
        assert (found["SOLD"].variant_id, found["SOLD"].unit_price_minor) == (sold.pk, 700)
        assert selectors.offers(variant_ids=[sold.pk], market=market)[sold.pk] == found["SOLD"]
        assert selectors.offers(variant_ids=[], market=market) == {}
        assert set(selectors.variants_by_sku(skus=["SOLD", "NO-PRICE", "GONE"])) == {"SOLD", "NO-PRICE"}


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_of_one_name_give_each_product_a_slug_and_a_sku(self) -> None:
        make_market()
        category = make_category()

        def add(_: int) -> str:
            try:
                data = ProductData(name="Oak lamp", category=category.slug)
                return services.create_product(data=data, at=timezone.now()).slug
            finally:
                connection.close()

        with ThreadPoolExecutor(max_workers=6) as staff:
            given = list(staff.map(add, range(12)))

        assert len(set(given)) == 12
        assert Variant.objects.values("sku").distinct().count() == 12

    def test_for_one_sku_have_one_winner_and_clean_refusals(self) -> None:
        products = [make_product(f"Lamp {n}") for n in range(6)]

        def take(product: Product) -> str:
            try:
                update(product, sku="WANTED")
            except SkuTaken:
                return "refused"
            finally:
                connection.close()
            return "taken"

        with ThreadPoolExecutor(max_workers=6) as staff:
            outcomes = sorted(staff.map(take, products))

        assert outcomes == ["refused"] * 5 + ["taken"]
        assert Variant.objects.filter(sku="WANTED").count() == 1

    def test_a_price_goes_to_the_variant_that_is_sold_by_then(self) -> None:
        product = make_product("Oak lamp", price_minor=1000)
        old = product.variants.get()

        with ThreadPoolExecutor(max_workers=1) as staff:
            with transaction.atomic():
                services.lock_products(product_ids=[product.pk])
                changing = staff.submit(in_thread, lambda: update(product, price=AmountGiven(amount=Decimal(8))))
                assert waits_for_a_lock(changing)
                Variant.objects.filter(pk=old.pk).update(deleted_at=timezone.now())
                new = make_variant(product, sku="NEW", price_minor=1000)
            changing.result()

        assert Price.objects.get(variant=old).amount_minor == 1000
        assert Price.objects.get(variant=new).amount_minor == 800
