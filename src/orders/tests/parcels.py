"""Orders that are paid, and parcels of them, for tests."""

from __future__ import annotations

from uuid import UUID

from accounts.models import User
from accounts.tests.factories import make_user
from core.ids import new_id
from inventory import selectors as stock_reads
from inventory.models import Movement, Place, Stock
from inventory.tests.factories import NOON
from orders import selectors, services
from orders.domain import OrderStatus
from orders.models import Fulfilment, Order
from orders.tests.factories import make_order


def make_manager() -> User:
    """Return someone who moves orders."""
    return make_user(permissions=["orders.view_order", "orders.move_order"])


def make_paid_order(*wanted: tuple[Stock, int], customer: User | None = None) -> Order:
    """Return an order that was paid by hand; without lines named, of one unit."""
    order = make_order(*wanted, customer=customer)
    return services.move_order(order_id=order.pk, to=OrderStatus.PAID, actor=make_manager(), at=NOON)


def line_ids(order: Order) -> list[UUID]:
    """Return the ids of its lines, in their order."""
    return list(order.lines.order_by("position").values_list("pk", flat=True))


def fulfil(order: Order, items: dict[UUID, int] | None = None, *, actor: User | None = None, **how: str) -> Fulfilment:
    """Send a parcel with these units (line id -> units), or with all that is owed."""
    wish = services.FulfilmentWish(items=items, **how)
    return services.fulfil_order(order_id=order.pk, wish=wish, actor=actor or make_manager(), at=NOON)


def make_parcel(*wanted: tuple[Stock, int], customer: User | None = None) -> Fulfilment:
    """Return a parcel with one unit of the first line of an order that was paid."""
    order = make_paid_order(*wanted, customer=customer)
    return fulfil(order, {line_ids(order)[0]: 1}, carrier="Royal Mail", tracking_number="AB123456789GB")


def deliver(fulfilment: Fulfilment) -> Fulfilment:
    """Let a parcel arrive."""
    return services.deliver_fulfilment(fulfilment_id=fulfilment.pk, actor=make_manager(), at=NOON)


def status_of(order: Order) -> str:
    """Return where the order stands now."""
    return str(Order.objects.values_list("status", flat=True).get(pk=order.pk))


def make_barn(stock: Stock, *, on_hand: int) -> Stock:
    """Return stock of the same variant in another place."""
    barn = Place.objects.get_or_create(code="barn", defaults={"name": "Barn"})[0]
    row: Stock = Stock.objects.create(variant_id=stock.variant_id, place=barn, on_hand=on_hand)
    Movement.objects.create(stock=row, difference=on_hand, reason="received", at=NOON)
    return row


def split_line(order: Order, units: int) -> None:
    """Let the order's first line be two lines of the same variant, the second of that many units."""
    line = order.lines.get(position=1)
    for quantity, position in ((line.quantity - units, 1), (units, order.lines.count() + 1)):
        line.quantity, line.position, line.subtotal_minor = quantity, position, line.unit_price_minor * quantity
        line.save()
        line.pk = new_id()
        line._state.adding = True


def differences() -> list[str]:
    """Return what the books of orders and stock find."""
    return [
        *selectors.find_differences(events_since=NOON),
        *selectors.find_receipts_that_differ(),
        *stock_reads.find_differences(now=NOON),
    ]
