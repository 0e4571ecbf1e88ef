from __future__ import annotations

import sys
from typing import Any

import pytest
from celery import current_app
from django.core.cache import cache
from django.db import OperationalError, connection
from django.db.migrations.loader import MigrationLoader
from django.test import Client

from core import draining, health

pytestmark = pytest.mark.urls("core.tests.urls")


class TestHealthz:
    def test_answers_without_asking_the_database(self, client: Client) -> None:
        answer = client.get("/healthz")

        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
        assert answer["Cache-Control"] == "no-store"


@pytest.mark.django_db
class TestReadyz:
    def test_is_ready_with_database_and_migrations(self, client: Client) -> None:
        answer = client.get("/readyz")

        assert answer.status_code == 200
        assert answer.json() == {
            "status": "ok", "database": "ok", "migrations": "ok", "broker": "ok", "cache": "ok",
        }  # fmt: skip

    def test_is_not_ready_without_its_database(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        def away(*_: Any) -> Any:
            raise OperationalError("refused")

        monkeypatch.setattr(connection, "cursor", away)

        answer = client.get("/readyz")

        assert answer.status_code == 503
        assert (answer.json()["database"], answer.json()["migrations"]) == ("away", "unknown")

    def test_is_not_ready_once_it_leaves(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(draining, "_mark", bytearray(1))
        draining.begin_draining()

        answer = client.get("/readyz")

        assert (answer.status_code, answer.json()["status"], answer.json()["database"]) == (503, "leaving", "ok")

    def test_is_not_ready_before_its_migrations(self, client: Client) -> None:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM django_migrations WHERE app = 'core' AND name = '0001_initial'")
            cursor.execute("DELETE FROM django_migrations WHERE app = 'core' AND name <> '0001_initial'")

        answer = client.get("/readyz")

        assert (answer.status_code, answer.json()["migrations"]) == (503, "behind")

    def test_wants_the_migrations_that_django_finds_and_loads_none(self, client: Client) -> None:
        found = MigrationLoader(None).disk_migrations
        for name in [name for name in sys.modules if ".migrations." in name]:
            del sys.modules[name]

        assert health._wanted_migrations.__wrapped__() == frozenset(found)
        assert client.get("/readyz").status_code == 200
        assert [name for name in sys.modules if ".migrations." in name] == []

    def test_is_ready_without_broker_and_cache(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        def away(*_: Any, **__: Any) -> Any:
            raise ConnectionRefusedError

        monkeypatch.setattr(current_app, "connection_for_write", away)
        monkeypatch.setattr(cache, "get", away)

        answer = client.get("/readyz")

        assert answer.status_code == 200
        assert (answer.json()["broker"], answer.json()["cache"]) == ("away", "away")
