"""What every answer says to a browser, whichever way it took."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client, RequestFactory
from pytest_django import Settings

from config.wsgi import application
from core import lines

PAGES = (
    "/", "/admin/login/", "/admin/", "/docs/", "/swagger/", "/redoc", "/docs/problems", "/docs/problems/core.not_found",
    "/dev/mail/", "/forgot-password", "/verify-email", "/pay/none", "/unsubscribe/none", "/sandbox/pay/none",
)  # fmt: skip
# The theme of the back office evaluates expressions of its own.
MAY_EVALUATE = {"/admin/login/", "/admin/"}
MAY_STYLE = MAY_EVALUATE | {"/docs/", "/swagger/", "/redoc", "/docs/problems", "/docs/problems/core.not_found"}
NO_PAGES = ("/api/v1/products", "/api/v1/categories", "/api/v1/orders", "/api/v1/none", "/api/schema", "/healthz",
            "/none", "/media/none.png")  # fmt: skip


@pytest.fixture(autouse=True)
def _lines(transactional_db: None) -> Iterator[None]:
    yield
    lines.close_lines()


def ask(path: str, **environ: Any) -> dict[str, str]:
    said: list[Any] = []
    parts = application({**RequestFactory().get(path).environ, **environ}, lambda *words: said.append(words))
    b"".join(parts)
    if hasattr(parts, "close"):
        parts.close()
    return dict(said[0][1])


class TestHeaders:
    @pytest.mark.parametrize("path", [*PAGES, *NO_PAGES])
    def test_s45_stand_on_every_answer(self, path: str) -> None:
        told = ask(path)

        assert told["X-Content-Type-Options"] == "nosniff"
        assert told["Referrer-Policy"] in ("same-origin", "no-referrer")
        assert told["X-Frame-Options"] == "DENY"
        assert "Cross-Origin-Resource-Policy" in told
        assert "default-src 'none'" in told["Content-Security-Policy"]
        assert "base-uri 'none'" in told["Content-Security-Policy"]
        assert (
            "frame-ancestors 'none'" in told["Content-Security-Policy"] or "sandbox" in told["Content-Security-Policy"]
        )
        if not told.get("Content-Type", "").endswith("json"):
            assert told["Cross-Origin-Opener-Policy"] == "same-origin"
            assert "camera=()" in told["Permissions-Policy"]

    @pytest.mark.parametrize("path", PAGES)
    def test_s45_run_no_script_that_stands_in_a_page(self, path: str) -> None:
        policy = {
            name: sources for name, _, sources in map(_directive, ask(path)["Content-Security-Policy"].split(";"))
        }

        scripts = policy.get("script-src", policy["default-src"])

        assert "'unsafe-inline'" not in scripts
        assert not {"*", "https:", "http:", "data:"} & set(scripts.split())

    def test_s45_loosen_the_policy_on_these_pages_alone(self) -> None:
        policies = {path: ask(path)["Content-Security-Policy"] for path in (*PAGES, *NO_PAGES)}

        assert {path for path, said in policies.items() if "'unsafe-inline'" in said} == MAY_STYLE  # their styles alone
        assert {path for path, said in policies.items() if "'unsafe-eval'" in said} == MAY_EVALUATE

    @pytest.mark.parametrize("path", ["/docs/", "/api/v1/products", "/api/v1/categories", "/none"])
    @pytest.mark.parametrize(
        ("environ", "is_told"),
        [
            ({"HTTP_X_FORWARDED_PROTO": "https"}, True),
            ({"HTTP_X_FORWARDED_PROTO": "http", "wsgi.url_scheme": "https"}, False),
            ({"wsgi.url_scheme": "https"}, True),
            ({}, False),
        ],
    )
    def test_s45_keep_browsers_on_tls_once_they_came_by_it(
        self, settings: Settings, path: str, environ: dict[str, str], is_told: bool
    ) -> None:
        settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
        settings.SECURE_HSTS_SECONDS = 31_536_000
        settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = True

        told = ask(path, **environ).get("Strict-Transport-Security")

        assert told == ("max-age=31536000; includeSubDomains" if is_told else None)

    def test_s46_let_no_other_site_read_a_static_file(self) -> None:
        told = ask("/static/core/favicon.svg")

        assert told["X-Content-Type-Options"] == "nosniff"
        assert "Access-Control-Allow-Origin" not in told

    def test_let_a_storefront_elsewhere_show_a_picture(self, settings: Settings, tmp_path: Any) -> None:
        settings.MEDIA_ROOT = tmp_path
        (tmp_path / "a.png").write_bytes(b"x")

        assert ask("/media/a.png")["Cross-Origin-Resource-Policy"] == "cross-origin"

    @pytest.mark.django_db
    def test_s48_keep_the_cookies_of_the_back_office_from_scripts_and_other_sites(self, settings: Settings) -> None:
        browser = Client()

        browser.get("/admin/login/")

        assert set(browser.cookies) <= {settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME}
        assert {cookie["samesite"] for cookie in browser.cookies.values()} == {"Lax"}


def _directive(text: str) -> tuple[str, str, str]:
    return text.strip().partition(" ")
