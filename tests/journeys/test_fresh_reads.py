"""No answer is older than the last committed change of what it shows: found, remembered, or by ``304``."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import BytesIO
from threading import Event
from typing import Any, NamedTuple

import orjson
import pytest
from django.core.wsgi import get_wsgi_application
from pytest_django import Settings

from config.express import Express
from core import lines
from core.api import public
from core.tests.threads import in_thread
from inventory import services as inventory
from inventory.services import Adjustment
from inventory.tests.factories import make_stock
from products import services as products
from products.api import reading
from products.domain import AmountGiven
from products.models import Product
from products.services import PriceLine
from products.tests.factories import make_category, make_product

LIST = "/api/v1/products"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
GOODS, CHANGES, READERS = 4, 60, 6


class State(NamedTuple):
    """What is shown of a product."""

    name: str
    price: str
    in_stock: bool


@dataclass
class Goods:
    """A product, all states that it had in their order, and how many of its changes have begun and are committed."""

    product: Product
    sku: str
    variant: Any
    states: list[State]
    begun: int = 0
    committed: int = 0
    path: str = field(init=False)

    def __post_init__(self) -> None:
        self.path = f"{LIST}/{self.product.pk}"


class Shop:
    """Goods that change, and answers of which each is compared with what the database had committed meanwhile."""

    def __init__(self) -> None:
        self.application = Express(get_wsgi_application())
        self.category = make_category("Lamps")
        self.goods = {}
        for number in range(GOODS):
            product = make_product(f"Lamp {number}", category=self.category, sku=f"LAMP-{number}", is_available=False)
            variant = product.variants.get()
            make_stock(variant=variant, on_hand=1)
            state = State(product.name, "10.00", in_stock=True)
            self.goods[str(product.pk)] = Goods(product, variant.sku, variant.pk, [state])
        self.over = Event()
        self.compared = self.unchanged = self.remembered = 0

    def ask(self, target: str, tag: str = "") -> tuple[int, dict[str, str], bytes]:
        path, _, query = target.partition("?")
        said: list[Any] = []
        environ = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "SERVER_NAME": "testserver",
            "SERVER_PORT": "80",
            "wsgi.url_scheme": "http",
            "wsgi.input": BytesIO(),
        }
        parts = self.application(
            environ | ({"HTTP_IF_NONE_MATCH": tag} if tag else {}), lambda *told: said.append(told)
        )
        return int(said[0][0][:3]), dict(said[0][1]), b"".join(parts)

    def change(self, chance: random.Random, goods: Goods, number: int) -> None:
        """Commit one change, and note the state before and after."""
        was, at = goods.states[-1], NOON + timedelta(seconds=number)
        kind = chance.choice(State._fields)
        if kind == "name":
            state = was._replace(name=f"Lamp {goods.sku} {number}")
        elif kind == "price":
            state = was._replace(price=f"{10 + number}.00")
        else:
            state = was._replace(in_stock=not was.in_stock)
        goods.states.append(state)
        goods.begun += 1
        if kind == "name":
            products.update_product(product_id=goods.product.pk, changes={"name": state.name}, at=at)
        elif kind == "price":
            products.set_prices(
                lines=[PriceLine(price=AmountGiven(amount=Decimal(state.price), currency="GBP"), sku=goods.sku)], at=at
            )
        else:
            units = Adjustment(variant=goods.variant, quantity=int(state.in_stock))
            inventory.adjust_stock(items=[units], reason="Counted.", actor_id=None, at=at)
        goods.committed += 1

    def read(self, seed: int) -> None:
        """Ask in all ways until nothing changes any more."""
        chance, tags = random.Random(seed), dict[str, tuple[str, Any]]()
        while not self.over.is_set():
            target = chance.choice(
                [LIST, f"{LIST}?search=lamp", f"{LIST}?category={self.category.slug}&sort=price", f"{LIST}?min_price=1",
                 *(goods.path for goods in self.goods.values())]
            )  # fmt: skip
            before = {key: goods.committed for key, goods in self.goods.items()}
            tag, known = tags.get(target, ("", None))
            status, headers, body = self.ask(target, tag)
            assert status in (200, 304), body
            self.unchanged += status == 304
            shown = known if status == 304 else orjson.loads(body)
            tags[target] = headers["ETag"], shown
            self.compare(shown.get("results", [shown]), before)

    def compare(self, shown: list[dict[str, Any]], before: dict[str, int]) -> None:
        for document in shown:
            goods = self.goods[document["id"]]
            possible = goods.states[before[document["id"]] : goods.begun + 1]
            assert State(document["name"], document["price"]["amount"], document["in_stock"]) in possible
            self.compared += 1


@pytest.fixture
def shop(transactional_db: None, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    settings.ALLOWED_HOSTS = ["testserver"]
    public._origin.cache_clear()
    shop, still_true = Shop(), reading._still_true

    def counted(*given: Any) -> Any:
        found = still_true(*given)
        shop.remembered += found is not None
        return found

    monkeypatch.setattr(reading, "_still_true", counted)
    yield shop
    lines.close_lines()


def test_no_answer_is_older_than_the_last_committed_change(shop: Shop) -> None:
    def write(goods: Goods) -> None:
        chance = random.Random(goods.sku)
        for number in range(1, CHANGES + 1):
            shop.change(chance, goods, number)

    with ThreadPoolExecutor(READERS + GOODS) as threads:
        readers = [threads.submit(in_thread, shop.read, seed) for seed in range(READERS)]
        try:
            writers = [threads.submit(in_thread, write, goods) for goods in shop.goods.values()]
            for writer in writers:
                writer.result()
        finally:
            shop.over.set()
        for reader in readers:
            reader.result()

    assert [goods.committed for goods in shop.goods.values()] == [CHANGES] * GOODS
    assert shop.compared > CHANGES
    assert shop.unchanged
    assert shop.remembered
    for goods in shop.goods.values():
        _, _, body = shop.ask(goods.path)
        assert orjson.loads(body)["name"] == goods.states[-1].name
