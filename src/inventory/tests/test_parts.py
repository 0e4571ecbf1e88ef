from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction
from django.db.utils import IntegrityError
from django.test.utils import CaptureQueriesContext

from core.tests.threads import at_once
from inventory import selectors, services
from inventory.errors import NotPromised, OutOfStock
from inventory.models import Movement, Place, Reservation, Stock
from inventory.tests.factories import NOON, make_stock
from products.models import Variant

LATER = NOON + timedelta(hours=24)


def reserve(*wanted: tuple[Stock, int]) -> UUID:
    reference = uuid4()
    with transaction.atomic():
        services.reserve_stock(
            reference=reference, wanted={stock.variant_id: units for stock, units in wanted}, expires_at=LATER
        )
    return reference


def release(reference: UUID, units: Mapping[UUID, int] | None = None) -> None:
    with transaction.atomic():
        services.release_stock(reference=reference, units=units)


def ship(reference: UUID, units: Mapping[UUID, int] | None = None) -> None:
    with transaction.atomic():
        services.ship_stock(reference=reference, units=units, actor_id=None, at=NOON)


def rebook(reference: UUID, wanted: Mapping[UUID, int]) -> None:
    with transaction.atomic():
        services.rebook_stock(reference=reference, wanted=wanted, expires_at=LATER)


def levels(stock: Stock) -> tuple[int, int]:
    return Stock.objects.values_list("on_hand", "reserved").get(pk=stock.pk)


def promises() -> list[tuple[int, int, int, str]]:
    rows = Reservation.objects.order_by("quantity", "pk")
    return list(rows.values_list("quantity", "shipped", "released", "state"))


def in_barn(stock: Stock, on_hand: int) -> Stock:
    place = Place.objects.create(code="barn", name="Barn")
    row: Stock = Stock.objects.create(variant_id=stock.variant_id, place=place, on_hand=on_hand)
    Movement.objects.create(stock=row, difference=on_hand, reason="received", at=NOON)
    return row


@pytest.mark.django_db
class TestShipStockInParts:
    def test_leaves_the_rest_promised(self) -> None:
        stock = make_stock(on_hand=5)
        reference = reserve((stock, 3))

        ship(reference, {stock.variant_id: 2})

        assert levels(stock) == (3, 1)
        assert promises() == [(3, 2, 0, "held")]
        assert Movement.objects.get(reason="shipped").difference == -2
        assert selectors.find_differences(now=NOON) == []

    def test_is_over_with_the_last_unit_and_without_units_ships_all_that_is_left(self) -> None:
        stock = make_stock(on_hand=5)
        reference = reserve((stock, 3))

        ship(reference, {stock.variant_id: 2})
        for _ in range(2):
            ship(reference)

        assert levels(stock) == (2, 0)
        assert promises() == [(3, 3, 0, "shipped")]
        assert Reservation.objects.get().expires_at is None
        assert selectors.find_differences(now=NOON) == []

    def test_takes_the_default_place_first(self) -> None:
        main = make_stock(on_hand=2)
        barn = in_barn(main, 3)
        reference = reserve((main, 4))

        ship(reference, {main.variant_id: 3})

        assert (levels(main), levels(barn)) == ((0, 0), (2, 1))
        assert selectors.find_differences(now=NOON) == []

    def test_refuses_more_than_is_promised_and_ships_nothing(self) -> None:
        stock, other = make_stock(on_hand=5), make_stock(on_hand=5)
        reference = reserve((stock, 3))
        ship(reference, {stock.variant_id: 1})

        for units, beyond in (
            ({stock.variant_id: 3}, {str(stock.variant_id): 1}),
            ({stock.variant_id: 1, other.variant_id: 2}, {str(other.variant_id): 2}),
        ):
            with pytest.raises(NotPromised) as refusal:
                ship(reference, units)
            assert refusal.value.facts["beyond"] == beyond

        assert levels(stock) == (4, 2)
        assert levels(other) == (5, 0)

    def test_costs_the_same_for_one_line_and_for_twenty(self) -> None:
        stocks = [make_stock(on_hand=9) for _ in range(20)]
        one, twenty = reserve((stocks[0], 2)), reserve(*((stock, 2) for stock in stocks))
        counts = []

        for reference, some in ((one, stocks[:1]), (twenty, stocks)):
            with CaptureQueriesContext(connection) as statements:
                ship(reference, {stock.variant_id: 1 for stock in some})
            counts.append(len([s for s in statements if "SAVEPOINT" not in s["sql"]]))

        assert counts == [5, 5]


@pytest.mark.django_db
class TestReleaseStockInParts:
    def test_frees_some_and_then_the_rest_once(self) -> None:
        stock = make_stock(on_hand=3)
        reference = reserve((stock, 3))

        release(reference, {stock.variant_id: 1})
        assert (levels(stock), promises()) == ((3, 2), [(3, 0, 1, "held")])
        assert Variant.objects.get(pk=stock.variant_id).is_available is True
        for _ in range(2):
            release(reference)

        assert (levels(stock), promises()) == ((3, 0), [(3, 0, 3, "released")])
        assert selectors.find_differences(now=NOON) == []

    def test_is_called_shipped_where_a_part_was(self) -> None:
        stock = make_stock(on_hand=5)
        reference = reserve((stock, 3))

        ship(reference, {stock.variant_id: 1})
        release(reference, {stock.variant_id: 2})

        assert (levels(stock), promises()) == ((4, 0), [(3, 1, 2, "shipped")])
        assert selectors.find_differences(now=NOON) == []

    def test_refuses_more_than_is_promised_and_frees_nothing(self) -> None:
        stock = make_stock(on_hand=5)
        reference = reserve((stock, 3))
        ship(reference, {stock.variant_id: 2})

        with pytest.raises(NotPromised):
            release(reference, {stock.variant_id: 2})

        assert levels(stock) == (3, 1)


@pytest.mark.django_db
class TestRebookStock:
    def test_promises_the_new_instead_of_the_old(self) -> None:
        kept, gone, new = make_stock(on_hand=5), make_stock(on_hand=5), make_stock(on_hand=5)
        reference = reserve((kept, 3), (gone, 2))

        rebook(reference, {kept.variant_id: 5, new.variant_id: 1})

        assert (levels(kept), levels(gone), levels(new)) == ((5, 5), (5, 0), (5, 1))
        assert promises() == [(1, 0, 0, "held"), (5, 0, 0, "held")]
        assert selectors.find_differences(now=NOON) == []

    def test_refuses_all_for_one_short_line_and_keeps_the_old(self) -> None:
        stock, other = make_stock(on_hand=5), make_stock(on_hand=1)
        reference = reserve((stock, 3))

        with pytest.raises(OutOfStock) as refusal:
            rebook(reference, {stock.variant_id: 1, other.variant_id: 2})

        assert refusal.value.short == {other.variant_id: 1}
        assert (levels(stock), levels(other)) == ((5, 3), (1, 0))
        assert promises() == [(3, 0, 0, "held")]

    def test_the_same_again_changes_nothing(self) -> None:
        stock = make_stock(on_hand=3)
        reference = reserve((stock, 3))

        rebook(reference, {stock.variant_id: 3})

        assert levels(stock) == (3, 3)
        assert selectors.find_differences(now=NOON) == []


@pytest.mark.django_db
class TestConstraints:
    @pytest.mark.parametrize("forge", [{"shipped": 4}, {"released": 3}, {"state": "shipped"}, {"state": "released"}])
    def test_a_promise_is_open_or_over(self, forge: dict[str, int | str]) -> None:
        reserve((make_stock(on_hand=5), 3))

        with pytest.raises(IntegrityError), transaction.atomic():
            Reservation.objects.update(**forge)

    def test_a_forged_count_is_found(self) -> None:
        stock = make_stock(on_hand=5)
        ship(reserve((stock, 3)), {stock.variant_id: 1})

        Reservation.objects.update(shipped=0, released=1)

        assert len(selectors.find_differences(now=NOON)) == 1


@pytest.mark.django_db(transaction=True)
def test_units_that_are_shipped_and_released_at_once_go_one_way() -> None:
    for _ in range(4):
        stock = make_stock(on_hand=5)
        reference = reserve((stock, 3))

        def act(turn: int, reference: UUID = reference, units: Mapping[UUID, int] = {stock.variant_id: 2}) -> None:
            with suppress(NotPromised):
                (ship if turn % 2 else release)(reference, units)

        at_once(act, range(4))

        quantity, shipped, released, _ = promises()[-1]
        assert (quantity, shipped + released) == (3, 2)
        Reservation.objects.filter(reference=reference).delete()
        Stock.objects.filter(pk=stock.pk).update(reserved=0)
