"""What payments do when others announce a fact."""

from __future__ import annotations

from uuid import UUID

from django.utils import timezone

from payments import services


def take_notice(*, notice_id: str, **_: object) -> None:
    """Take in a provider's webhook; of a charge that we do not know yet, again later."""
    services.take_notice(notice_id=UUID(notice_id), at=timezone.now())


def forget_methods(*, user_id: str, **_: object) -> None:
    """Have providers forget the ways to pay of a deleted person."""
    services.forget_methods(customer_id=UUID(user_id), at=timezone.now())
