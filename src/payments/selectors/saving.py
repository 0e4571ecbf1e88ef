"""Reads of ways to pay that customers keep. What was removed is not among them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import QuerySet

from payments.errors import SavedMethodNotFound
from payments.models import SavedMethod

if TYPE_CHECKING:
    from accounts.models import User


def list_saved_methods(*, customer: User) -> QuerySet[SavedMethod]:
    """Return what a customer keeps; order them by ``-is_default, -created_at, -pk``. One query."""
    rows: QuerySet[SavedMethod] = SavedMethod.objects.filter(customer=customer, removed_at=None)
    return rows


def get_saved_method(*, customer: User, method_id: UUID) -> SavedMethod:
    """Return one of those a customer keeps. One query.

    :raises SavedMethodNotFound: there is none, it was removed, or it is someone else's
    """
    method: SavedMethod | None = list_saved_methods(customer=customer).filter(pk=method_id).first()
    if method is None:
        raise SavedMethodNotFound
    return method


def find_payer(*, customer_id: UUID, provider: str) -> str:
    """Return by what a provider knows a customer for whom it has kept something before; else empty. One query."""
    rows = SavedMethod.objects.filter(customer=customer_id, provider=provider, removed_at=None)
    newest: SavedMethod | None = rows.order_by("-pk").first()
    return newest.payer if newest else ""
