"""A shop that counts how often an address asks, as its server and its Redis do it."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.runtime.shop import Shop

pytestmark = pytest.mark.runtime

# One window for the whole test, whenever it begins.
LIMITS = "search=3/99999,orders=2/99999"


def ask(shop: Shop, path: str, *, address: str, body: object = None) -> tuple[int, str, str]:
    """Return status, ``RateLimit`` and the problem's code, as a proxy of ours is answered."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"X-Forwarded-For": address, "Content-Type": "application/json"}
    request = urllib.request.Request(f"http://127.0.0.1:{shop.port}{path}", data=data, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=90) as answer:
            return answer.status, answer.headers.get("RateLimit", ""), ""
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.headers.get("RateLimit", ""), json.load(refusal)["code"]


def test_s33_searches_and_orders_of_an_address_are_counted_over_all_processes(tmp_path: Path) -> None:
    environment = {"WEB_WORKERS": "2", "TRUSTED_PROXIES": "127.0.0.1/32", "RATE_LIMITS": LIMITS}
    shop = Shop(tmp_path / "shop", environment=environment).start()
    try:
        searched = [ask(shop, "/api/v1/products?search=lamp", address="93.184.216.34") for _ in range(6)]
        ordered = [ask(shop, "/api/v1/orders", address="93.184.216.34", body={}) for _ in range(4)]
        of_another = ask(shop, "/api/v1/products?search=lamp", address="93.184.216.35")
        nobodys = [ask(shop, "/api/v1/products?search=lamp", address="") for _ in range(5)]
    finally:
        shop.stop()

    assert [status for status, _, _ in searched] == [200, 200, 200, 429, 429, 429]
    assert searched[-1][2] == "core.too_many_requests"
    assert [status for status, _, _ in ordered][2:] == [429, 429]
    assert 429 not in {status for status, _, _ in ordered[:2]}
    assert [told.partition(";t=")[0] for _, told, _ in ordered[:3]] == [f'"orders";r={left}' for left in (1, 0, 0)]
    assert of_another[0] == 200
    assert {status for status, _, _ in nobodys} == {200}
