"""The environment, read once, with types."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

env = environ.FileAwareEnv()

ROOT = Path(__file__).resolve().parents[3]
SRC = ROOT / "src"


def data_folder() -> Path:
    """Where the embedded servers, media and development mail live: ``NEXUS_DATA``, or ``.data`` of the checkout."""
    given = os.environ.get("NEXUS_DATA")
    return Path(given).expanduser().resolve() if given else ROOT / ".data"


def derived_key(secret: str, purpose: str) -> str:
    """Return a key of its own for one purpose, which tells nothing of the secret that it follows from."""
    return hmac.new(secret.encode(), purpose.encode(), hashlib.sha256).hexdigest()


def field_keys(text: str) -> list[tuple[str, bytes]]:
    """Read ``id:base64,id:base64``; the first key seals, all of them open.

    :raises ImproperlyConfigured: a key is not 32 bytes of base64
    """
    keys = []
    for item in text.split(","):
        name, _, value = item.strip().partition(":")
        try:
            key = base64.b64decode(value, validate=True)
        except binascii.Error as error:
            raise ImproperlyConfigured("FIELD_KEYS: not base64") from error
        if not name or len(key) != 32:
            raise ImproperlyConfigured("FIELD_KEYS: each must be id:<32 bytes of base64>")
        keys.append((name, key))
    return keys
