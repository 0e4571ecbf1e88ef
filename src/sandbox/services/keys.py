"""One ``Idempotency-Key``, one effect, for ever."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson

from core.sql import insert_missing
from core.transactions import step
from sandbox.errors import KeyReused
from sandbox.models import Key


@step
def claim(*, key: str | None, action: str, asked: Mapping[str, Any], makes: UUID) -> UUID | None:
    """Return the id of what the key made before; ``None`` where this is its first use. At most two statements.

    Waits for another request with the same key until that has ended. Comes before all other locks.

    :param asked: what is asked, as JSON
    :param makes: the id of what this request makes or changes
    :raises KeyReused: the key was used for another request
    """
    if key is None:
        return None
    fingerprint = hashlib.sha256(orjson.dumps([action, asked], option=orjson.OPT_SORT_KEYS)).hexdigest()
    if insert_missing(Key(key=key, fingerprint=fingerprint, made_id=makes)):
        return None
    first: Key = Key.objects.get(pk=key)
    if first.fingerprint != fingerprint:
        raise KeyReused
    made: UUID = first.made_id
    return made
