"""A shop as a cluster runs it: the whole journey, and processes that are replaced while shoppers ask."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from config.tests.collecting import Collector
from tests.production.crowd import shopping
from tests.production.fleet import ROOT, Fleet, Part, status_of
from tests.runtime.shop import wait_for

pytestmark = pytest.mark.runtime

REQUESTS = 2000
SECONDS_TO_FINISH = 300.0
OWED = "SELECT count(*) FROM core_delivery WHERE done_at IS NULL"
UNSENT = "SELECT count(*) FROM notifications_mail WHERE state <> 'sent'"

# Who has connections to the shop's database, in one word if it is one.
SERVING = "SELECT string_agg(DISTINCT usename, ' ') FROM pg_stat_activity WHERE datname = current_database()"
TABLES_OWNED = "SELECT count(*) FROM pg_class WHERE relowner = current_user::regrole"
EVERYTHING_BY_THE_CLOCK = """
from django.conf import settings
from config.celery import app
app.loader.import_default_modules()
for name in {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()} - {"core.tasks.beat"}:
    app.tasks[name]()
"""
CONFIRMED = "SELECT count(*) FROM notifications_mail WHERE kind = 'order_placed'"


def mails_when_nothing_is_owed(fleet: Fleet) -> int:
    """Wait for the workers, and return how many orders were confirmed."""
    wait_for(lambda: fleet.value(OWED) == 0 and fleet.value(UNSENT) == 0, SECONDS_TO_FINISH)
    return int(str(fleet.value(CONFIRMED)))


def everything_followed(fleet: Fleet, ordered: list[str], *, mails_before: int) -> None:
    """Each order was confirmed once, nothing is owed, and the books agree."""
    assert mails_when_nothing_is_owed(fleet) == mails_before + len(set(ordered))
    assert ordered
    assert fleet.value("SELECT count(*) FROM core_delivery WHERE dead_at IS NOT NULL") == 0
    fleet.manage("verify_books")


def test_the_journey_passes_through_nginx_gunicorn_rabbitmq_and_redis(fleet: Fleet) -> None:
    bash = shutil.which("bash")
    assert bash
    place = {"BASE": fleet.base, "NEXUS_DATA": str(fleet.data), "CURL_CA_BUNDLE": str(fleet.certificate)}

    done = subprocess.run(
        [bash, "scripts/test_api.sh"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=500,
        env=os.environ | place,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert {len(web.hands()) for web in fleet.webs} == {2}


class TestWhoServes:
    """The role that owns nothing: all the tests of this file are served by it, too."""

    def test_is_who_web_worker_and_clock_are(self, fleet: Fleet) -> None:
        assert str(fleet.value(SERVING)) == f"fleet_{os.getpid()}_serving"
        assert fleet.value(TABLES_OWNED) == 0

    def test_imports_sweeps_and_keeps_its_books(self, fleet: Fleet, tmp_path: Path) -> None:
        goods = tmp_path / "goods.csv"
        rows = [f"ROLE-{number},Lamp {number},Lamps,{number}.50,3" for number in range(1, 301)]
        goods.write_text("\n".join(["sku,name,category,price,stock", *rows]) + "\n")

        said = fleet.manage("import_catalogue", str(goods), "--report", str(tmp_path / "report.csv"))
        fleet.manage("shell", "--no-imports", "-c", EVERYTHING_BY_THE_CLOCK)

        assert "300 created" in said
        mails_when_nothing_is_owed(fleet)
        assert fleet.value("SELECT count(*) FROM core_delivery WHERE dead_at IS NOT NULL") == 0
        fleet.manage("verify_books")
        fleet.manage("verify_audit")


class TestRollingRestart:
    def test_r26_sighup_and_a_new_worker_in_the_middle_of_two_thousand_requests_fail_none(self, fleet: Fleet) -> None:
        web, worker = fleet.webs[0], fleet.parts["worker"]
        before, mails = web.hands(), mails_when_nothing_is_owed(fleet)

        with shopping(fleet) as crowd:
            crowd.await_answers(REQUESTS // 4)
            web.process.send_signal(signal.SIGHUP)
            wait_for(lambda: len(web.hands()) == 2 and not web.hands() & before, 120)
            crowd.await_answers(REQUESTS // 4)
            assert worker.stop() == 0
            fleet.start("worker", "worker-b")
            crowd.await_answers(max(REQUESTS - crowd.answered, 1))

        assert crowd.failures == [], fleet.errors()
        assert crowd.answered >= REQUESTS
        everything_followed(fleet, crowd.ordered, mails_before=mails)

    def test_r26_servers_replaced_one_after_the_other_fail_none(self, fleet: Fleet) -> None:
        first: Part = fleet.webs[0]
        fleet.start_web("web-b")
        fleet.reload()
        mails = mails_when_nothing_is_owed(fleet)

        with shopping(fleet) as crowd:
            for old, new in ((first.name, "web-c"), ("web-b", "web-d")):
                crowd.await_answers(REQUESTS // 8)
                fleet.start_web(new)
                fleet.reload(down=old)
                assert fleet.parts.pop(old).stop() == 0
                fleet.reload()
            crowd.await_answers(REQUESTS // 8)

        assert crowd.failures == [], fleet.errors()
        everything_followed(fleet, crowd.ordered, mails_before=mails)


class TestTls:
    """Between Nginx and the web servers."""

    def test_is_all_that_web_servers_speak(self, fleet: Fleet) -> None:
        web = fleet.webs[0]

        assert fleet.asked(web, "/healthz") == 200
        assert status_of(http.client.HTTPConnection("127.0.0.1", web.port, timeout=30), "/healthz") == 0

    def test_goes_on_with_a_session_whichever_process_is_asked(self, fleet: Fleet) -> None:
        context, web = fleet.trusting(), fleet.webs[0]
        session, reused = None, []
        with ExitStack() as open_connections:
            for _ in range(12):
                line = open_connections.enter_context(socket.create_connection(("127.0.0.1", web.port), timeout=30))
                tls = open_connections.enter_context(
                    context.wrap_socket(line, server_hostname="127.0.0.1", session=session)
                )
                tls.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
                assert tls.recv(100).startswith(b"HTTP/1.1 200")
                session = tls.session
                reused.append(tls.session_reused)

        assert reused == [False] + [True] * 11


class TestDraining:
    def test_says_that_it_leaves_and_goes_on_answering_until_it_does(self, fleet: Fleet) -> None:
        web = fleet.start_web("leaving", WEB_DRAIN_SECONDS="600")

        web.process.send_signal(signal.SIGTERM)

        wait_for(lambda: fleet.asked(web, "/readyz") == 503)
        with closing(fleet.client(web)) as client:
            client.request("GET", "/readyz")
            assert json.loads(client.getresponse().read())["status"] == "leaving"
        assert fleet.asked(web, "/healthz") == 200
        assert fleet.asked(web, "/api/v1/products") == 200
        assert web.stop() == 0
        del fleet.parts["leaving"]


class TestLog:
    def test_reaches_the_collector_before_the_processes_end(self, fleet: Fleet) -> None:
        with Collector() as collector:
            place = {"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": collector.endpoint, "OTEL_BLRP_SCHEDULE_DELAY": "3600000"}
            web = fleet.start_web("told", **place)
            hands = web.hands()
            with closing(fleet.client(web)) as client:
                client.request("GET", "/api/v1/me", headers={"X-Request-ID": "told-12345678"})
                assert client.getresponse().status == 401
            assert web.stop() == 0
            del fleet.parts["told"]

        [line] = [line for line in collector.lines if line.facts.get("request_id") == "told-12345678"]
        assert line.resource["process.pid"] in hands
