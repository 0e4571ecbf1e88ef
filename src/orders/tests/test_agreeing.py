"""What the shopper saw is what they pay, or they are shown the new total: whatever changes at that moment."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress

import pytest
from django.db import transaction

from carts import selectors as cart_reads
from carts.domain import Holder
from carts.models import Cart
from carts.tests.factories import make_cart
from core.money import Money
from core.tests.threads import at_once
from inventory.errors import OutOfStock
from inventory.models import Stock
from inventory.tests.factories import NOON, make_stock
from markets.services import rules_changed
from markets.tests.factories import make_market
from orders.errors import TotalChanged
from orders.models import Order
from orders.tests.books import books_agree
from orders.tests.factories import place
from pricing.models import ShippingRate, TaxRate
from pricing.tests.rules import make_method, make_rate
from products.models import Price
from promotions.models import Promotion
from promotions.tests.factories import make_promotion

PRICES = (1000, 1250)


def change_price(chance: random.Random, _: Stock) -> None:
    with transaction.atomic():
        Price.objects.update(amount_minor=chance.choice(PRICES))


def change_promotion(chance: random.Random, _: Stock) -> None:
    with transaction.atomic():
        Promotion.objects.update(percent_bp=chance.choice([0, 1000, 2500]))
        rules_changed()


def change_tax(chance: random.Random, _: Stock) -> None:
    with transaction.atomic():
        TaxRate.objects.update(rate_ppm=chance.choice([200_000, 50_000]))
        rules_changed()


def change_shipping(chance: random.Random, _: Stock) -> None:
    with transaction.atomic():
        ShippingRate.objects.update(amount_minor=chance.choice([0, 395]))
        rules_changed()


def buy_the_rest(_: random.Random, stock: Stock) -> None:
    with suppress(OutOfStock):
        place(make_cart((stock, 3)))


CHANGES: list[Callable[[random.Random, Stock], None]] = [
    change_price,
    change_promotion,
    change_tax,
    change_shipping,
    buy_the_rest,
]


def seen_total(cart: Cart) -> Money:
    view = cart_reads.view_cart(holder=Holder(user_id=cart.owner_id), market=make_market(), at=NOON)
    return Money(view.quote.total_minor, view.quote.currency)


def try_to_place(cart: Cart, agreed: Money) -> str:
    try:
        order = place(cart, expected_total=agreed)
    except TotalChanged as refusal:
        is_other = refusal.facts["quote"]["total"] != refusal.facts["expected_total"]
        return "changed" if is_other else "refused for nothing"
    except OutOfStock:
        return "sold out"
    assert Money(order.total_minor, order.currency) == agreed
    return "as agreed"


def run_round(chance: random.Random) -> str:
    """Let somebody change something while a shopper orders what they saw; return how it ended."""
    stock = make_stock(on_hand=3, price_minor=chance.choice(PRICES))
    cart = make_cart((stock, chance.randrange(1, 4)))
    agreed, change = seen_total(cart), chance.choice(CHANGES)
    when = chance.choice(["before", "meanwhile", "after"])
    if when == "before":
        change(chance, stock)
        return try_to_place(cart, agreed)
    if when == "after":
        ended = try_to_place(cart, agreed)
        change(chance, stock)
        return ended
    acts: list[Callable[[], str]] = [lambda: try_to_place(cart, agreed), lambda: str(change(chance, stock))]
    return at_once(lambda act: act(), acts)[0]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("rounds", [60, pytest.param(500, marks=pytest.mark.long)])
def test_r10_the_agreed_total_or_the_new_one(rounds: int) -> None:
    chance = random.Random(20261121)
    make_market(prices_include_tax=False)
    make_promotion()
    make_method("GB")
    make_rate("GB")

    outcomes = {run_round(chance) for _ in range(rounds)}

    assert outcomes == {"as agreed", "changed", "sold out"}
    assert Order.objects.exists()
    books_agree()
