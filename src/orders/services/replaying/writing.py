"""Doing what a plan says, one transaction per order and one for the rest of the invoice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pycountry

from accounts.domain import AddressData
from carts import services as carts
from carts.domain import Holder
from core.sql import sent_ahead
from core.transactions import command
from inventory import services as inventory
from inventory.domain import Reason
from orders.domain import OrderStatus
from orders.services.moving import move_through
from orders.services.placing import PlaceOrder, turn_into_order
from orders.services.replaying.planning import Part, Plan
from orders.services.replaying.reading import Invoice
from orders.services.returning import take_back
from payments import services as payments
from payments.domain import ADJUSTMENTS, CASH

if TYPE_CHECKING:
    from accounts.models import User
    from markets.models import Market

REFERENCE = "invoice {}"
# The reserved domain (RFC 2606) keeps mail from ever being sent to them.
EMAIL = "{}@online-retail.invalid"
SHIPPED_AFTER = timedelta(days=1)
DELIVERED_AFTER = timedelta(days=3)
# What ISO 3166 calls otherwise. Where the file names no country the goods left from home.
_COUNTRIES = {"EIRE": "IE", "Channel Islands": "JE", "USA": "US", "Unspecified": "GB", "European Community": "GB"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """Where the invoices are replayed: the market, and SKU -> variant."""

    market: Market
    variants: Mapping[str, UUID]


@command
def place_part(*, invoice: Invoice, part: Part, number: str, buyer: User | None, shop: Shop) -> None:
    """Fill a cart, order from it at the invoice's prices, and take the order through to the delivery.

    :param number: the order's number elsewhere; once there, a second one of it is refused by the database
    """
    with sent_ahead():
        cart = carts.fill_cart(
            holder=Holder(user_id=buyer.pk if buyer else None),
            units={shop.variants[sku]: units for sku, units in part.units.items()},
            market=shop.market,
            at=invoice.at,
        )
        wish = PlaceOrder(
            email=None if buyer else EMAIL.format(f"guest-{invoice.number}".lower()),
            shipping_address=address_of(invoice),
            agreed_minor={shop.variants[sku]: price for sku, price in part.prices_minor.items()},
            external_number=number,
        )
        order = turn_into_order(customer=buyer, cart_token=cart.token, wish=wish, placed_at=invoice.at)
        moves = {
            OrderStatus.PAID: invoice.at,
            OrderStatus.SHIPPED: invoice.at + SHIPPED_AFTER,
            OrderStatus.DELIVERED: invoice.at + DELIVERED_AFTER,
        }
        move_through(order=order, moves=moves, reason="Replayed from an invoice.")


@command
def settle(*, invoice: Invoice, plan: Plan, shop: Shop) -> None:
    """Take back what came back, correct the stock, and book what is no product."""
    reference = REFERENCE.format(invoice.number)
    if plan.returned:
        take_back(
            reference=reference,
            units={shop.variants[sku]: units for sku, units in plan.returned.items()},
            amount_minor=plan.returned_minor,
            currency=shop.market.currency,
            at=invoice.at,
        )
    if plan.corrected:
        corrected = {shop.variants[sku]: units for sku, units in plan.corrected.items()}
        inventory.receive_stock(
            units=corrected, reason=Reason.ADJUSTED, reference=reference, actor_id=None, at=invoice.at
        )
    payments.post_entry(
        kind="adjustment",
        reference=reference,
        currency=shop.market.currency,
        amounts={CASH: plan.adjusted_minor, ADJUSTMENTS: -plan.adjusted_minor},
        at=invoice.at,
    )


@command
def open_stock(*, units: Mapping[UUID, int], reference: str, at: datetime) -> None:
    """Receive what the shop must have held before the first invoice."""
    inventory.receive_stock(units=units, reference=reference, actor_id=None, at=at)


def address_of(invoice: Invoice) -> AddressData:
    """Return all that the file tells of where the goods went: the country."""
    return AddressData(
        name=f"Customer {invoice.customer}" if invoice.customer else "Guest",
        line1="Not in the file",
        city="Not in the file",
        country=country_code(invoice.country),
    )


def country_code(name: str) -> str:
    """Return the ISO 3166-1 alpha-2 code of a country by its name; GB for what is none."""
    if name in _COUNTRIES:
        return _COUNTRIES[name]
    try:
        return str(pycountry.countries.lookup(name).alpha_2)
    except LookupError:
        return "GB"
