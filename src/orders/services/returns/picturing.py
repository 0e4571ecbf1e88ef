"""Pictures of what is wrong. Files are stored before, by ``core.media``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from core import media
from core.transactions import command
from orders.domain import MAX_PICTURES, OPEN_RETURNS, ReturnStatus
from orders.errors import ReturnMoveRefused, TooManyPictures
from orders.models import ReturnPicture
from orders.services.returns.rows import Asker, lock_return

if TYPE_CHECKING:
    from core.images import StoredImage


@command
def add_return_pictures(
    *, return_id: UUID, pictures: Sequence[StoredImage], asker: Asker, at: datetime
) -> list[ReturnPicture]:
    """Add stored pictures to an open return, all or none. Locks it, so that two uploads cannot go past the limit.

    :raises ReturnNotFound: there is none, or it is not the asker's
    :raises ReturnMoveRefused: it is closed (409)
    :raises TooManyPictures: it would have more than ``MAX_PICTURES`` (409)
    """
    back = lock_return(return_id=return_id, asker=asker)
    if ReturnStatus(back.status) not in OPEN_RETURNS:
        raise ReturnMoveRefused(from_status=back.status, wanted="pictures")
    present = ReturnPicture.objects.filter(back=back).count()
    if present + len(pictures) > MAX_PICTURES:
        raise TooManyPictures(max_pictures=MAX_PICTURES, pictures=present)
    added: list[ReturnPicture] = ReturnPicture.objects.bulk_create(
        ReturnPicture(back=back, file=picture.name, width=picture.width, height=picture.height, created_at=at)
        for picture in pictures
    )
    media.keep_files([picture.name for picture in pictures])
    return added
