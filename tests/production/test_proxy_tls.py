"""Nginx speaks TLS with people, and with the shop."""

from __future__ import annotations

import json
import socket
import ssl
from datetime import UTC, datetime

import pytest

from config.certifying import certify
from tests.production.before import LIST, Proxy, Reply, Shop
from tests.runtime.shop import temporary_folder


class TestTls:
    def test_is_where_everybody_is_sent(self, proxy: Proxy) -> None:
        answer = proxy.ask("/admin/?x=1", plain=True)

        assert answer.status == 308
        assert answer.headers["location"] == f"https://127.0.0.1:{proxy.https}/admin/?x=1"
        assert proxy.shop.asked == []

    @pytest.mark.parametrize("path", ["/api/v1/cart?x=1", "/api/auth/login", "/graphql", "/graphql/"])
    def test_is_not_where_programs_are_led_which_would_not_notice(self, proxy: Proxy, path: str) -> None:
        answer = proxy.ask(path, plain=True)

        assert (answer.status, json.loads(answer.body)["code"]) == (403, "core.forbidden")
        assert "location" not in answer.headers
        assert proxy.shop.asked == []

    def test_says_so_for_two_years_and_only_there(self, proxy: Proxy) -> None:
        proxy.shop.answer = lambda _: Reply(200, {"Strict-Transport-Security": "max-age=1"})

        assert proxy.ask("/api/v1/cart").headers["strict-transport-security"] == "max-age=63072000; includeSubDomains"
        assert "strict-transport-security" not in proxy.ask("/", plain=True).headers

    @pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1")
    @pytest.mark.parametrize(("version", "taken"), [("TLSv1_1", False), ("TLSv1_2", True), ("TLSv1_3", True)])
    def test_is_of_today(self, proxy: Proxy, version: str, taken: bool) -> None:
        context = ssl.create_default_context(cafile=str(proxy.folder / "certificate.pem"))
        context.set_alpn_protocols(["h2", "http/1.1"])
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = context.maximum_version = ssl.TLSVersion[version]

        with socket.create_connection(("127.0.0.1", proxy.https)) as line:
            if taken:
                assert context.wrap_socket(line, server_hostname="localhost").selected_alpn_protocol() == "h2"
            else:
                with pytest.raises(OSError):  # noqa: PT011 - by whom it is refused differs
                    context.wrap_socket(line, server_hostname="localhost")


class TestTheShop:
    """It is asked by TLS, and believed with the certificate of its own alone."""

    def test_is_asked_by_tls_1_3_and_sessions_are_gone_on_with(self, nginx: None) -> None:
        with temporary_folder() as folder:
            proxy = Proxy(folder, {"NEXUS_WORKERS": "1"}).start()  # each keeps sessions of its own
            try:
                proxy.shop.answer = lambda _: Reply(200, {"Connection": "close"})
                statuses = [proxy.ask(path).status for path in (LIST, "/api/v1/cart", LIST, "/api/v1/cart")]
            finally:
                proxy.stop()

        assert statuses == [200] * 4
        assert proxy.shop.sessions == [("TLSv1.3", False), *[("TLSv1.3", True)] * 3]

    @pytest.mark.parametrize("path", [LIST, "/api/v1/cart", "/api/v1/auth/login", "/media/none.png"])
    @pytest.mark.parametrize("shown", ["by another CA", "for another name", "nothing"])
    def test_is_not_believed_with_another_certificate(self, nginx: None, shown: str, path: str) -> None:
        with temporary_folder() as folder:
            place = folder / ("others" if shown == "by another CA" else "tls")
            certify(place, names=["another" if shown == "for another name" else "web"], at=datetime.now(UTC))
            other = Shop(None if shown == "nothing" else place)
            proxy = Proxy(folder, {"NEXUS_SHOP": f"server 127.0.0.1:{other.port};"}).start()
            try:
                answer = proxy.ask(path)
            finally:
                proxy.stop()
                other.close()

        assert (answer.status, json.loads(answer.body)["code"]) == (503, "core.unavailable")
        assert other.asked == []

    def test_is_asked_without_where_one_says_so(self, nginx: None) -> None:
        with temporary_folder() as folder:
            plain = Shop()
            values = {"NEXUS_SHOP": f"server 127.0.0.1:{plain.port};", "NEXUS_SHOP_SCHEME": "http"}
            proxy = Proxy(folder, values | {"NEXUS_SHOP_CA": "/nowhere"}).start()
            try:
                statuses = [proxy.ask(path).status for path in (LIST, "/api/v1/cart")]
            finally:
                proxy.stop()
                plain.close()

        assert statuses == [200, 200]
