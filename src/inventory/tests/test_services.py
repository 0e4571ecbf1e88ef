from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction
from django.db.utils import IntegrityError, InternalError
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.tests.threads import at_once
from core.transactions import NoTransaction
from inventory import selectors, services
from inventory.errors import NamedTwice, OutOfStock, StockMoved, StockNotFound, StockPromised, TooManyUnits
from inventory.models import Movement, Place, Reservation, Stock
from inventory.tests.factories import NOON, make_place, make_stock
from products.models import Variant
from products.tests.factories import make_variant

LATER = NOON + timedelta(hours=24)


def reserve(*wanted: tuple[Stock, int], reference: UUID | None = None) -> UUID:
    reference = reference or uuid4()
    with transaction.atomic():
        services.reserve_stock(
            reference=reference, wanted={stock.variant_id: units for stock, units in wanted}, expires_at=LATER
        )
    return reference


def release(reference: UUID) -> None:
    with transaction.atomic():
        services.release_stock(reference=reference)


def adjust(stock: Stock, **change: int) -> dict[UUID, int]:
    return services.adjust_stock(
        items=[services.Adjustment(variant=stock.variant_id, **change)],  # type: ignore[arg-type]
        reason="test",
        actor_id=None,
        at=NOON,
    )


@pytest.mark.django_db
class TestReserveStock:
    def test_promises_every_line(self) -> None:
        one, two = make_stock(on_hand=5), make_stock(on_hand=3)

        reserve((one, 2), (two, 3))

        one.refresh_from_db()
        two.refresh_from_db()
        assert (one.reserved, two.reserved) == (2, 3)
        assert selectors.find_differences(now=NOON) == []

    def test_refuses_all_lines_when_one_is_short_and_names_every_short_one(self) -> None:
        plenty, scarce, none = make_stock(on_hand=9), make_stock(on_hand=1), make_stock(on_hand=0)

        with pytest.raises(OutOfStock) as refusal:
            reserve((plenty, 2), (scarce, 3), (none, 1))

        plenty.refresh_from_db()
        assert refusal.value.short == {scarce.variant_id: 2, none.variant_id: 1}
        assert plenty.reserved == 0
        assert not Reservation.objects.exists()

    def test_spreads_over_places_with_the_default_first(self) -> None:
        main = make_stock(on_hand=2)
        other = Stock.objects.create(
            variant=main.variant, place=Place.objects.create(code="barn", name="Barn"), on_hand=0
        )
        Stock.objects.filter(pk=other.pk).update(on_hand=4)

        reserve((main, 5))

        assert list(Reservation.objects.order_by("-quantity").values_list("stock", "quantity")) == [
            (other.pk, 3),
            (main.pk, 2),
        ]

    def test_tells_the_catalogue_when_a_variant_sells_out(self) -> None:
        stock = make_stock(on_hand=2)

        reserve((stock, 2))

        assert Variant.objects.get(pk=stock.variant_id).is_available is False

    def test_costs_the_same_for_one_line_and_for_twenty(self) -> None:
        stocks = [make_stock(on_hand=9) for _ in range(20)]

        with CaptureQueriesContext(connection) as one:
            reserve((stocks[0], 1))
        with CaptureQueriesContext(connection) as twenty:
            reserve(*((stock, 1) for stock in stocks))

        assert len(one) == len(twenty)

    def test_locks_the_rows_in_id_order_before_it_writes(self) -> None:
        stocks = [make_stock(on_hand=9) for _ in range(3)]

        with CaptureQueriesContext(connection) as queries:
            reserve(*((stock, 1) for stock in stocks))

        statements = [query["sql"] for query in queries]
        lock = next(i for i, sql in enumerate(statements) if "FOR UPDATE" in sql and "inventory_stock" in sql)
        write = next(i for i, sql in enumerate(statements) if sql.strip().startswith("UPDATE inventory_stock"))
        assert statements[lock].startswith('SELECT "inventory_stock"."id"')
        assert "ORDER BY 1 ASC FOR UPDATE" in statements[lock]
        assert lock < write

    def test_is_a_step(self) -> None:
        with pytest.raises(NoTransaction):
            services.reserve_stock(reference=uuid4(), wanted={}, expires_at=LATER)


@pytest.mark.django_db
class TestReleaseStock:
    def test_gives_back_once(self) -> None:
        stock = make_stock(on_hand=2)
        reference = reserve((stock, 2))

        for _ in range(2):
            with transaction.atomic():
                services.release_stock(reference=reference)

        stock.refresh_from_db()
        assert (stock.on_hand, stock.reserved) == (2, 0)
        assert Variant.objects.get(pk=stock.variant_id).is_available is True
        assert selectors.find_differences(now=NOON) == []


@pytest.mark.django_db
class TestShipStock:
    def test_takes_the_units_off_hand_and_writes_the_ledger(self) -> None:
        stock = make_stock(on_hand=5)
        reference = reserve((stock, 2))

        with transaction.atomic():
            services.claim_stock(reference=reference)
            services.ship_stock(reference=reference, actor_id=None, at=NOON)
            services.ship_stock(reference=reference, actor_id=None, at=NOON)

        stock.refresh_from_db()
        assert (stock.on_hand, stock.reserved) == (3, 0)
        assert Movement.objects.get(reason="shipped").difference == -2
        assert selectors.find_differences(now=NOON) == []

    def test_claimed_stock_does_not_lapse(self) -> None:
        stock = make_stock(on_hand=5)
        reference = reserve((stock, 2))

        with transaction.atomic():
            services.claim_stock(reference=reference)

        assert selectors.find_differences(now=LATER + timedelta(days=1)) == []


@pytest.mark.django_db
class TestAdjustStock:
    def test_moves_by_a_difference_and_notes_why(self) -> None:
        stock = make_stock(on_hand=5)

        assert adjust(stock, difference=-2) == {stock.variant_id: 3}

        assert list(Movement.objects.order_by("id").values_list("difference", "reason")) == [
            (5, "received"),
            (-2, "adjusted"),
        ]

    def test_refuses_when_it_moved_since(self) -> None:
        stock = make_stock(on_hand=5)

        with pytest.raises(StockMoved) as refusal:
            adjust(stock, quantity=9, expected=4)

        stock.refresh_from_db()
        assert refusal.value.facts["on_hand"] == {str(stock.variant_id): 5}
        assert stock.on_hand == 5

    def test_refuses_to_leave_less_than_is_promised(self) -> None:
        stock = make_stock(on_hand=5)
        reserve((stock, 4))

        with pytest.raises(StockPromised):
            adjust(stock, quantity=3)

        stock.refresh_from_db()
        assert stock.on_hand == 5

    def test_refuses_to_go_below_zero(self) -> None:
        with pytest.raises(StockPromised):
            adjust(make_stock(on_hand=1), difference=-2)

    def test_refuses_more_than_a_shop_holds(self) -> None:
        with pytest.raises(TooManyUnits):
            adjust(make_stock(on_hand=1), difference=2**31 - 1)

    def test_refuses_unknown_variants_and_skus(self) -> None:
        for named in ({"variant": uuid4()}, {"sku": "NO-SUCH"}):
            with pytest.raises(StockNotFound):
                services.adjust_stock(
                    items=[services.Adjustment(quantity=1, **named)], reason="", actor_id=None, at=NOON
                )

    def test_refuses_a_variant_named_twice(self) -> None:
        stock = make_stock(on_hand=5)
        both = [
            services.Adjustment(variant=stock.variant_id, difference=1),
            services.Adjustment(sku=stock.variant.sku, difference=1),
        ]

        with pytest.raises(NamedTwice):
            services.adjust_stock(items=both, reason="", actor_id=None, at=NOON)

        stock.refresh_from_db()
        assert stock.on_hand == 5

    def test_stocks_a_variant_for_the_first_time(self) -> None:
        make_stock()
        variant = make_variant()

        services.adjust_stock(
            items=[services.Adjustment(sku=variant.sku, quantity=7)], reason="", actor_id=None, at=NOON
        )

        assert Stock.objects.get(variant=variant).on_hand == 7
        assert Variant.objects.get(pk=variant.pk).is_available is True


@pytest.mark.django_db
class TestConstraints:
    def test_the_database_refuses_to_oversell(self) -> None:
        stock = make_stock(on_hand=1)

        with pytest.raises(IntegrityError), transaction.atomic():
            Stock.objects.filter(pk=stock.pk).update(reserved=2)

    def test_the_ledger_refuses_changes(self) -> None:
        make_stock(on_hand=1)

        with pytest.raises((IntegrityError, InternalError)), transaction.atomic():
            Movement.objects.update(difference=2)
        with pytest.raises((IntegrityError, InternalError)), transaction.atomic():
            Movement.objects.all().delete()

    def test_a_forged_balance_is_found(self) -> None:
        stock = make_stock(on_hand=1)
        Stock.objects.filter(pk=stock.pk).update(on_hand=2)

        assert len(selectors.find_differences(now=timezone.now())) == 1


@pytest.mark.django_db(transaction=True)
def test_the_last_unit_is_promised_once() -> None:
    stock = make_stock(on_hand=1)

    def try_to_reserve(_: int) -> str:
        try:
            reserve((stock, 1))
        except OutOfStock:
            return "refused"
        return "reserved"

    outcomes = sorted(at_once(try_to_reserve, range(8)))

    stock.refresh_from_db()
    assert outcomes == ["refused"] * 7 + ["reserved"]
    assert stock.reserved == 1


@pytest.mark.django_db(transaction=True)
def test_what_is_released_eight_times_at_once_is_free_once() -> None:
    stock = make_stock(on_hand=50)
    reference = reserve((stock, 5))
    reserve((stock, 45))

    at_once(lambda _: release(reference), range(8))

    stock.refresh_from_db()
    assert stock.reserved == 45


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("times", [25, pytest.param(125, marks=pytest.mark.long)], ids=["200", "1000"])
def test_r13_parallel_corrections_lose_nothing(times: int) -> None:
    stock = make_stock(on_hand=500)

    def correct(turn: int) -> None:
        for _ in range(times):
            adjust(stock, difference=1 if turn % 2 else -1)

    at_once(correct, range(8))

    stock.refresh_from_db()
    assert stock.on_hand == 500
    assert selectors.find_differences(now=NOON) == []


@pytest.mark.django_db(transaction=True)
def test_r13_of_stale_expectations_one_wins() -> None:
    stock = make_stock(on_hand=10)

    def correct(turn: int) -> str:
        try:
            adjust(stock, quantity=20 + turn, expected=10)
        except StockMoved:
            return "refused"
        return "moved"

    outcomes = sorted(at_once(correct, range(8)))

    assert outcomes == ["moved"] + ["refused"] * 7


def declare(units: dict[UUID, int]) -> None:
    with transaction.atomic():
        services.declare_stock(units=units, reference="import", actor_id=None, at=NOON)


@pytest.mark.django_db
class TestDeclareStock:
    def test_opens_rows_with_their_movements_in_the_same_number_of_statements_for_any_number(self) -> None:
        make_place()
        variants = [make_variant(is_available=False) for _ in range(6)]

        counts = []
        for some in (variants[:1], variants[1:]):
            with CaptureQueriesContext(connection) as statements:
                declare({variant.pk: 3 for variant in some})
            counts.append(len(statements))

        assert counts[0] == counts[1]
        assert set(Stock.objects.values_list("on_hand", "reserved", "movements__difference")) == {(3, 0, 3)}
        assert Variant.objects.filter(is_available=True).count() == 6
        assert selectors.find_differences(now=NOON) == []

    def test_opens_an_empty_row_without_a_movement(self) -> None:
        make_place()
        variant = make_variant(is_available=False)

        declare({variant.pk: 0})

        assert Stock.objects.get(variant=variant).on_hand == 0
        assert not Movement.objects.exists()

    def test_sets_what_is_there_and_opens_what_is_not(self) -> None:
        there, new = make_stock(on_hand=5), make_variant(is_available=False)

        declare({there.variant_id: 2, new.pk: 7})

        assert dict(Stock.objects.values_list("variant", "on_hand")) == {there.variant_id: 2, new.pk: 7}
        assert selectors.find_differences(now=NOON) == []

    @pytest.mark.parametrize(("units", "refusal"), [(-1, StockPromised), (2 * 10**9, TooManyUnits)])
    def test_refuses_all_for_one_impossible_count(self, units: int, refusal: type[Exception]) -> None:
        make_place()
        good, bad = make_variant(), make_variant()

        with pytest.raises(refusal):
            declare({good.pk: 3, bad.pk: units})

        assert not Stock.objects.exists()

    def test_refuses_variants_that_are_not_there(self) -> None:
        make_place()

        with pytest.raises(StockNotFound):
            declare({uuid4(): 3})


@pytest.mark.django_db(transaction=True)
def test_of_two_first_declarations_the_later_one_holds() -> None:
    make_place()
    variant = make_variant(is_available=False)

    at_once(lambda units: declare({variant.pk: units}), [4, 9])

    stock = Stock.objects.get(variant=variant)
    assert stock.on_hand in (4, 9)
    assert sum(Movement.objects.values_list("difference", flat=True)) == stock.on_hand
    assert selectors.find_differences(now=NOON) == []
