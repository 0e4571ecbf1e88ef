"""Orders that staff write: nothing is reserved or owed before they are placed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypedDict
from uuid import UUID

from django.conf import settings

from accounts import selectors as account_reads
from core.errors import Malformed
from core.transactions import command, step
from markets import selectors as market_reads
from orders import selectors
from orders.domain import DraftStatus, MovedBy
from orders.errors import AddressMissing, DraftClosed, DraftNotFound, EmailMissing, NothingOrdered
from orders.models import DraftOrder, Order
from orders.services.choosing import ItemWish, choose_items
from orders.services.linking import link_order
from orders.services.writing import Agreement, refuse_other_than_agreed, write_order

if TYPE_CHECKING:
    from accounts.domain import AddressData
    from accounts.models import User
    from core.money import Money

_LONGEST = timedelta(days=90)


class DraftChanges(TypedDict, total=False):
    """What is said of a draft; what is left out stays. ``customer`` is an account's id."""

    name: str
    customer: UUID | None
    email: str
    items: Sequence[ItemWish]
    shipping_address: AddressData | None
    billing_address: AddressData | None
    shipping_method: str
    coupon: str
    vat_id: str
    note: str


@command
def create_draft(*, market: str | None, changes: DraftChanges, author: User) -> DraftOrder:
    """Begin an order for a customer, or for whoever has that e-mail.

    :param market: its code; without one, the default
    :raises MarketNotFound, UserNotFound: there is none
    :raises ItemsUnknown, Malformed: see ``choose_items``
    """
    draft = DraftOrder(market=market_reads.get_market(code=market), author=author)
    _apply(draft, changes)
    draft.save(force_insert=True)
    return draft


@command
def update_draft(*, draft_id: UUID, changes: DraftChanges) -> DraftOrder:
    """Change an open draft. Locks it.

    :raises DraftNotFound: there is none
    :raises DraftClosed: it was placed or cancelled (409)
    :raises UserNotFound: there is no such customer
    :raises ItemsUnknown, Malformed: see ``choose_items``
    """
    draft = _lock(draft_id)
    _refuse_closed(draft)
    _apply(draft, changes)
    draft.save()
    return draft


@command
def cancel_draft(*, draft_id: UUID) -> None:
    """Give a draft up; twice is once. Locks it.

    :raises DraftNotFound: there is none
    :raises DraftClosed: it was placed (409)
    """
    draft = _lock(draft_id)
    if draft.status == DraftStatus.CANCELLED.value:
        return
    _refuse_closed(draft)
    draft.status = DraftStatus.CANCELLED.value
    draft.save(update_fields=["status", "updated_at"])


@command
def place_draft(
    *,
    draft_id: UUID,
    actor: User,
    at: datetime,
    expires_at: datetime | None = None,
    expected_total: Money | None = None,
) -> Order:
    """Make a draft a pending order with its stock reserved, and mail its buyer the link by which it is paid.

    The same draft twice is the same order. Locks the draft, then what placing an order from a cart locks.

    :param expires_at: until when it may be paid; without it, for ``settings.DRAFT_ORDER_TTL``
    :raises DraftNotFound: there is none
    :raises DraftClosed: it was cancelled (409)
    :raises NothingOrdered, EmailMissing, AddressMissing: something is not known yet (422)
    :raises Malformed: it could be paid for more than 90 days, or not at all (400)
    :raises PromotionUsedUp, FirstOrderOnly: somebody else was faster (409)
    :raises OutOfStock, TotalChanged: and what ``refuse_other_than_agreed`` raises
    """
    draft = _lock(draft_id)
    if draft.order_id is not None:
        placed: Order = Order.objects.get(pk=draft.order_id)
        return placed
    _refuse_closed(draft)
    drawn = selectors.quote_draft(draft=draft, at=at)
    _refuse_incomplete(drawn)
    refuse_other_than_agreed(quote=drawn.quote, terms=drawn.terms, expected=expected_total)
    order = write_order(agreement=_agreement(drawn, actor, at, _deadline(expires_at, at)), quote=drawn.quote)
    draft.status, draft.order = DraftStatus.PLACED.value, order
    draft.save(update_fields=["status", "order", "updated_at"])
    link_order(order=order, actor=actor, at=at, is_sent=True)
    return order


@step
def forget_drafts(*, user_id: UUID) -> None:
    """Remove a person from what was drafted for them; what was not placed is given up."""
    for draft in DraftOrder.objects.filter(customer_id=user_id).locked():
        draft.email = draft.vat_id = draft.note = draft.name = ""
        draft.shipping_address = draft.billing_address = None
        if draft.status == DraftStatus.OPEN.value:
            draft.status = DraftStatus.CANCELLED.value
        draft.save()


def _lock(draft_id: UUID) -> DraftOrder:
    # Not with its order: who waited for the lock would see the draft of now beside the orders of before.
    rows = DraftOrder.objects.select_related("market", "customer")
    draft: DraftOrder | None = rows.filter(pk=draft_id).locked().first()
    if draft is None:
        raise DraftNotFound
    return draft


def _refuse_closed(draft: DraftOrder) -> None:
    if draft.status != DraftStatus.OPEN.value:
        raise DraftClosed(draft_status=draft.status)


def _apply(draft: DraftOrder, changes: DraftChanges) -> None:
    for name in ("name", "email", "shipping_method", "coupon", "vat_id", "note"):
        if name in changes:
            setattr(draft, name, changes[name])
    if "customer" in changes:
        chosen = changes["customer"]
        draft.customer = None if chosen is None else account_reads.get_user(user_id=chosen)
    for name in ("shipping_address", "billing_address"):
        if name in changes:
            address: Any = changes[name]  # type: ignore[literal-required]
            setattr(draft, name, None if address is None else address.as_dict())
    if "items" in changes:
        chosen_items = choose_items(items=changes["items"], currency=draft.market.currency)
        draft.items = [
            {
                "variant": str(item.variant_id),
                "sku": item.sku,
                "name": item.name,
                "quantity": item.quantity,
                "unit_price_minor": item.unit_price_minor,
            }
            for item in chosen_items
        ]


def _refuse_incomplete(drawn: selectors.DraftQuote) -> None:
    if not drawn.draft.items:
        raise NothingOrdered
    if not drawn.email:
        raise EmailMissing
    if not drawn.address:
        raise AddressMissing


def _deadline(expires_at: datetime | None, at: datetime) -> datetime:
    if expires_at is None:
        return at + settings.DRAFT_ORDER_TTL
    if not at < expires_at <= at + _LONGEST:
        raise Malformed.field("expires_at", "Give a time within the next 90 days.")
    return expires_at


def _agreement(drawn: selectors.DraftQuote, actor: User, at: datetime, expires_at: datetime) -> Agreement:
    draft = drawn.draft
    return Agreement(
        market=draft.market,
        customer=draft.customer,
        email=drawn.email,
        buyer=drawn.buyer,
        shipping_address=drawn.address or {},
        billing_address=draft.billing_address,
        coupon=draft.coupon,
        vat_id=draft.vat_id,
        note=draft.note,
        placed_at=at,
        expires_at=expires_at,
        actor=actor,
        by=MovedBy.STAFF,
    )
