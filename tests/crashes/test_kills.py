"""``kill -9`` at random moments of checkouts and refunds in a running shop: nothing is lost, nothing happens twice."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator

import psutil
import pytest

from tests.crashes.crowd import Crowd
from tests.crashes.killing import each_happened_once, kill, open_to_a_crowd
from tests.runtime.shop import Shop, temporary_folder

pytestmark = pytest.mark.runtime

# Granian takes the death of a younger worker for a crash loop, and gives up: then all are started anew, and later.
_INFANCY_SECONDS = 6.0


@pytest.fixture
def open_shop() -> Iterator[Callable[..., Crowd]]:
    """Return what starts a demo shop without rate limits, and lets buyers in; it takes variables of the environment."""
    shops: list[Shop] = []
    with temporary_folder() as folder:

        def start(**environment: str) -> Crowd:
            environment |= {"THROTTLES": "off", "WEB_WORKERS": "4"}
            shop = Shop(folder / "shop", command=(sys.executable, "src/manage.py", "run"), environment=environment)
            shops.append(shop)
            return open_to_a_crowd(shop.start())

        yield start
        for shop in shops:
            shop.end()


def web_workers(shop: Shop) -> list[psutil.Process]:
    """Return the processes that answer requests, but for the youngest."""
    grown = []
    for top in shop.named("nexus web")[:1]:
        with contextlib.suppress(psutil.Error):
            grown = [each for each in top.children() if time.time() - each.create_time() > _INFANCY_SECONDS]
    return grown


def background_workers(shop: Shop) -> list[psutil.Process]:
    """Return the process that runs tasks."""
    return shop.named("nexus worker")


@pytest.mark.parametrize("kills", [12, pytest.param(200, marks=pytest.mark.long)], ids=["some", "many"])
def test_r21_killed_web_workers_lose_and_double_no_payment_and_no_refund(
    open_shop: Callable[..., Crowd], kills: int
) -> None:
    crowd = open_shop()

    with crowd.buying():
        kill(crowd, web_workers, times=kills)

    assert crowd.broken > 0
    each_happened_once(crowd)


class TestKilledBackgroundWorkers:
    @pytest.mark.parametrize("kills", [12, pytest.param(200, marks=pytest.mark.long)], ids=["some", "many"])
    def test_r22_do_each_thing_once(self, open_shop: Callable[..., Crowd], kills: int) -> None:
        crowd = open_shop()

        with crowd.buying():
            kill(crowd, background_workers, times=kills)

        assert crowd.deals
        each_happened_once(crowd)

    @pytest.mark.parametrize("kills", [12, pytest.param(200, marks=pytest.mark.long)], ids=["some", "many"])
    def test_r22_do_each_thing_once_by_rabbitmq(
        self, open_shop: Callable[..., Crowd], rabbitmq_url: str, kills: int
    ) -> None:
        crowd = open_shop(BROKER_URL=rabbitmq_url)

        with crowd.buying():
            kill(crowd, background_workers, times=kills)

        assert crowd.deals
        each_happened_once(crowd)
