"""Writes of address books. The account's lock keeps one default, and the book within its size."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from accounts.domain import ADDRESS_BOOK_LIMIT, AddressData
from accounts.errors import AddressBookFull, AddressNotFound
from accounts.models import Address, User
from accounts.services.sessions import lock_account
from core.transactions import command


@command
def add_address(*, user: User, data: AddressData, is_default: bool = False, at: datetime) -> Address:
    """Write an address into the person's book; the first is the default. Five statements at most.

    :raises AddressBookFull: there are 50
    """
    lock_account(user_id=user.pk)
    book = Address.objects.filter(user=user)
    count = book.count()
    if count >= ADDRESS_BOOK_LIMIT:
        raise AddressBookFull(limit=ADDRESS_BOOK_LIMIT)
    if is_default:
        book.filter(is_default=True).update(is_default=False)
    address: Address = Address.objects.create(
        user=user, is_default=is_default or count == 0, created_at=at, **data.as_dict()
    )
    return address


@command
def update_address(*, user: User, address_id: UUID, changes: dict[str, Any]) -> Address:
    """Change some fields of ``AddressData``, or make the address the default by ``is_default``.

    ``is_default: False`` of the default itself changes nothing: a book that is not empty has a default.

    :raises AddressNotFound: there is none in this person's book
    """
    lock_account(user_id=user.pk)
    address = _own(user, address_id)
    wanted = changes.pop("is_default", False)
    if wanted and not address.is_default:
        Address.objects.filter(user=user, is_default=True).update(is_default=False)
        address.is_default = True
    for name, value in changes.items():
        setattr(address, name, value)
    address.save()
    return address


@command
def delete_address(*, user: User, address_id: UUID) -> None:
    """Take an address out of the book; the newest other one becomes the default if this was it.

    :raises AddressNotFound: there is none in this person's book
    """
    lock_account(user_id=user.pk)
    address = _own(user, address_id)
    address.delete()
    if not address.is_default:
        return
    heir: Address | None = Address.objects.filter(user=user).order_by("-created_at", "-pk").first()
    if heir is not None:
        heir.is_default = True
        heir.save(update_fields=["is_default", "updated_at"])


def _own(user: User, address_id: UUID) -> Address:
    address: Address | None = Address.objects.filter(user=user, pk=address_id).locked().first()
    if address is None:
        raise AddressNotFound
    return address
