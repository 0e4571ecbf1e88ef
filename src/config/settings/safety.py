"""What stops the boot of a real shop: settings that are fine on a laptop and an open door on the internet."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

from config.settings.lines import databases_in, plain_lines

_SECRET_LENGTH = 50
_SECRET_LETTERS = 10
_TOKEN_LENGTH = 16
_KEY_BYTES = 8
# How secrets begin that stand in examples, in tests, and in what generators write.
_KNOWN_BEGINNINGS = ("django-insecure", "test-only", "change", "replace", "example", "secret", "your-")
# Passwords of examples, and those that servers come with. An account's own name is none either.
_KNOWN_PASSWORDS = frozenset(
    {"nexus", "guest", "postgres", "redis", "rabbitmq", "admin", "root", "password", "secret", "changeme", "change-me"}
)
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_BEARER = "accounts.api.authentication.BearerAuthentication"
# setting -> what keys and addresses of a provider's play money begin with, or hold.
_PLAY_MONEY = {
    "STRIPE_SECRET_KEY": ("sk_test_", "rk_test_"),
    "FLUTTERWAVE_SECRET_KEY": ("FLWSECK_TEST",),
    "PAYPAL_API_BASE": ("sandbox.paypal.com",),
}
_PROVIDER_ADDRESSES = ("STRIPE_API_BASE", "PAYPAL_API_BASE", "FLUTTERWAVE_API_BASE")


def refuse_unsafe(settings: Mapping[str, Any], environment: environ.Env) -> None:
    """Look at all that a mistake could leave open.

    :raises ImproperlyConfigured: naming every mistake, not only the first, and no secret
    """
    wrong = [
        *_secrets(settings),
        *_passwords(settings, environment.str("BROKER_URL")),
        *_doors(settings, environment),
        *_sign_ins(settings),
        *_money(settings, environment),
        *plain_lines(settings, environment.str("BROKER_URL")),
    ]
    if wrong:
        raise ImproperlyConfigured("; ".join(wrong))


def _secrets(settings: Mapping[str, Any]) -> Iterator[str]:
    secret = str(settings["SECRET_KEY"])
    if len(secret) < _SECRET_LENGTH or len(set(secret)) < _SECRET_LETTERS:
        yield f"SECRET_KEY must have at least {_SECRET_LENGTH} random characters"
    elif secret.lower().startswith(_KNOWN_BEGINNINGS):
        yield "SECRET_KEY is one of an example: make another"
    keys = settings["FIELD_KEYS"]
    if any(len(set(key)) < _KEY_BYTES for _, key in keys):
        yield "FIELD_KEYS: each must be 32 random bytes"
    if len({name for name, _ in keys}) < len(keys):
        yield "FIELD_KEYS: two keys have one id"


def _passwords(settings: Mapping[str, Any], broker_url: str) -> Iterator[str]:
    """A shop that answers to no name but this machine's, such as Compose's while it is tried, may keep those it has."""
    if all(host.strip().lower() in {*_LOOPBACK, "[::1]"} for host in settings["ALLOWED_HOSTS"]):
        return
    for setting, user, password in _accounts(settings, broker_url):
        if password and password.lower() in {*_KNOWN_PASSWORDS, user.lower()}:
            yield f"{setting}: its password is one that everybody knows: give the server another"


def _accounts(settings: Mapping[str, Any], broker_url: str) -> Iterator[tuple[str, str, str]]:
    """Who the shop is at its servers: (setting, user, password)."""
    for name, found in databases_in(settings):
        yield name, str(found["USER"]), str(found["PASSWORD"])
    replica = settings["DATABASE_READ"]
    yield "DATABASE_READ_URL", str(replica.get("user", "")), str(replica.get("password", ""))
    search = urlsplit(settings["SEARCH_URL"])
    yield "SEARCH_URL", unquote(search.username or ""), unquote(search.password or "")
    for setting, addresses in (("REDIS_URL", settings["REDIS_URL"]), ("BROKER_URL", broker_url)):
        for parts in map(urlsplit, re.split("[;,]", addresses)):
            # Celery is `guest` at a RabbitMQ where the address names nobody.
            unnamed = "guest" if parts.scheme in {"amqp", "amqps", "pyamqp"} else ""
            yield setting, unquote(parts.username or ""), unquote(parts.password or "") or unnamed


def _doors(settings: Mapping[str, Any], environment: environ.Env) -> Iterator[str]:
    if settings["DEBUG"] or environment.bool("DEBUG", default=False):
        yield "DEBUG=on shows the inside of the shop to everybody"
    hosts = settings["ALLOWED_HOSTS"]
    if not hosts or any(host.strip() in ("", ".") or "*" in host for host in hosts):
        yield "ALLOWED_HOSTS must name the shop's hosts"
    for name in ("PUBLIC_URL", "STOREFRONT_URL"):
        if not _is_encrypted(str(settings[name])):
            yield f"{name} must begin with https://"
    if not settings["THROTTLES"]:
        yield "THROTTLES=off is for load tests, not for production"
    if settings["METRICS_TOKEN"] and len(settings["METRICS_TOKEN"]) < _TOKEN_LENGTH:
        yield f"METRICS_TOKEN must have at least {_TOKEN_LENGTH} characters"
    if settings["SECURE_HSTS_SECONDS"] < 0:
        yield "SECURE_HSTS_SECONDS must not be negative"


def _sign_ins(settings: Mapping[str, Any]) -> Iterator[str]:
    """Ended sign-ins stay ended only where each token is looked up with its family: our blacklist."""
    is_looked_up = settings["REST_FRAMEWORK"]["DEFAULT_AUTHENTICATION_CLASSES"] == [_BEARER]
    if "accounts" not in settings["INSTALLED_APPS"] or not is_looked_up:
        yield f"REST_FRAMEWORK: without {_BEARER} nobody could be signed out"
    if settings["ACCESS_TOKEN_TTL"] >= settings["REFRESH_TOKEN_TTL"]:
        yield "ACCESS_TOKEN_TTL must be shorter than REFRESH_TOKEN_TTL"


def _money(settings: Mapping[str, Any], environment: environ.Env) -> Iterator[str]:
    is_asked_for = environment.bool("SANDBOX", default=False)
    if (
        settings["SANDBOX"]
        or is_asked_for
        or "sandbox" in {*settings["INSTALLED_APPS"], *settings["PAYMENT_PROVIDERS"]}
    ):
        yield "SANDBOX=on is for play money, not for production"
    for name in _PROVIDER_ADDRESSES:
        if urlsplit(str(settings[name])).scheme != "https":
            yield f"{name} must begin with https://"
    if environment.bool("TEST_PAYMENTS", default=False):
        return
    for name, marks in _PLAY_MONEY.items():
        if any(mark in str(settings[name]) for mark in marks):
            yield f"{name} is for play money: a rehearsal says TEST_PAYMENTS=on"


def _is_encrypted(address: str) -> bool:
    parts = urlsplit(address)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
