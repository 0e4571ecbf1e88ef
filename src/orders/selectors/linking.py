"""Reads of payment links."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings

from orders.domain import LinkState, OrderStatus
from orders.errors import PaymentLinkNotFound
from orders.models import PaymentLink
from payments.domain import LIVE, AttemptStatus

if TYPE_CHECKING:
    from payments.models import Payment

_ENDED = {OrderStatus.PENDING.value: LinkState.ASKS, OrderStatus.CANCELLED.value: LinkState.CANCELLED}
_BUSY = LIVE - {AttemptStatus.REQUIRES_ACTION}


def digest_of_link(*, token: str) -> str:
    """Return what a link is found by."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def get_payment_link(*, token: str) -> PaymentLink:
    """Return a link with its order, the order's customer and its lines. Two queries.

    :raises PaymentLinkNotFound: there is none
    """
    rows = PaymentLink.objects.select_related("order__customer").prefetch_related("order__lines")
    link: PaymentLink | None = rows.filter(token_digest=digest_of_link(token=token)).first()
    if link is None:
        raise PaymentLinkNotFound
    return link


def find_payment_link(*, order_id: UUID) -> PaymentLink | None:
    """Return the link of an order, if it has one. One query."""
    link: PaymentLink | None = PaymentLink.objects.filter(order=order_id).first()
    return link


def url_of_link(*, link: PaymentLink) -> str:
    """Return the address of a link: a page of the shop itself."""
    return f"{settings.PUBLIC_URL.rstrip('/')}/pay/{link.token}"


def state_of_link(*, link: PaymentLink, payment: Payment | None, at: datetime) -> LinkState:
    """Return what a link leads to. The payment comes with its attempts."""
    state = _ENDED.get(link.order.status, LinkState.PAID)
    if state is not LinkState.ASKS:
        return state
    if link.expires_at <= at:
        return LinkState.LAPSED
    attempts = payment.attempts.all() if payment is not None else ()
    return LinkState.WAITS if any(attempt.state in _BUSY for attempt in attempts) else LinkState.ASKS
