"""The shop and a plain Python model of it, through the same random histories: no difference (HARD-CASES, R38)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test
from pytest_django import Settings

from tests.model.back_office import BackOffice
from tests.model.compared import COUPONS, GOODS
from tests.model.paying import Paying
from tests.model.returning import Returning
from tests.model.sending import Sending
from tests.model.staffing import Staffing

# Parts, so that several workers share them.
PARTS, RUNS = 4, 50
LONG_PARTS, LONG_RUNS = 20, 250
STEPS = 50
# Whatever else they come across, fifty histories come across these.
_USUAL = {
    "cancelled",
    "captured",
    "delivered",
    "drafted",
    "edited",
    "inventory.out_of_stock",
    "orders.edit_refused",
    "orders.move_refused",
    "orders.not_returnable",
    "partially_refunded",
    "payments.already_paid",
    "payments.refund_too_large",
    "refunded",
    "return completed",
}


class Machine(Staffing, Paying, Sending, Returning):
    """Everything together."""


@pytest.fixture
def _open_shop(transactional_db: None, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.THROTTLES = False
    settings.ACCESS_TOKEN_TTL = timedelta(days=3650)
    Machine.open(BackOffice(GOODS, COUPONS, monkeypatch))


def _run(runs: int, first: int) -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        seed(first)(Machine),
        settings=settings(
            max_examples=runs,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.usefixtures("_open_shop")
class TestMachine:
    @pytest.mark.parametrize("part", range(PARTS))
    def test_r38_shows_no_difference_in_two_hundred_histories(self, part: int) -> None:
        _run(RUNS, part)

        assert Machine.runs >= RUNS
        assert set(Machine.seen) >= _USUAL

    @pytest.mark.long
    @pytest.mark.parametrize("part", range(LONG_PARTS))
    def test_r38_shows_no_difference_in_five_thousand_histories(self, part: int) -> None:
        _run(LONG_RUNS, PARTS + part)

        assert Machine.runs >= LONG_RUNS
        assert set(Machine.seen) >= _USUAL
