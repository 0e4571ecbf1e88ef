"""Where backups are kept: a folder, or a bucket by S3's protocol."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import IO, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

from django.utils.module_loading import import_string

from config.backups.errors import BackupRefused

_FOLDER_MODE = 0o700


class Reader(Protocol):
    """What bytes are taken from, little by little."""

    def read(self, size: int = -1, /) -> bytes: ...


class Store(Protocol):
    """Files by name. Names have slashes; a file is there whole or not at all."""

    def put(self, name: str, content: Reader) -> None:
        """Keep what the reader gives, in place of what was there by that name."""

    def get(self, name: str) -> IO[bytes]:
        """Return a reader.

        :raises FileNotFoundError: there is no such file
        """

    def names(self, start: str) -> list[str]:
        """Return all names that begin so, sorted."""

    def remove(self, name: str) -> None:
        """Forget a file; one that is not there is forgotten."""


def open_store(url: str) -> Store:
    """Return the store of an address: a path, ``file:///path`` or ``s3://bucket/prefix?endpoint_url=…&region_name=…``.

    :raises BackupRefused: the address is of no kind that is known
    """
    parts = urlsplit(url)
    if parts.scheme in {"", "file"} and parts.path:
        return FolderStore(Path(unquote(parts.path)).expanduser().resolve())
    if parts.scheme == "s3" and parts.netloc:
        # Its library is loaded only by who has a bucket.
        bucket: Store = import_string("config.backups.s3.BucketStore")(
            bucket=parts.netloc, prefix=unquote(parts.path).strip("/"), options=dict(parse_qsl(parts.query))
        )
        return bucket
    raise BackupRefused(f"BACKUP_URL must be a path, file:///path or s3://bucket/prefix, not {url!r}")


class FolderStore:
    """A folder that nobody else may read. Files are written beside and renamed, and are on the disk then."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, name: str, content: Reader) -> None:
        path = self.folder / name
        path.parent.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=".draft-")  # mode 0600
        try:
            with os.fdopen(descriptor, "wb") as file:
                shutil.copyfileobj(content, file, 2**20)
                file.flush()
                os.fsync(file.fileno())
            Path(draft).replace(path)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise
        _sync(path.parent)

    def get(self, name: str) -> IO[bytes]:
        return (self.folder / name).open("rb")

    def names(self, start: str) -> list[str]:
        top = self.folder / start.rpartition("/")[0]
        found = (str(path.relative_to(self.folder)) for path in top.rglob("*") if path.is_file())
        return sorted(name for name in found if name.startswith(start) and "/.draft-" not in f"/{name}")

    def remove(self, name: str) -> None:
        path = self.folder / name
        path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            path.parent.rmdir()


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
