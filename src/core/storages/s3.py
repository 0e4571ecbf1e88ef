"""S3, and what speaks as it does. Its client is loaded with this module, and connects when it is first needed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from storages.backends.s3 import S3Storage

from core.storages.signing import SignedUpload, StorageAway


@contextmanager
def _as_os_error() -> Iterator[None]:
    """Have what a folder would call an ``OSError`` be one here.

    :raises FileNotFoundError: there is no such object
    :raises StorageAway: it does not answer, or refuses
    """
    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code in {"404", "NoSuchKey", "NotFound"}:
            raise FileNotFoundError(code) from error
        raise StorageAway(code) from error
    except (BotoCoreError, Boto3Error) as error:
        raise StorageAway(type(error).__name__) from error


class S3Media(S3Storage):  # type: ignore[misc]
    """Objects of one bucket.

    :param connect_timeout: seconds; with ``read_timeout`` and ``tries`` the longest that anybody waits
    """

    def __init__(self, *, connect_timeout: float, read_timeout: float, tries: int, **options: Any) -> None:
        waiting = Config(
            connect_timeout=connect_timeout,
            read_timeout=read_timeout,
            retries={"total_max_attempts": tries, "mode": "standard"},
            s3={"addressing_style": options.get("addressing_style")},
            signature_version=options.get("signature_version"),
        )
        super().__init__(**options, client_config=waiting)

    def _save(self, name: str, content: Any) -> str:
        with _as_os_error():
            return str(super()._save(name, content))

    def delete(self, name: str) -> None:
        with _as_os_error():
            super().delete(name)

    def exists(self, name: str) -> bool:
        with _as_os_error():
            return bool(super().exists(name))

    def _open(self, name: str, mode: str = "rb") -> Any:
        """Return the object with its content, so that no reader meets the network."""
        with _as_os_error():
            opened = super()._open(name, mode)
            opened.file  # noqa: B018 - reads it
            return opened

    def sign_upload(self, name: str, *, content_type: str, size: int, seconds: int) -> SignedUpload:
        """Return a form for a POST (Signature Version 4). Its policy holds the key, the type and the size."""
        signed = self.connection.meta.client.generate_presigned_post(
            Bucket=self.bucket_name,
            Key=self._normalize_name(name),
            Fields={"Content-Type": content_type},
            Conditions=[{"Content-Type": content_type}, ["content-length-range", 1, size]],
            ExpiresIn=seconds,
        )
        return SignedUpload(method="POST", url=signed["url"], fields=signed["fields"])
