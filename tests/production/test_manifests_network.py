"""Who may ask whom in the cluster, and nobody else."""

from __future__ import annotations

import pytest

from tests.production.manifests import (
    APP,
    Rendered,
)


class TestNetwork:
    @pytest.mark.parametrize("component", APP)
    @pytest.mark.parametrize(("server", "port"), [("postgres", 5432), ("redis", 6379), ("rabbitmq", 5671)])
    def test_lets_the_shop_ask_its_servers(self, shop: Rendered, component: str, server: str, port: int) -> None:
        assert shop.lets_through(component, server, port)

    @pytest.mark.parametrize("component", APP)
    def test_lets_the_shop_send_its_log_to_a_collector_of_the_cluster(self, shop: Rendered, component: str) -> None:
        assert shop.lets_through(component, "ns:observability", 4318)
        assert not shop.lets_through(component, "ns:observability", 443)

    @pytest.mark.parametrize(
        ("start", "end", "port"),
        [
            ("203.0.113.9", "nginx", 8080),
            ("203.0.113.9", "nginx", 8443),
            ("2001:db8::9", "nginx", 8443),
            ("10.0.0.1", "nginx", 8443),
            ("ns:another", "nginx", 8443),
            ("nginx", "web", 8000),
            ("worker", "nginx", 8081),
            ("nginx", "ns:kube-system", 53),
            ("web", "ns:kube-system", 53),
            ("web", "203.0.113.9", 443),
            ("worker", "203.0.113.9", 587),
            ("worker", "2001:db8::9", 443),
            ("beat", "203.0.113.9", 443),
            ("ns:observability", "web", 9100),
            ("ns:observability", "worker", 9100),
        ],
    )
    def test_lets_through_what_a_shop_needs(self, shop: Rendered, start: str, end: str, port: int) -> None:
        assert shop.lets_through(start, end, port)

    @pytest.mark.parametrize(
        ("start", "end", "port"),
        [
            ("ns:another", "web", 8000),
            ("ns:ingress-nginx", "web", 8000),
            ("203.0.113.9", "web", 8000),
            ("10.0.0.1", "web", 8000),
            ("203.0.113.9", "nginx", 8081),
            ("ns:observability", "nginx", 8081),
            ("nginx", "web", 9100),
            ("nginx", "worker", 9100),
            ("nginx", "postgres", 5432),
            ("nginx", "redis", 6379),
            ("nginx", "203.0.113.9", 443),
            ("nginx", "203.0.113.9", 8000),
            ("nginx", "ns:another", 8000),
            ("nginx", "169.254.169.254", 80),
            ("nginx", "nginx", 8081),
            ("web", "nginx", 8443),
            ("web", "nginx", 8081),
            ("worker", "nginx", 8443),
            ("worker-money", "nginx", 8081),
            ("ns:another", "postgres", 5432),
            ("ns:another", "worker", 8000),
            ("ns:another", "beat", 8000),
            ("ns:another", "migrate", 8000),
            ("redis", "postgres", 5432),
            ("rabbitmq", "redis", 6379),
            ("web", "rabbitmq", 5672),
            ("postgres", "203.0.113.9", 443),
            ("beat", "203.0.113.9", 587),
            ("ns:another", "web", 9100),
            ("ns:another", "worker", 9100),
            ("ns:observability", "web", 8000),
            ("ns:observability", "postgres", 5432),
            ("web", "203.0.113.9", 80),
            ("web", "worker", 8000),
            ("worker", "web", 8000),
        ],
    )
    def test_stops_the_rest(self, shop: Rendered, start: str, end: str, port: int) -> None:
        assert not shop.lets_through(start, end, port)

    @pytest.mark.parametrize(
        "address", ["169.254.169.254", "10.0.0.1", "172.31.0.1", "192.168.1.1", "100.64.0.1", "127.0.0.1", "fd00::1"]
    )
    def test_s40_reaches_no_address_of_the_house(self, shop: Rendered, address: str) -> None:
        assert not shop.lets_through("web", address, 443)
        assert not shop.lets_through("worker", address, 443)
        assert not shop.lets_through("beat", address, 443)
