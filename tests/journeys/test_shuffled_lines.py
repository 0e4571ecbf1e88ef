"""Fifty buyers of the same three things, each in another order: nobody waits for each other in a circle (R02)."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.db.utils import OperationalError
from django.test import Client

from carts import services as carts
from carts.domain import Holder, digest_of
from core.tests.threads import at_once, in_thread
from inventory.models import Stock
from inventory.tests.factories import NOON, make_stock
from markets.tests.factories import make_market
from orders.models import Order
from orders.tests.factories import ADDRESS
from tests.journeys.conftest import until

BUYERS = 50
_NOW = "SELECT clock_timestamp()"
_DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
_NEW = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_start > %s"


class Deadlocks:
    """Counts those of this database from now on."""

    def __init__(self) -> None:
        self.begun_at = _value(_NOW)
        self.before = _value(_DEADLOCKS)

    def since(self) -> int:
        """Return how many there were, once all have left who came since: at the latest then they report theirs."""
        until(lambda: _value(_NEW, self.begun_at) == 0)
        return int(_value(_DEADLOCKS) - self.before)


def _value(question: str, *given: object) -> Any:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(question, given)
        return cursor.fetchone()[0]


def fill_cart(stocks: Sequence[Stock]) -> str:
    """Return the token of a guest's cart with one of each, in this order."""
    units = {stock.variant_id: 1 for stock in stocks}
    with transaction.atomic():
        view = carts.fill_cart(holder=Holder(), units=units, market=make_market(), at=NOON)
    assert view.token is not None
    return view.token


def order(token: str) -> Any:
    """Order as somebody of one's own: orders of one buyer wait for each other before they come to the stock."""
    body = {"email": f"{digest_of(token)[:20]}@example.com", "shipping_address": ADDRESS.as_dict()}
    return Client(raise_request_exception=False).post(
        "/api/v1/orders", body, content_type="application/json", headers={"X-Cart-Token": token}
    )


@pytest.mark.django_db(transaction=True)
class TestShuffledLines:
    @pytest.mark.parametrize("rounds", [3, pytest.param(200, marks=pytest.mark.long)])
    def test_r02_fifty_buyers_of_three_things_never_deadlock(self, rounds: int) -> None:
        chance = random.Random(20261121)
        deadlocks = Deadlocks()

        for _ in range(rounds):
            # Enough for half of them, so that the last units sell out in the middle of it.
            stocks = [make_stock(on_hand=BUYERS // 2) for _ in range(3)]
            tokens = [fill_cart(chance.sample(stocks, 3)) for _ in range(BUYERS)]
            answers = at_once(order, tokens)
            assert Counter(answer.status_code for answer in answers) == {201: BUYERS // 2, 409: BUYERS // 2}

        assert deadlocks.since() == 0
        assert Order.objects.count() == rounds * BUYERS // 2
        call_command("verify_books", at=NOON)


@pytest.mark.django_db(transaction=True)
class TestDeadlocks:
    def test_counts_two_who_wait_for_each_other(self) -> None:
        deadlocks, meet = Deadlocks(), Barrier(2)
        pair = sorted((make_stock() for _ in range(2)), key=lambda stock: stock.pk)

        def lock(one_after_the_other: Sequence[Stock]) -> bool:
            try:
                with transaction.atomic():
                    Stock.objects.filter(pk=one_after_the_other[0].pk).locked().get()
                    meet.wait()
                    Stock.objects.filter(pk=one_after_the_other[1].pk).locked().get()
            except OperationalError:
                return False
            return True

        with ThreadPoolExecutor(max_workers=2) as both:
            ended = list(both.map(lambda rows: in_thread(lock, rows), [pair, pair[::-1]]))

        assert sorted(ended) == [False, True]
        assert deadlocks.since() == 1
