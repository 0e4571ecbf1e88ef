"""Sealing of personal data at rest: AES-256-GCM under keys that rotate.

A sealed text reads ``<key id>:<base64 of nonce, ciphertext and tag>``. The first of ``settings.FIELD_KEYS`` seals,
all of them open; ``manage.py rotate_field_keys`` brings old rows to the first.

What is sealed is found again by its blind index, ``<key id>:<HMAC-SHA-256 in hex>`` under a key that is derived from
that of the sealing: who has a copy of the database and no key cannot even guess.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
from functools import cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

_NONCE_BYTES = 12
# Nonce, one byte and tag at least.
_SEALED = re.compile(r"[^:\s]{1,64}:[A-Za-z0-9+/]{40,}={0,2}")


class CannotOpen(ValueError):
    """The text was sealed under a key that is not here, or was altered."""


@cache
def _cipher(key: bytes) -> AESGCM:
    return AESGCM(key)


def seal_bytes(plain: bytes) -> bytes:
    """Encrypt under the current key."""
    name, key = settings.FIELD_KEYS[0]
    nonce = os.urandom(_NONCE_BYTES)
    return name.encode() + b":" + nonce + _cipher(key).encrypt(nonce, plain, name.encode())


def open_bytes(sealed: bytes) -> bytes:
    """Decrypt.

    :raises CannotOpen: unknown key, or the bytes were altered
    """
    name, _, body = sealed.partition(b":")
    key = dict(settings.FIELD_KEYS).get(name.decode(errors="replace"))
    if key is None:
        raise CannotOpen("sealed under a key that is not in FIELD_KEYS")
    try:
        return _cipher(key).decrypt(body[:_NONCE_BYTES], body[_NONCE_BYTES:], name)
    except (InvalidTag, ValueError) as error:
        raise CannotOpen("altered") from error


def seal(plain: str) -> str:
    """Encrypt a text under the current key; the result is text."""
    name, _, body = seal_bytes(plain.encode()).partition(b":")
    return f"{name.decode()}:{base64.b64encode(body).decode()}"


def open_sealed(sealed: str) -> str:
    """Decrypt what ``seal`` made.

    :raises CannotOpen: unknown key, or the text was altered
    """
    name, _, body = sealed.partition(":")
    try:
        packed = base64.b64decode(body, validate=True)
    except ValueError as error:
        raise CannotOpen("altered") from error
    return open_bytes(name.encode() + b":" + packed).decode()


def is_current_bytes(sealed: bytes) -> bool:
    """Tell whether the bytes are under the current key."""
    return sealed.partition(b":")[0] == settings.FIELD_KEYS[0][0].encode()


def is_current(sealed: str) -> bool:
    """Tell whether the text is under the current key."""
    return sealed.partition(":")[0] == settings.FIELD_KEYS[0][0]


def is_sealed(text: str) -> bool:
    """Tell whether a text looks like what ``seal`` makes, under whatever key."""
    return _SEALED.fullmatch(text) is not None


def first_secret_key() -> bytes:
    """Return the first ``SECRET_KEY`` of this shop: for what goes on as it began, whatever that was replaced by."""
    first: str = [settings.SECRET_KEY, *settings.EARLIER_SECRET_KEYS][-1]
    return first.encode()


@cache
def _blinding(key: bytes, purpose: str) -> bytes:
    return hmac.digest(key, b"blind index\0" + purpose.encode(), hashlib.sha256)


def blind_indexes(plain: str, *, purpose: str) -> list[str]:
    """Return by what a sealed text may be found: under each key, that of the current one first."""
    found = plain.encode("utf-8", "replace")
    return [
        f"{name}:{hmac.digest(_blinding(key, purpose), found, hashlib.sha256).hex()}"
        for name, key in settings.FIELD_KEYS
    ]
