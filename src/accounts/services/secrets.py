"""Secrets that leave the house once: kept as digests."""

from __future__ import annotations

import hashlib


def digest_of(secret: str) -> str:
    """Return the SHA-256 of a secret of at least 128 random bits, in hex: all that is kept of it."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
