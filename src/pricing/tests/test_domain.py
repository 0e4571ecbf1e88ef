from __future__ import annotations

from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as some

from pricing.domain import price_lines
from products.domain import Offer


def make_offer(variant_id: UUID, *, price_minor: int = 1000) -> Offer:
    return Offer(
        variant_id=variant_id,
        product_id=uuid4(),
        sku="A",
        name="A",
        slug="a",
        options={},
        unit_price_minor=price_minor,
        compare_at_minor=None,
        currency="GBP",
        is_available=True,
        image_url=None,
    )


class TestPriceLines:
    @given(some.lists(some.tuples(some.integers(0, 10**9), some.integers(1, 999)), max_size=50))
    def test_s23_the_lines_add_up_to_the_total(self, lines: list[tuple[int, int]]) -> None:
        offers = {variant: make_offer(variant, price_minor=price) for price, _ in lines for variant in [uuid4()]}
        wanted = dict(zip(offers, (quantity for _, quantity in lines), strict=True))

        quote = price_lines(wanted=wanted, offers=offers, free={}, currency="GBP")

        assert quote.total_minor == sum(price * quantity for price, quantity in lines)
        assert quote.units == wanted

    def test_names_what_is_gone_and_what_is_short(self) -> None:
        gone, here = uuid4(), uuid4()

        quote = price_lines(wanted={gone: 1, here: 3}, offers={here: make_offer(here)}, free={here: 2}, currency="GBP")

        assert quote.gone == {gone: None}
        assert quote.lines[0].is_short
        assert quote.total_minor == 3000

    def test_an_agreed_price_stands_in_place_of_the_offers(self) -> None:
        variant = uuid4()

        quote = price_lines(
            wanted={variant: 2},
            offers={variant: make_offer(variant)},
            free={variant: 2},
            currency="GBP",
            agreed_minor={variant: 850},
        )

        assert quote.total_minor == 1700
