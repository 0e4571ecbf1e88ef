from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from accounts.tests.factories import make_user
from carts import selectors, services
from carts.domain import CartView, Holder, Terms
from carts.errors import CouponRefused, ShippingMethodRefused, VatIdRefused
from carts.models import Cart
from carts.tests.factories import make_cart, make_guest_cart, owner_of
from inventory.tests.factories import NOON, make_stock
from markets.tests.factories import make_market
from pricing.domain import NOT_DELIVERED
from pricing.tests.rules import make_method, make_rate, tell_of_rules
from promotions.tests.factories import make_coupon, make_promotion


def wish(cart: Cart, **changes: str) -> CartView:
    return services.set_terms(holder=Holder(user_id=owner_of(cart).pk), changes=changes, market=make_market(), at=NOON)


def totals(view: CartView) -> tuple[int, int, int, int]:
    quote = view.quote
    return quote.discount_minor, quote.shipping_minor, quote.tax_minor, quote.total_minor


@pytest.mark.django_db
class TestSetTerms:
    def test_a_coupon_takes_off_what_it_says_and_stays(self) -> None:
        make_coupon("SPRING", promotion=make_promotion(needs_code=True, percent_bp=2500))
        cart = make_cart((make_stock(on_hand=5, price_minor=1000), 2))

        view = wish(cart, coupon="spring")

        assert totals(view) == (500, 0, 0, 1500)
        later = selectors.view_cart(holder=Holder(user_id=cart.owner_id), market=make_market(), at=NOON)
        assert totals(later) == (500, 0, 0, 1500)
        assert later.terms.coupon == "spring"

    def test_is_a_change_at_the_time_of_the_wish(self) -> None:
        cart = make_cart((make_stock(), 1))

        wish(cart, country="FR")

        cart.refresh_from_db()
        assert (cart.used_at, cart.updated_at, cart.country) == (NOON, NOON, "FR")

    def test_an_unknown_coupon_is_refused_and_not_kept(self) -> None:
        cart = make_cart((make_stock(), 1))

        with pytest.raises(CouponRefused) as refusal:
            wish(cart, coupon="NOPE")

        cart.refresh_from_db()
        assert refusal.value.facts == {"coupon": "NOPE", "reason": "unknown_code"}
        assert cart.coupon == ""

    def test_a_coupon_that_does_not_apply_yet_is_kept_with_a_warning(self) -> None:
        make_coupon("TEN", promotion=make_promotion(needs_code=True, minimum_quantity=10))
        cart = make_cart((make_stock(), 1))

        view = wish(cart, coupon="TEN")

        assert [(w.code, w.variant_id) for w in view.warnings] == [("coupon_not_applied", None)]
        assert view.quote.discount_minor == 0
        cart.refresh_from_db()
        assert cart.coupon == "TEN"

    def test_an_empty_coupon_takes_it_back(self) -> None:
        make_coupon("SPRING")
        cart = make_cart((make_stock(price_minor=1000), 1))
        wish(cart, coupon="SPRING")

        assert totals(wish(cart, coupon="")) == (0, 0, 0, 1000)

    def test_where_it_goes_decides_shipping_and_tax(self) -> None:
        make_method("GB", amount_minor=395)
        make_method("DE", code="paket", amount_minor=900)
        make_rate("GB")
        make_rate("DE", 190_000)
        cart = make_cart((make_stock(price_minor=1000), 1))

        at_home, abroad = wish(cart, country="GB"), wish(cart, country="DE")

        assert totals(at_home) == (0, 395, 0, 1395)
        assert at_home.quote.priced.contained_minor == 167 + 66
        assert totals(abroad) == (0, 900, 0, 1900)
        assert abroad.quote.priced.contained_minor == 160 + 144

    def test_before_it_is_known_the_market_is_at_home(self) -> None:
        make_method("GB", amount_minor=395)
        cart = make_cart((make_stock(price_minor=1000), 1))

        view = selectors.view_cart(holder=Holder(user_id=cart.owner_id), market=make_market(), at=NOON)

        assert totals(view) == (0, 395, 0, 1395)

    def test_a_method_is_chosen_among_those_that_go_there(self) -> None:
        make_method("GB")
        make_method("GB", code="courier", amount_minor=900)
        cart = make_cart((make_stock(price_minor=1000), 1))

        assert totals(wish(cart, shipping_method="courier")) == (0, 900, 0, 1900)
        with pytest.raises(ShippingMethodRefused):
            wish(cart, shipping_method="balloon")

        cart.refresh_from_db()
        assert cart.shipping_method == "courier"

    def test_warns_where_nothing_goes(self) -> None:
        make_method("GB")
        cart = make_cart((make_stock(), 1))

        assert [warning.code for warning in wish(cart, country="AQ").warnings] == [NOT_DELIVERED]

    def test_opens_a_cart_for_a_guest_who_has_none(self) -> None:
        make_coupon("SPRING")
        make_market()

        view = services.set_terms(holder=Holder(), changes={"coupon": "SPRING"}, market=make_market(), at=NOON)

        assert view.token is not None
        assert Cart.objects.get().coupon == "SPRING"

    def test_a_business_of_another_state_pays_no_tax(self) -> None:
        make_rate("DE", 190_000)
        make_rate("FR")
        market = make_market("de", countries=["DE"], currency="GBP")
        cart = make_cart((make_stock(price_minor=1190), 1))
        Cart.objects.filter(pk=cart.pk).update(market=market)

        view = wish(cart, country="FR", vat_id="FR 40 303 265 045")

        assert totals(view) == (0, 0, -190, 1000)

    @pytest.mark.parametrize("vat_id", ["FR40303265046", "DE1", "GB123"])
    def test_a_vat_id_that_is_none_is_refused_and_not_kept(self, vat_id: str) -> None:
        cart = make_cart((make_stock(), 1))

        with pytest.raises(VatIdRefused):
            wish(cart, vat_id=vat_id)

        cart.refresh_from_db()
        assert cart.vat_id == ""

    def test_what_is_personal_is_sealed_at_rest(self) -> None:
        cart = make_cart((make_stock(), 1))

        wish(cart, country="GB", postal_code="SW1Y 4JH", vat_id="GB999999973")

        with connection.cursor() as cursor:
            cursor.execute("SELECT postal_code, vat_id FROM carts_cart")
            [row] = cursor.fetchall()
        cart.refresh_from_db()
        assert (cart.postal_code, cart.vat_id) == ("SW1Y 4JH", "GB999999973")
        assert "SW1" not in row[0]
        assert "999999973" not in row[1]


@pytest.mark.django_db
class TestMergingTerms:
    def test_the_customers_cart_takes_what_it_lacks(self) -> None:
        make_coupon("SPRING")
        token = make_guest_cart((make_stock(), 1))
        guest = Holder(token=token)
        services.set_terms(holder=guest, changes={"coupon": "SPRING", "country": "FR"}, market=make_market(), at=NOON)
        mine = make_cart((make_stock(), 1))
        wish(mine, country="DE")

        services.merge_token(holder=Holder(user_id=mine.owner_id), token=token, market=make_market(), at=NOON)

        mine.refresh_from_db()
        assert mine.terms == Terms(coupon="SPRING", country="DE")


@pytest.mark.django_db
class TestQuoting:
    def test_a_rule_that_changes_changes_the_next_answer(self) -> None:
        cart = make_cart((make_stock(price_minor=1000), 1))
        holder = Holder(user_id=cart.owner_id)
        before = selectors.view_cart(holder=holder, market=make_market(), at=NOON)

        make_promotion(percent_bp=1000)
        tell_of_rules()

        after = selectors.view_cart(holder=holder, market=make_market(), at=NOON)
        assert (before.quote.total_minor, after.quote.total_minor) == (1000, 900)

    def test_rules_in_memory_cost_no_statement(self, django_assert_num_queries: Any) -> None:
        make_promotion()
        make_method("GB")
        make_rate("GB")
        cart = make_cart((make_stock(price_minor=1000), 1))
        holder = Holder(user_id=cart.owner_id)
        market = make_market()
        selectors.view_cart(holder=holder, market=market, at=NOON)

        with django_assert_num_queries(4):
            selectors.view_cart(holder=holder, market=market, at=NOON)

    def test_a_first_order_is_for_who_is_known_to_have_none(self) -> None:
        make_promotion(first_order_only=True)
        tell_of_rules()
        stock = make_stock(on_hand=5, price_minor=1000)
        guest = make_guest_cart((stock, 1))
        cart = make_cart((stock, 1), owner=make_user())

        of_guest = selectors.view_cart(holder=Holder(token=guest), market=make_market(), at=NOON)
        of_customer = selectors.view_cart(holder=Holder(user_id=cart.owner_id), market=make_market(), at=NOON)

        assert (of_guest.quote.discount_minor, of_customer.quote.discount_minor) == (0, 100)
