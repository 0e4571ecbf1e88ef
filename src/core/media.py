"""Files of the media storage, and a note of each that no row names: not yet, or no longer.

What lies in one of ``settings.PRIVATE_FOLDERS`` has a storage of its own, which no web server shows to anyone.

A file is written before the transaction that names it and removed after the one that forgets it, since neither can be
taken back. The note outlives a crash between the two, and ``sweep_files`` removes what was left behind.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

import structlog
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage, storages
from django.db import transaction
from django.db.models.functions import Now

from core.errors import Unavailable
from core.images import StoredImage
from core.models import LooseFile
from core.sweeping import go_by_index
from core.transactions import command, step

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from datetime import datetime

    from django.core.files.storage import Storage

    from core.images import CleanImage

log = structlog.get_logger(__name__)

_is_left: ContextVar[bool] = ContextVar("is_left", default=False)

# A full disk does not empty itself in seconds.
_RETRY_AFTER_FULL_DISK_SECONDS = 60
# Files swept away at once: what a crash leaves of them waits another day.
_TOGETHER = 100


def store_images(pictures: Iterable[CleanImage], *, folder: str) -> list[StoredImage]:
    """Put the pictures into the media storage: all of them, or none. Call it before the transaction that names them.

    That one calls ``keep_files``; what nobody keeps is swept away.

    :raises Unavailable: the storage takes no more (a full disk)
    """
    named = [(f"{folder}/{uuid4().hex}.{picture.extension}", picture) for picture in pictures]
    LooseFile.objects.bulk_create(LooseFile(name=name) for name, _ in named)
    try:
        return [
            StoredImage(write_file(name, picture.content), picture.width, picture.height) for name, picture in named
        ]
    except Unavailable:
        discard_files([name for name, _ in named])
        raise


@contextmanager
def left_to_sweep() -> Iterator[None]:
    """Have what the block forgets removed by the sweep alone: the files themselves may come back after it."""
    token = _is_left.set(True)
    try:
        yield
    finally:
        _is_left.reset(token)


@step
def keep_files(names: Collection[str]) -> None:
    """Take the note of stored files away, in the transaction that names them. One statement."""
    LooseFile.objects.filter(name__in=names).delete()


@step
def forget_files(names: Iterable[str | None]) -> None:
    """Remove files after the commit of the transaction that forgets them. Empty names are none. One statement."""
    loose = [name for name in names if name]
    if loose:
        LooseFile.objects.bulk_create([LooseFile(name=name) for name in loose], ignore_conflicts=True)
        if not _is_left.get():
            transaction.on_commit(partial(discard_files, loose), robust=True)


def write_file(name: str, content: bytes) -> str:
    """Write a file of the media storage, whole or not at all, and return its name there.

    :raises Unavailable: the storage takes no more (a full disk)
    """
    try:
        return _storage_of(name).save(name, ContentFile(content))
    except OSError as error:
        log.exception("media storage refuses a file", name=name)
        discard_files([name])
        raise Unavailable(retry_after=_RETRY_AFTER_FULL_DISK_SECONDS) from error


def discard_files(names: Iterable[str]) -> None:
    """Remove files of the media storage, as far as they are there, with their notes. One statement.

    A file that cannot be removed now keeps its note.
    """
    removed = [name for name in names if _remove(name)]
    if removed:
        LooseFile.objects.filter(name__in=removed).delete()


def sweep_files(*, before: datetime, most: int = 100_000) -> int:
    """Remove files that no row has named since then, oldest first, and return how many.

    Several may do so at once. A file that cannot be removed holds up no other: it is noted anew, as of now.

    :param before: longer ago than any request takes from storing a file to its commit
    """
    count = 0
    while count < most and (names := _claim_files(before=before, most=min(_TOGETHER, most - count))):
        discard_files(names)
        count += len(names)
    return count


@command
def _claim_files(*, before: datetime, most: int) -> list[str]:
    go_by_index()
    left = LooseFile.objects.filter(noted_at__lt=before).locked(skip_locked=True).order_by("noted_at", "name")
    names = list(left.values_list("name", flat=True)[:most])
    LooseFile.objects.filter(name__any_of=names).update(noted_at=Now())
    return names


def private_files() -> Storage:
    """Return the storage of what is shown to some people only."""
    return storages["private"]


def _storage_of(name: str) -> Storage:
    return private_files() if name.startswith(settings.PRIVATE_FOLDERS) else default_storage


def _remove(name: str) -> bool:
    try:
        _storage_of(name).delete(name)
    except OSError:
        log.exception("media storage keeps a file", name=name)
        return False
    return True
