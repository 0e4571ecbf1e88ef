"""The environment, read once, with types."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re
from collections.abc import Sequence
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured
from environ.fileaware_mapping import FileAwareMapping

# A serialised origin (RFC 6454, section 6.2), such as apps have them too: ``capacitor://localhost``.
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]{0,30}://[a-z0-9.\[\]:-]{1,260}")


class FileAwareEnvironment(FileAwareMapping):  # type: ignore[misc]
    """The environment, in which the value of any ``NAME`` may stand in the file that ``NAME_FILE`` names."""

    def __getitem__(self, key: str) -> str:
        """Return the value without the line end that editors leave.

        :raises ImproperlyConfigured: the file cannot be read, or the value stands in both places
        """
        path = self.env.get(f"{key}_FILE")
        if not path:
            return str(self.env[key])
        if self.env.get(key):
            raise ImproperlyConfigured(f"{key} and {key}_FILE are both set: which of them holds?")
        try:
            return Path(path).read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise ImproperlyConfigured(f"{key}_FILE cannot be read: {error.__class__.__name__}") from error


class _Env(environ.FileAwareEnv):  # type: ignore[misc]
    ENVIRON = FileAwareEnvironment()


env = _Env()

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


def origins(given: Sequence[str]) -> tuple[str, ...]:
    """Return the origins whose pages may read the API's answers.

    :raises ImproperlyConfigured: one is no origin: it has a path or a wildcard, or is ``null``
    """
    wrong = [origin for origin in given if not _ORIGIN.fullmatch(origin)]
    if wrong:
        raise ImproperlyConfigured(f"CORS_ALLOWED_ORIGINS: scheme://host[:port] in lower case, not {', '.join(wrong)}")
    return tuple(given)
