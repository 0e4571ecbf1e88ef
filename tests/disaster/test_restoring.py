"""A table is dropped, a data folder is lost: the shop comes back, to the second (HARD-CASES, R41)."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import pyrage
import pytest

from tests.crashes.crowd import ADDRESS, Crowd
from tests.disaster.bucket import bucket_url, s3_environment
from tests.runtime.shop import ROOT, Shop, wait_for

pytestmark = pytest.mark.runtime

SECONDS_TO_BACK_UP = 240.0
_NOW = "SELECT clock_timestamp()::text"


@pytest.fixture
def key() -> dict[str, str]:
    """Keys to seal backups with, as the environment has them."""
    identity = pyrage.x25519.Identity.generate()
    return {"BACKUP_RECIPIENTS": str(identity.to_public()), "BACKUP_IDENTITIES": str(identity)}


def refused(shop: Shop, *words: str) -> str:
    """Run a restore that is to be refused; return what it says."""
    command = [sys.executable, "src/manage.py", "restore", *words]
    done = subprocess.run(command, cwd=ROOT, env=shop.variables, capture_output=True, text=True, check=False)
    assert done.returncode != 0, done.stdout
    return done.stderr


def drop_notifications(shop: Shop) -> None:
    """Drop the table, as often as PostgreSQL has another finish first: a running shop locks what refers to it too."""
    for _ in range(20):
        with suppress(psycopg.errors.DeadlockDetected):
            shop.sql("DROP TABLE IF EXISTS notifications_notification CASCADE")
            return
    raise AssertionError("every attempt to drop the table met a deadlock")


def in_stock(crowd: Crowd) -> str:
    """Return the id of something to buy."""
    found: str = crowd.insist("GET", "products?in_stock=true&sort=newest&size=1")["results"][0]["variants"][0]["id"]
    return found


def test_r41_a_dropped_table_comes_back_with_all_orders_of_the_second_before(
    make_shop: Callable[..., Shop], key: dict[str, str], tmp_path: Path
) -> None:
    shop = make_shop(BACKUP_URL=str(tmp_path / "backups"), **key).start()
    crowd = Crowd(shop, "")
    variant = in_stock(crowd)
    wait_for(lambda: list((tmp_path / "backups" / "base").rglob("*.json")), SECONDS_TO_BACK_UP)
    picture = next(path for path in (shop.data / "media").rglob("*") if path.is_file())

    before = crowd.place(variant)["id"]
    # A second passes by the database's own clock, so that the moment stands between the order and what follows.
    shop.sql("SELECT pg_sleep(1)")
    second_before = datetime.fromisoformat(str(shop.sql(_NOW)))
    shop.sql("SELECT pg_sleep(1)")
    drop_notifications(shop)
    after = crowd.place(variant)["id"]
    picture.unlink()

    assert "in use" in refused(shop, "--force", "--to", second_before.isoformat())
    assert shop.stop() == 0
    assert "--force" in refused(shop, "--to", second_before.isoformat())
    said = shop.manage("restore", "--force", "--to", second_before.isoformat())

    assert "The books agree." in said
    assert picture.exists()
    shop.start()
    assert shop.sql("SELECT count(*) >= 0 FROM notifications_notification") is True
    orders = set(str(shop.sql("SELECT string_agg(id::text, ' ') FROM orders_order")).split())
    assert (before in orders, after in orders) == (True, False)
    assert "agree" in shop.manage("verify_books")
    assert crowd.place(variant)["id"]


def test_r41_a_lost_data_folder_comes_back_from_a_bucket_with_its_last_order(
    make_shop: Callable[..., Shop], key: dict[str, str], s3: str
) -> None:
    shop = make_shop(BACKUP_URL=bucket_url(s3, "shop"), **key, **s3_environment()).start()
    crowd = Crowd(shop, "")
    variant = in_stock(crowd)
    wait_for(lambda: "base backup made" in shop.said(), SECONDS_TO_BACK_UP)
    last = crowd.place(variant)["id"]
    sign_ins = json.loads((shop.data / "sign-ins.json").read_text())
    assert shop.stop() == 0
    shutil.rmtree(shop.data)

    said = shop.manage("restore")

    assert "The books agree." in said
    assert json.loads((shop.data / "sign-ins.json").read_text()) == sign_ins
    shop.start()
    assert crowd.insist("GET", "products?size=1")["results"][0]["images"]
    assert shop.sql("SELECT id::text FROM orders_order ORDER BY placed_at DESC LIMIT 1") == last


# Prints what of all tables, opened where it is sealed, holds the word.
_FIND = """
from django.apps import apps
for model in apps.get_models():
    for row in model._base_manager.all():
        for field in model._meta.concrete_fields:
            if "zwiebelfisch" in str(getattr(row, field.attname)).lower():
                print(model._meta.label)
"""


def holding(shop: Shop) -> set[str]:
    """Return the tables that hold the person."""
    return set(shop.manage("shell", "--no-imports", "-v0", "-c", _FIND).split())


def test_s51_who_was_erased_is_erased_again_in_a_shop_of_the_second_before(
    make_shop: Callable[..., Shop], key: dict[str, str], tmp_path: Path
) -> None:
    shop = make_shop(BACKUP_URL=str(tmp_path / "backups"), **key).start()
    crowd = Crowd(shop, "")
    wait_for(lambda: list((tmp_path / "backups" / "base").rglob("*.json")), SECONDS_TO_BACK_UP)
    credentials = {"email": "ottokar@zwiebelfisch.example", "password": "a long word for Ottokar"}
    own = {"Authorization": f"Bearer {crowd.insist('POST', 'auth/register', credentials)['access']}"}
    address = {**ADDRESS, "name": "Ottokar Zwiebelfisch"}
    crowd.insist("POST", "me/addresses", address, own)
    crowd.insist("POST", "cart/items", {"variant": in_stock(crowd), "quantity": 1}, own)
    order = crowd.insist("POST", "orders", {"shipping_address": address, "note": "For Zwiebelfisch"}, own)
    lives_in = holding(shop)

    shop.sql("SELECT pg_sleep(1)")
    second_before = datetime.fromisoformat(str(shop.sql(_NOW)))
    shop.sql("SELECT pg_sleep(1)")
    crowd.insist("DELETE", "me", {"password": credentials["password"]}, own)
    wait_for(lambda: not holding(shop), 60)
    [kept] = (tmp_path / "backups" / "erasures").rglob("*.json")
    assert shop.stop() == 0
    said = shop.manage("restore", "--force", "--to", second_before.isoformat())

    assert lives_in >= {"accounts.User", "accounts.Address", "orders.Order", "notifications.Mail"}
    assert set(json.loads(kept.read_text())) == {"user_id", "erased_at"}
    assert ("Erased again: 1." in said, "The books agree." in said) == (True, True), said
    shop.start()
    assert holding(shop) == set()
    kind = {"Content-Type": "application/json"}
    assert crowd.ask("POST", "/api/v1/auth/login", json.dumps(credentials), kind)[0] == 401
    assert shop.sql("SELECT count(*) FROM orders_order WHERE customer_id IS NOT NULL AND email = ''") == 1
    assert order["id"] in str(shop.sql("SELECT string_agg(id::text, ' ') FROM orders_order"))
    assert "Erased again" not in shop.manage("replay_erasures")


@pytest.mark.long
def test_r41_at_most_five_seconds_are_lost_when_everything_burns(
    make_shop: Callable[..., Shop], tmp_path: Path
) -> None:
    shop = make_shop(BACKUP_URL=str(tmp_path / "backups")).start()
    crowd = Crowd(shop, "")
    variant = in_stock(crowd)
    wait_for(lambda: "base backup made" in shop.said(), SECONDS_TO_BACK_UP)
    for _ in range(30):
        crowd.place(variant)
    burned_at = datetime.fromisoformat(str(shop.sql(_NOW)))

    for process in shop.processes():
        process.kill()
    shutil.rmtree(shop.data / "postgres")
    shutil.rmtree(shop.data / "backup-spool")
    said = shop.manage("restore")

    last = datetime.fromisoformat(said.rpartition(", to ")[2].partition(",")[0])
    assert burned_at - last <= timedelta(seconds=5)


def drill(shop: Shop) -> tuple[int, str]:
    """Run what the clock runs once a week; return its exit code, and what it said."""
    environment = shop.variables | {"PYTHON": sys.executable}
    done = subprocess.run(
        [ROOT / "scripts" / "drill_restore.sh"], env=environment, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_r41_the_drill_works_and_tells_a_copy_that_was_changed(make_shop: Callable[..., Shop], tmp_path: Path) -> None:
    shop = make_shop(BACKUP_URL=str(tmp_path / "backups"))
    shop.manage("backup")

    code, said = drill(shop)

    assert (code, "The books agree." in said) == (0, True), said
    copy = next((tmp_path / "backups" / "base").rglob("*.tar.gz"))
    with copy.open("r+b") as file:
        file.seek(copy.stat().st_size // 2)
        file.write(b"\0" * 16)

    code, said = drill(shop)

    assert (code, "FAILED" in said, copy.name in said) == (1, True, True), said
    assert "cannot be unpacked" in refused(shop, "--force")
    assert (shop.data / "postgres" / "PG_VERSION").exists()
    assert not list(shop.data.glob("postgres.before-*"))
