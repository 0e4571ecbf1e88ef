from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from orders.domain import MOVES, OrderStatus, may_move, order_number

KEY = b"k" * 50


class TestOrderNumber:
    def test_never_repeats(self) -> None:
        assert len({order_number(n, KEY) for n in range(50_000)}) == 50_000

    @given(some.integers(0, 2**34 - 1), some.integers(0, 2**34 - 1))
    def test_is_a_permutation(self, one: int, two: int) -> None:
        assert (order_number(one, KEY) == order_number(two, KEY)) == (one == two)

    def test_does_not_tell_how_many_there_were(self) -> None:
        numbers = [order_number(n, KEY) for n in range(1000)]

        assert numbers != sorted(numbers)
        assert len({number[:5] for number in numbers}) > 900

    def test_ends_with_its_bits(self) -> None:
        with pytest.raises(ValueError, match="used up"):
            order_number(2**34, KEY)


class TestMoves:
    def test_an_end_is_an_end(self) -> None:
        for end in (OrderStatus.DELIVERED, OrderStatus.CANCELLED):
            assert not any(may_move(end, there) for there in OrderStatus)

    def test_every_state_is_in_the_table(self) -> None:
        assert set(MOVES) == set(OrderStatus)
