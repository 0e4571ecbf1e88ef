from __future__ import annotations

import random
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from markets.domain import TaxRounding
from pricing.domain import (
    NOT_DELIVERED,
    UNKNOWN_METHOD,
    CartFacts,
    Kind,
    LineFacts,
    MethodFacts,
    Priced,
    ShippingFacts,
    ShippingKind,
    Step,
    price_cart,
)
from pricing.domain.taxes import VOUCHER, RateFacts, TaxRules
from promotions.domain import Benefit, Per, Reason, Rule

STANDARD = RateFacts("VAT", 200_000)
REDUCED = RateFacts("VAT", 50_000)
POST = MethodFacts(code="post", name="Post", kind=ShippingKind.FLAT, steps=((0, 395),), free_from_minor=5000)
COURIER = MethodFacts(code="courier", name="Courier", kind=ShippingKind.WEIGHT, steps=((0, 700), (1000, 1200)))


def line(unit: int, quantity: int = 1, **more: Any) -> LineFacts:
    return LineFacts(
        variant_id=uuid4(),
        product_id=uuid4(),
        sku="SKU",
        quantity=quantity,
        base_minor=unit,
        **{"unit_minor": unit} | more,
    )


def percent(bp: int, name: str = "Sale", **more: Any) -> Rule:
    return Rule(id=uuid4(), name=name, benefit=Benefit.PERCENT, percent_bp=bp, **more)


def tax(*, is_included: bool, **more: Any) -> TaxRules:
    rates = {"standard": STANDARD, "reduced": REDUCED}
    given = {"country": "GB", "region": "", "rates": rates, "home_rates": rates} | more
    return TaxRules(is_included=is_included, **given)


def shipping(*methods: MethodFacts, chosen: str = "") -> ShippingFacts:
    return ShippingFacts(is_offered=True, methods=methods, chosen=chosen)


def price(*lines: LineFacts, **more: Any) -> Priced:
    return price_cart(CartFacts(currency="GBP", lines=lines, **more))


def steps(priced: Priced, kind: Kind) -> list[Step]:
    return [step for step in priced.receipt if step.kind is kind]


class TestAgreedPrices:
    def test_are_left_alone_by_promotions_but_not_by_shipping_and_tax(self) -> None:
        agreed, other = line(1200, is_agreed=True), line(1000)

        priced = price(agreed, other, rules=(percent(1000),), shipping=shipping(POST), tax=tax(is_included=True))

        assert [each.discount_minor for each in priced.lines] == [0, 100]
        assert (priced.shipping_minor, priced.total_minor) == (395, 1200 + 900 + 395)
        assert priced.lines[0].contained_minor == 200

    def test_do_not_count_towards_what_a_promotion_asks_for(self) -> None:
        agreed, other = line(5000, 9, is_agreed=True), line(1000)
        spend, many = percent(1000, minimum_spend_minor=2000), percent(1000, minimum_quantity=2)

        priced = price(agreed, other, rules=(spend, many))

        reasons = [step.reason for step in steps(priced, Kind.PROMOTION)]
        assert reasons == [Reason.BELOW_MINIMUM_SPEND.value, Reason.BELOW_MINIMUM_QUANTITY.value]
        assert priced.discount_minor == 0

    def test_of_all_lines_leave_nothing_that_matches(self) -> None:
        agreed = line(5000, is_agreed=True)
        named = percent(1000, variants=frozenset({agreed.variant_id}))

        priced = price(agreed, rules=(percent(1000), named))

        assert {step.reason for step in steps(priced, Kind.PROMOTION)} == {Reason.NOTHING_MATCHES.value}

    def test_are_sent_free_where_the_shop_bears_it(self) -> None:
        free = ShippingFacts(is_offered=True, methods=(POST,), is_free=True)

        priced = price(line(1000), shipping=free)

        assert (priced.shipping_minor, priced.method) == (0, POST)


class TestUnitPrices:
    def test_stand_in_the_receipt_by_where_they_come_from(self) -> None:
        priced = price(line(1000, 2), line(900, list_name="Trade"), line(500, is_agreed=True), line(100))

        found = [(step.kind, step.rule, step.amount_minor, step.lines) for step in priced.receipt[:3]]

        assert found == [
            (Kind.BASE_PRICE, "", 2100, {0: 2000, 3: 100}),
            (Kind.PRICE_LIST, "Trade", 900, {1: 900}),
            (Kind.AGREED_PRICE, "", 500, {2: 500}),
        ]
        assert priced.subtotal_minor == priced.total_minor == 3500

    def test_of_nothing_the_total_is_nothing(self) -> None:
        assert price().total_minor == 0


class TestPromotions:
    def test_work_on_what_the_ones_before_left(self) -> None:
        priced = price(line(1000), rules=(percent(5000, "Half"), percent(1000, "Tenth")))

        assert priced.discount_minor == 550
        assert [(use.rule.name, use.amount_minor) for use in priced.uses] == [("Half", 500), ("Tenth", 50)]
        assert [step.amount_minor for step in steps(priced, Kind.PROMOTION)] == [-500, -50]

    def test_say_why_they_do_not_apply(self) -> None:
        priced = price(line(1000), rules=(percent(1000, minimum_spend_minor=1001),))

        [step] = steps(priced, Kind.PROMOTION)
        assert (step.reason, step.amount_minor) == (Reason.BELOW_MINIMUM_SPEND.value, 0)
        assert priced.uses == ()

    def test_an_exclusive_one_lets_none_in_behind_it(self) -> None:
        priced = price(line(1000), rules=(percent(1000, is_exclusive=True), percent(5000, code="SPRING")))

        assert priced.discount_minor == 100
        [coupon] = steps(priced, Kind.COUPON)
        assert coupon.reason == Reason.EXCLUDED.value

    def test_an_exclusive_one_stays_out_behind_others(self) -> None:
        priced = price(line(1000), rules=(percent(1000), percent(5000, is_exclusive=True), percent(1000)))

        assert priced.discount_minor == 190
        assert [step.reason for step in steps(priced, Kind.PROMOTION)] == ["", Reason.EXCLUDED.value, ""]

    def test_an_unknown_code_stays_unknown_behind_an_exclusive_one(self) -> None:
        unknown = percent(0, code="NOPE", refusal=Reason.UNKNOWN_CODE)

        priced = price(line(1000), rules=(percent(1000, is_exclusive=True), unknown))

        [coupon] = steps(priced, Kind.COUPON)
        assert coupon.reason == Reason.UNKNOWN_CODE.value


class TestShipping:
    def test_the_cheapest_is_taken_where_none_was_chosen(self) -> None:
        priced = price(line(1000), shipping=shipping(COURIER, POST))

        assert (priced.method, priced.shipping_minor) == (POST, 395)
        assert [method.code for method, _ in priced.offers] == ["post", "courier"]

    def test_the_chosen_one_is_weighed(self) -> None:
        lines = (line(1000, 2, weight_grams=500), line(900, weight_grams=9000, needs_shipping=False))

        priced = price(*lines, shipping=shipping(POST, COURIER, chosen="courier"))

        assert (priced.method, priced.shipping_minor) == (COURIER, 1200)

    def test_it_is_free_from_what_is_left_after_promotions(self) -> None:
        whole = price(line(5000), shipping=shipping(POST))
        reduced = price(line(5000), shipping=shipping(POST), rules=(percent(1),))

        assert (whole.shipping_minor, reduced.shipping_minor) == (0, 395)

    def test_a_promotion_frees_it(self) -> None:
        free = Rule(id=uuid4(), name="Free", benefit=Benefit.FREE_SHIPPING)

        priced = price(line(1000), shipping=shipping(POST), rules=(free,))

        assert (priced.shipping_minor, priced.method) == (0, POST)
        assert [use.rule for use in priced.uses] == [free]

    def test_digital_goods_need_none(self) -> None:
        priced = price(line(1000, needs_shipping=False), shipping=shipping(POST))

        assert (priced.shipping_minor, priced.method, priced.refusal) == (0, None, "")

    @pytest.mark.parametrize(
        ("offered", "refusal"),
        [(shipping(POST, chosen="balloon"), UNKNOWN_METHOD), (shipping(), NOT_DELIVERED), (ShippingFacts(), "")],
    )
    def test_says_why_it_cannot_be_sent(self, offered: ShippingFacts, refusal: str) -> None:
        priced = price(line(1000), shipping=offered)

        assert (priced.refusal, priced.shipping_minor, priced.method) == (refusal, 0, None)


class TestTax:
    def test_inside_the_prices_changes_no_total(self) -> None:
        priced = price(line(1200), line(1050, tax_class="reduced"), tax=tax(is_included=True))

        assert (priced.total_minor, priced.tax_minor, priced.contained_minor) == (2250, 0, 250)
        assert [each.contained_minor for each in priced.lines] == [200, 50]
        assert [(each.taxed_minor, each.contained_minor) for each in priced.taxes] == [(1000, 200), (1000, 50)]

    def test_on_top_is_part_of_the_total(self) -> None:
        priced = price(line(1000), line(1000, tax_class="reduced"), tax=tax(is_included=False), rules=(percent(1000),))

        assert (priced.tax_minor, priced.total_minor) == (180 + 45, 1800 + 225)
        assert [each.tax_minor for each in priced.lines] == [180, 45]

    def test_shipping_bears_its_own(self) -> None:
        priced = price(line(1000), tax=tax(is_included=False), shipping=shipping(POST))

        assert priced.tax_minor == 200 + 79
        assert priced.lines[0].tax_minor == 200
        assert [(each.taxed_minor, each.tax_minor) for each in priced.taxes] == [(1395, 279)]

    def test_is_rounded_on_each_line_or_once(self) -> None:
        lines = tuple(line(1) for _ in range(3))

        each = price(*lines, tax=tax(is_included=False, rates={"standard": RateFacts("VAT", 500_000)}))
        once = price(
            *lines,
            tax=tax(is_included=False, rates={"standard": RateFacts("VAT", 500_000)}, rounding=TaxRounding.TOTAL),
        )

        assert (each.tax_minor, once.tax_minor) == (3, 2)
        assert sum(part.tax_minor for part in once.lines) == 2

    def test_a_reverse_charge_takes_out_what_the_prices_contain(self) -> None:
        priced = price(line(1200), tax=tax(is_included=True, is_reversed=True))

        assert (priced.subtotal_minor, priced.tax_minor, priced.total_minor) == (1200, -200, 1000)
        assert [step.rule for step in steps(priced, Kind.TAX)] == ["reverse_charge"]

    def test_a_reverse_charge_puts_nothing_on_top(self) -> None:
        priced = price(line(1000), tax=tax(is_included=False, is_reversed=True))

        assert (priced.tax_minor, priced.total_minor) == (0, 1000)

    def test_elsewhere_without_rates_the_price_stays(self) -> None:
        priced = price(line(1200), tax=tax(is_included=True, rates={}))

        assert (priced.total_minor, priced.contained_minor) == (1200, 0)


def random_facts(chance: random.Random) -> CartFacts:
    """Return a cart of anything, in any currency, under rules of all kinds."""
    categories = [UUID(int=n) for n in range(4)]
    lines = tuple(
        line(
            chance.choice([0, 1, 99, chance.randrange(1, 10**7)]),
            chance.randrange(1, 30),
            category_ids=frozenset(chance.sample(categories, 2)),
            tax_class=chance.choice(["standard", "reduced", "exempt"]),
            weight_grams=chance.randrange(5000),
            needs_shipping=chance.random() < 0.8,
        )
        for _ in range(chance.randrange(1, 12))
    )
    rules = tuple(
        Rule(
            id=uuid4(),
            name=f"Rule {number}",
            benefit=chance.choice(list(Benefit)),
            code=chance.choice(["", "CODE"]),
            percent_bp=chance.randrange(10_001),
            amount_minor=chance.randrange(5000),
            per=chance.choice(list(Per)),
            buy=chance.randrange(1, 4),
            get=chance.randrange(1, 3),
            tiers=((2, 500), (10, 2500)),
            categories=frozenset(chance.sample(categories, chance.randrange(3))),
            minimum_spend_minor=chance.choice([0, 10_000]),
            is_exclusive=chance.random() < 0.1,
            refusal=chance.choice([None, None, None, Reason.USED_UP]),
        )
        for number in range(chance.randrange(6))
    )
    return CartFacts(
        currency=chance.choice(["GBP", "JPY", "KWD", "EUR"]),
        lines=lines,
        rules=rules,
        shipping=ShippingFacts(is_offered=chance.random() < 0.8, methods=(POST, COURIER)),
        tax=chance.choice(
            [
                None,
                *(
                    tax(is_included=included, rounding=rounding, is_reversed=reversed_)
                    for included in (True, False)
                    for rounding in TaxRounding
                    for reversed_ in (True, False)
                ),
            ]
        ),
    )


def test_s23_parts_of_ten_thousand_random_carts_add_up_to_their_totals() -> None:
    chance = random.Random(20261121)

    for _ in range(10_000):
        facts = random_facts(chance)
        priced = price_cart(facts)

        whole = sum(each.total_minor for each in facts.lines)
        assert priced.total_minor == whole - priced.discount_minor + priced.shipping_minor + priced.tax_minor
        assert priced.total_minor == sum(step.amount_minor for step in priced.receipt)
        assert priced.discount_minor == sum(each.discount_minor for each in priced.lines)
        assert (
            priced.tax_minor == sum(each.tax_minor for each in priced.taxes)
            or facts.tax is None
            or (facts.tax.is_reversed)
        )
        assert priced.contained_minor == sum(step.contained_minor for step in priced.receipt)
        assert priced.total_minor >= 0
        assert all(
            0 <= each.discount_minor <= of.total_minor for each, of in zip(priced.lines, facts.lines, strict=True)
        )


def test_facts_that_were_kept_give_the_same_price_and_the_same_receipt() -> None:
    chance = random.Random(1)

    for _ in range(300):
        facts = random_facts(chance)
        kept = msgspec.json.decode(msgspec.json.encode(facts), type=CartFacts)

        assert kept == facts
        assert price_cart(kept) == price_cart(facts)


class TestPriceCartWithGiftCards:
    def test_takes_no_promotion_off_a_gift_card(self) -> None:
        priced = price(line(5000, is_gift_card=True), line(1000), rules=(percent(1000),))

        assert [each.discount_minor for each in priced.lines] == [0, 100]

    def test_counts_no_gift_card_towards_a_minimum_spend(self) -> None:
        rule = percent(1000, minimum_spend_minor=2000)

        priced = price(line(5000, is_gift_card=True), line(1000), rules=(rule,))

        assert priced.discount_minor == 0
        assert [step.reason for step in priced.receipt if step.rule == rule.name] == [Reason.BELOW_MINIMUM_SPEND.value]

    def test_counts_no_gift_card_towards_free_shipping(self) -> None:
        card = line(9000, is_gift_card=True, needs_shipping=False)

        priced = price(card, line(1000), shipping=shipping(POST))

        assert priced.shipping_minor == 395

    @pytest.mark.parametrize("is_included", [True, False])
    def test_takes_no_tax_on_a_gift_card_and_says_so(self, is_included: bool) -> None:
        rates = {"standard": STANDARD, "exempt": STANDARD, VOUCHER: STANDARD}
        card = line(5000, is_gift_card=True, tax_class=VOUCHER)

        priced = price(card, line(1000), tax=tax(is_included=is_included, rates=rates))

        of_card, of_goods = priced.lines
        assert (of_card.tax_minor, of_card.contained_minor, of_card.rate.ppm) == (0, 0, 0)
        assert of_goods.rate == STANDARD
        [step] = [step for step in priced.receipt if step.reason == VOUCHER]
        assert (step.kind, step.rule) == (Kind.TAX, "Multi-purpose voucher 0 %")

    def test_takes_no_tax_out_of_a_gift_card_where_the_buyer_owes_it(self) -> None:
        card = line(5000, is_gift_card=True, tax_class=VOUCHER)

        priced = price(card, line(1200), tax=tax(is_included=True, is_reversed=True))

        assert [each.tax_minor for each in priced.lines] == [0, -200]
