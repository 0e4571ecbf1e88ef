"""Reads of address books."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from accounts.errors import AddressNotFound
from accounts.models import Address, User


def list_addresses(*, user: User) -> QuerySet[Address]:
    """Return the person's addresses."""
    return Address.objects.filter(user=user)


def get_address(*, user: User | None, address_id: UUID) -> Address:
    """Return an address of this person's own book. One query, none for a guest, who has no book.

    :raises AddressNotFound: there is none, or it is another's
    """
    address: Address | None = None
    if user is not None:
        address = Address.objects.filter(user=user, pk=address_id).first()
    if address is None:
        raise AddressNotFound
    return address


def default_address(*, user: User) -> Address | None:
    """Return the address that the person prefers, if the book is not empty. One query."""
    address: Address | None = Address.objects.filter(user=user, is_default=True).first()
    return address
