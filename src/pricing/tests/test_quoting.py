from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from pricing.domain import CartFacts, Quote, compose_quote, line_facts, price_cart
from products.domain import Label, ListedPrice, Offer


def make_offer(**more: Any) -> Offer:
    given: dict[str, Any] = {
        "variant_id": uuid4(),
        "product_id": uuid4(),
        "sku": "A",
        "name": "A",
        "slug": "a",
        "options": {},
        "unit_price_minor": 1000,
        "base_price_minor": 1000,
        "compare_at_minor": None,
        "currency": "GBP",
        "is_available": True,
        "image_url": None,
    }
    return Offer(**given | more)


def quote_of(
    *wanted: tuple[Offer, int], gone: dict[UUID, int] | None = None, labels: dict[UUID, Label] | None = None
) -> Quote:
    facts = CartFacts(currency="GBP", lines=tuple(line_facts(offer, quantity, None) for offer, quantity in wanted))
    return compose_quote(
        wanted={offer.variant_id: quantity for offer, quantity in wanted} | (gone or {}),
        offers={offer.variant_id: offer for offer, _ in wanted},
        free={offer.variant_id: 2 for offer, _ in wanted},
        labels=labels or {},
        facts=facts,
        priced=price_cart(facts),
    )


class TestLineFacts:
    def test_more_units_have_the_price_of_their_tier(self) -> None:
        trade = ListedPrice(list_id=uuid4(), name="Trade", min_quantity=10, amount_minor=800)
        offer = make_offer(listed=(trade,))

        few, many = line_facts(offer, 9, None), line_facts(offer, 10, None)

        assert (few.unit_minor, few.list_name) == (1000, "")
        assert (many.unit_minor, many.base_minor, many.list_name) == (800, 1000, "Trade")

    def test_an_agreed_price_stands_in_place_of_all_others(self) -> None:
        trade = ListedPrice(list_id=uuid4(), name="Trade", min_quantity=1, amount_minor=800)

        found = line_facts(make_offer(listed=(trade,)), 2, 850)

        assert (found.unit_minor, found.list_name, found.is_agreed) == (850, "", True)


class TestComposeQuote:
    def test_names_what_is_gone_and_what_is_short(self) -> None:
        here, gone, unheard_of = make_offer(), uuid4(), uuid4()
        label = Label(uuid4(), "OLD", "Old mug")

        quote = quote_of((here, 3), gone={gone: 1, unheard_of: 1}, labels={gone: label})

        assert quote.gone == {gone: label, unheard_of: None}
        assert quote.lines[0].is_short
        assert quote.units == {here.variant_id: 3}
        assert quote.total_minor == quote.subtotal_minor == 3000

    def test_keeps_the_order_of_what_is_wanted(self) -> None:
        offers = [make_offer(sku=sku) for sku in "CAB"]

        quote = quote_of(*((offer, 1) for offer in offers))

        assert [line.offer.sku for line in quote.lines] == ["C", "A", "B"]
