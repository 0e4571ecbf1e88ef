"""Tests begin with a database that was migrated once, and with another one as soon as something of it changes."""

from __future__ import annotations

import shutil
from pathlib import Path

import psycopg
import pytest
from django.db import connection

from config.embedded import THROWAWAY, Postgres
from config.settings.env import SRC
from tests import migrated


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A copy of what the shop's apps are made of."""
    return Path(shutil.copytree(SRC, tmp_path / "src", ignore=shutil.ignore_patterns("tests", "static", "__pycache__")))


class TestDigestOf:
    @pytest.mark.parametrize(
        "changed", ["core/migrations/0001_initial.py", "core/ledger.py", "core/models.py", "orders/models/ordering.py"]
    )
    def test_is_another_when_what_a_database_is_made_of_changes(self, source: Path, changed: str) -> None:
        before = migrated.digest_of(source)

        with (source / changed).open("a") as file:
            file.write("\n# changed\n")

        assert migrated.digest_of(source) != before

    def test_stays_when_a_service_changes(self, source: Path) -> None:
        before = migrated.digest_of(source)

        with (source / "orders" / "services" / "placing.py").open("a") as file:
            file.write("\n# changed\n")

        assert migrated.digest_of(source) == before


def test_is_made_once_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o755)
    monkeypatch.setattr(migrated, "_CACHE", tmp_path / "cache")
    monkeypatch.setattr(migrated, "digest_of", lambda _: "kept")
    made = []

    def migrate(server: Postgres) -> bool:
        made.append(server)
        with psycopg.connect(host=str(server.sockets), user="postgres", autocommit=True) as there:
            there.execute("CREATE DATABASE nexus_template")
        return True

    monkeypatch.setattr(migrated, "_is_migrated", migrate)
    for name in ("first", "second"):
        server = Postgres(tmp_path / name, tmp_path / f"{name}-run", THROWAWAY, tied=True)
        assert migrated.launch(server)
        with psycopg.connect(host=str(server.sockets), user="postgres", dbname=migrated.TEMPLATE) as there:
            assert there.execute("SELECT 1").fetchone() == (1,)
        server.stop()

    assert len(made) == 1
    assert [kept.name for kept in migrated._CACHE.iterdir()] == ["kept"]


def test_tests_run_without_one_where_migrations_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o755)
    monkeypatch.setattr(migrated, "_CACHE", tmp_path / "cache")
    monkeypatch.setattr(migrated, "SRC", tmp_path)
    server = Postgres(tmp_path / "data", tmp_path / "run", THROWAWAY, tied=True)

    assert migrated.launch(server) is False

    server.stop()
    assert not (tmp_path / "cache").exists()


@pytest.mark.django_db
def test_every_migration_is_applied_to_a_copy() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM django_migrations WHERE app = 'core'")
        applied = cursor.fetchone()[0]

    assert applied == len(list(SRC.glob("core/migrations/0*.py")))
