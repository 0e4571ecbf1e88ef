from __future__ import annotations

from typing import Any

import pytest

from payments import selectors, services
from payments.domain import AttemptStatus
from payments.models import Attempt
from payments.selectors.comparing import Booked
from payments.tests.factories import NOON, charge_of, make_attempt, make_captured


@pytest.fixture(autouse=True)
def _no_orders(settings: Any) -> None:
    """Orders are of another app: nobody waits for a capture here."""
    settings.EVENT_INLINE_SUBSCRIPTIONS = {}


def compare(*theirs: Booked) -> list[str]:
    return selectors.compare_books(provider="sandbox", theirs=theirs)


def booked(attempt: Attempt, captured: int = 2500, refunded: int = 0, disputed: int = 0) -> Booked:
    return (attempt.idempotency_key, "GBP", captured, refunded, disputed)


@pytest.mark.django_db
class TestCompareBooks:
    def test_finds_nothing_where_both_say_the_same(self) -> None:
        assert compare(booked(make_captured()), booked(make_captured())) == []

    @pytest.mark.parametrize("wrong", [(2400, 0, 0), (0, 0, 0), (2500, 400, 0), (2500, 0, 600)])
    def test_finds_each_sum_that_differs(self, wrong: tuple[int, int, int]) -> None:
        found = compare(booked(make_captured(), *wrong))

        assert len(found) == 1
        assert "2500 captured" in found[0]

    def test_finds_another_currency(self) -> None:
        attempt = make_captured()

        assert len(compare((attempt.idempotency_key, "EUR", 2500, 0, 0))) == 1

    def test_finds_what_was_captured_for_nobody(self) -> None:
        assert len(compare(("pay-0192f3c47bd97cc28b5de0a6f0a3b1f4", "GBP", 2500, 0, 0))) == 1

    def test_finds_what_was_captured_here_alone(self) -> None:
        make_captured()

        assert len(compare()) == 1

    def test_leaves_out_what_is_under_way_and_what_is_another_merchants(self) -> None:
        live, other = make_attempt(), ("r1", "GBP", 1250, 0, 0)

        assert compare(booked(live), other) == []

    def test_finds_what_failed_here_and_was_captured_there(self) -> None:
        attempt = make_attempt()
        services.record_outcome(attempt_id=attempt.pk, charge=charge_of(attempt, AttemptStatus.FAILED), at=NOON)

        assert len(compare(booked(attempt))) == 1

    def test_is_one_statement_however_many_there_are(self, django_assert_num_queries: Any) -> None:
        attempts = [make_captured() for _ in range(5)]

        with django_assert_num_queries(1):
            assert compare(*map(booked, attempts)) == []
