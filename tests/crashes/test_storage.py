"""The file storage killed while people buy and staff send pictures: buyers notice nothing, and no picture is lost."""

from __future__ import annotations

import itertools
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from core.ids import new_id
from core.tests.clouds import KEY, REGION, S3, SECRET
from products.tests.pictures import picture_bytes
from tests.crashes.crowd import Crowd
from tests.crashes.killing import each_happened_once, open_to_a_crowd
from tests.crashes.test_carriers import people_buy
from tests.runtime.crowds import over_and_over
from tests.runtime.shop import Shop, temporary_folder

pytestmark = pytest.mark.runtime

SECONDS_TO_RECOVER = 10.0
_PICTURES = """
SELECT json_agg(json_build_array(file, thumbnails)) FROM products_productimage WHERE source_url = '' AND alt = 'sent'
"""


class Clerk:
    """Someone who sends one picture after the other to the shop's products."""

    def __init__(self, crowd: Crowd) -> None:
        self.crowd = crowd
        address = f"http://127.0.0.1:{crowd.shop.port}"
        self.client = httpx.Client(base_url=f"{address}/api/v1/", timeout=60)
        products = self.client.get("products", params={"size": 20}).json()["results"]
        self.slugs = itertools.cycle([product["slug"] for product in products])
        self.content = picture_bytes(size=(1200, 800))
        self.statuses = Counter[int]()
        self.taken_at: list[float] = []
        self.names: set[str] = set()
        self.without_retry_after = 0

    def send(self) -> None:
        """Send one, once. A product that has enough of them is no refusal of the storage's."""
        answer = self.client.post(
            f"products/{next(self.slugs)}/images",
            headers={"Authorization": f"Bearer {self.crowd.access()}", "Idempotency-Key": new_id().hex},
            files={"images": ("lamp.jpg", self.content, "image/jpeg")},
            data={"alts": "sent"},
        )
        if answer.status_code == 409:
            return
        self.statuses[answer.status_code] += 1
        self.without_retry_after += answer.status_code == 503 and "Retry-After" not in answer.headers
        if answer.status_code == 201:
            self.taken_at.append(time.monotonic())
            self.names |= {image["url"].rpartition("/products/")[2] for image in answer.json()["images"]}

    def has_sent_since(self, moment: float) -> Callable[[], bool]:
        return lambda: any(taken > moment for taken in self.taken_at)


@pytest.fixture
def storage() -> Iterator[S3]:
    server = S3()
    yield server
    server.stop()


@pytest.fixture
def crowd(storage: S3) -> Iterator[Crowd]:
    """People who buy in a shop whose pictures lie in a bucket."""
    places = {
        "MEDIA_STORAGE": "s3",
        "S3_BUCKET": "public",
        "S3_PRIVATE_BUCKET": "private",
        "S3_PUBLIC_URL": f"{storage.url}/public",
        "S3_ENDPOINT_URL": storage.url,
        "S3_ACCESS_KEY_ID": KEY,
        "S3_SECRET_ACCESS_KEY": SECRET,
        "S3_REGION": REGION,
        "THROTTLES": "off",
    }
    with temporary_folder() as folder:
        shop = Shop(folder / "shop", command=(sys.executable, "src/manage.py", "run"), environment=places)
        try:
            yield open_to_a_crowd(shop.start())
        finally:
            shop.end()


@pytest.mark.parametrize("seconds", [0, pytest.param(30, marks=pytest.mark.long)], ids=["shortly", "30 seconds"])
def test_r30_storage_killed_while_people_buy_costs_no_order_and_no_picture(
    crowd: Crowd, storage: S3, seconds: int
) -> None:
    crowd.statuses.clear()
    clerk = Clerk(crowd)

    with crowd.buying(), over_and_over(clerk.send, at_once=1):
        people_buy(crowd, meanwhile=lambda: clerk.statuses[201] > 0)
        storage.stop()
        killed_at = time.monotonic()
        people_buy(crowd, meanwhile=lambda: clerk.statuses[503] > 0 and time.monotonic() - killed_at >= seconds)
        storage.start()
        back_at = time.monotonic()
        people_buy(crowd, meanwhile=clerk.has_sent_since(back_at))

    assert not {status for status in crowd.statuses if status == 0 or status >= 500}, crowd.statuses
    assert set(clerk.statuses) == {201, 503}
    assert clerk.without_retry_after == 0
    if seconds:
        assert min(taken for taken in clerk.taken_at if taken > back_at) - back_at < SECONDS_TO_RECOVER
    each_happened_once(crowd)
    rows: Any = crowd.shop.sql(_PICTURES)
    kept = storage.keys("public")
    assert {name.removeprefix("products/") for name, _ in rows} == clerk.names
    for name, thumbnails in rows:
        assert thumbnails
        assert {name, *thumbnails.values()} <= kept
