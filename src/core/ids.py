"""Identifiers: UUID version 7 (RFC 9562, section 5.7), which grow with time and so keep indexes compact."""

from __future__ import annotations

from uuid import UUID

import uuid_utils
from uuid_utils import compat


def new_id() -> UUID:
    """Return a fresh UUIDv7."""
    return compat.uuid7()


def new_id_text() -> str:
    """Return a fresh UUIDv7 as text, for those who need them by the thousand."""
    return str(uuid_utils.uuid7())
