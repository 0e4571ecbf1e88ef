"""RabbitMQ, Redis and the mail server killed, one after the other, while people buy: they notice nothing."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message as MessageHandler
from conftest import RabbitMQ, Redis, free_port

from tests.crashes.crowd import Crowd
from tests.crashes.killing import each_happened_once, open_to_a_crowd
from tests.runtime.shop import Shop, temporary_folder, wait_for

pytestmark = pytest.mark.runtime

DEALS_MEANWHILE = 6
GENEROUS_SECONDS = 300.0
_OUT_OF_ORDER = """
SELECT count(*) FROM core_delivery earlier JOIN core_delivery later USING (aggregate, handler)
 WHERE aggregate <> '' AND earlier.id < later.id AND earlier.done_at > later.done_at
"""


class Mailbox(MessageHandler):
    """Keeps the Message-ID of each mail."""

    ids: list[str]

    def handle_message(self, message: Any) -> None:
        self.ids.append(str(message["Message-ID"]))


class MailServer:
    """A real SMTP server that can go away and come back to the same port."""

    def __init__(self) -> None:
        self.mailbox, self.port = Mailbox(), free_port()
        self.mailbox.ids = []
        self.start()

    def start(self) -> None:
        self.controller = Controller(self.mailbox, hostname="127.0.0.1", port=self.port, ready_timeout=60)
        self.controller.start()

    def kill(self) -> None:
        self.controller.stop()


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    server = MailServer()
    yield server
    server.controller.stop(no_assert=True)


@pytest.fixture
def crowd(own_rabbitmq: RabbitMQ, own_redis: Redis, mail_server: MailServer) -> Iterator[Crowd]:
    """People who buy in a shop on RabbitMQ, Redis and SMTP."""
    places = {
        "BROKER_URL": own_rabbitmq.url,
        "REDIS_URL": own_redis.url,
        "EMAIL_URL": f"smtp://127.0.0.1:{mail_server.port}",
        "THROTTLES": "off",
    }
    with temporary_folder() as folder:
        shop = Shop(folder / "shop", command=(sys.executable, "src/manage.py", "run"), environment=places)
        try:
            yield open_to_a_crowd(shop.start())
        finally:
            shop.end()


@pytest.mark.parametrize("seconds", [0, pytest.param(30, marks=pytest.mark.long)], ids=["shortly", "30 seconds each"])
def test_r27_r28_r30_each_killed_while_people_buy_costs_no_order_and_no_message(
    crowd: Crowd,
    own_rabbitmq: RabbitMQ,
    own_redis: Redis,
    mail_server: MailServer,
    seconds: int,
) -> None:
    crowd.statuses.clear()
    with crowd.buying():
        people_buy(crowd)
        for server in (own_rabbitmq, own_redis, mail_server):
            server.kill()
            killed_at = time.monotonic()
            people_buy(crowd, meanwhile=lambda killed_at=killed_at: time.monotonic() - killed_at >= seconds)
            server.start()
        people_buy(crowd)

    assert not {status for status in crowd.statuses if status == 0 or status >= 500}, crowd.statuses
    each_happened_once(crowd)
    shop = crowd.shop
    wait_for(lambda: shop.sql("SELECT count(*) FROM notifications_mail WHERE state <> 'sent'") == 0, GENEROUS_SECONDS)
    assert shop.sql(_OUT_OF_ORDER) == 0
    assert set(mail_server.mailbox.ids) >= {f"<{each}@localhost>" for each in _mails(shop)}
    assert shop.status("/readyz") == 200


def people_buy(crowd: Crowd, *, meanwhile: Callable[[], bool] = lambda: True) -> None:
    """Let some more of them come to an end, and as long as it takes until the other thing holds."""
    enough = len(crowd.deals) + DEALS_MEANWHILE
    wait_for(lambda: len(crowd.deals) >= enough and meanwhile(), GENEROUS_SECONDS)


def _mails(shop: Shop) -> list[str]:
    told: Any = shop.sql("SELECT coalesce(json_agg(id), '[]') FROM notifications_mail")
    return list(told)
