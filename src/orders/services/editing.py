"""Staff change an order that is not paid yet. Its price, promotions, stock and payment follow, or nothing happens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypedDict
from uuid import UUID

from carts.domain import Terms
from core import outbox
from core.errors import PreconditionFailed
from core.models import remember_related
from core.sql import insert_together
from core.transactions import command, step
from inventory import services as inventory
from orders import selectors
from orders.domain import OrderStatus
from orders.errors import EditRefused, GiftCardForGiftCard, NothingOrdered, OrderNotFound
from orders.events import OrderEdited
from orders.models import Order, OrderEdit, OrderLine, OrderReceipt
from orders.services.choosing import Chosen, ItemWish, choose_items
from orders.services.writing import lines_of, receipt_of, refuse_other_than_agreed, sums_of, uses_of
from payments import services as payments
from payments.errors import PaymentInProgress
from promotions import selectors as promotion_reads
from promotions import services as promotions

if TYPE_CHECKING:
    from accounts.domain import AddressData
    from accounts.models import User
    from core.money import Money
    from payments.models import Payment

_PRICED = ("items", "shipping_address", "shipping_method", "coupon", "vat_id")
_PLAIN = ("email", "note", "coupon", "vat_id")


class OrderChanges(TypedDict, total=False):
    """What is said of an order; what is left out stays. ``items`` are all of them."""

    items: Sequence[ItemWish]
    email: str
    shipping_address: AddressData
    billing_address: AddressData | None
    shipping_method: str
    coupon: str
    vat_id: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EditOrder:
    """A change, why, and what whoever asks for it has seen: versions of the order, the total that it makes."""

    changes: OrderChanges
    reason: str = ""
    versions: tuple[str, ...] | None = None
    expected_total: Money | None = None
    request_key: str = ""


def edit_order(*, order_id: UUID, wish: EditOrder, actor: User, at: datetime) -> Order:
    """Change a pending order. Who was about to pay the old total at a provider's page is called off first.

    What it has already keeps its unit price; what is new costs what it costs now, or what was agreed. Promotions are
    given back and tried anew, stock follows by the difference, the payment by the total: of what was paid in part, what
    is too much goes back. Its buyer is told. Repeated with the same ``request_key`` nothing happens again.

    :raises OrderNotFound: there is none
    :raises EditRefused: it waits for no payment (409)
    :raises PreconditionFailed: it is in another version (412)
    :raises PaymentInProgress: a provider was asked for the old total and has not answered (409)
    :raises ProviderDown: an attempt could not be called off (503)
    :raises NothingOrdered: no item is left; cancel it instead (422)
    :raises GiftCardForGiftCard: a gift card paid a part of it, and it would be for one (409)
    :raises ItemsUnknown, Malformed: see ``choose_items``
    :raises PromotionUsedUp, FirstOrderOnly: somebody else was faster (409)
    :raises OutOfStock, TotalChanged: and what ``refuse_other_than_agreed`` raises; nothing was changed
    """
    try:
        return _edit(order_id=order_id, wish=wish, actor=actor, at=at)
    except _InTheWay as attempt:
        payments.call_off(attempt_id=attempt.pk, at=at)
    try:
        return _edit(order_id=order_id, wish=wish, actor=actor, at=at)
    except _InTheWay as another:
        raise PaymentInProgress from another


class _InTheWay(Exception):
    """A shopper is at a provider's page with the old total."""

    def __init__(self, pk: UUID) -> None:
        super().__init__(pk)
        self.pk = pk


@command
def _edit(*, order_id: UUID, wish: EditOrder, actor: User, at: datetime) -> Order:
    """Locks the payment, the order, the balances that it is paid from, promotions, stock, products."""
    order = _find(order_id)
    payment = payments.hold_payment(order_id=order_id, amount_minor=order.total_minor, currency=order.currency)
    order = Order.objects.select_related("market", "customer").filter(pk=order_id).locked().get()
    if wish.request_key and OrderEdit.objects.filter(order=order, request_key=wish.request_key).exists():
        return order
    if order.status != OrderStatus.PENDING.value:
        raise EditRefused(order_status=order.status)
    if wish.versions is not None and order.version not in wish.versions:
        raise PreconditionFailed
    before = _Before.of(order)
    _take_over(order, wish.changes)
    is_priced_anew = _is_priced_anew(before, wish)
    if is_priced_anew:
        _price(order, before, wish, payment, at)
    changes = before.changes_of(order)
    if changes or is_priced_anew:
        # The same total may be made up in another way, which is no change for anybody but the books.
        order.save()
    if not changes:
        return order
    edit = _note(order, before, changes, wish, actor, at)
    outbox.publish(OrderEdited(order_id=order.pk, edit_id=edit.pk), at=at)
    if order.total_minor != payment.amount_minor:
        payments.change_amount(payment=payment, amount_minor=order.total_minor, at=at)
        # What was paid already may be all of it now.
        order.refresh_from_db(fields=["status", "expires_at", "updated_at"])
    return order


def _find(order_id: UUID) -> Order:
    order: Order | None = Order.objects.filter(pk=order_id).first()
    if order is None:
        raise OrderNotFound
    return order


@dataclass(frozen=True, slots=True, kw_only=True)
class _Before:
    """An order as it was."""

    lines: Mapping[UUID, OrderLine]
    columns: Mapping[str, Any]
    buyer: str

    @classmethod
    def of(cls, order: Order) -> _Before:
        names = (*_PLAIN, "shipping_address", "billing_address", "shipping_method", "total_minor")
        return cls(
            lines={line.variant_id: line for line in order.lines.order_by("position")},
            columns={name: getattr(order, name) for name in names},
            buyer=_buyer_of(order),
        )

    @property
    def units(self) -> dict[UUID, int]:
        return {variant: line.quantity for variant, line in self.lines.items()}

    def changes_of(self, order: Order) -> list[dict[str, Any]]:
        """Return what is different now: units by line, and the names of columns."""
        after = {line.variant_id: line for line in order.lines.all()}
        found: list[dict[str, Any]] = []
        for variant, line in {**self.lines, **after}.items():
            was = self.lines[variant].quantity if variant in self.lines else 0
            units = after[variant].quantity if variant in after else 0
            if was != units or (was and self.lines[variant].unit_price_minor != line.unit_price_minor):
                found.append({"sku": line.sku, "name": line.name, "before": was, "after": units})
        columns = [name for name, was in self.columns.items() if getattr(order, name) != was]
        return found + [{"what": name.removesuffix("_minor")} for name in columns]


def _buyer_of(order: Order) -> str:
    return promotion_reads.buyer_key(customer_id=order.customer_id, email=order.email)


def _take_over(order: Order, changes: OrderChanges) -> None:
    """Write onto the order, not yet into the database, what costs nothing by itself."""
    for name in _PLAIN:
        if name in changes:
            setattr(order, name, changes[name])  # type: ignore[literal-required]
    if "shipping_address" in changes:
        order.shipping_address = changes["shipping_address"].as_dict()
    if "billing_address" in changes:
        address = changes["billing_address"]
        order.billing_address = None if address is None else address.as_dict()


def _is_priced_anew(before: _Before, wish: EditOrder) -> bool:
    changes = wish.changes
    is_anothers = "email" in changes and changes["email"] != before.columns["email"]
    return is_anothers or wish.expected_total is not None or any(name in changes for name in _PRICED)


def _price(order: Order, before: _Before, wish: EditOrder, payment: Payment, at: datetime) -> None:
    """Write lines, sums, promotions and stock of the order as it is now wanted."""
    chosen = _chosen(order, before, wish.changes)
    drawn = selectors.quote_edit(
        order=order,
        wanted={item.variant_id: item.quantity for item in chosen},
        agreed_minor={item.variant_id: item.unit_price_minor for item in chosen if item.unit_price_minor is not None},
        terms=_terms(order, wish.changes),
        at=at,
    )
    quote = drawn.quote
    refuse_other_than_agreed(quote=quote, terms=drawn.terms, expected=wish.expected_total, held=before.units)
    if any(line.offer.is_gift_card for line in quote.lines) and payments.is_paid_by_gift_card(payment=payment):
        raise GiftCardForGiftCard
    _make_way(payment, quote.total_minor)
    uses = uses_of(quote=quote)
    promotions.lock_uses(order_ids=[order.pk], buyers={before.buyer, drawn.buyer}, uses=uses)
    promotions.return_uses(order_id=order.pk, at=at)
    promotions.count_order(buyer=before.buyer, difference=-1)
    promotions.use_promotions(uses=uses, order_id=order.pk, buyer=drawn.buyer, at=at)
    promotions.count_order(buyer=drawn.buyer, difference=1)
    inventory.rebook_stock(reference=order.pk, wanted=quote.units, expires_at=order.expires_at or at)
    lines = lines_of(order=order, quote=quote, ids={variant: line.pk for variant, line in before.lines.items()})
    revision = 1 + OrderReceipt.objects.filter(order=order).count()
    OrderLine.objects.filter(order=order).delete()
    insert_together(lines, [receipt_of(order=order, quote=quote, revision=revision)])
    for name, value in sums_of(quote=quote).items():
        setattr(order, name, value)
    remember_related(order, lines=lines)


def _chosen(order: Order, before: _Before, changes: OrderChanges) -> list[Chosen]:
    if "items" not in changes:
        return [
            Chosen(variant_id=variant, quantity=line.quantity, unit_price_minor=None)
            for variant, line in before.lines.items()
        ]
    if not changes["items"]:
        raise NothingOrdered
    return choose_items(items=changes["items"], currency=order.currency)


def _terms(order: Order, changes: OrderChanges) -> Terms:
    address = order.shipping_address or {}
    return Terms(
        coupon=order.coupon,
        shipping_method=changes.get("shipping_method", order.shipping_method),
        country=address.get("country", ""),
        region=address.get("region", ""),
        postal_code=address.get("postal_code", ""),
        vat_id=order.vat_id,
    )


def _make_way(payment: Payment, total_minor: int) -> None:
    """See to it that the payment can follow the total, before anything is locked that comes after its balances.

    :raises _InTheWay: once an attempt was called off
    """
    if payment.amount_minor == total_minor:
        return
    attempt_id = payments.find_in_the_way(payment=payment)
    if attempt_id is not None:
        raise _InTheWay(attempt_id)
    payments.lock_balances(payment=payment)


@step
def _note(
    order: Order, before: _Before, changes: list[dict[str, Any]], wish: EditOrder, actor: User, at: datetime
) -> OrderEdit:
    edit: OrderEdit = OrderEdit.objects.create(
        order=order,
        at=at,
        actor=actor,
        reason=wish.reason,
        total_before_minor=before.columns["total_minor"],
        total_after_minor=order.total_minor,
        changes=changes,
        request_key=wish.request_key,
    )
    return edit
