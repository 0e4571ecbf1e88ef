"""Which caches before the shop are told when public reads change."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from config.settings.env import env

# Where each Nginx is told that what it keeps is old: http://nginx:8081/forget. A name that has several addresses means
# all of them. What is sent tells nothing and is no secret, and the way is one inside: it goes without TLS.
CACHE_PURGE_URLS = env.list("CACHE_PURGE_URLS", default=[])
# So long one that is away is told again: the largest NEXUS_KEPT of them. What it kept before is then too old anyway.
CACHE_KEPT_SECONDS = env.int("CACHE_KEPT_SECONDS", default=600)


def refuse_odd() -> None:
    """Look at the addresses.

    :raises ImproperlyConfigured: saying what is wrong
    """
    for url in CACHE_PURGE_URLS:
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname or parts.query or "@" in parts.netloc:
            raise ImproperlyConfigured("CACHE_PURGE_URLS must be http://host[:port]/path, with a comma between")


refuse_odd()
