"""A folder. Clients put files into it by way of the shop itself."""

from __future__ import annotations

from django.conf import settings
from django.core import signing
from django.core.files.storage import FileSystemStorage

from core.storages.signing import SignedUpload

_SALT = "core.storages.local"


class LocalStorage(FileSystemStorage):
    """Django's, with signed uploads: ``PUT uploads/files/<ticket>``."""

    def sign_upload(self, name: str, *, content_type: str, size: int, seconds: int) -> SignedUpload:
        """Return the shop's own address, with a ticket for this name, type and size."""
        ticket = signing.dumps([name, content_type, size], salt=_SALT)
        url = f"{settings.PUBLIC_URL.rstrip('/')}/api/v1/uploads/files/{ticket}"
        return SignedUpload(method="PUT", url=url, headers={"Content-Type": content_type})


def read_ticket(ticket: str, *, seconds: int) -> tuple[str, str, int]:
    """Return the name, content type and size that were signed.

    :raises signing.BadSignature: it was not made here, was altered, or is too old
    """
    name, content_type, size = signing.loads(ticket, salt=_SALT, max_age=seconds)
    return str(name), str(content_type), int(size)
