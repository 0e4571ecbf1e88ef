"""The keys of sealed fields are changed in a shop that sells, as the runbook says, and the old one is not missed."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from config.backups.tools import find_program
from tests.crashes.crowd import ADDRESS, Crowd
from tests.runtime.shop import Shop, temporary_folder

pytestmark = pytest.mark.runtime

EMAIL, PASSWORD = "Ada@Lovelace.example", "a long word for Ada"


def key(name: str) -> str:
    return f"{name}:{base64.b64encode(os.urandom(32)).decode()}"


@pytest.fixture
def shop() -> Iterator[Shop]:
    """A demo shop, not yet started."""
    with temporary_folder() as folder:
        environment = {"THROTTLES": "off", "WEB_WORKERS": "2"}
        shop = Shop(folder / "shop", command=(sys.executable, "src/manage.py", "run"), environment=environment)
        try:
            yield shop
        finally:
            shop.end()


def names_of_keys(shop: Shop) -> set[str]:
    """Return under which keys anything of the database is sealed or indexed: of a dump of all data."""
    program = find_program("pg_dump", major=int(str(shop.sql("SHOW server_version_num"))) // 10_000)
    command = [program, "--data-only", "-h", (shop.data / "run").resolve(), "-U", "postgres", "postgres"]
    dumped = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    texts = set(re.findall(r"(?<![\w-])(key-\w+):[A-Za-z0-9+/]{40}", dumped))
    packed = re.findall(rf"{b'key-'.hex()}(?:[0-9a-f]{{2}})*?{b':'.hex()}", dumped)
    return texts | {bytes.fromhex(each).decode().rstrip(":") for each in packed}


def the_staffs_search(crowd: Crowd, path: str, words: str) -> list[Any]:
    answer = crowd.insist("GET", f"{path}?search={words}", staff=True)
    return list(answer["results"])


def test_s50_keys_are_changed_while_people_buy_and_the_old_one_is_taken_away(shop: Shop) -> None:
    old, new = key("key-old"), key("key-new")
    shop.environment["FIELD_KEYS"] = old
    shop.start()
    crowd = Crowd(shop, "")
    goods = crowd.insist("GET", "products?in_stock=true&sort=newest&size=1")["results"][0]["variants"][0]
    crowd.variant = goods["id"]
    more = {"items": [{"sku": goods["sku"], "difference": 100_000}], "reason": "stocktake"}
    crowd.insist("POST", "inventory/adjustments", more, staff=True)
    credentials = {"email": EMAIL, "password": PASSWORD}
    own = {"Authorization": f"Bearer {crowd.insist('POST', 'auth/register', credentials)['access']}"}
    crowd.insist("POST", "me/addresses", {**ADDRESS, "phone": "+442079460958"}, own)
    crowd.insist("POST", "cart/items", {"variant": crowd.variant, "quantity": 1}, own)
    wish = {"shipping_address": ADDRESS, "note": "Ring twice"}
    again = {**own, "Idempotency-Key": "the-one"}
    order = crowd.insist("POST", "orders", wish, again)
    assert names_of_keys(shop) == {"key-old"}

    assert shop.stop() == 0
    shop.environment["FIELD_KEYS"] = f"{new},{old}"
    shop.start()
    with crowd.buying():
        assert [each["email"] for each in the_staffs_search(crowd, "users", EMAIL.upper())] == [EMAIL]
        said = shop.manage("rotate_field_keys", "--batch", "7")
    assert "re-sealed" in said
    assert crowd.deals
    assert names_of_keys(shop) == {"key-new"}

    assert shop.stop() == 0
    shop.environment["FIELD_KEYS"] = new
    shop.start()
    session = crowd.insist("POST", "auth/login", {"email": EMAIL.lower(), "password": PASSWORD})
    own = {"Authorization": f"Bearer {session['access']}"}
    assert crowd.insist("GET", "me/addresses", None, own)["results"][0]["phone"] == "+442079460958"
    shown = crowd.insist("GET", f"orders/{order['id']}", None, own)
    assert (shown["email"], shown["note"], shown["shipping_address"]["line1"]) == (
        EMAIL, "Ring twice", ADDRESS["line1"]
    )  # fmt: skip
    assert [each["id"] for each in the_staffs_search(crowd, "orders", EMAIL)] == [order["id"]]
    # What was answered before is answered again.
    assert crowd.insist("POST", "orders", wish, again)["id"] == order["id"]
    status, taken = crowd.ask(
        "POST", "/api/v1/auth/register", json.dumps(credentials), {"Content-Type": "application/json"}
    )
    assert (status, json.loads(taken)["code"]) == (409, "accounts.email_taken")
    assert "agree" in shop.manage("verify_books")
