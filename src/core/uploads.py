"""Files that clients put straight into the storage: asked for, put there, and taken in by the request that names them.

What lies there is a stranger's until then: in a private folder, under a note that has it swept away after a day. Taken
in, it goes through what every upload goes through (``core.images``), and what is kept is what we encoded.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import IO, Any, cast
from uuid import uuid4

import structlog
from django.conf import settings
from django.core import signing

from core.errors import Conflict, Invalid, TooLarge, Unavailable
from core.media import private_files
from core.models import LooseFile
from core.storages.local import LocalStorage, read_ticket
from core.storages.signing import SignedUpload, Signing

log = structlog.get_logger(__name__)

FOLDER = "uploads"
TYPES = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}
_SALT = "core.uploads"
_LONGEST_TICKET = 500
# What one person may have lying in the storage, about: two at once may both be the last.
MOST_WAITING = 200
_RETRY_AFTER_SECONDS = 30


class UploadRefused(Invalid):
    """The upload was not asked for by this person, is too old, or was never put there."""

    code = "core.upload_refused"
    title = "This upload cannot be taken in. Ask for a new one."


class TooManyUploads(Conflict):
    """As many uploads as may be are waiting to be named."""

    code = "core.too_many_uploads"
    title = "Too many uploads are waiting to be named. They are removed after a day."
    example = {"limit": 200}


@dataclass(frozen=True, slots=True)
class AskedUpload:
    """How to put the file there, and the ticket that takes it in."""

    ticket: str
    request: SignedUpload


def ask_upload(*, owner: str, content_type: str, size: int) -> AskedUpload:
    """Return how to put one picture into the storage. Two statements, and nobody is asked over the network.

    :param owner: whose it is: nobody else takes it in
    :param size: bytes, of which the storage takes no more
    :raises TooLarge: more than ``settings.UPLOAD_MAX_BYTES``
    :raises TooManyUploads: 200 of the owner's wait
    """
    if size > settings.UPLOAD_MAX_BYTES:
        raise TooLarge(max_bytes=settings.UPLOAD_MAX_BYTES)
    folder = f"{FOLDER}/{owner}/"
    if LooseFile.objects.filter(name__startswith=folder)[:MOST_WAITING].count() >= MOST_WAITING:
        raise TooManyUploads(limit=MOST_WAITING)
    name = f"{folder}{uuid4().hex}.{TYPES[content_type]}"
    LooseFile.objects.create(name=name)
    storage = cast("Signing", private_files())
    request = storage.sign_upload(name, content_type=content_type, size=size, seconds=_seconds())
    return AskedUpload(signing.dumps([name, owner], salt=_SALT), request)


def named_by(*, ticket: str, owner: str) -> str:
    """Return the file that the ticket is for. No query.

    :raises UploadRefused: it is somebody else's, too old, or was not made here
    """
    try:
        if len(ticket) > _LONGEST_TICKET:
            raise UploadRefused
        name, asked_by = signing.loads(ticket, salt=_SALT, max_age=_seconds())
    except (signing.BadSignature, ValueError, TypeError, UnicodeError) as error:
        raise UploadRefused from error
    if asked_by != owner:
        raise UploadRefused
    return str(name)


def fetch(name: str) -> IO[bytes]:
    """Return what was put there, of which no more is read than is allowed and a byte.

    Call it before the transaction that takes it in.

    :raises UploadRefused: there is nothing
    :raises Unavailable: the storage does not answer
    """
    try:
        with private_files().open(name) as file:
            return BytesIO(file.read(settings.UPLOAD_MAX_BYTES + 1))
    except FileNotFoundError as error:
        raise UploadRefused from error
    except OSError as error:
        log.warning("media storage does not answer", error=str(error))
        raise Unavailable(retry_after=_RETRY_AFTER_SECONDS) from error


def put_locally(*, ticket: str, content_type: str, stream: IO[bytes], length: int | None) -> None:
    """Take a file for the storage of a folder, as S3 would: of that type and size, once, as long as it is asked for.

    :raises UploadRefused: the ticket is not good, the type another, or the file is there
    :raises TooLarge: more bytes than were asked for
    :raises Unavailable: the disk takes no more
    """
    storage: Any = private_files()
    try:
        name, signed_type, size = read_ticket(ticket, seconds=_seconds())
    except (signing.BadSignature, ValueError, TypeError, UnicodeError) as error:
        raise UploadRefused from error
    if not isinstance(storage, LocalStorage) or content_type != signed_type or storage.exists(name):
        raise UploadRefused
    if length is None or length > size:
        raise TooLarge(max_bytes=size)
    content = stream.read(length)
    try:
        storage.save(name, BytesIO(content))
    except OSError as error:
        log.exception("media storage refuses a file", name=name)
        raise Unavailable(retry_after=_RETRY_AFTER_SECONDS) from error


def _seconds() -> int:
    return int(settings.UPLOAD_TTL.total_seconds())
