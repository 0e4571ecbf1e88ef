"""Reads of withdrawals. Whose they are cannot be forgotten."""

from __future__ import annotations

from hashlib import sha256
from secrets import compare_digest
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import QuerySet

from orders.errors import WithdrawalNotFound
from orders.models import Withdrawal

if TYPE_CHECKING:
    from datetime import datetime

    from accounts.models import User

_VIEW = "orders.view_withdrawal"


def list_withdrawals(*, viewer: User, status: str | None = None, order: UUID | None = None) -> QuerySet[Withdrawal]:
    """Return the withdrawals that the viewer may see: staff with ``orders.view_withdrawal`` all, a customer their own.

    Order them by ``-declared_at, -pk``. One query (staff: and their permissions).
    """
    rows: QuerySet[Withdrawal] = Withdrawal.objects.select_related("order")
    if not (viewer.is_staff and viewer.has_perm(_VIEW)):
        rows = rows.filter(order__customer_id=viewer.pk)
    if status is not None:
        rows = rows.filter(status=status)
    return rows if order is None else rows.filter(order=order)


def get_withdrawal(*, withdrawal_id: UUID, viewer: User | None, token: str | None = None) -> Withdrawal:
    """Return a withdrawal to its order's customer, to the guest with the order's token, or to staff. One query.

    :raises WithdrawalNotFound: there is none, or it is not the viewer's
    """
    found: Withdrawal | None = Withdrawal.objects.select_related("order").filter(pk=withdrawal_id).first()
    if found is None or not (_is_staff(viewer) or found.order.belongs_to(token=token, viewer=viewer)):
        raise WithdrawalNotFound
    return found


def get_withdrawal_for_message(*, withdrawal_id: UUID) -> Withdrawal:
    """Return a withdrawal with its order and the order's lines, for whoever acknowledges it. Two queries.

    :raises WithdrawalNotFound: there is none
    """
    rows = Withdrawal.objects.select_related("order").prefetch_related("order__lines")
    found: Withdrawal | None = rows.filter(pk=withdrawal_id).first()
    if found is None:
        raise WithdrawalNotFound
    return found


def link_digest(*, token: str) -> str:
    """Return what is kept of a mailed link's token."""
    return sha256(token.encode("utf-8", "replace")).hexdigest()


def link_fits(*, withdrawal: Withdrawal, token: str, at: datetime) -> bool:
    """Tell whether a mailed link's token is good for the withdrawal, and still is."""
    if not token or not withdrawal.token_digest or withdrawal.token_expires_at is None:
        return False
    return at < withdrawal.token_expires_at and compare_digest(withdrawal.token_digest, link_digest(token=token))


def _is_staff(viewer: User | None) -> bool:
    return viewer is not None and viewer.is_staff and viewer.has_perm(_VIEW)
