"""How a client is told to put one file straight into a storage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedUpload:
    """A request that the storage takes once it is sent as it stands here, before it expires.

    ``POST`` with fields: a form of them, the file last, in ``file``. ``PUT``: the file is the body.
    """

    method: str
    url: str
    fields: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


class Signing(Protocol):
    """A storage that lets clients put files into it by themselves."""

    def sign_upload(self, name: str, *, content_type: str, size: int, seconds: int) -> SignedUpload:
        """Return how to put a file of that type and of at most ``size`` bytes there under that name. Asks nobody."""


class StorageAway(OSError):
    """The storage does not answer, or refuses."""
