from __future__ import annotations

from typing import Any

import pytest
from django.test import Client, RequestFactory

from accounts.tests.factories import PASSWORD, make_user
from config.cross_origin import CrossOrigin
from config.wsgi import application

SHOP = "https://shop.example"
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}


def ask(
    method: str, path: str, origin: str | None, body: Any = None, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """Ask past Django's test client: what stands before Django is asked, too."""
    given = headers if origin is None else {**headers, "Origin": origin}
    request = RequestFactory().generic(method, path, body or b"", content_type="application/json", headers=given)
    said: list[Any] = []
    parts = CrossOrigin(application, [SHOP])(request.environ, lambda *words: said.append(words))
    sent = b"".join(parts)
    if hasattr(parts, "close"):
        parts.close()
    status, headers_sent = said[0]
    return int(status[:3]), dict(headers_sent), sent


class TestCrossOrigin:
    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize("path", ["/api/v1/categories", "/api/v1/orders", "/api/v1/none", "/api/schema"])
    def test_s46_shows_answers_and_refusals_to_the_listed_alone(self, path: str) -> None:
        _, told, _ = ask("GET", path, SHOP)
        _, other, _ = ask("GET", path, "https://evil.example")

        assert told["Access-Control-Allow-Origin"] == SHOP
        assert "RateLimit" in told["Access-Control-Expose-Headers"]
        assert "Origin" in told["Vary"]
        assert "Access-Control-Allow-Credentials" not in told
        assert not [name for name in other if name.startswith("Access-Control")]

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize("origin", ["null", "*", "https://shop.example.evil.example", f"{SHOP}:444", "", None])
    def test_s46_knows_no_origin_but_those(self, origin: str | None) -> None:
        for method, headers in (("GET", {}), ("OPTIONS", PREFLIGHT)):
            _, told, _ = ask(method, "/api/v1/categories", origin, **headers)

            assert not [name for name in told if name.startswith("Access-Control")]
            assert "Origin" in told["Vary"]

    def test_answers_what_a_browser_asks_beforehand(self) -> None:
        status, told, body = ask("OPTIONS", "/api/v1/cart/items", SHOP, **PREFLIGHT)

        assert (status, body) == (204, b"")
        assert told["Access-Control-Allow-Origin"] == SHOP
        assert "POST" in told["Access-Control-Allow-Methods"]
        assert {"Authorization", "X-Cart-Token", "Idempotency-Key"} <= set(
            told["Access-Control-Allow-Headers"].split(", ")
        )

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize("path", ["/admin/login/", "/docs/", "/healthz"])
    def test_opens_nothing_but_the_api(self, path: str) -> None:
        _, told, _ = ask("GET", path, SHOP)

        assert not [name for name in told if name.startswith("Access-Control")]

    @pytest.mark.django_db(transaction=True)
    def test_lets_an_app_elsewhere_sign_in_and_refresh_without_a_cookie(self) -> None:
        user = make_user()
        signed_in = (
            Client().post("/api/v1/auth/login", {"email": user.email, "password": PASSWORD}, "application/json").json()
        )

        status, told, body = ask(
            "POST", "/api/v1/auth/refresh", SHOP, b'{"refresh":"%s"}' % signed_in["refresh"].encode()
        )

        assert status == 200
        assert b'"access"' in body
        assert told["Access-Control-Allow-Origin"] == SHOP
        assert "Set-Cookie" not in told
