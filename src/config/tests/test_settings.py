from __future__ import annotations

import os
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.backups import keeping
from config.settings import base, databases, mail, processes, search, storage
from config.settings.env import SRC, FileAwareEnvironment, origins

KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
NEEDED = {
    "ALLOWED_HOSTS": "shop.example",
    "SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN",
    "FIELD_KEYS": f"k1:{KEY}",
    "DATABASE_URL": "postgres://shop@db/shop?sslmode=verify-full",
    "REDIS_URL": "rediss://cache",
    "BROKER_URL": "amqps://shop:word@broker",
    "EMAIL_URL": "smtp+tls://mail",
    "PUBLIC_URL": "https://api.shop.example",
}


@pytest.fixture(autouse=True)
def _nothing_named(monkeypatch: pytest.MonkeyPatch) -> None:
    others = ("DATABASE_OWNER_URL", "STOREFRONT_URL", "THROTTLES", "SANDBOX", "DEBUG", "TEST_PAYMENTS", "PLAIN_HOSTS")
    for name in (*NEEDED, *others):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"{name}_FILE", raising=False)


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


class TestWebTls:
    @pytest.mark.parametrize("name", ["WEB_TLS_CERTIFICATE", "WEB_TLS_KEY"])
    def test_is_not_half_set(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        for each in ("WEB_TLS_CERTIFICATE", "WEB_TLS_KEY"):
            monkeypatch.setenv(each, "")

        with pytest.raises(ImproperlyConfigured, match="belong together"):
            boot(monkeypatch, "processes", {name: "/tls/file"})


class TestDatabase:
    def test_several_servers_are_asked_for_the_one_that_takes_writes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        url = "postgres://shop:pw@db1:5432,db2:5433/shop?sslmode=verify-full"

        told = boot(monkeypatch, "production", NEEDED | {"DATABASE_URL": url})["DATABASES"]["default"]

        assert (told["HOST"], told["PORT"], told["NAME"]) == ("db1,db2", "5432,5433", "shop")
        assert told["OPTIONS"]["target_session_attrs"] == "read-write"
        assert told["OPTIONS"]["sslmode"] == "verify-full"

    def test_what_the_address_says_holds_over_ours(self, monkeypatch: pytest.MonkeyPatch) -> None:
        url = "postgres://shop:pw@db/shop?sslmode=verify-full&connect_timeout=9&target_session_attrs=any"

        told = boot(monkeypatch, "production", NEEDED | {"DATABASE_URL": url})["DATABASES"]["default"]["OPTIONS"]

        assert (told["connect_timeout"], told["target_session_attrs"]) == (9, "any")


class TestOwner:
    URL = "postgres://owner:pw@db/shop?sslmode=verify-full&connect_timeout=9"

    def test_is_nobody_else_until_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert boot(monkeypatch, "production", NEEDED)["DATABASE_OWNER"] == {}

    def test_has_one_connection_that_is_made_as_those_of_the_shop_are(self, monkeypatch: pytest.MonkeyPatch) -> None:
        told = boot(monkeypatch, "production", NEEDED | {"DATABASE_OWNER_URL": self.URL})

        owner, serving = told["DATABASE_OWNER"], told["DATABASES"]["default"]
        assert (owner["USER"], owner["PASSWORD"], serving["USER"]) == ("owner", "pw", "shop")
        plain = {name: value for name, value in serving["OPTIONS"].items() if name != "pool"}
        assert owner["OPTIONS"] == plain | {"connect_timeout": 9}

    def test_backs_up(self, settings: Any) -> None:
        settings.DATABASE_OWNER = databases.owner(self.URL)

        assert keeping.our_database().user == "owner"

    @pytest.mark.parametrize("url", ["postgres:///shop", "postgres://db/shop", "postgres://owner@db"])
    def test_is_refused_at_the_start_where_the_address_is_none(self, url: str) -> None:
        with pytest.raises(ImproperlyConfigured, match="DATABASE_OWNER_URL"):
            databases.owner(url)


class TestReplicas:
    def test_are_several_in_one_address(self) -> None:
        found = databases.replicas("postgres://reader:secret@one:5433,two/shop?load_balance_hosts=random")

        assert found == {
            "host": "one,two",
            "port": "5433,",
            "user": "reader",
            "password": "secret",
            "dbname": "shop",
            "load_balance_hosts": "random",
        }

    def test_are_none_without_an_address(self) -> None:
        assert databases.replicas("") == {}

    @pytest.mark.parametrize("url", ["two words", "postgres://one/shop?no_such_word=1", "postgres:///shop"])
    def test_are_refused_at_the_start_where_the_address_is_none(self, url: str) -> None:
        with pytest.raises(ImproperlyConfigured, match="DATABASE_READ_URL"):
            databases.replicas(url)


class TestProduction:
    def test_boots_with_all_that_it_needs(self, monkeypatch: pytest.MonkeyPatch) -> None:
        told = boot(monkeypatch, "production", NEEDED)

        assert (told["STOREFRONT_URL"], told["DEV_PAGES"]) == ("https://api.shop.example", False)

    def test_s48_keeps_cookies_on_tls_and_on_the_host(self, monkeypatch: pytest.MonkeyPatch) -> None:
        told = boot(monkeypatch, "production", NEEDED)

        assert told["SESSION_COOKIE_SECURE"]
        assert told["CSRF_COOKIE_SECURE"]
        assert told["SESSION_COOKIE_NAME"].startswith("__Host-")
        assert told["CSRF_COOKIE_NAME"].startswith("__Host-")
        assert told["SECURE_HSTS_SECONDS"] >= 31_536_000

    def test_keeps_the_secret_keys_of_before_for_what_stays_good_and_signs_nobody_in_by_them(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        told = boot(monkeypatch, "base", {"EARLIER_SECRET_KEYS": "second,first"})

        assert told["EARLIER_SECRET_KEYS"] == ["second", "first"]
        assert "SECRET_KEY_FALLBACKS" not in told

    @pytest.mark.parametrize("missing", NEEDED)
    def test_s13_does_not_boot_without(self, monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
        with pytest.raises(ImproperlyConfigured, match=missing):
            boot(monkeypatch, "production", {name: value for name, value in NEEDED.items() if name != missing})

    @pytest.mark.parametrize(
        "wrong",
        [
            {"ALLOWED_HOSTS": "*"},
            {"ALLOWED_HOSTS": "shop.example,*.example"},
            {"ALLOWED_HOSTS": ""},
            {"ALLOWED_HOSTS": "."},
            {"SECRET_KEY": "short"},
            {"SECRET_KEY": "ab" * 30},
            {"SECRET_KEY": "django-insecure-0123456789abcdefghijklmnopqrstuvwxyz"},
            {"SECRET_KEY": "test-only-" + "0123456789" * 5},
            {"SECRET_KEY": "Change-me-0123456789abcdefghijklmnopqrstuvwxyz01234"},
            {"FIELD_KEYS": "k1:c2hvcnQ="},
            {"FIELD_KEYS": "k1:" + "A" * 43 + "="},
            {"FIELD_KEYS": f"k1:{KEY},k1:{KEY}"},
            {"DEBUG": "on"},
            {"PUBLIC_URL": "http://api.shop.example"},
            {"STOREFRONT_URL": "http://shop.example"},
            {"SANDBOX": "on"},
        ],
        ids=str,
    )
    def test_s13_does_not_boot_with_what_is_unsafe(
        self, monkeypatch: pytest.MonkeyPatch, wrong: dict[str, str]
    ) -> None:
        with pytest.raises(ImproperlyConfigured, match=next(iter(wrong))) as refusal:
            boot(monkeypatch, "production", NEEDED | wrong)

        assert NEEDED["SECRET_KEY"] not in str(refusal.value)
        assert KEY not in str(refusal.value)

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("THROTTLES", False),
            ("METRICS_TOKEN", "metrics"),
            ("STRIPE_SECRET_KEY", "sk_test_123"),
            ("STRIPE_SECRET_KEY", "rk_test_123"),
            ("FLUTTERWAVE_SECRET_KEY", "FLWSECK_TEST-123-X"),
            ("PAYPAL_API_BASE", "https://api-m.sandbox.paypal.com"),
            ("STRIPE_API_BASE", "http://api.stripe.com"),
            ("SANDBOX", True),
        ],
    )
    def test_s13_does_not_boot_with_play_money_or_without_limits(
        self, monkeypatch: pytest.MonkeyPatch, name: str, value: Any
    ) -> None:
        monkeypatch.setattr(base, name, value)

        with pytest.raises(ImproperlyConfigured, match=name):
            boot(monkeypatch, "production", NEEDED)

    def test_rehearses_with_play_money_where_that_is_said(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(base, "STRIPE_SECRET_KEY", "sk_test_123")

        assert boot(monkeypatch, "production", NEEDED | {"TEST_PAYMENTS": "on"})["STRIPE_SECRET_KEY"] == "sk_test_123"

    def test_s13_does_not_boot_where_nobody_could_be_signed_out(self, monkeypatch: pytest.MonkeyPatch) -> None:
        loose = {"DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.TokenAuthentication"]}
        monkeypatch.setattr(base, "REST_FRAMEWORK", base.REST_FRAMEWORK | loose)

        with pytest.raises(ImproperlyConfigured, match="signed out"):
            boot(monkeypatch, "production", NEEDED)

    def test_names_every_mistake_at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(ImproperlyConfigured, match=r"SECRET_KEY.*DEBUG.*ALLOWED_HOSTS"):
            boot(monkeypatch, "production", NEEDED | {"SECRET_KEY": "short", "DEBUG": "on", "ALLOWED_HOSTS": "*"})

    @pytest.mark.parametrize("name", NEEDED)
    def test_takes_each_from_a_file(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
        (tmp_path / name).write_text(NEEDED[name] + "\n")
        rest = {other: value for other, value in NEEDED.items() if other != name}

        told = boot(monkeypatch, "production", rest | {f"{name}_FILE": str(tmp_path / name)})

        assert told["SECRET_KEY"] == NEEDED["SECRET_KEY"]
        assert told["CELERY_BROKER_URL"] == NEEDED["BROKER_URL"]
        assert told["DATABASES"]["default"]["HOST"] == "db"

    def test_s45_is_clean_for_djangos_check_of_deployments(self) -> None:
        """The shop as it would be started: no warning of Django's or of a library's."""
        named = {
            name for name in os.environ if name.endswith("_FILE") or name in ("DJANGO_SETTINGS_MODULE", "THROTTLES")
        }
        kept = {name: value for name, value in os.environ.items() if name not in named}

        checked = subprocess.run(
            [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
            cwd=SRC,
            env=kept | NEEDED | {"DJANGO_SETTINGS_MODULE": "config.settings.production"},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

        assert (checked.returncode, checked.stderr) == (0, ""), checked.stderr
        assert "no issues" in checked.stdout

    def test_boots_with_mailgun_instead_of_a_mail_server(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(mail, "MAILGUN_API_KEY", "key")

        told = boot(monkeypatch, "production", {name: value for name, value in NEEDED.items() if name != "EMAIL_URL"})

        assert told["EMAIL_BACKEND"] == "anymail.backends.mailgun.EmailBackend"

    @pytest.mark.parametrize(
        ("broker", "dead_letters"), [("amqps://shop:word@broker", "nexus.dead"), ("rediss://broker", "")]
    )
    def test_knows_what_its_broker_keeps(self, monkeypatch: pytest.MonkeyPatch, broker: str, dead_letters: str) -> None:
        told = boot(monkeypatch, "production", NEEDED | {"BROKER_URL": broker})

        assert told["DEAD_LETTER_QUEUE"] == dead_letters
        assert list(told["CELERY_TASK_QUEUES"]) == ["nexus.money", "nexus.mail", "nexus.bulk"]

    def test_has_no_gateway_for_play_money(self, monkeypatch: pytest.MonkeyPatch) -> None:
        told = boot(monkeypatch, "production", NEEDED)

        assert not told["SANDBOX"]
        assert "sandbox" not in told["INSTALLED_APPS"]
        assert not [job for job in told["CELERY_BEAT_SCHEDULE"].values() if job["task"].startswith("sandbox.")]


PLAIN = {
    "DATABASE_URL": "postgres://shop@db/shop",
    "REDIS_URL": "redis://cache",
    "BROKER_URL": "amqp://shop:word@broker",
    "EMAIL_URL": "smtp://mail",
}


class TestPlainLines:
    @pytest.mark.parametrize(
        ("name", "address"),
        [
            *PLAIN.items(),
            ("DATABASE_URL", "postgres://shop@db/shop?sslmode=require"),
            ("DATABASE_URL", "postgres://shop@db/shop?sslmode=verify-ca"),
            ("DATABASE_URL", "postgres://shop@localhost,db/shop"),
            ("DATABASE_URL", "postgres://shop@/shop?host=db"),
            ("DATABASE_URL", "postgres://shop@localhost/shop?hostaddr=10.0.0.5"),
            ("DATABASE_OWNER_URL", "postgres://owner@db/shop?sslmode=require"),
            ("REDIS_URL", "rediss://cache?ssl_cert_reqs=none"),
            ("REDIS_URL", "rediss://cache?ssl_check_hostname=False"),
            ("REDIS_URL", "rediss://cache;redis://other"),
            ("BROKER_URL", "redis://broker"),
            ("BROKER_URL", "rediss://broker?ssl_cert_reqs=none"),
            ("BROKER_URL", "amqps://shop:word@broker//?ssl_check_hostname=false"),
            ("BROKER_URL", "amqps://shop:word@broker//;amqp://shop:word@other//"),
        ],
    )
    def test_to_other_machines_stop_the_boot(self, monkeypatch: pytest.MonkeyPatch, name: str, address: str) -> None:
        with pytest.raises(ImproperlyConfigured, match=f"^{name} must ask [^;]* by TLS and check the certificate"):
            boot(monkeypatch, "production", NEEDED | {name: address})

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("DATABASE_READ", {"host": "replica", "sslmode": "prefer"}),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318"),
            ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://collector:4318/v1/logs"),
            ("SENTRY_DSN", "http://key@sentry.example/1"),
            ("SEARCH_URL", "http://shop:word@opensearch:9200"),
            ("BACKUP_URL", "s3://backups/shop?endpoint_url=http://minio:9000"),
            ("ANYMAIL", {"MAILGUN_API_URL": "http://api.mailgun.example/v3"}),
            ("STORAGES", {"default": {"OPTIONS": {"endpoint_url": "http://minio:9000"}}}),
        ],
    )
    def test_of_what_is_asked_now_and_then_stop_it_too(
        self, monkeypatch: pytest.MonkeyPatch, name: str, value: Any
    ) -> None:
        monkeypatch.setattr(base, name, value)

        with pytest.raises(ImproperlyConfigured, match=r"must ask .* by TLS"):
            boot(monkeypatch, "production", NEEDED)

    @pytest.mark.parametrize(
        "environment",
        [
            {"DATABASE_URL": "postgres://shop@127.0.0.1/shop", "REDIS_URL": "redis://[::1]:6379"},
            {"DATABASE_URL": "postgres:///shop?host=/run/postgresql", "REDIS_URL": "unix:///run/redis.sock"},
            {
                "DATABASE_URL": "postgres://shop@%2Frun%2Fpostgresql/shop",
                "BROKER_URL": "redis+socket:///run/redis.sock",
            },
            {"EMAIL_URL": "smtp://localhost:25", "BROKER_URL": "amqp://shop:word@127.0.0.1//"},
            {"EMAIL_URL": "consolemail://"},
        ],
    )
    def test_within_this_machine_are_fine(self, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> None:
        assert boot(monkeypatch, "production", NEEDED | environment)["PLAIN_HOSTS"] == []

    @pytest.mark.parametrize("hosts", ["db,cache,broker,mail", "DB, c*e ,bro*,mai?"])
    def test_to_hosts_that_are_named_are_fine(self, monkeypatch: pytest.MonkeyPatch, hosts: str) -> None:
        told = boot(monkeypatch, "production", NEEDED | PLAIN | {"PLAIN_HOSTS": hosts})

        assert told["CACHES"]["default"]["LOCATION"] == "redis://cache"

    def test_to_hosts_that_are_not_named_are_all_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(ImproperlyConfigured, match=r"REDIS_URL.*; EMAIL_URL") as refusal:
            boot(monkeypatch, "production", NEEDED | PLAIN | {"PLAIN_HOSTS": "db,broker"})

        assert "DATABASE_URL" not in str(refusal.value)
        assert "BROKER_URL" not in str(refusal.value)

    @pytest.mark.parametrize("hosts", ["*", "*.*", "d*.example"])
    def test_are_not_allowed_to_everybody(self, monkeypatch: pytest.MonkeyPatch, hosts: str) -> None:
        address = {"DATABASE_URL": "postgres://shop@db.inside.example/shop"}

        with pytest.raises(ImproperlyConfigured, match="DATABASE_URL"):
            boot(monkeypatch, "production", NEEDED | address | {"PLAIN_HOSTS": hosts})

    def test_are_not_allowed_by_a_pattern_without_a_name(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(ImproperlyConfigured, match="PLAIN_HOSTS"):
            boot(monkeypatch, "production", NEEDED | {"PLAIN_HOSTS": "*.*"})

    def test_say_no_password(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(ImproperlyConfigured, match="DATABASE_URL") as refusal:
            boot(monkeypatch, "production", NEEDED | {"DATABASE_URL": "postgres://shop:word@db/shop"})

        assert "shop:" not in str(refusal.value)


class TestKept:
    @pytest.mark.parametrize(
        "given",
        ["nginx:8081", "https://nginx:8081/forget", f"http://{'shop:word'}@nginx/forget", "http://nginx/forget?x=1"],
    )
    def test_at_an_odd_place_stops_the_boot(self, monkeypatch: pytest.MonkeyPatch, given: str) -> None:
        with pytest.raises(ImproperlyConfigured, match=r"^CACHE_PURGE_URLS") as refusal:
            boot(monkeypatch, "kept", {"CACHE_PURGE_URLS": f"http://nginx:8081/forget,{given}"})

        assert "word" not in str(refusal.value)


class TestSearch:
    @pytest.mark.parametrize(
        ("name", "given"),
        [
            ("SEARCH_URL", "opensearch:9200"),
            ("SEARCH_URL", "https://search.example/?verify_certs=false"),
            ("SEARCH_URL", f"ftp://{'shop:s3cret-word'}@search.example"),
            ("SEARCH_INDEX", "Shop-*"),
        ],
    )
    def test_of_an_odd_place_stops_the_boot(self, monkeypatch: pytest.MonkeyPatch, name: str, given: str) -> None:
        with pytest.raises(ImproperlyConfigured, match=f"^{name}") as refusal:
            boot(monkeypatch, "search", {"SEARCH_URL": "https://search.example", name: given})

        assert "s3cret" not in str(refusal.value)

    @pytest.mark.parametrize(("url", "is_filled"), [("", False), ("https://search.example:9200", True)])
    def test_is_filled_by_the_clock_where_there_is_an_engine(
        self, monkeypatch: pytest.MonkeyPatch, url: str, is_filled: bool
    ) -> None:
        monkeypatch.setattr(search, "SEARCH_URL", url)

        booted = boot(monkeypatch, "base", {})

        tasks = {entry["task"] for entry in booted["CELERY_BEAT_SCHEDULE"].values()}
        assert ("products.tasks.keep_search" in tasks) == is_filled

    def test_by_a_password_that_everybody_knows_stops_the_boot(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(base, "SEARCH_URL", f"https://{'admin:admin'}@search.example:9200")

        with pytest.raises(ImproperlyConfigured, match=r"^SEARCH_URL: its password is one that everybody knows"):
            boot(monkeypatch, "production", NEEDED)


class TestPasswords:
    @pytest.mark.parametrize(
        ("name", "address", "account"),
        [
            ("DATABASE_URL", "postgres://{}@127.0.0.1/shop", "nexus:nexus"),
            ("DATABASE_URL", "postgres://{}@127.0.0.1/shop", "other:Postgres"),
            ("DATABASE_URL", "postgres://{}@127.0.0.1/shop", "shopkeeper:shopkeeper"),
            ("DATABASE_OWNER_URL", "postgres://{}@127.0.0.1/shop", "nexus:nexus"),
            ("REDIS_URL", "redis://{}@127.0.0.1", ":secret"),
            ("BROKER_URL", "amqp://{}@127.0.0.1//", "guest:guest"),
            ("BROKER_URL", "amqp://{}127.0.0.1//", ""),
            ("BROKER_URL", "amqp://shop:word@127.0.0.1//;amqp://{}@127.0.0.1//", "shop:%61dmin"),
        ],
    )
    def test_s13_that_everybody_knows_stop_the_boot(
        self, monkeypatch: pytest.MonkeyPatch, name: str, address: str, account: str
    ) -> None:
        with pytest.raises(ImproperlyConfigured, match=f"^{name}: its password is one that everybody knows"):
            boot(monkeypatch, "production", NEEDED | {name: address.format(account)})

    def test_s13_of_replicas_do_too(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(base, "DATABASE_READ", {"host": "127.0.0.1", "user": "reader", "password": "reader"})

        with pytest.raises(ImproperlyConfigured, match="DATABASE_READ_URL: its password"):
            boot(monkeypatch, "production", NEEDED)

    def test_are_left_to_a_shop_that_only_its_own_machine_reaches(self, monkeypatch: pytest.MonkeyPatch) -> None:
        alone = {"ALLOWED_HOSTS": "localhost,127.0.0.1", "BROKER_URL": "amqp://guest:guest@127.0.0.1//"}

        told = boot(monkeypatch, "production", NEEDED | alone)

        assert told["CELERY_BROKER_URL"] == alone["BROKER_URL"]


class TestFileAwareEnvironment:
    def test_refuses_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(ImproperlyConfigured, match="NAME_FILE"):
            FileAwareEnvironment({"NAME_FILE": str(tmp_path / "none")})["NAME"]

    def test_refuses_a_value_that_stands_twice(self, tmp_path: Path) -> None:
        (tmp_path / "name").write_text("a")

        with pytest.raises(ImproperlyConfigured, match="both"):
            FileAwareEnvironment({"NAME": "b", "NAME_FILE": str(tmp_path / "name")})["NAME"]


class TestOrigins:
    def test_are_scheme_host_and_port(self) -> None:
        given = ["https://shop.example", "http://localhost:3000", "capacitor://localhost", "http://[::1]:8080"]

        assert origins(given) == tuple(given)

    @pytest.mark.parametrize(
        "wrong", ["*", "null", "https://*.example", "https://shop.example/", "shop.example", "https://Shop.example", ""]
    )
    def test_s46_are_no_wildcards(self, wrong: str) -> None:
        with pytest.raises(ImproperlyConfigured, match="CORS_ALLOWED_ORIGINS"):
            origins([wrong])


class TestStorage:
    def test_is_a_folder_until_another_is_named(self, tmp_path: Path) -> None:
        made = storage.storages(tmp_path)

        assert {each["BACKEND"] for each in made.values()} == {"core.storages.local.LocalStorage"}
        assert made["private"]["OPTIONS"] == {"location": tmp_path / "private"}

    @pytest.mark.parametrize(
        ("kind", "missing"), [("ftp", "MEDIA_STORAGE"), ("s3", "S3_PRIVATE_BUCKET"), ("cloudinary", "CLOUDINARY_CLOUD")]
    )
    def test_s13_does_not_boot_with_half_of_it(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str, missing: str
    ) -> None:
        monkeypatch.setattr(storage, "MEDIA_STORAGE", kind)

        with pytest.raises(ImproperlyConfigured, match=missing):
            storage.storages(tmp_path)
