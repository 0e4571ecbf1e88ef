from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.domain import (
    RETURN_MOVES,
    Bought,
    ReturnStatus,
    is_too_late,
    last_day_to_withdraw,
    may_move_return,
    net_unit_minor,
    paid_per_line,
    worth_of_units,
)


class TestMayMoveReturn:
    def test_follows_the_table_and_leads_out_of_every_open_state(self) -> None:
        closed = {ReturnStatus.COMPLETED, ReturnStatus.REJECTED, ReturnStatus.CANCELLED}

        for here in ReturnStatus:
            there = {each for each in ReturnStatus if may_move_return(here, each)}
            assert there == RETURN_MOVES[here]
            assert bool(there) == (here not in closed)


class TestLastDayToWithdraw:
    @pytest.mark.parametrize(
        ("delivered", "last"),
        [
            # A Monday, and the Monday two weeks later.
            (datetime(2026, 6, 22, 9, tzinfo=UTC), date(2026, 7, 6)),
            # The fourteenth day is a Saturday or a Sunday: the Monday after.
            (datetime(2026, 6, 20, 23, 59, tzinfo=UTC), date(2026, 7, 6)),
            (datetime(2026, 6, 21, 0, 0, tzinfo=UTC), date(2026, 7, 6)),
            (datetime(2026, 6, 19, 12, tzinfo=UTC), date(2026, 7, 3)),
        ],
    )
    def test_is_the_fourteenth_after_delivery_or_the_monday_after_it(self, delivered: datetime, last: date) -> None:
        assert last_day_to_withdraw(delivered) == last


class TestIsTooLate:
    def test_begins_when_the_last_day_is_over_everywhere(self) -> None:
        delivered = datetime(2026, 6, 22, 9, tzinfo=UTC)

        assert not is_too_late(delivered_at=delivered, at=datetime(2026, 7, 7, 11, 59, tzinfo=UTC))
        assert is_too_late(delivered_at=delivered, at=datetime(2026, 7, 7, 12, 0, tzinfo=UTC))

    def test_never_is_before_all_is_delivered(self) -> None:
        assert not is_too_late(delivered_at=None, at=datetime(2036, 7, 7, tzinfo=UTC))


class TestPaidPerLine:
    @given(
        lines=st.lists(st.tuples(st.integers(1, 50), st.integers(0, 10**7)), min_size=1, max_size=20),
        goods=st.integers(0, 10**9),
    )
    def test_adds_up_to_the_goods(self, lines: list[tuple[int, int]], goods: int) -> None:
        bought = [Bought(quantity=quantity, cost_minor=cost) for quantity, cost in lines]

        paid = paid_per_line(bought, goods_minor=goods)

        assert sum(paid) == (goods if any(cost for _, cost in lines) else 0)


class TestWorthOfUnits:
    @given(paid=st.integers(0, 10**9), parts=st.lists(st.integers(1, 9), min_size=1, max_size=10))
    def test_gives_all_back_with_the_last_unit(self, paid: int, parts: list[int]) -> None:
        quantity = sum(parts)
        before, given_back = 0, 0

        for units in parts:
            given_back += worth_of_units(paid, quantity=quantity, before=before, units=units)
            before += units

        assert given_back == paid


class TestNetUnitMinor:
    @given(unit=st.integers(0, 10**6), quantity=st.integers(1, 100), percent=st.integers(0, 100))
    def test_never_asks_for_more_than_was_agreed(self, unit: int, quantity: int, percent: int) -> None:
        subtotal = unit * quantity
        discount = subtotal * percent // 100

        net = net_unit_minor(subtotal_minor=subtotal, discount_minor=discount, quantity=quantity)

        assert 0 <= net * quantity <= subtotal - discount < (net + 1) * quantity
