"""Before an order's total may change: what is under way at a provider, and the balances that it is paid from."""

from __future__ import annotations

from uuid import UUID

from core.transactions import step
from payments.domain import IN_FLIGHT, MANUAL, AttemptStatus
from payments.errors import PaymentInProgress
from payments.models import Balance, Payment
from payments.services.rows import find_live


@step
def find_in_the_way(*, payment: Payment) -> UUID | None:
    """Return the live attempt of a locked payment that has to be called off before its amount changes, if there is one.

    :raises PaymentInProgress: it is with the provider, and cannot be called off (409)
    """
    live = find_live(payment)
    if live is None:
        return None
    waits = live.state is AttemptStatus.REQUIRES_ACTION or live.provider == MANUAL
    if live.state in IN_FLIGHT or live.unwanted_at is not None or not waits:
        raise PaymentInProgress
    return UUID(str(live.pk))


@step
def lock_balances(*, payment: Payment) -> None:
    """Lock the gift cards and the like that a locked payment is paid from. Comes before promotions and stock."""
    paid_from = Balance.objects.filter(pk__in=payment.attempts.values("balance"))
    list(paid_from.locked().values_list("pk"))
