from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core import clock, idempotency
from core.errors import Malformed
from core.models import IdempotencyRecord, OutboxEvent
from core.tests import urls
from core.tests.threads import at_once

pytestmark = pytest.mark.urls("core.tests.urls")


def post(name: str = "plain", key: str | None = "k-1", units: int = 2, headers: dict[str, str] | None = None) -> Any:
    body = {"name": name, "units": units}
    if key is not None:
        headers = {**(headers or {}), "Idempotency-Key": key}
    client = Client(raise_request_exception=False)
    answer: Any = client.post("/api/v1/things", body, content_type="application/json", headers=headers)
    return answer


def effects() -> int:
    return OutboxEvent.objects.count()


@pytest.mark.django_db
class TestAnswerOnce:
    def test_r16_replays_the_first_answer_byte_for_byte(self) -> None:
        first, second = post(), post()

        assert (first.status_code, first.content) == (second.status_code, second.content) == (201, first.content)
        assert "Idempotent-Replayed" not in first
        assert second["Idempotent-Replayed"] == "true"
        assert {name: second[name] for name in ("Content-Type", "Location")} == {
            "Content-Type": first["Content-Type"],
            "Location": "/things/1",
        }
        assert effects() == 1

    def test_r16_refuses_the_key_with_another_body(self) -> None:
        post(units=2)

        answer = post(units=3)

        assert answer.status_code == 422
        assert answer.json()["code"] == "core.idempotency_key_reused"
        assert effects() == 1

    def test_refuses_the_key_at_another_address(self) -> None:
        post()

        answer = Client().post(
            "/api/v1/things?x=1", {"name": "plain", "units": 2}, "application/json", headers={"Idempotency-Key": "k-1"}
        )

        assert answer.status_code == 422

    def test_stores_a_refusal_of_the_rules_and_undoes_the_work(self) -> None:
        first, second = post("refused"), post("refused")

        assert first.status_code == 409
        assert first.json()["units"] == 2
        assert second.content == first.content
        assert second["Content-Type"] == "application/problem+json"
        assert second["Idempotent-Replayed"] == "true"
        assert effects() == 0

    def test_stores_a_refusal_of_the_schema(self) -> None:
        first, second = post(units=0), post(units=0)

        assert (first.status_code, second.content) == (400, first.content)
        assert second["Idempotent-Replayed"] == "true"

    def test_r19_runs_again_after_a_5xx(self) -> None:
        first, second = post("broken"), post("broken")

        assert (first.status_code, second.status_code) == (500, 500)
        assert "Idempotent-Replayed" not in second
        assert not IdempotencyRecord.objects.exists()
        assert effects() == 0

    @pytest.mark.parametrize(("name", "status", "seconds"), [("throttled", 429, "7"), ("busy", 409, "1")])
    def test_does_not_keep_an_answer_that_time_mends(self, name: str, status: int, seconds: str) -> None:
        post(name)
        second = post(name)

        assert (second.status_code, second["Retry-After"]) == (status, seconds)
        assert "Idempotent-Replayed" not in second

    def test_r19_is_a_new_request_after_the_key_expired(self) -> None:
        first = post()
        IdempotencyRecord.objects.update(expires_at=timezone.now())

        second, third = post(units=7), post(units=7)

        assert second.json()["units"] == 7
        assert first.content != second.content == third.content
        assert effects() == 2

    def test_keeps_the_keys_of_two_people_apart(self) -> None:
        ada = post(headers={"X-Test-User": "ada"})
        bob = post(headers={"X-Test-User": "bob"})
        guest = post()
        cart = post(headers={"X-Cart-Token": "t"})

        assert len({answer.content for answer in (ada, bob, guest, cart)}) == 4
        assert effects() == 4

    @pytest.mark.parametrize("shown", ["X-Cart-Token", "X-Order-Token", "User-Agent", "Accept-Language"])
    def test_keeps_the_keys_of_two_guests_behind_one_address_apart(self, shown: str) -> None:
        ada, bob = post(headers={shown: "ada"}), post(headers={shown: "bob"})
        again = post(headers={shown: "ada"})

        assert ada.content == again.content != bob.content
        assert [("Idempotent-Replayed" in answer) for answer in (ada, bob, again)] == [False, False, True]
        assert effects() == 2

    def test_knows_a_guest_with_a_token_wherever_they_are(self) -> None:
        at_home = post(headers={"X-Cart-Token": "t", "User-Agent": "phone"})
        outside = post(headers={"X-Cart-Token": "t", "User-Agent": "phone, updated"})

        assert at_home.content == outside.content
        assert effects() == 1

    def test_does_nothing_without_a_key(self) -> None:
        post(key=None)
        post(key=None)

        assert effects() == 2
        assert not IdempotencyRecord.objects.exists()

    def test_keeps_no_readable_answer(self) -> None:
        first = post()

        assert first.content not in bytes(IdempotencyRecord.objects.get().body)

    def test_never_commits_what_a_view_swallowed(self) -> None:
        answer = Client(raise_request_exception=False).post(
            "/api/v1/swallow", headers={"Idempotency-Key": "k"}, content_type="application/json"
        )

        assert answer.status_code == 500
        assert effects() == 0

    def test_costs_two_statements(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(urls, "make_thing", lambda **_: None)

        with CaptureQueriesContext(connection) as queries:
            post()

        assert len([query for query in queries if "SAVEPOINT" not in query["sql"]]) == 2


@pytest.mark.django_db(transaction=True)
class TestAnswerOnceInTheRealWorld:
    def test_tells_the_databases_time_with_the_lock(self, monkeypatch: pytest.MonkeyPatch) -> None:
        told: list[datetime] = []
        monkeypatch.setattr(urls, "make_thing", lambda **_: told.append(clock.database_now()))

        with CaptureQueriesContext(connection) as queries:
            post()

        assert not any("clock_timestamp" in query["sql"] for query in queries)
        assert timedelta() < clock.database_now() - told[0] < timedelta(minutes=1)

    def test_looks_for_the_first_answer_after_it_has_the_lock(self) -> None:
        """In a function that is not volatile, the look would be as old as the whole statement."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT provolatile FROM pg_proc WHERE proname = 'core_first_answer'")

            assert cursor.fetchall() == [("v",)]

    def test_keeps_a_refusal_with_one_statement_and_nothing_around_it(self) -> None:
        with CaptureQueriesContext(connection) as queries:
            post("refused")

        words = [query["sql"].split(None, 1)[0] for query in queries]
        assert words[words.index("ROLLBACK") :] == ["ROLLBACK", "INSERT"]

    @pytest.fixture
    def deferred(self) -> Iterator[None]:
        """A table whose constraint speaks at the commit only."""
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE core_tests_deferred (n int UNIQUE DEFERRABLE INITIALLY DEFERRED)")
        yield
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE core_tests_deferred")

    def test_r18_stores_nothing_when_the_commit_fails_and_runs_again(self, deferred: None) -> None:
        first = post("at-commit")

        assert first.status_code == 409
        assert not IdempotencyRecord.objects.exists()
        assert effects() == 0

        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE core_tests_deferred DROP CONSTRAINT core_tests_deferred_n_key")
        assert post("at-commit").status_code == 201
        assert (effects(), IdempotencyRecord.objects.count()) == (1, 1)

    def test_r18_stores_nothing_when_the_process_dies_after_the_work(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def die(*_: object) -> None:
            raise SystemExit(137)

        with monkeypatch.context() as patch, pytest.raises(SystemExit):  # noqa: PT012 - patched for this call only
            patch.setattr(idempotency, "_record", die)
            Client().post(
                "/api/v1/things",
                {"name": "plain", "units": 2},
                "application/json",
                headers={"Idempotency-Key": "k-1"},
            )

        assert effects() == 0
        assert post().status_code == 201
        assert effects() == 1

    def test_refuses_at_once_while_the_first_still_runs(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(urls, "gate", urls.Gate())

        def first() -> Any:
            try:
                return post("waits")
            finally:
                connection.close()

        with ThreadPoolExecutor(1) as shopper:
            running = shopper.submit(first)
            assert urls.gate.reached.wait(10)
            meanwhile = post("waits")
            urls.gate.open.set()
            answer = running.result()

        assert (meanwhile.status_code, meanwhile["Retry-After"]) == (409, "1")
        assert meanwhile.json()["code"] == "core.idempotency_still_running"
        assert post("waits").content == answer.content
        assert effects() == 1

    def test_r17_runs_one_of_twenty_at_once(self) -> None:
        def one(_: int) -> Any:
            try:
                return post()
            finally:
                connection.close()

        with ThreadPoolExecutor(20) as shoppers:
            answers = list(shoppers.map(one, range(20)))

        assert {answer.status_code for answer in answers} <= {201, 409}
        assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
        assert effects() == 1


def post_in_beats(name: str = "plain", key: str | None = "k-1") -> Any:
    client = Client(raise_request_exception=False)
    headers = {} if key is None else {"Idempotency-Key": key}
    return client.post("/api/v1/beats", {"name": name, "units": 2}, content_type="application/json", headers=headers)


@pytest.mark.django_db(transaction=True)
class TestAnswerInBeats:
    def test_r16_replays_the_first_answer_and_opens_no_transaction_around_the_view(self) -> None:
        first, second = post_in_beats(), post_in_beats()

        assert (first.status_code, second.content) == (201, first.content)
        assert second["Idempotent-Replayed"] == "true"
        assert len(first.json()["key"]) == 64
        assert effects() == 2

    def test_r16_refuses_the_key_with_another_body(self) -> None:
        post_in_beats()

        assert post_in_beats("other").status_code == 422
        assert effects() == 2

    def test_keeps_a_refusal_and_what_was_done_before_it(self) -> None:
        first, second = post_in_beats("refused"), post_in_beats("refused")

        assert (first.status_code, second.content) == (409, first.content)
        assert effects() == 1

    def test_does_not_keep_an_answer_that_time_mends(self) -> None:
        first, second = post_in_beats("busy"), post_in_beats("busy")

        assert (first.status_code, second.status_code) == (409, 409)
        assert "Idempotent-Replayed" not in second
        assert effects() == 2

    def test_r19_runs_again_after_a_5xx(self) -> None:
        assert post_in_beats("broken").status_code == 500
        assert post_in_beats("broken").status_code == 500

        assert effects() == 2

    def test_gives_the_key_back_when_it_is_done(self) -> None:
        post_in_beats("broken")

        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
            assert cursor.fetchone() == (0,)

    def test_tells_no_key_where_there_is_none(self) -> None:
        assert post_in_beats(key=None).json()["key"] == ""

    def test_r17_runs_one_of_twelve_at_once(self) -> None:
        answers = at_once(lambda _: post_in_beats(), range(12))

        assert {answer.status_code for answer in answers} <= {201, 409}
        assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
        assert effects() == 2


class TestCheckKey:
    @pytest.mark.parametrize("key", ["", '""', "  ", "k" * 256, "é", "a\x00b", "a\nb"])
    def test_refuses_what_is_not_printable_ascii(self, key: str) -> None:
        with pytest.raises(Malformed):
            idempotency.check_key(key)

    def test_takes_the_key_with_or_without_quotes(self) -> None:
        assert idempotency.check_key('"8e03"') == idempotency.check_key("8e03") == "8e03"


@pytest.mark.django_db
class TestForgetExpired:
    def test_removes_expired_keys_only(self) -> None:
        post(key="old")
        post(key="new")
        now = timezone.now()
        IdempotencyRecord.objects.filter(key="old").update(expires_at=now - timedelta(seconds=1))

        assert idempotency.forget_expired(now=now) == 1
        assert IdempotencyRecord.objects.get().key == "new"
