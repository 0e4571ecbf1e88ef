"""Where the shop calls others: from these modules alone, at addresses of the settings, and it is not sent on."""

from __future__ import annotations

import ast
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from pytest_django import Settings

from core.storages.cloudinary import CloudinaryStorage
from core.storages.signing import StorageAway
from payments.providers.flutterwave import Flutterwave
from payments.providers.paypal import PayPal
from payments.providers.sandbox import Sandbox
from payments.providers.stripe import Stripe
from products.engine import EngineAway
from products.engine.opensearch import OpenSearch
from sandbox.services.sending import send_due_events
from sandbox.tests.factories import NOON, make_charge

SRC = Path(__file__).parents[1] / "src"
# What opens connections, or makes what does.
CALLERS = {
    "aiohttp", "anymail.backends", "boto3", "botocore", "cloudinary", "elasticsearch", "ftplib", "grpc",
    "http.client", "httpx", "opensearchpy", "opentelemetry.exporter", "paramiko", "pycurl", "redis", "requests",
    "sentry_sdk", "smtplib", "socket", "socketserver", "ssl", "stripe", "telnetlib", "urllib.request", "urllib3",
    "websockets", "xmlrpc",
}  # fmt: skip
# Module -> whom it calls. Addresses are those of the settings, or of this machine.
ALLOWED = {
    "config.backups.s3": "BACKUP_URL",
    "config.counting": "REDIS_URL",
    "config.embedded.redis": "the Redis beside the shop",
    "config.pulse": "the shop's own workers and pages, by a fixed address",
    "config.queues": "nobody: how Celery checks certificates. BROKER_URL is called by Celery",
    "config.seeing.defects": "SENTRY_DSN",
    "config.seeing.listener": "nobody: it listens",
    "config.seeing.log": "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
    "config.seeing.tracing": "OTEL_EXPORTER_OTLP_ENDPOINT",
    "config.settings.seeing": "nobody: the machine's name",
    "config.supervisor": "the shop itself, to see whether it answers",
    "config.web_gunicorn": "nobody: it listens",
    "core.kept": "CACHE_PURGE_URLS",
    "core.storages.cloudinary": "the API of Cloudinary",
    "core.storages.s3": "STORAGE_URL",
    "notifications.services.sending": "nobody: what mail servers refuse with. EMAIL_URL is called by Django",
    "payments.providers.flutterwave": "FLUTTERWAVE_API_BASE",
    "payments.providers.paypal": "PAYPAL_API_BASE",
    "payments.providers.paypal_token": "PAYPAL_API_BASE",
    "payments.providers.sandbox": "SANDBOX_URL",
    "payments.providers.stripe": "STRIPE_API_BASE",
    "payments.providers.wire": "whom its caller names",
    "products.engine.opensearch": "SEARCH_URL",
    "sandbox.services.sending": "SANDBOX_WEBHOOK_URL",
}
REFERENCE = "a-1"


def imported(path: Path) -> Iterator[str]:
    """Return the full names of what a module imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_caller(name: str) -> bool:
    return any(name == caller or name.startswith(f"{caller}.") for caller in CALLERS)


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(SRC.rglob("*.py")):
        if not {"tests", "migrations"} & set(path.parts):
            yield ".".join(path.relative_to(SRC).with_suffix("").parts), path


@contextmanager
def server(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[tuple[str, list[str]]]:
    """Serve on this machine, and yield the address and what was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            asked.append(f"{self.command} {self.path}")
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            answer(self)

        do_GET = do_POST = do_DELETE = do_PUT = _answer  # noqa: N815 - so the library calls them

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{running.server_port}", asked
        finally:
            running.shutdown()


def well(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "2")
    handler.end_headers()
    handler.wfile.write(b"{}")


@pytest.fixture
def inside() -> Iterator[tuple[str, list[str]]]:
    """What nobody outside may reach, such as the metadata of a cloud's machine."""
    with server(well) as running:
        yield running


@pytest.fixture(params=[301, 302, 303, 307, 308])
def sends_on(request: Any, inside: tuple[str, list[str]]) -> Iterator[tuple[str, list[str]]]:
    """A provider that sends its callers on to the inside."""

    def redirect(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(request.param)
        handler.send_header("Location", f"{inside[0]}/latest/meta-data")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    with server(redirect) as running:
        yield running


def providers(settings: Settings, address: str) -> dict[str, Callable[[], Any]]:
    """Return each way to pay, made so that it calls that address."""
    settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE = "sk_test_x", address
    settings.PAYPAL_CLIENT_ID, settings.PAYPAL_CLIENT_SECRET, settings.PAYPAL_API_BASE = "id", "secret", address
    settings.FLUTTERWAVE_SECRET_KEY, settings.FLUTTERWAVE_API_BASE = "FLWSECK_TEST-x", address
    settings.SANDBOX_URL, settings.SANDBOX_WSGI = address, ""
    return {"stripe": Stripe, "paypal": PayPal, "flutterwave": Flutterwave, "sandbox": Sandbox}


class TestConnections:
    def test_s40_are_opened_by_these_modules_alone(self) -> None:
        found = {name for name, path in modules() if any(is_caller(each) for each in imported(path))}

        assert found == ALLOWED.keys()

    @pytest.mark.parametrize("name", ["stripe", "paypal", "flutterwave", "sandbox"])
    def test_s40_of_a_provider_are_not_sent_on(
        self, name: str, settings: Settings, inside: tuple[str, list[str]], sends_on: tuple[str, list[str]]
    ) -> None:
        provider = providers(settings, sends_on[0])[name]()

        with suppress(Exception):  # how it refuses is told elsewhere
            provider.fetch(reference=REFERENCE, key="k")
        with suppress(Exception):
            provider.void(reference=REFERENCE, key="k")

        assert sends_on[1]
        assert inside[1] == []

    def test_s40_of_the_media_storage_are_not_sent_on(
        self, inside: tuple[str, list[str]], sends_on: tuple[str, list[str]]
    ) -> None:
        storage = CloudinaryStorage(cloud="shop", key="k", secret="s", api_base=sends_on[0])

        with pytest.raises(StorageAway):
            storage.open("products/a.jpg").read()
        with pytest.raises(StorageAway):
            storage.save("products/a.jpg", ContentFile(b"a picture"))

        assert len(sends_on[1]) == 2
        assert inside[1] == []

    def test_s40_of_the_search_engine_are_not_sent_on(
        self, inside: tuple[str, list[str]], sends_on: tuple[str, list[str]]
    ) -> None:
        engine = OpenSearch(sends_on[0])

        with pytest.raises(EngineAway):
            engine.find(index="shop", query={"match_all": {}}, most=1, seconds=5)

        assert len(sends_on[1]) == 1
        assert inside[1] == []

    @pytest.mark.django_db
    def test_s40_of_the_sandbox_are_not_sent_on(
        self, settings: Settings, inside: tuple[str, list[str]], sends_on: tuple[str, list[str]]
    ) -> None:
        settings.SANDBOX_WEBHOOK_URL = sends_on[0]
        make_charge()

        arrived = send_due_events(clock=lambda: NOON + timedelta(seconds=1))

        assert arrived == 0
        assert sends_on[1]
        assert inside[1] == []
