"""What is counted, by whom it is read, and what it costs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from celery.beat import ScheduleEntry
from django.core.wsgi import get_wsgi_application
from django.db import OperationalError, connection
from django.test import Client, RequestFactory
from django.utils import timezone
from prometheus_client import values
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import DjangoAssertNumQueries, Settings

from config.celery import app
from config.express import Express
from config.schedule import BEAT_SCHEDULE
from config.seeing import exposition, figures, listener, metrics, tasks
from config.seeing.meters import COUNTERS, HISTOGRAMS, names
from config.seeing.statements import WatchedCursor
from core import deadletters, heartbeats, inspections, outbox, tally
from core.errors import NotFound
from core.lines import close_lines
from core.models import DeadLetter
from core.tests.factories import NOON, ThingHappened, make_delivery
from core.transactions import command
from inventory.tests.factories import make_stock
from markets.tests.factories import make_market
from products.tests.factories import make_product

TOKEN = "a-token-of-the-tests"
publish = command(outbox.publish)


class Watched:
    """A process whose figures are kept in a folder of the test."""

    def __init__(self) -> None:
        self.application = metrics.Metered(Express(get_wsgi_application()))

    def ask(self, method: str, path: str) -> str:
        said: list[str] = []
        environ = RequestFactory().generic(method, path).environ
        answer = self.application(environ, lambda status, headers: said.append(status))
        b"".join(answer)
        if hasattr(answer, "close"):
            answer.close()
        return said[0]

    def figure(self, name: str, **labels: str) -> float:
        """Return what is exposed; 0 where there is no such series."""
        for family in text_string_to_metric_families(exposition.exposed().decode()):
            for sample in family.samples:
                if sample.name == name and sample.labels == labels:
                    return float(sample.value)
        return 0.0


@pytest.fixture
def watched(settings: Settings, tmp_path: Path) -> Iterator[Watched]:
    settings.METRICS_FOLDER = tmp_path / "metrics"
    settings.METRICS_TOKEN = TOKEN
    settings.METRICS_CACHE_SECONDS = 0.0
    settings.MIDDLEWARE = ["config.seeing.routes.RouteNoted", *settings.MIDDLEWARE]
    before, variable = values.ValueClass, os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    metrics.meters.cache_clear()
    tally.keep_in(metrics.meters())
    yield Watched()
    close_lines()
    tally.keep_in(None)
    metrics.meters.cache_clear()
    exposition._gauges.good_until = 0.0
    values.ValueClass = before
    if variable is None:
        os.environ.pop("PROMETHEUS_MULTIPROC_DIR", None)


@pytest.mark.django_db(transaction=True)
class TestRequests:
    def test_are_counted_by_the_pattern_of_their_address(self, watched: Watched) -> None:
        make_market()
        product = make_product("Lamp")
        assert watched.ask("GET", f"/api/v1/products/{product.slug}") == "200 OK"
        assert watched.ask("GET", "/api/v1/products/no-such-thing") == "404 Not Found"
        assert watched.ask("GET", "/api/v1/categories") == "200 OK"

        detail = {"route": "api/v1/products/<str:key>", "method": "GET"}
        assert watched.figure("nexus_http_requests_total", **detail, status="200") == 1
        assert watched.figure("nexus_http_requests_total", **detail, status="404") == 1
        assert watched.figure("nexus_http_request_seconds_count", **detail) == 2
        assert watched.figure("nexus_http_requests_total", route="api/v1/categories", method="GET", status="200") == 1

    def test_of_strangers_make_no_series_of_their_own(self, watched: Watched) -> None:
        for number in range(3):
            watched.ask("BREW", f"/no/such/{number}")

        assert watched.figure("nexus_http_requests_total", route="unmatched", method="other", status="404") == 3

    def test_that_break_are_counted_as_errors(self, watched: Watched) -> None:
        def broken(environ: Any, start_response: Any) -> Any:
            raise ZeroDivisionError

        watched.application.application = broken
        with pytest.raises(ZeroDivisionError):
            watched.ask("GET", "/")

        assert watched.figure("nexus_http_requests_total", route="unmatched", method="GET", status="500") == 1

    def test_that_are_refused_for_the_stock_are_conflicts(self, watched: Watched, client: Client) -> None:
        stock = make_stock(on_hand=1)

        client.post("/api/v1/cart/items", {"variant": str(stock.variant_id), "quantity": 2}, "application/json")

        assert watched.figure("nexus_stock_conflicts_total", code="inventory.out_of_stock") == 1
        assert watched.figure("nexus_refusals_total", code="inventory.out_of_stock") == 1
        assert watched.figure("nexus_carts_opened_total") == 0


@pytest.mark.django_db(transaction=True)
class TestStatements:
    def test_are_counted_whichever_way_they_go(self, watched: Watched, settings: Settings) -> None:
        make_market()
        make_product("Lamp")
        connection.close()
        close_lines()
        options = settings.DATABASES["default"]["OPTIONS"]
        options["cursor_factory"] = WatchedCursor
        try:
            watched.ask("GET", "/api/v1/products")
            watched.ask("GET", "/api/v1/products")
            watched.ask("GET", "/api/v1/categories")
        finally:
            del options["cursor_factory"]
            connection.close()

        assert watched.figure("nexus_http_statements_total", route="api/v1/products") >= 2
        assert watched.figure("nexus_http_statements_total", route="api/v1/categories") >= 1


@pytest.mark.django_db(transaction=True)
class TestFacts:
    def test_are_counted_once_they_are_true(self, watched: Watched, settings: Settings) -> None:
        settings.EVENT_SUBSCRIPTIONS = {}
        publish(ThingHappened(thing_id=make_delivery().pk), at=NOON)
        with pytest.raises(NotFound):
            _publish_and_fail()

        assert watched.figure("nexus_facts_total", fact="tests.thing_happened") == 1

    def test_of_orders_are_the_states_that_they_came_into(self, watched: Watched) -> None:
        assert watched.figure("nexus_orders_total", state="delivered") == 0
        tally.count("facts", "orders.order_placed", "")
        tally.count("facts", "orders.order_moved", "delivered")

        assert watched.figure("nexus_orders_total", state="placed") == 1
        assert watched.figure("nexus_orders_total", state="delivered") == 1

    def test_are_delivered_or_not(self, watched: Watched, settings: Settings) -> None:
        good = make_delivery()
        bad = make_delivery("core.tests.handlers.write_and_fail")

        outbox.deliver(delivery_ids=[str(good.pk), str(bad.pk)])

        told = "nexus_deliveries_total"
        assert watched.figure(told, handler="core.tests.handlers.remember", result="done") == 1
        assert watched.figure(told, handler="core.tests.handlers.write_and_fail", result="failed") == 1


@command
def _publish_and_fail() -> None:
    outbox.publish(ThingHappened(thing_id=make_delivery().pk), at=NOON)
    raise NotFound


class TestTasks:
    def test_tell_how_long_they_and_their_messages_took(self, watched: Watched) -> None:
        request = {"sent_at": 1.0, "delivery_info": {"routing_key": "mail"}}
        task = SimpleNamespace(name="tests.task", request=_Request(request))

        tasks._begin(task_id="1", task=task)
        tasks._end(task_id="1", task=task, state="FAILURE")

        assert "nexus_queue_wait_seconds_count" in exposition.exposed().decode()
        assert watched.figure("nexus_queue_wait_seconds_count", queue="mail") == 1
        assert watched.figure("nexus_task_seconds_count", task="tests.task") == 1
        assert watched.figure("nexus_tasks_total", task="tests.task", state="failure") == 1

    @pytest.fixture(autouse=True)
    def _database(self, db: None) -> None:
        """The gauges ask it."""


class _Request(dict[str, Any]):
    @property
    def delivery_info(self) -> Any:
        return self["delivery_info"]


@pytest.mark.django_db
class TestProcesses:
    def test_are_summed(self, watched: Watched) -> None:
        tally.count("mails", "sent")
        child = os.fork()
        if child == 0:  # what a web server's worker is
            tally.count("mails", "sent")
            os._exit(0)
        os.waitpid(child, 0)

        assert watched.figure("nexus_mails_total", result="sent") == 2

    def test_count_each_of_many_threads(self, watched: Watched) -> None:
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda _: tally.count("mails", "sent"), range(400)))

        assert watched.figure("nexus_mails_total", result="sent") == 400


@pytest.mark.django_db
class TestExposition:
    @pytest.mark.parametrize("header", ["", f"Bearer {TOKEN}x", TOKEN, f"Basic {TOKEN}", "Bearer ", "Bearer é"])
    def test_is_not_there_for_strangers(self, watched: Watched, rf: RequestFactory, header: str) -> None:
        request = rf.get("/metrics", headers={"Authorization": header} if header else {})

        response = exposition.metrics(request)

        assert response.status_code == 404
        assert b"nexus_" not in response.content

    def test_shows_the_bearer_everything(self, watched: Watched, rf: RequestFactory) -> None:
        response = exposition.metrics(rf.get("/metrics", headers={"Authorization": f"bearer {TOKEN}"}))

        assert response.status_code == 200
        assert response.headers["Cache-Control"] == "no-store"
        families = {family.name for family in text_string_to_metric_families(response.content.decode())}
        assert {"nexus_outbox_lag_seconds", "nexus_orders", "nexus_info"} <= families
        assert all(family.startswith("nexus_") for family in families)

    def test_is_off_without_a_token(self, watched: Watched, settings: Settings, client: Client) -> None:
        settings.METRICS_TOKEN = ""

        assert not exposition.is_allowed("Bearer ")
        assert client.get("/metrics").status_code == 404

    def test_names_nothing_that_the_list_does_not(self, watched: Watched) -> None:
        for key, meter in COUNTERS.items():
            metrics.meters()._increment(key, *(["x"] * len(meter.labels)))()
        for key, meter in HISTOGRAMS.items():
            tally.observe(key, 1.0, *(["x"] * len(meter.labels)))
        heartbeats.note_heartbeat.__wrapped__(queue="celery", sent_at=NOON, now=NOON)  # type: ignore[attr-defined]
        inspections.note.__wrapped__(name="backup", found=0, at=NOON)  # type: ignore[attr-defined]

        shown = {
            sample.name
            for family in text_string_to_metric_families(exposition.exposed().decode())
            for sample in family.samples
        }

        assert shown == names()

    def test_says_that_the_database_is_away(self, watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
        def away() -> None:
            raise OperationalError

        monkeypatch.setattr(exposition, "read_figures", away)

        assert watched.figure("nexus_database_up") == 0
        assert "nexus_outbox_owed" not in exposition.exposed().decode()

    def test_asks_the_database_once_in_a_while(
        self, watched: Watched, settings: Settings, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        settings.METRICS_CACHE_SECONDS = 600.0

        with django_assert_num_queries(1):
            exposition.exposed()
            exposition.exposed()

    def test_is_shown_by_a_worker_on_its_own_port(self, watched: Watched) -> None:
        def ask(path: str, authorization: str = "") -> tuple[str, bytes]:
            said: list[str] = []
            environ = RequestFactory().get(path, headers={"Authorization": authorization}).environ
            body = b"".join(listener.application(environ, lambda status, headers: said.append(status)))
            return said[0], body

        assert ask("/metrics") == ("404 Not Found", b"")
        assert ask("/other", f"Bearer {TOKEN}") == ("404 Not Found", b"")
        status, body = ask("/metrics", f"Bearer {TOKEN}")
        assert status == "200 OK"
        assert b"nexus_mails_total" in body


@pytest.mark.django_db
class TestFigures:
    def test_tell_what_waits_in_one_statement(self, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        now = timezone.now()
        make_delivery(due_at=now)
        make_delivery(dead_at=now, attempts=12)
        make_delivery(done_at=now)
        heartbeats.note_heartbeat.__wrapped__(  # type: ignore[attr-defined]
            queue="celery", sent_at=now, now=now
        )

        with django_assert_num_queries(1):
            found = figures.read_figures()

        assert (found.owed, found.dead, found.mails_waiting, found.refunds_unresolved) == (1, 1, 0, 0)
        assert found.unresolved == {}
        assert list(found.heartbeats) == ["celery"]
        assert found.queue_ages(15.0)["mail"] == 0.0

    def test_of_an_empty_shop_are_zero(self) -> None:
        found = figures.read_figures()

        assert (found.owed, found.lag_seconds, found.outbox_age_seconds, found.unknown_seconds) == (0, 0.0, 0.0, 0.0)

    def test_of_what_the_broker_gave_up_are_what_can_be_sent_again(self) -> None:
        now = timezone.now()
        for number, (task, fields) in enumerate(
            [
                ("orders.tasks.expire_unpaid_orders", {}),
                ("orders.tasks.expire_unpaid_orders", {"resent_at": now}),
                (deadletters.DELIVER, {}),
                ("", {}),
                ("", {"noted_at": now - timedelta(days=2)}),
            ]
        ):
            DeadLetter.objects.create(task=task, digest=str(number), **{"noted_at": now} | fields)

        assert figures.read_figures().dead_letters == 2

    def test_of_a_queue_that_is_not_served_grow(self) -> None:
        found = figures.Figures(
            owed=0, lag_seconds=0, outbox_age_seconds=0, dead=0, mails_waiting=0, mail_age_seconds=0, unresolved={},
            unknown_seconds=0, refunds_unresolved=0, heartbeats={"served": (4.0, 0.1), "left": (75.0, 0.1)},
        )  # fmt: skip

        assert found.queue_ages(15.0) == {"outbox": 0, "mail": 0, "served": 0.1, "left": 60.0}

    def test_are_read_from_indexes(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("EXPLAIN " + figures._READ)
            plan = "\n".join(row[0] for row in cursor.fetchall())

        assert "Seq Scan on" not in plan.replace("Seq Scan on core_heartbeat", "").replace(
            "Seq Scan on core_inspection", ""
        )


class TestHeartbeats:
    @pytest.mark.django_db(transaction=True)
    def test_keep_the_latest_whatever_the_order(self) -> None:
        later = timezone.now()
        for now in (later, NOON):
            heartbeats.note_heartbeat(queue="celery", sent_at=now, now=now)

        assert [(beat.queue, beat.ran_at) for beat in heartbeats.list_heartbeats()] == [("celery", later)]


class TestSchedule:
    def test_is_one_that_the_clock_takes(self) -> None:
        app.loader.import_default_modules()

        for name, entry in BEAT_SCHEDULE.items():
            assert ScheduleEntry(name=name, app=app, **entry).task in app.tasks
