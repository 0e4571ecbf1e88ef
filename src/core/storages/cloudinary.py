"""Cloudinary, by its upload API (https://cloudinary.com/documentation/image_upload_api_reference).

A name is the public id and, after the dot, the format. Private files are of the type ``authenticated``: only who signs
gets them.
"""

from __future__ import annotations

from hashlib import sha1
from io import BytesIO
from time import time
from typing import Any
from urllib.parse import quote, urlencode

import httpx
from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import Storage
from django.utils.deconstruct import deconstructible

from core.storages.signing import SignedUpload, StorageAway

_SECONDS_TO_WAIT = 10.0
# Part of a request, but not of what is signed.
_UNSIGNED = frozenset({"file", "api_key", "cloud_name", "resource_type"})


def signature(parameters: dict[str, str], secret: str) -> str:
    """Return the SHA-1 of the parameters in order, joined as in a query, and the secret ("Generating signatures")."""
    signed = "&".join(f"{key}={parameters[key]}" for key in sorted(parameters) if key not in _UNSIGNED)
    return sha1(f"{signed}{secret}".encode()).hexdigest()  # noqa: S324 # nosec B324 - theirs, over a secret


@deconstructible(path="core.storages.cloudinary.CloudinaryStorage")
class CloudinaryStorage(Storage):
    """Pictures of one cloud, of the type ``upload`` (everybody's) or ``authenticated``."""

    def __init__(
        self, *, cloud: str, key: str, secret: str, kind: str = "upload", api_base: str = "", delivery_base: str = ""
    ) -> None:
        self.key, self.secret, self.kind = key, secret, kind
        self.api = f"{api_base or 'https://api.cloudinary.com'}/v1_1/{cloud}/image"
        self.delivery = f"{delivery_base or 'https://res.cloudinary.com'}/{cloud}/image/{kind}"

    def url(self, name: str | None) -> str:
        """Return where everybody gets it. Asks nobody."""
        return f"{self.delivery}/{quote(name or '')}"

    def exists(self, name: str) -> bool:
        """Names are made so that none is taken."""
        return False

    def delete(self, name: str) -> None:
        """Remove it, if it is there, from everywhere."""
        public_id, _ = _split(name)
        self._send("destroy", self._signed(public_id=public_id, type=self.kind, invalidate="true"))

    def sign_upload(self, name: str, *, content_type: str, size: int, seconds: int) -> SignedUpload:
        """Return a form for a POST: good for an hour, for this name and format.

        Their signatures hold no size: what is too large is refused when it is confirmed.
        """
        fields = self._upload_fields(name) | {"api_key": self.key}
        return SignedUpload(method="POST", url=f"{self.api}/upload", fields=fields)

    def _upload_fields(self, name: str) -> dict[str, str]:
        public_id, file_format = _split(name)
        return self._signed(public_id=public_id, type=self.kind, overwrite="false", allowed_formats=file_format)

    def _save(self, name: str, content: Any) -> str:
        content.seek(0)
        self._send("upload", self._upload_fields(name), file=content.read())
        return name

    def _open(self, name: str, mode: str = "rb") -> File:  # type: ignore[type-arg]
        public_id, file_format = _split(name)
        asked = self._signed(public_id=public_id, format=file_format, type=self.kind) | {"api_key": self.key}
        return File(BytesIO(self._request("GET", f"{self.api}/download?{urlencode(asked)}")), name)

    def _signed(self, **parameters: str) -> dict[str, str]:
        told = parameters | {"timestamp": str(int(time()))}
        return told | {"signature": signature(told, self.secret)}

    def _send(self, act: str, fields: dict[str, str], file: bytes | None = None) -> None:
        files = None if file is None else {"file": ("file", file, "application/octet-stream")}
        self._request("POST", f"{self.api}/{act}", data=fields | {"api_key": self.key}, files=files)

    def _request(self, method: str, url: str, **more: Any) -> bytes:
        """Return the body of the answer, of which no more is read than a file may have, and a byte.

        :raises FileNotFoundError: there is no such picture
        :raises StorageAway: it does not answer, or refuses
        """
        try:
            with httpx.stream(method, url, timeout=_SECONDS_TO_WAIT, **more) as answer:
                if answer.status_code == httpx.codes.NOT_FOUND:
                    raise FileNotFoundError(404)
                if not answer.is_success:
                    raise StorageAway(answer.status_code)
                body = bytearray()
                for piece in answer.iter_bytes():
                    body += piece
                    if len(body) > settings.UPLOAD_MAX_BYTES:
                        break
                return bytes(body)
        except httpx.HTTPError as error:
            raise StorageAway(type(error).__name__) from error


def _split(name: str) -> tuple[str, str]:
    public_id, _, file_format = name.rpartition(".")
    return public_id, file_format
