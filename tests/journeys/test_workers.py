"""What workers owe survives them, and survives the broker."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from django.core.management import call_command

from accounts.tests.factories import make_user
from core.models import Delivery
from inventory.tests.factories import NOON, make_stock
from notifications.models import Mail, Notification
from orders.models import Order
from orders.tests.factories import make_order
from tests.journeys.conftest import Line, Worker, clock_of, until

ORDERS = 40


def nothing_is_owed() -> bool:
    owed = Delivery.objects.filter(done_at__isnull=True).exists()
    return not owed and not Mail.objects.exclude(state="sent").exists()


def each_customer_was_told_once(worker: Worker, orders: int) -> None:
    told = Counter(Notification.objects.filter(kind="order_placed").values_list("data__order_id", flat=True))
    assert len(told) == orders
    assert set(told.values()) == {1}
    assert not Delivery.objects.filter(dead_at__isnull=False).exists()
    assert Mail.objects.filter(kind="order_placed").count() == orders
    assert len(worker.mails) == Mail.objects.count()
    call_command("verify_books", at=NOON)


def place_orders(count: int) -> None:
    stock = make_stock(on_hand=count)
    for _ in range(count):
        make_order((stock, 1), customer=make_user())


@pytest.mark.django_db(transaction=True)
def test_r22_a_worker_killed_a_hundred_times_loses_and_doubles_nothing(
    redis_url: str, start_worker: Callable[[str], Worker]
) -> None:
    worker = start_worker(redis_url)
    ask = clock_of(worker)
    until(lambda: len(worker.hands()) >= 2)
    stock = make_stock(on_hand=100)

    for kill in range(100):
        if kill % 100 < ORDERS:
            make_order((stock, 1), customer=make_user())
        ask()
        worker.kill_a_hand()
        if kill in (33, 66):
            worker.kill()
            worker.start()

    until(nothing_is_owed, seconds=90, meanwhile=ask)
    each_customer_was_told_once(worker, ORDERS)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("seconds", "patience"), [(3, 90), pytest.param(60, 60, marks=pytest.mark.long)])
def test_r27_rabbitmq_away_delays_messages_and_loses_none(
    rabbitmq_url: str, start_worker: Callable[[str], Worker], seconds: int, patience: int
) -> None:
    port = urlsplit(rabbitmq_url).port
    assert port is not None
    line = Line(port)
    worker = start_worker(rabbitmq_url.replace(str(port), str(line.port)))
    ask = clock_of(worker)
    place_orders(5)
    until(nothing_is_owed, meanwhile=ask)

    line.cut()
    cut_at = time.monotonic()
    place_orders(ORDERS - 5)
    until(lambda: time.monotonic() - cut_at > seconds, meanwhile=ask)
    assert Order.objects.count() == ORDERS
    assert Notification.objects.filter(kind="order_placed").count() == 5

    line.mend()
    until(nothing_is_owed, seconds=patience, meanwhile=ask)
    each_customer_was_told_once(worker, ORDERS)
    told = Delivery.objects.exclude(aggregate="").order_by("pk").values_list("aggregate", "handler", "done_at")
    for place in {(aggregate, handler) for aggregate, handler, _ in told}:
        times = [done_at for aggregate, handler, done_at in told if (aggregate, handler) == place]
        assert times == sorted(times), place
