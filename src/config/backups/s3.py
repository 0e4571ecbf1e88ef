"""A bucket as a store of backups."""

from __future__ import annotations

from typing import IO, Any

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

from config.backups.stores import Reader

# A base backup's size is not known before it ends. 10,000 parts are the most that there may be: 640 GB.
_PARTS = TransferConfig(multipart_threshold=64 * 2**20, multipart_chunksize=64 * 2**20, max_concurrency=2)
_ATTEMPTS = Config(retries={"max_attempts": 8, "mode": "standard"}, connect_timeout=10, read_timeout=60)


class BucketStore:
    """Objects below a prefix. Who we are comes from where boto3 looks (environment, files, the machine's role).

    :param options: ``endpoint_url`` and ``region_name``, for storage that is not Amazon's
    """

    def __init__(self, *, bucket: str, prefix: str, options: dict[str, str]) -> None:
        known = {name: options[name] for name in ("endpoint_url", "region_name") if name in options}
        self._client: Any = boto3.client("s3", config=_ATTEMPTS, **known)
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""

    def put(self, name: str, content: Reader) -> None:
        self._client.upload_fileobj(content, self._bucket, self._prefix + name, Config=_PARTS)

    def get(self, name: str) -> IO[bytes]:
        try:
            body: IO[bytes] = self._client.get_object(Bucket=self._bucket, Key=self._prefix + name)["Body"]
        except ClientError as error:
            if error.response["Error"]["Code"] in {"NoSuchKey", "404"}:
                raise FileNotFoundError(name) from error
            raise
        return body

    def names(self, start: str) -> list[str]:
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix + start)
        return sorted(each["Key"][len(self._prefix) :] for page in pages for each in page.get("Contents", ()))

    def remove(self, name: str) -> None:
        self._client.delete_object(Bucket=self._bucket, Key=self._prefix + name)
