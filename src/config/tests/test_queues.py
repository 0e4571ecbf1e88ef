from __future__ import annotations

import ssl
from typing import Any

import pytest
from celery import current_app
from kombu import Exchange

from config import queues
from config.subscriptions import SUBSCRIPTIONS
from core import tasks


class TestQueueOf:
    @pytest.mark.parametrize(
        ("name", "queue"),
        [
            ("core.tasks.relay", queues.MONEY),
            ("payments.tasks.sweep", queues.MONEY),
            ("orders.tasks.expire_unpaid_orders", queues.MONEY),
            ("notifications.tasks.send_waiting_mail", queues.MAIL),
            ("products.tasks.follow_clock", queues.BULK),
            ("core.tasks.collect_dead_letters", queues.BULK),
            ("core.handlers.tell_caches", queues.MAIL),
            ("somebody.elses", queues.BULK),
        ],
    )
    def test_goes_by_the_name(self, name: str, queue: str) -> None:
        assert queues.queue_of(name) == queue

    def test_no_handler_of_money_waits_behind_mail_or_bulk(self) -> None:
        handlers = {handler for told in SUBSCRIPTIONS.values() for handler in told}

        of_money = {handler for handler in handlers if queues.queue_of(handler) == queues.MONEY}

        assert of_money == {handler for handler in handlers if handler.startswith(("orders.", "payments."))}
        assert of_money


class TestSending:
    @pytest.mark.parametrize(
        ("handler", "queue"),
        [
            ("orders.handlers.invoice_order", queues.MONEY),
            ("notifications.handlers.confirm_order", queues.MAIL),
            ("products.handlers.make_thumbnails", queues.BULK),
        ],
    )
    def test_a_delivery_waits_where_its_handler_belongs(self, handler: str, queue: str) -> None:
        with current_app.connection_for_read() as broker, broker.channel() as channel:
            waiting: Any = current_app.amqp.queues[queue](channel)
            waiting.purge()  # what other tests left

            sent = tasks.deliver.apply_async(kwargs={"delivery_ids": [], "handler": handler})

            assert waiting.get(no_ack=True).headers["id"] == sent.id


class TestQueuesAt:
    def test_rabbitmq_gets_quorum_queues_with_dead_letters(self) -> None:
        made = queues.queues_at("amqp://broker", priority=10)

        assert set(made) == set(queues.QUEUES)
        for described in made.values():
            assert described["queue_arguments"]["x-queue-type"] == "quorum"
            assert described["queue_arguments"]["x-dead-letter-exchange"] == queues.DEAD
            assert described["consumer_arguments"] == {"x-priority": 10}
        assert queues.transport_at("amqp://broker") == {"confirm_publish": True}

    @pytest.mark.parametrize("url", ["redis://cache/0", "redis+socket:///run/redis.sock", "memory://"])
    def test_others_get_plain_ones_and_the_urgent_first(self, url: str) -> None:
        made = queues.queues_at(url)

        assert list(made) == [queues.MONEY, queues.MAIL, queues.BULK]
        assert not [described for described in made.values() if "queue_arguments" in described]
        assert not queues.has_dead_letters(url)
        assert queues.transport_at(url) == {"queue_order_strategy": "priority"}

    def test_the_application_knows_them_as_they_are_described(self) -> None:
        known = current_app.amqp.queues[queues.MAIL]

        assert (known.exchange, known.routing_key) == (Exchange("nexus", type="direct"), queues.MAIL)


class TestTlsAt:
    def test_rabbitmq_must_show_a_certificate_for_its_name(self) -> None:
        found = queues.tls_at("amqps://shop:word@broker:5671//?heartbeat=4&ssl_ca_certs=/tls/ca.crt")

        assert found == (
            "amqps://shop:word@broker:5671//?heartbeat=4",
            {"cert_reqs": ssl.CERT_REQUIRED, "server_hostname": "broker", "ca_certs": "/tls/ca.crt"},
        )

    def test_redis_must_show_a_certificate_for_its_name(self) -> None:
        assert queues.tls_at("rediss://:word@cache/0") == (
            "rediss://:word@cache/0",
            {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_check_hostname": True},
        )

    def test_a_laptop_may_say_otherwise(self) -> None:
        _, tls = queues.tls_at("amqps://broker//?ssl_cert_reqs=none&ssl_check_hostname=false")

        assert tls == {"cert_reqs": ssl.CERT_NONE}

    @pytest.mark.parametrize("url", ["amqp://shop:word@broker:5672//", "redis://:word@broker/0", "memory://"])
    def test_plain_addresses_stay_as_they_are(self, url: str) -> None:
        assert queues.tls_at(url) == (url, None)
