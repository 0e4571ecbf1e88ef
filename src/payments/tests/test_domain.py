from __future__ import annotations

from datetime import timedelta
from itertools import product

import pytest

from payments.domain import (
    LIVE,
    AttemptStatus,
    PaymentStatus,
    decline_wait_seconds,
    later,
    pause,
    status_of,
)
from payments.tests.factories import NOON


class TestLater:
    def test_is_the_same_in_any_order_and_however_often(self) -> None:
        for a, b, c in product(AttemptStatus, repeat=3):
            assert later(a, b) is later(b, a)
            assert later(later(a, b), c) is later(a, later(b, c))
            assert later(a, a) is a

    def test_never_forgets_that_money_was_taken(self) -> None:
        assert {later(AttemptStatus.CAPTURED, said) for said in AttemptStatus} == {AttemptStatus.CAPTURED}

    def test_never_revives_what_is_over(self) -> None:
        for over in set(AttemptStatus) - LIVE:
            assert not {later(over, said) for said in LIVE} & LIVE


class TestStatusOf:
    @pytest.mark.parametrize(
        ("captured", "refunded", "last", "expected"),
        [
            (0, 0, None, "pending"),
            (0, 0, "created", "pending"),
            (0, 0, "unknown", "pending"),
            (0, 0, "requires_action", "requires_action"),
            (0, 0, "failed", "failed"),
            (5, 0, "captured", "captured"),
            (4, 0, "captured", "pending"),
            (5, 2, "captured", "partially_refunded"),
            (5, 5, "captured", "refunded"),
            (0, 0, "captured", "refunded"),
        ],
    )
    def test_follows_from_the_sums_and_the_newest_attempt(
        self, captured: int, refunded: int, last: str | None, expected: str
    ) -> None:
        newest = AttemptStatus(last) if last else None

        found = status_of(amount_minor=5, captured_minor=captured, refunded_minor=refunded, last=newest)

        assert found is PaymentStatus(expected)

    def test_of_what_costs_nothing_is_captured(self) -> None:
        found = status_of(amount_minor=0, captured_minor=0, refunded_minor=0, last=AttemptStatus.CAPTURED)

        assert found is PaymentStatus.CAPTURED


class TestDeclineWaitSeconds:
    def test_is_nothing_below_five(self) -> None:
        assert decline_wait_seconds([NOON] * 4, at=NOON) == 0

    def test_slows_down_after_five_and_blocks_after_ten(self) -> None:
        assert decline_wait_seconds([NOON] * 5, at=NOON) == 601
        assert decline_wait_seconds([NOON] * 5, at=NOON + timedelta(minutes=11)) == 0
        assert decline_wait_seconds([NOON] * 10, at=NOON + timedelta(hours=2)) == 22 * 3600 + 1
        assert decline_wait_seconds([NOON] * 10, at=NOON + timedelta(hours=25)) == 0


class TestPause:
    def test_is_at_most_a_minute_while_a_provider_owes_an_answer(self) -> None:
        assert pause(age=timedelta(0), is_in_flight=True) == timedelta(seconds=15)
        assert pause(age=timedelta(days=1), is_in_flight=True) == timedelta(minutes=1)

    def test_grows_while_a_shopper_is_busy(self) -> None:
        assert pause(age=timedelta(minutes=8), is_in_flight=False) == timedelta(minutes=2)
        assert pause(age=timedelta(days=1), is_in_flight=False) == timedelta(minutes=15)
