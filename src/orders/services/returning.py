"""Goods that came back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from core.transactions import command, step
from inventory import services as inventory
from inventory.domain import Reason
from payments import services as payments
from payments.domain import REFUNDS_DUE, RETURNS


@command
def record_return(*, reference: str, units: Mapping[UUID, int], amount_minor: int, currency: str, at: datetime) -> None:
    """Take goods back into stock and note what is owed for them.

    :param units: variant id -> units
    :param amount_minor: what is owed to the customer, in minor units
    :raises IntegrityError: the reference was recorded before
    """
    take_back(reference=reference, units=units, amount_minor=amount_minor, currency=currency, at=at)


@step
def take_back(*, reference: str, units: Mapping[UUID, int], amount_minor: int, currency: str, at: datetime) -> None:
    """Do what ``record_return`` does, in the caller's transaction."""
    payments.post_entry(
        kind="return",
        reference=reference,
        currency=currency,
        amounts={RETURNS: amount_minor, REFUNDS_DUE: -amount_minor},
        at=at,
    )
    if units:
        inventory.receive_stock(units=units, reason=Reason.RETURNED, reference=reference, actor_id=None, at=at)
