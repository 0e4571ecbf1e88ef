"""Searches that OpenSearch began or should answer, while it does not."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from conftest import OpenSearch, free_port
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from pytest_django import Settings
from structlog.testing import capture_logs

from core import outbox
from core.models import Delivery
from markets.tests.factories import make_market
from products import engine as doors
from products import selectors, services
from products.engine import EngineAway, engine
from products.tests.factories import make_product
from products.tests.searching import (
    LIST,
    Counted,
    answering,
    engine_prefix,
    follow,
    names,
    page_of,
    rename,
    rows_of,
    searched_by,
)

pytestmark = pytest.mark.django_db
ACCOUNT = "shop:s3cret-of-search"


class TestAWalk:
    def test_by_relevance_goes_on_where_others_come_meanwhile(self, client: Client, counted: Counted) -> None:
        for number in range(6):
            make_product(f"Lamp {number}", description="lamp" * (number % 2))
        follow()
        whole = names(client)
        first = page_of(client, cursor="", size=3)
        for number in range(5):
            make_product(f"Chair {number}", description="A chair beside a lamp")
        follow()

        rest = page_of(client, cursor=first["next_cursor"], size=3)

        assert [row["name"] for page in (first, rest) for row in page["results"]] == whole

    def test_by_relevance_ends_where_the_engine_does_not_answer_and_is_begun_anew(
        self, client: Client, counted: Counted, settings: Settings
    ) -> None:
        for number in range(3):
            make_product(f"Lamp {number}")
        follow()
        by_engine = page_of(client, cursor="", size=1)["next_cursor"]
        url, settings.SEARCH_URL = settings.SEARCH_URL, f"http://127.0.0.1:{free_port()}"

        refused = client.get(LIST, {"search": "lamp", "cursor": by_engine})
        by_postgresql = page_of(client, cursor="", size=1)["next_cursor"]
        settings.SEARCH_URL = url
        goes_on = client.get(LIST, {"search": "lamp", "cursor": by_postgresql})

        assert refused.status_code == 400
        assert refused.json()["errors"][0]["field"] == "cursor"
        assert rows_of(goes_on) == ["Lamp 1", "Lamp 0"]

    @pytest.mark.parametrize("sort", ["price", "name", "newest"])
    def test_in_another_order_goes_on_by_postgresql(
        self, client: Client, counted: Counted, settings: Settings, sort: str
    ) -> None:
        for number in range(3):
            make_product(f"Lamp {number}", price_minor=100 + number)
        follow()
        whole = names(client, sort=sort)
        cursor = page_of(client, cursor="", size=1, sort=sort)["next_cursor"]
        settings.SEARCH_URL = f"http://127.0.0.1:{free_port()}"

        assert names(client, sort=sort, cursor=cursor) == whole[1:]


class TestAnEngineThatIsAway:
    def test_is_told_of_once_and_not_asked_each_time(
        self, client: Client, counted: Counted, settings: Settings
    ) -> None:
        make_product("Lamp")
        settings.SEARCH_URL = f"http://{ACCOUNT}@127.0.0.1:{free_port()}"

        with capture_logs() as logged:
            found = [names(client) for _ in range(8)]

        told = [line for line in logged if line["event"] != "request"]
        assert found == [["Lamp"]] * 8
        assert [line["event"] for line in told] == ["search engine does not answer"]
        assert "s3cret" not in str(logged)
        assert counted.counts["search_failures", "question"] == 3
        assert counted.counts["searches", "postgresql"] == 8

    def test_is_not_waited_for_long(self, client: Client, counted: Counted, settings: Settings) -> None:
        make_product("Lamp")
        settings.SEARCH_TIMEOUT_SECONDS = 0.05
        released = threading.Event()
        with answering(b'{"timed_out":false,"hits":{"total":{"value":0}}}', when=released) as url:
            settings.SEARCH_URL = url

            found = names(client)
            released.set()

        assert found == ["Lamp"]
        assert (counted.counts["search_failures", "question"], counted.answered()) == (1, "postgresql")

    @pytest.mark.parametrize("answer", [b"", b"{}", b"[]", b"<html>", b'{"hits":{}}', b'{"timed_out":true}', b"null"])
    def test_may_say_anything(self, client: Client, counted: Counted, settings: Settings, answer: bytes) -> None:
        make_product("Lamp")
        with answering(answer) as url:
            settings.SEARCH_URL = url

            found = names(client)

        assert found == ["Lamp"]
        assert counted.answered() == "postgresql"

    def test_has_what_it_missed_afterwards(
        self, client: Client, own_opensearch: OpenSearch, settings: Settings
    ) -> None:
        with searched_by(own_opensearch.url, settings) as counted:
            make_market()
            product = make_product("Lamp")
            follow()
            before = names(client), counted.answered()

            own_opensearch.kill()
            rename(product, "Oil lamp")
            make_product("Other lamp")
            outbox.drain()
            during = names(client), names(client, "oil"), counted.answered(), selectors.search_state()
            owed = Delivery.objects.filter(done_at__isnull=True, handler="products.handlers.index_products")
            waiting = owed.count(), owed.filter(attempts__gt=0, dead_at__isnull=True).count()
            own_opensearch.start()
            doors.forget_engine()
            outbox.drain(now=timezone.now() + timedelta(hours=1))
            engine().refresh(index=f"{engine_prefix()}-*")
            counted.answered()
            after = names(client), names(client, "oil"), counted.answered(), selectors.search_state()

        assert before == (["Lamp"], "opensearch")
        assert during == (["Other lamp", "Oil lamp"], ["Oil lamp"], "postgresql", "away")
        assert waiting[0] == waiting[1] > 0
        assert not owed.exists()
        assert after == (["Other lamp", "Oil lamp"], ["Oil lamp"], "opensearch", "ok")

    def test_refuses_to_be_filled_and_is_asked_as_before(self, counted: Counted, settings: Settings) -> None:
        settings.SEARCH_URL = f"http://127.0.0.1:{free_port()}"
        make_product("Lamp")

        with pytest.raises(EngineAway):
            services.fill_missing(at=timezone.now())
        with pytest.raises(CommandError, match="did not take it"):
            call_command("index_search")
