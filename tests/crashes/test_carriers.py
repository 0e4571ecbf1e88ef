"""RabbitMQ, Redis and the mail server killed, one after the other, while people buy: they notice nothing."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, LiteralString

import pytest
from conftest import RabbitMQ, Redis

from tests.crashes.crowd import Crowd
from tests.crashes.killing import each_happened_once, open_to_a_crowd
from tests.crashes.mail_server import MailServer
from tests.runtime.shop import Shop, temporary_folder, wait_for

pytestmark = pytest.mark.runtime

DEALS_MEANWHILE = 6
SECONDS_TO_RECOVER = 10.0
# Of 20 answers the slowest: how much slower it may be while Redis is away.
MOST_SLOWER = 2.0
# Workers keep up with so many buyers.
LEISURE = 4.0
GENEROUS_SECONDS = 300.0
# When a worker last did what was owed, and when a mail last left: seconds since 1970, of this machine.
_DELIVERED = "SELECT coalesce(extract(epoch FROM max(done_at))::float, 0) FROM core_delivery"
_MAILED = "SELECT coalesce(extract(epoch FROM max(sent_at))::float, 0) FROM notifications_mail"
_OUT_OF_ORDER = """
SELECT count(*) FROM core_delivery earlier JOIN core_delivery later USING (aggregate, handler)
 WHERE aggregate <> '' AND earlier.id < later.id AND earlier.done_at > later.done_at
"""


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    with MailServer().running() as server:
        yield server


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
            yield open_to_a_crowd(shop.start(), leisure=LEISURE)
        finally:
            shop.end()


@pytest.mark.parametrize("seconds", [0, pytest.param(30, marks=pytest.mark.long)], ids=["shortly", "30 seconds each"])
def test_r27_r28_r30_each_killed_while_people_buy_costs_no_order_and_no_message(
    crowd: Crowd,
    own_rabbitmq: RabbitMQ,
    own_redis: Redis,
    mail_server: MailServer,
    seconds: int,
    record_property: Callable[[str, object], None],
) -> None:
    crowd.statuses.clear()
    shop, recoveries = crowd.shop, {}
    slowest = dict[str, float]()
    with crowd.buying():
        slowest["nothing"] = people_buy_for(crowd, seconds)
        for server, last_used in (
            (own_rabbitmq, lambda: _moment(shop, _DELIVERED)),
            (own_redis, lambda: time.time() if shop.says("/readyz")["cache"] == "ok" else 0.0),
            (mail_server, lambda: _moment(shop, _MAILED)),
        ):
            server.kill()
            slowest[type(server).__name__] = people_buy_for(crowd, seconds)
            server.start()
            recoveries[type(server).__name__] = seconds_until(last_used, since=time.time())
        people_buy(crowd)

    assert not {status for status in crowd.statuses if status == 0 or status >= 500}, crowd.statuses
    record_property("seconds_until_used_again", recoveries)
    record_property("p95_while_it_is_away", slowest)
    assert not seconds or slowest["Redis"] < MOST_SLOWER * slowest["nothing"], slowest
    assert not seconds or max(recoveries.values()) < SECONDS_TO_RECOVER, recoveries
    each_happened_once(crowd)
    wait_for(lambda: shop.sql("SELECT count(*) FROM notifications_mail WHERE state <> 'sent'") == 0, GENEROUS_SECONDS)
    assert shop.sql(_OUT_OF_ORDER) == 0
    assert set(mail_server.mailbox.ids) >= {f"<{each}@localhost>" for each in _mails(shop)}
    assert shop.status("/readyz") == 200


def people_buy_for(crowd: Crowd, seconds: float) -> float:
    """Let them buy for so long; return the seconds of which 19 of 20 answers took less."""
    crowd.took, begun = [], time.monotonic()
    people_buy(crowd, meanwhile=lambda: time.monotonic() - begun >= seconds)
    return statistics.quantiles(crowd.took, n=20)[-1]


def people_buy(crowd: Crowd, *, meanwhile: Callable[[], bool] = lambda: True) -> None:
    """Let some more of them come to an end, and as long as it takes until the other thing holds."""
    enough = len(crowd.deals) + DEALS_MEANWHILE
    wait_for(lambda: len(crowd.deals) >= enough and meanwhile(), GENEROUS_SECONDS)


def seconds_until(last_used: Callable[[], float], *, since: float) -> float:
    """Return how long after a moment something was used again."""
    wait_for(lambda: last_used() > since, GENEROUS_SECONDS)
    return last_used() - since


def _moment(shop: Shop, statement: LiteralString) -> float:
    return float(str(shop.sql(statement)))


def _mails(shop: Shop) -> list[str]:
    told: Any = shop.sql("SELECT coalesce(json_agg(id), '[]') FROM notifications_mail")
    return list(told)
