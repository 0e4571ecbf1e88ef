"""RabbitMQ as the shop uses it: quorum queues by kind, confirmed messages, and what is given up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from amqp.exceptions import MessageNacked
from django.utils import timezone
from kombu import Exchange, Queue

from accounts.tests.factories import make_user
from config.queues import BULK, DEAD, MAIL, MONEY, QUEUES
from core import deadletters
from core.models import DeadLetter, Delivery
from core.tests.factories import NOON, make_delivery
from inventory.tests.factories import make_stock
from orders import services as orders
from orders.domain import OrderStatus
from orders.tests.factories import make_order
from tests.journeys.conftest import TICK, Worker, clock_of, sender, until

COLLECT = "core.tasks.collect_dead_letters"
DOWN, REMEMBER = "core.tests.handlers.take_worker_down", "core.tests.handlers.remember"
STORM = 100
GENEROUS_SECONDS = 240.0

pytestmark = pytest.mark.django_db(transaction=True)


def waiting(app: Any, queue: str) -> int:
    """Return how many messages are ready in a queue."""
    with app.connection_for_read() as broker, broker.channel() as channel:
        return int(channel.queue_declare(queue, passive=True).message_count)


@pytest.fixture
def emptied(rabbitmq_url: str) -> str:
    """The broker's address, with nothing of earlier tests in its queues."""
    app = sender(rabbitmq_url)
    with app.connection_for_write() as broker, broker.channel() as channel:
        for name in QUEUES:
            app.amqp.queues[name](channel).declare()
            channel.queue_purge(name)
        dead = Queue(DEAD, Exchange(DEAD, type="fanout"), queue_arguments={"x-queue-type": "quorum"})
        dead(channel).declare()
        channel.queue_purge(DEAD)
    return rabbitmq_url


def test_a_message_that_takes_its_worker_down_is_given_up_and_seen(
    emptied: str, start_worker: Callable[..., Worker]
) -> None:
    poison = make_delivery(DOWN)
    others = [make_delivery(REMEMBER) for _ in range(3)]
    worker = start_worker(emptied)

    def collected() -> bool:
        # Nobody waits for the pauses between.
        Delivery.objects.filter(pk=poison.pk, attempts__gt=0, dead_at=None).update(due_at=NOON)
        return DeadLetter.objects.filter(resent_at=None).exists()

    until(collected, seconds=GENEROUS_SECONDS, meanwhile=clock_of(worker, tasks=(*TICK, COLLECT)))
    until(
        lambda: not Delivery.objects.filter(done_at=None, dead_at=None).exists(),
        seconds=GENEROUS_SECONDS,
        meanwhile=clock_of(worker),
    )

    letter = DeadLetter.objects.get(resent_at=None)
    assert DeadLetter.objects.count() >= 3
    assert (letter.task, letter.queue, letter.reason) == ("core.tasks.deliver", BULK, "delivery_limit")
    assert letter.kwargs["delivery_ids"] == [str(poison.pk)]
    poison.refresh_from_db()
    assert poison.state == "dead"
    assert "worker was lost" in poison.last_error
    assert {other.state for other in Delivery.objects.filter(pk__in=[other.pk for other in others])} == {"done"}
    assert deadletters.resend(letter_ids=[letter.pk], now=NOON) == 1
    poison.refresh_from_db()
    assert poison.state == "owed"


def test_what_no_worker_can_read_is_given_up_and_seen(
    emptied: str, start_worker: Callable[..., Worker], settings: Any
) -> None:
    settings.DEAD_LETTER_QUEUE = DEAD
    worker = start_worker(emptied)
    worker.broker.send_task("orders.tasks.from_a_newer_version", kwargs={"order_id": "1"})
    with worker.broker.connection_for_write() as broker:
        broker.Producer().publish("{", routing_key=MAIL, content_type="application/json", content_encoding="utf-8")

    until(lambda: waiting(worker.broker, DEAD) == 2, seconds=GENEROUS_SECONDS)
    worker.ask(COLLECT)
    until(lambda: DeadLetter.objects.count() == 2, seconds=GENEROUS_SECONDS)

    known, garbled = DeadLetter.objects.order_by("-task")
    assert (known.task, known.kwargs, known.queue) == ("orders.tasks.from_a_newer_version", {"order_id": "1"}, MONEY)
    assert (garbled.task, garbled.body, garbled.queue) == ("", "{", MAIL)
    until(lambda: waiting(worker.broker, DEAD) == 0, seconds=GENEROUS_SECONDS)


def test_a_storm_of_mail_and_imports_does_not_delay_money(emptied: str, start_worker: Callable[..., Worker]) -> None:
    app = sender(emptied)
    for task in ("core.tasks.forget_expired_keys", "notifications.tasks.forget_old"):
        for _ in range(STORM):
            app.send_task(task)
    worker = start_worker(emptied, MONEY)
    order = make_order((make_stock(on_hand=1), 1), customer=make_user())
    clerk = make_user(is_superuser=True, is_staff=True)
    orders.move_order(order_id=order.pk, to=OrderStatus.PAID, actor=clerk, at=timezone.now())

    until(
        lambda: not Delivery.objects.filter(handler__startswith="orders.", done_at=None).exists(),
        seconds=GENEROUS_SECONDS,
        meanwhile=clock_of(worker),
    )

    assert Delivery.objects.filter(handler="orders.handlers.invoice_order").exists()
    assert Delivery.objects.filter(handler__startswith="notifications.", done_at=None).exists()
    assert waiting(app, BULK) >= STORM
    assert waiting(app, MAIL) >= STORM
    start_worker(emptied, f"{MAIL},{BULK}")
    until(
        lambda: not Delivery.objects.filter(done_at=None).exists(), seconds=GENEROUS_SECONDS, meanwhile=clock_of(worker)
    )


def test_a_message_that_rabbitmq_does_not_take_is_not_taken_for_sent(emptied: str) -> None:
    arguments = {"x-queue-type": "quorum", "x-max-length": 1, "x-overflow": "reject-publish"}

    def fill(producer: Any) -> None:
        for _ in range(20):
            producer.publish({}, routing_key="nexus.test.full")

    with sender(emptied).connection_for_write() as broker, broker.channel() as channel:
        Queue("nexus.test.full", queue_arguments=arguments)(channel).declare()

        with pytest.raises(MessageNacked):
            fill(broker.Producer(channel))
