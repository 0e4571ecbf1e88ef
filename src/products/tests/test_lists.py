from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import services as people
from accounts.errors import CustomerGroupInUse
from accounts.models import CustomerGroup
from accounts.tests.factories import make_group
from markets.tests.factories import make_market
from products import services, tasks
from products.domain import AmountGiven
from products.errors import PriceListInvalid, PriceListNotFound, PriceListTaken, PricesInvalid
from products.models import GroupDocument, ListPrice, PriceList, Product, ProductDocument, Variant
from products.services import ListPriceLine, PriceLine, PriceListData, lists
from products.tests.factories import make_price_list, make_product, make_variant

if TYPE_CHECKING:
    from pytest_django import DjangoAssertNumQueries

NOW = timezone.now()
DAY = timedelta(days=1)


def amount(text: str) -> AmountGiven:
    return AmountGiven(amount=Decimal(text))


def line(variant: Variant, price: str | None, min_quantity: int = 1) -> ListPriceLine:
    return ListPriceLine(variant=variant.pk, price=None if price is None else amount(price), min_quantity=min_quantity)


def price_of(product: Product, group: Any = None) -> str:
    document = ProductDocument.objects.get(product=product, market__code="uk")
    own = GroupDocument.objects.filter(product=product, market__code="uk", group=group).first()
    return str(orjson.loads((own or document).document)["price"]["amount"])


def check_documents() -> None:
    call_command("rebuild_documents", "--check")


@pytest.mark.django_db
class TestCreatePriceList:
    def test_makes_a_list_without_prices(self) -> None:
        market, group = make_market(), make_group()
        data = PriceListData(code="b2b", name="B2B", currency="GBP", group=group.code, market=market.code, priority=3)

        row = services.create_price_list(data=data, at=NOW)

        assert (row.group_id, row.market_id, row.priority, row.is_shown) == (group.pk, market.pk, 3, True)
        assert not ListPrice.objects.exists()

    @pytest.mark.parametrize(
        "wrong",
        [
            {"code": "a b"},
            {"code": "x" * 51},
            {"currency": "XXQ"},
            {"group": "none"},
            {"group": "a\0"},
            {"market": "none"},
            {"market": "de"},
            {"starts_at": NOW, "ends_at": NOW},
        ],
    )
    def test_refuses_what_cannot_be(self, wrong: dict[str, Any]) -> None:
        make_market("de", currency="EUR", countries=["DE"])
        given: dict[str, Any] = {"code": "b2b", "name": "B2B", "currency": "GBP"} | wrong

        with pytest.raises(PriceListInvalid):
            services.create_price_list(data=PriceListData(**given), at=NOW)

        assert not PriceList.objects.exists()

    def test_refuses_a_taken_code(self) -> None:
        make_price_list(code="b2b", name="The first")

        with pytest.raises(PriceListTaken):
            services.create_price_list(data=PriceListData(code="b2b", name="B2B", currency="GBP"), at=NOW)

        assert PriceList.objects.get().name == "The first"


@pytest.mark.django_db
class TestSetListPrices:
    def test_shows_them_to_everybody_or_to_the_group_alone(self) -> None:
        first, second, group = make_product("A"), make_product("B"), make_group()
        make_price_list(code="all")
        make_price_list(code="ours", group=group)

        services.set_list_prices(code="all", lines=[line(first.variants.get(), "9.00")], at=NOW)
        services.set_list_prices(code="ours", lines=[line(second.variants.get(), "8.00")], at=NOW)

        assert (price_of(first), price_of(first, group)) == ("9.00", "9.00")
        assert (price_of(second), price_of(second, group)) == ("10.00", "8.00")
        assert GroupDocument.objects.count() == 1
        check_documents()

    def test_shows_what_more_units_cost(self) -> None:
        product = make_product()
        make_price_list(code="all")

        lines = [line(product.variants.get(), "9.00", 10), line(product.variants.get(), "8.00", 50)]
        services.set_list_prices(code="all", lines=lines, at=NOW)

        document = orjson.loads(ProductDocument.objects.get().document)
        assert document["price"]["amount"] == "10.00"
        assert [(tier["quantity"], tier["price"]["amount"]) for tier in document["variants"][0]["quantity_prices"]] == [
            (10, "9.00"),
            (50, "8.00"),
        ]

    def test_changes_and_removes_those_that_are_named(self) -> None:
        product, other = make_product(), make_product()
        variant = product.variants.get()
        make_price_list((variant, 900), (variant, 800, 10), (other.variants.get(), 700), code="all")

        services.set_list_prices(code="all", lines=[line(variant, None), line(variant, "7.50", 10)], at=NOW)

        assert set(ListPrice.objects.values_list("variant", "min_quantity", "amount_minor")) == {
            (variant.pk, 10, 750),
            (other.variants.get().pk, 1, 700),
        }
        check_documents()

    def test_refuses_all_and_names_every_bad_line(self) -> None:
        variant = make_product(sku="A").variants.get()
        make_price_list(code="all")
        lines = [
            line(variant, "9.00"),
            ListPriceLine(sku="NONE", price=amount("1")),
            ListPriceLine(sku="A", price=AmountGiven(amount=Decimal(1), currency="EUR"), min_quantity=2),
            ListPriceLine(sku="A", price=amount("1.001"), min_quantity=3),
            line(variant, "8.00"),
        ]

        with pytest.raises(PricesInvalid) as refusal:
            services.set_list_prices(code="all", lines=lines, at=NOW)

        assert [bad["line"] for bad in refusal.value.lines] == [1, 2, 3, 4]
        assert not ListPrice.objects.exists()

    @pytest.mark.parametrize("code", ["none", "a\0", "é", "x" * 300])
    def test_knows_no_other_list(self, code: str) -> None:
        with pytest.raises(PriceListNotFound):
            services.set_list_prices(code=code, lines=[], at=NOW)

    def test_costs_the_same_for_one_and_for_many(self, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        variants = [make_product(f"Lamp {n}").variants.get() for n in range(9)]
        make_price_list(code="all")

        for some in (variants[:1], variants[1:]):
            with django_assert_num_queries(12):
                services.set_list_prices(code="all", lines=[line(variant, "9.00") for variant in some], at=NOW)

    def test_locks_the_list_and_then_the_products_in_id_order_before_it_writes(self) -> None:
        variants = [make_product().variants.get() for _ in range(2)]
        make_price_list(code="all")

        with CaptureQueriesContext(connection) as statements:
            services.set_list_prices(code="all", lines=[line(each, "9.00") for each in reversed(variants)], at=NOW)

        sent = [query["sql"] for query in statements.captured_queries]
        locks = [sql for sql in sent if "FOR UPDATE" in sql]
        assert 'FROM "products_pricelist"' in locks[0]
        assert locks[1].endswith('ORDER BY 1 ASC FOR UPDATE OF "products_product"')
        assert len(locks) == 2
        written = next(index for index, sql in enumerate(sent) if "INSERT INTO" in sql)
        assert sent.index(locks[1]) < written


@pytest.mark.django_db
class TestUpdatePriceList:
    @pytest.mark.parametrize(
        ("changes", "price"),
        [
            ({"is_active": False}, "10.00"),
            ({"starts_at": NOW + DAY}, "10.00"),
            ({"ends_at": NOW}, "10.00"),
            ({"priority": -1}, "8.00"),
            ({"name": "Other"}, "9.00"),
        ],
    )
    def test_shows_at_once_what_it_changes(self, changes: dict[str, Any], price: str) -> None:
        product = make_product()
        if "priority" in changes:
            make_price_list((product.variants.get(), 800), code="other", priority=-1)
        make_price_list((product.variants.get(), 900), code="all")

        services.update_price_list(code="all", changes=changes, at=NOW)

        assert price_of(product) == price
        check_documents()

    def test_moves_to_a_group_and_back(self) -> None:
        product, group = make_product(), make_group()
        make_price_list((product.variants.get(), 900), code="all")

        services.update_price_list(code="all", changes={"group": group.code}, at=NOW)
        assert (price_of(product), price_of(product, group)) == ("10.00", "9.00")

        services.update_price_list(code="all", changes={"group": None}, at=NOW)
        assert price_of(product) == "9.00"
        assert not GroupDocument.objects.exists()
        check_documents()

    def test_refuses_and_leaves_everything(self) -> None:
        product = make_product()
        make_price_list((product.variants.get(), 900), code="all", starts_at=NOW - DAY)

        with pytest.raises(PriceListInvalid):
            services.update_price_list(code="all", changes={"ends_at": NOW - DAY}, at=NOW)

        assert PriceList.objects.get().ends_at is None
        assert price_of(product) == "9.00"


@pytest.mark.django_db
class TestDeletePriceList:
    def test_what_it_decided_costs_what_it_cost_without(self) -> None:
        product, group = make_product(), make_group()
        make_price_list((product.variants.get(), 900), code="all")
        make_price_list((product.variants.get(), 500), code="ours", group=group, priority=1)

        services.delete_price_list(code="ours", at=NOW)
        assert (price_of(product, group), GroupDocument.objects.count()) == ("9.00", 0)

        services.delete_price_list(code="all", at=NOW)
        assert price_of(product) == "10.00"
        assert not ListPrice.objects.exists()
        check_documents()


@pytest.mark.django_db
class TestDeleteCustomerGroup:
    def test_refuses_one_that_a_list_is_for(self) -> None:
        make_price_list(group=make_group())

        with pytest.raises(CustomerGroupInUse):
            people.delete_customer_group(code="wholesale")

        assert CustomerGroup.objects.exists()


@pytest.mark.django_db
class TestFollowClock:
    def test_shows_what_has_begun_and_hides_what_has_ended(self) -> None:
        first, second = make_product("A"), make_product("B")
        make_price_list((first.variants.get(), 900), code="begins", starts_at=NOW, is_shown=False)
        make_price_list((second.variants.get(), 800), code="ends", ends_at=NOW + DAY)
        make_price_list((second.variants.get(), 100), code="off", is_active=False, is_shown=False)
        assert (price_of(first), price_of(second)) == ("10.00", "8.00")

        assert services.follow_clock(at=NOW) == 1
        assert (price_of(first), price_of(second)) == ("9.00", "8.00")

        assert services.follow_clock(at=NOW + DAY) == 1
        assert price_of(second) == "10.00"
        assert services.follow_clock(at=NOW + DAY) == 0
        check_documents()

    def test_a_list_that_cannot_be_shown_holds_up_no_other(self, monkeypatch: pytest.MonkeyPatch) -> None:
        products = [make_product(), make_product()]
        first, _ = [
            make_price_list((each.variants.get(), 900), code=f"ends-{n}", ends_at=NOW - DAY)
            for n, each in enumerate(products)
        ]
        show = lists._show

        def stumble(row: PriceList, at: Any) -> None:
            if row.pk == first.pk:
                raise RuntimeError("its products cannot be rendered")
            show(row, at)

        monkeypatch.setattr(lists, "_show", stumble)

        assert services.follow_clock(at=NOW) == 1

        assert [price_of(each) for each in products] == ["9.00", "10.00"]

    def test_is_a_task(self) -> None:
        product = make_product()
        make_price_list((product.variants.get(), 900), ends_at=NOW - DAY)

        tasks.follow_clock()

        assert price_of(product) == "10.00"


@pytest.mark.django_db
class TestGroupDocuments:
    def test_follow_stock_as_a_render_would(self) -> None:
        product, group = make_product(), make_group()
        variant = product.variants.get()
        make_price_list((variant, 900), group=group)

        with CaptureQueriesContext(connection) as statements:
            _set_available(variant, is_available=False)

        assert len([q for q in statements.captured_queries if "SAVEPOINT" not in q["sql"]]) == 5
        assert orjson.loads(GroupDocument.objects.get().document)["in_stock"] is False
        check_documents()

    def test_go_with_the_product(self) -> None:
        product, group = make_product(), make_group()
        make_price_list((product.variants.get(), 900), group=group)

        services.delete_product(product_id=product.pk, at=NOW)
        assert not GroupDocument.objects.exists()

        services.restore_product(product_id=product.pk, at=NOW)
        assert price_of(product, group) == "9.00"
        check_documents()

    def test_show_no_history_of_prices_that_are_not_public(self) -> None:
        product, group = make_product(), make_group()
        variant = product.variants.get()
        services.set_prices(lines=[PriceLine(variant=variant.pk, price=amount("10.00"))], at=NOW - DAY)
        make_price_list(code="ours", group=group)

        services.set_list_prices(code="ours", lines=[line(variant, "9.00")], at=NOW)

        document = orjson.loads(GroupDocument.objects.get().document)
        assert document["compare_at_price"]["amount"] == "10.00"
        assert document["lowest_price_30d"] is None


def _set_available(variant: Variant, *, is_available: bool) -> None:
    with transaction.atomic():
        services.set_availability(available={variant.pk: is_available})


@pytest.mark.django_db(transaction=True)
def test_writers_of_lists_prices_and_stock_at_once_leave_what_a_render_would() -> None:
    group = make_group()
    products = [make_product(f"Lamp {n}") for n in range(4)]
    variants = [product.variants.get() for product in products]
    make_variant(products[0])
    make_price_list(code="all")
    make_price_list(code="ours", group=group, priority=1)

    def write(number: int) -> None:
        some = variants if number % 3 else list(reversed(variants))
        try:
            match number % 5:
                case 0:
                    lines = [line(variant, f"{3 + number % 7}.00") for variant in some]
                    services.set_list_prices(code="all", lines=lines, at=timezone.now())
                case 1:
                    lines = [line(variant, f"{1 + number % 5}.00" if number % 2 else None) for variant in some]
                    services.set_list_prices(code="ours", lines=lines, at=timezone.now())
                case 2:
                    changes = {"is_active": number % 4 < 2}
                    services.update_price_list(code="ours", changes=changes, at=timezone.now())
                case 3:
                    prices = [PriceLine(variant=each.pk, price=amount(f"{9 + number % 4}.00")) for each in some]
                    services.set_prices(lines=prices, at=timezone.now())
                case 4:
                    _set_available(some[0], is_available=number % 2 == 0)
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=6) as writers:
        list(writers.map(write, range(60)))

    check_documents()
