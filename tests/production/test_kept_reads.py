"""What Nginx keeps for minutes is new at once after a change: by the outbox, and by a Nginx as it is shipped."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from core import kept, outbox
from core.models import Delivery
from markets import services as markets
from markets.tests.factories import make_market
from products import services as products
from products.domain import AmountGiven
from products.models import Product, Variant
from products.services import documents
from products.tests.factories import make_category, make_product, make_variant
from tests.production.before import Proxy
from tests.runtime.shop import temporary_folder

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def proxy(nginx: None, live_server: LiveServer, settings: Any) -> Iterator[Proxy]:
    """Nginx that keeps public reads for ten minutes, and whom the shop tells."""
    settings.ALLOWED_HOSTS = ["*"]
    settings.TRUSTED_PROXIES = ()
    place = live_server.url.removeprefix("http://")
    with temporary_folder() as folder:
        values = {"NEXUS_KEPT": "600", "NEXUS_SHOP": f"server {place};", "NEXUS_SHOP_SCHEME": "http"}
        made = Proxy(folder, values)
        settings.CACHE_PURGE_URLS = [made.door]
        try:
            yield made.start()
        finally:
            made.stop()
            kept._circuits.clear()


@pytest.fixture
def lamp() -> Variant:
    return make_variant(make_product("Lamp", with_variant=False))


def shown(proxy: Proxy, path: str) -> bytes:
    answer = proxy.ask(path)
    assert answer.status == http.client.OK, answer.body
    return answer.body


def change_price(variant: Variant) -> None:
    line = products.PriceLine(variant=variant.pk, price=AmountGiven(amount=Decimal("77.31")))
    products.set_prices(lines=[line], at=timezone.now())


class TestKeptReads:
    @pytest.mark.parametrize("path", ["/api/v1/products", "/api/v1/products/{slug}", "/api/v1/products?search=lamp"])
    def test_show_a_new_price_at_once_after_it_was_told(self, proxy: Proxy, lamp: Variant, path: str) -> None:
        path = path.format(slug=Product.objects.get(pk=lamp.product_id).slug)
        before = shown(proxy, path)

        change_price(lamp)
        kept_still = shown(proxy, path)
        outbox.drain()
        after = shown(proxy, path)

        assert before == kept_still
        assert b"77.31" not in before
        assert b"77.31" in after

    def test_show_a_category_and_a_market_that_changed(self, proxy: Proxy) -> None:
        make_category("Chairs")
        market = make_market()
        paths = {"/api/v1/categories": b"Benches", "/api/v1/markets": b"Elsewhere"}
        before = [shown(proxy, path) for path in paths]

        products.create_category(name="Benches", at=timezone.now())
        outbox.drain()
        categories = shown(proxy, "/api/v1/categories")
        markets.update_market(code=market.code, changes={"name": "Elsewhere"}, at=timezone.now())
        outbox.drain()

        assert not [word for word, answer in zip(paths.values(), before, strict=True) if word in answer]
        assert b"Benches" in categories
        assert b"Elsewhere" in shown(proxy, "/api/v1/markets")

    def test_show_what_is_sold_out(self, proxy: Proxy, lamp: Variant) -> None:
        path = "/api/v1/products"
        before = shown(proxy, path)

        with transaction.atomic():
            products.set_availability(available={lamp.pk: not lamp.is_available})
        outbox.drain()

        assert before != shown(proxy, path)

    def test_are_new_though_another_nginx_is_away_which_is_owed_to_by_itself(
        self, proxy: Proxy, lamp: Variant, settings: Any
    ) -> None:
        outbox.drain()
        settings.CACHE_PURGE_URLS = [*settings.CACHE_PURGE_URLS, "http://127.0.0.2:1/forget"]
        shown(proxy, "/api/v1/products")

        change_price(lamp)
        outbox.drain()

        assert b"77.31" in shown(proxy, "/api/v1/products")
        (owed,) = Delivery.objects.filter(done_at__isnull=True)
        assert (owed.handler, owed.aggregate) == ("core.handlers.tell_cache_again", "http://127.0.0.2:1/forget")

    def test_are_announced_by_no_render_that_changes_nothing(self, proxy: Proxy, lamp: Variant) -> None:
        outbox.drain()

        documents.rebuild_documents()

        assert not Delivery.objects.filter(handler="core.handlers.tell_caches", done_at__isnull=True).exists()
