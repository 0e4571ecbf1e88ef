from __future__ import annotations

import runpy
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.settings import base, processes
from config.settings.env import SRC

NEEDED = {
    "ALLOWED_HOSTS": "shop.example",
    "SECRET_KEY": "x" * 50,
    "FIELD_KEYS": "k1:" + "A" * 43 + "=",
    "DATABASE_URL": "postgres://shop@db/shop",
    "REDIS_URL": "redis://cache",
    "BROKER_URL": "amqp://broker",
    "EMAIL_URL": "smtp://mail",
    "PUBLIC_URL": "https://api.shop.example",
}


@pytest.fixture(autouse=True)
def _nothing_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*NEEDED, "STOREFRONT_URL", "THROTTLES", "SANDBOX"):
        monkeypatch.delenv(name, raising=False)


def boot(monkeypatch: pytest.MonkeyPatch, module: str, environment: dict[str, str]) -> dict[str, Any]:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return runpy.run_path(str(SRC / "config" / "settings" / f"{module}.py"))


class TestBase:
    @pytest.mark.parametrize(
        ("environment", "public", "storefront"),
        [
            ({}, "http://127.0.0.1:8123", "http://127.0.0.1:8123"),
            ({"STOREFRONT_URL": "https://shop.example"}, "http://127.0.0.1:8123", "https://shop.example"),
            ({"PUBLIC_URL": "https://api.example"}, "https://api.example", "https://api.example"),
        ],
    )
    def test_has_links_follow_the_port_until_they_are_named(
        self, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], public: str, storefront: str
    ) -> None:
        monkeypatch.setattr(processes, "PORT", "8123")

        told = boot(monkeypatch, "base", environment)

        assert (told["PUBLIC_URL"], told["STOREFRONT_URL"]) == (public, storefront)


class TestProduction:
    def test_boots_with_all_that_it_needs(self, monkeypatch: pytest.MonkeyPatch) -> None:
        told = boot(monkeypatch, "production", NEEDED)

        assert (told["STOREFRONT_URL"], told["DEV_PAGES"]) == ("https://api.shop.example", False)

    @pytest.mark.parametrize("missing", NEEDED)
    def test_s13_does_not_boot_without(self, monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
        with pytest.raises(ImproperlyConfigured, match=missing):
            boot(monkeypatch, "production", {name: value for name, value in NEEDED.items() if name != missing})

    @pytest.mark.parametrize("wrong", [{"ALLOWED_HOSTS": "*"}, {"SECRET_KEY": "short"}, {"FIELD_KEYS": "k1:c2hvcnQ="}])
    def test_s13_does_not_boot_with_what_is_unsafe(
        self, monkeypatch: pytest.MonkeyPatch, wrong: dict[str, str]
    ) -> None:
        with pytest.raises(ImproperlyConfigured, match=next(iter(wrong))):
            boot(monkeypatch, "production", NEEDED | wrong)

    def test_has_no_gateway_for_play_money(self, monkeypatch: pytest.MonkeyPatch) -> None:
        told = boot(monkeypatch, "production", NEEDED)

        assert not told["SANDBOX"]
        assert "sandbox" not in told["INSTALLED_APPS"]
        assert not [job for job in told["CELERY_BEAT_SCHEDULE"].values() if job["task"].startswith("sandbox.")]

    def test_does_not_boot_with_play_money(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(ImproperlyConfigured, match="SANDBOX"):
            boot(monkeypatch, "production", NEEDED | {"SANDBOX": "on"})

    def test_does_not_boot_with_metrics_that_can_be_guessed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(base, "METRICS_TOKEN", "metrics")

        with pytest.raises(ImproperlyConfigured, match="METRICS_TOKEN"):
            boot(monkeypatch, "production", NEEDED)

    def test_does_not_boot_without_limits(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(base, "THROTTLES", False)

        with pytest.raises(ImproperlyConfigured, match="THROTTLES"):
            boot(monkeypatch, "production", NEEDED)
