"""Which servers are asked without TLS, or without looking at their certificates."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from ipaddress import ip_address
from typing import Any
from urllib.parse import parse_qsl, urlsplit

_HTTP = "https://"
_SMTP = "django.core.mail.backends.smtp.EmailBackend"


@dataclass(frozen=True)
class _Line:
    """How the servers that one setting names are asked."""

    setting: str
    hosts: Sequence[str]
    is_checked: bool
    wanted: str


def plain_lines(settings: Mapping[str, Any], broker_url: str) -> Iterator[str]:
    """Say of each server at another machine how it must be asked.

    Not of those that ``PLAIN_HOSTS`` names, where somebody wrote down that nobody else is on the way to them.
    """
    known = [pattern.strip().lower() for pattern in settings["PLAIN_HOSTS"]]
    for pattern in known:
        if not re.search(r"[a-z0-9]", pattern):
            yield f"PLAIN_HOSTS must name hosts, not {pattern!r}"
    for line in _lines(settings, broker_url):
        far = [host for host in line.hosts if not _is_here(host) and not _is_known(host, known)]
        if far and not line.is_checked:
            yield (
                f"{line.setting} must ask {', '.join(far)} by TLS and check the certificate: {line.wanted} "
                "(or PLAIN_HOSTS, where nobody else is on the way)"
            )


def databases_in(settings: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Name each database by the setting that has its address, the owner's among them."""
    for alias, found in settings["DATABASES"].items():
        yield "DATABASE_URL" if alias == "default" else f"DATABASE_{alias.upper()}_URL", found
    if settings["DATABASE_OWNER"]:
        yield "DATABASE_OWNER_URL", settings["DATABASE_OWNER"]


def _lines(settings: Mapping[str, Any], broker_url: str) -> Iterator[_Line]:
    for name, found in databases_in(settings):
        options = found.get("OPTIONS", {})
        yield _postgres(name, options | {"host": options.get("host") or found["HOST"]})
    yield _postgres("DATABASE_READ_URL", settings["DATABASE_READ"])
    yield from _servers("REDIS_URL", settings["REDIS_URL"], "rediss")
    yield from _servers("BROKER_URL", broker_url, "amqps", "rediss")
    if settings["EMAIL_BACKEND"] == _SMTP:
        is_checked = bool(settings.get("EMAIL_USE_TLS") or settings.get("EMAIL_USE_SSL"))
        yield _Line("EMAIL_URL", [settings["EMAIL_HOST"] or ""], is_checked, "smtp+tls:// or smtp+ssl://")
    bucket = settings["STORAGES"]["default"].get("OPTIONS", {})
    backups = dict(parse_qsl(urlsplit(settings["BACKUP_URL"]).query))
    addresses = {
        "MAILGUN_API_URL": settings["ANYMAIL"]["MAILGUN_API_URL"],
        "OTEL_EXPORTER_OTLP_ENDPOINT": settings["OTEL_EXPORTER_OTLP_ENDPOINT"],
        "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": settings["OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"],
        "SENTRY_DSN": settings["SENTRY_DSN"],
        "S3_ENDPOINT_URL": bucket.get("endpoint_url") or "",
        "SEARCH_URL": settings["SEARCH_URL"],
        "BACKUP_URL": backups.get("endpoint_url", ""),
    }
    for name, address in addresses.items():
        yield _Line(name, [urlsplit(address).hostname or ""], address.startswith(_HTTP), _HTTP)


def _postgres(setting: str, words: Mapping[str, Any]) -> _Line:
    """Read libpq's words: it takes any certificate unless it is told ``verify-full``."""
    hosts = str(words.get("hostaddr") or words.get("host") or "").split(",")
    return _Line(setting, hosts, words.get("sslmode") == "verify-full", "?sslmode=verify-full")


def _servers(setting: str, addresses: str, *schemes: str) -> Iterator[_Line]:
    """Read the addresses of Redis and brokers; what follows ``?`` could switch off what their schemes promise."""
    for address in re.split("[;,]", addresses):
        parts = urlsplit(address.strip())
        asked = {"ssl_cert_reqs": "required", "ssl_check_hostname": "true"} | dict(parse_qsl(parts.query))
        is_checked = asked["ssl_cert_reqs"] in {"required", "CERT_REQUIRED"} and asked["ssl_check_hostname"] == "true"
        wanted = f"{' or '.join(f'{scheme}://' for scheme in schemes)}, without ssl_cert_reqs and ssl_check_hostname"
        yield _Line(setting, [parts.hostname or ""], parts.scheme in schemes and is_checked, wanted)


def _is_here(host: str) -> bool:
    """Tell whether it is this machine: by its own network, or by a socket in a folder."""
    if not host or host == "localhost" or host.lower().startswith(("/", "@", "%2f")):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _is_known(host: str, patterns: Sequence[str]) -> bool:
    """Tell whether a pattern names the host; ``*`` stands for a part of a name, never for a dot."""
    return any(host.count(".") == pattern.count(".") and fnmatchcase(host.lower(), pattern) for pattern in patterns)
