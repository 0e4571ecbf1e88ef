"""Who answers a search: PostgreSQL, unless the environment names an OpenSearch."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from config.settings.env import env

# https://user:password@host:9200
SEARCH_URL = env.str("SEARCH_URL", default="")
# What the names of indexes begin with: of several shops at one cluster each has its own.
SEARCH_INDEX = env.str("SEARCH_INDEX", default="") or "nexus"
# The certificates (PEM) of those who vouch for the server, where the machine's own list does not have them.
SEARCH_CA_FILE = env.str("SEARCH_CA_FILE", default="")
# So long a question waits for it; then PostgreSQL answers.
SEARCH_TIMEOUT_SECONDS = env.float("SEARCH_TIMEOUT_SECONDS", default=0.3)


def refuse_odd() -> None:
    """Look at the address and the name.

    :raises ImproperlyConfigured: saying what is wrong, and no secret
    """
    if not SEARCH_URL:
        return
    parts = urlsplit(SEARCH_URL)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
        raise ImproperlyConfigured("SEARCH_URL must be https://[user:password@]host[:port][/path]")
    if not re.fullmatch("[a-z][a-z0-9_]{0,40}", SEARCH_INDEX):
        raise ImproperlyConfigured("SEARCH_INDEX: small letters, digits and _ alone, the first a letter")


refuse_odd()
