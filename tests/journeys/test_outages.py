"""Redis, OpenSearch and the mail server killed while people buy: the shop sells on, and nothing is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message as MessageHandler
from conftest import OpenSearch, Redis, free_port
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from accounts.tests.factories import PASSWORD, make_user
from config.settings.base import redis_cache
from core import outbox
from core.models import Delivery
from inventory.tests.factories import make_stock
from markets.tests.factories import make_market
from notifications import services
from notifications.models import Mail
from orders.tests.factories import ADDRESS
from products.engine import forget_engine
from products.tests.factories import make_product
from products.tests.searching import follow, searched_by
from tests.journeys.conftest import until

SHOPPERS = 12


@pytest.fixture
def client() -> Client:
    make_market()
    return Client(headers={"accept": "application/json"})


def buy(client: Client, variant: str) -> list[int]:
    """Look around, fill a cart and order as a guest; return the statuses."""
    statuses = [client.get(path).status_code for path in ("/api/v1/products", "/healthz", "/readyz")]
    body = {"variant": variant, "quantity": 1}
    cart = client.post("/api/v1/cart/items", body, content_type="application/json")
    order = {"email": "ada@example.com", "shipping_address": ADDRESS.as_dict()}
    placed = client.post(
        "/api/v1/orders", order, content_type="application/json", headers={"X-Cart-Token": cart.json()["token"]}
    )
    return [*statuses, cart.status_code, placed.status_code]


@pytest.mark.django_db(transaction=True)
class TestWithoutRedis:
    def test_r28_people_buy_as_before(self, client: Client, own_redis: Redis, settings: Any) -> None:
        settings.CACHES = {"default": redis_cache(own_redis.url)}
        cache.set("here", 1)
        variant = str(make_stock(on_hand=2 * SHOPPERS).variant_id)
        before = buy(client, variant)

        own_redis.kill()
        during = [buy(Client(), variant) for _ in range(SHOPPERS)]
        told = client.get("/readyz").json()["cache"]
        own_redis.start()

        assert before == [200, 200, 200, 201, 201]
        assert during == [before] * SHOPPERS
        assert (told, client.get("/readyz").json()["cache"]) == ("away", "ok")
        call_command("verify_books", at=timezone.now())

    def test_r28_the_lock_out_stays_closed(self, client: Client, own_redis: Redis, settings: Any) -> None:
        settings.CACHES = {"default": redis_cache(own_redis.url)}
        user = make_user()

        def sign_in(password: str) -> int:
            body = {"email": user.email, "password": password}
            return client.post("/api/v1/auth/login", body, content_type="application/json").status_code

        wrong = [sign_in("wrong horse battery") for _ in range(3)]
        own_redis.kill()
        wrong += [sign_in("wrong horse battery") for _ in range(3)]

        assert wrong == [401] * 5 + [429]
        assert sign_in(PASSWORD) == 429


@pytest.mark.django_db(transaction=True)
def test_r30_while_the_search_engine_is_away_orders_go_in_and_people_find_what_they_buy(
    client: Client, own_opensearch: OpenSearch, settings: Any
) -> None:
    with searched_by(own_opensearch.url, settings) as counted:
        variant = str(make_stock(on_hand=SHOPPERS).variant_id)
        lamp = make_product("Lamp", is_available=False)
        follow()

        def find() -> tuple[int, str]:
            return client.get("/api/v1/products?search=lamp").json()["count"], counted.answered()

        before = find()
        own_opensearch.kill()
        make_product("Other lamp", category=lamp.category, is_available=False)
        placed = [buy(Client(), variant)[-1] for _ in range(SHOPPERS)]
        outbox.drain()
        during = find()
        owed = Delivery.objects.filter(done_at__isnull=True)
        waiting = set(owed.values_list("handler", flat=True))
        own_opensearch.start()
        forget_engine()
        outbox.drain(now=timezone.now() + timedelta(hours=1))
        left = owed.count()
        follow()
        after = find()

    assert placed == [201] * SHOPPERS
    assert (before, during, after) == ((1, "opensearch"), (2, "postgresql"), (2, "opensearch"))
    assert waiting == {"products.handlers.index_products"}
    assert left == 0
    call_command("verify_books", at=timezone.now())


class Mailbox(MessageHandler):
    """Keeps the Message-ID of each mail."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []

    def handle_message(self, message: Any) -> None:
        self.ids.append(str(message["Message-ID"]))


@pytest.fixture
def mail_server(settings: Any) -> Iterator[Callable[[], Controller]]:
    """Return what starts a mail server, always on the same port."""
    port, started = free_port(), []
    mailbox = Mailbox()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port

    def start() -> Controller:
        server = Controller(mailbox, hostname="127.0.0.1", port=port, ready_timeout=60)
        server.start()
        started.append(server)
        return server

    yield start
    for server in started:
        if server.loop is not None and server.loop.is_running():
            server.stop(no_assert=True)


@pytest.mark.django_db(transaction=True)
def test_r30_while_the_mail_server_is_away_orders_go_in_and_mails_wait(
    client: Client, mail_server: Callable[[], Controller], settings: Any
) -> None:
    variant = str(make_stock(on_hand=SHOPPERS).variant_id)
    server = mail_server()
    server.stop()

    placed = [buy(Client(), variant)[-1] for _ in range(SHOPPERS)]
    outbox.drain()
    sent = services.send_waiting_mail()

    assert placed == [201] * SHOPPERS
    assert sent == 0
    assert set(Mail.objects.values_list("state", flat=True)) == {"queued"}
    handler = mail_server().handler
    due = max(Mail.objects.values_list("due_at", flat=True))
    until(lambda: services.send_waiting_mail(clock=lambda: due) == 0)
    assert sorted(handler.ids) == sorted(f"<{mail.pk}@localhost>" for mail in Mail.objects.all())
    assert set(Mail.objects.values_list("state", flat=True)) == {"sent"}
    call_command("verify_books", at=timezone.now())
