"""Sealing of personal data at rest: AES-256-GCM under keys that rotate.

A sealed text reads ``<key id>:<base64 of nonce, ciphertext and tag>``. The first of ``settings.FIELD_KEYS`` seals,
all of them open; ``manage.py rotate_field_keys`` brings old rows to the first.
"""

from __future__ import annotations

import base64
import os
from functools import cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

_NONCE_BYTES = 12


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


def is_current(sealed: str) -> bool:
    """Tell whether the text is under the current key."""
    return sealed.partition(":")[0] == settings.FIELD_KEYS[0][0]
