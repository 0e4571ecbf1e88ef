from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.tests.factories import make_user
from carts import selectors, services
from carts.domain import CartView, Holder, Wish, digest_of
from carts.errors import CartItemNotFound, CartNotFound, NotForSale, TooMuch
from carts.models import Cart, CartItem
from carts.tests.factories import make_cart, make_guest_cart, owner_of
from core.tests.plans import STATISTICS, pile_up, visits
from core.tests.threads import at_once
from inventory import services as inventory
from inventory.errors import OutOfStock
from inventory.models import Stock
from inventory.tests.factories import NOON, make_stock
from markets.models import Market
from markets.tests.factories import make_market
from products.models import Price, Product
from products.tests.factories import make_product, make_variant


def add(stock_or_variant_id: Any, quantity: int = 1, *, holder: Holder | None = None) -> CartView:
    variant_id = getattr(stock_or_variant_id, "variant_id", stock_or_variant_id)
    return services.add_item(
        holder=holder or Holder(),
        wish=Wish(variant_id=variant_id, quantity=quantity),
        market=make_market(),
        at=NOON,
    )


def set_units(stock: Stock, units: int) -> None:
    inventory.adjust_stock(
        items=[inventory.Adjustment(variant=stock.variant_id, quantity=units)], reason="", actor_id=None, at=NOON
    )


@pytest.mark.django_db
class TestAddItem:
    def test_opens_a_cart_with_a_token_for_a_guest(self) -> None:
        stock = make_stock(on_hand=5, price_minor=1250)

        view = add(stock, 2)

        assert view.token is not None
        assert view.quote.total_minor == 2500
        assert Cart.objects.get().token_digest == digest_of(view.token)

    def test_adds_on_top_of_what_is_there(self) -> None:
        stock = make_stock(on_hand=5)
        token = make_guest_cart((stock, 2))

        view = add(stock, 3, holder=Holder(token=token))

        assert [(line.quantity, line.variant_id) for line in view.lines] == [(5, stock.variant_id)]
        assert CartItem.objects.get().quantity == 5

    def test_finds_a_variant_by_sku(self) -> None:
        stock = make_stock(sku="MUG-1")

        view = services.add_item(holder=Holder(), wish=Wish(sku="MUG-1", quantity=1), market=make_market(), at=NOON)

        assert view.lines[0].variant_id == stock.variant_id

    def test_refuses_more_than_is_free_and_leaves_no_cart_behind(self) -> None:
        stock = make_stock(on_hand=2)

        with pytest.raises(OutOfStock) as refusal:
            add(stock, 3)

        assert refusal.value.short == {stock.variant_id: 1}
        assert not Cart.objects.exists()

    def test_refuses_what_is_not_sold(self) -> None:
        unpriced = make_variant(price_minor=None)

        for variant_id in (unpriced.pk, uuid4()):
            with pytest.raises(NotForSale):
                add(variant_id)
        with pytest.raises(NotForSale):
            services.add_item(holder=Holder(), wish=Wish(sku="NO", quantity=1), market=make_market(), at=NOON)

    def test_refuses_more_than_a_cart_holds(self, settings: Any) -> None:
        settings.CART_MAX_QUANTITY, settings.CART_MAX_LINES = 3, 1
        one, two = make_stock(on_hand=9), make_stock(on_hand=9)
        token = make_guest_cart((one, 3))

        with pytest.raises(TooMuch):
            add(one, 1, holder=Holder(token=token))
        with pytest.raises(TooMuch):
            add(two, 1, holder=Holder(token=token))

        assert CartItem.objects.get().quantity == 3

    def test_a_forged_token_opens_a_new_cart(self) -> None:
        token = make_guest_cart((make_stock(), 1))

        view = add(make_stock(), 1, holder=Holder(token="forged"))

        assert view.token not in (None, "forged", token)
        assert len(view.lines) == 1

    def test_costs_four_statements_for_the_first_item_of_a_guest(self, django_assert_num_queries: Any) -> None:
        stock, market = make_stock(on_hand=5), make_market()
        wish = Wish(sku=stock.variant.sku, quantity=2)
        services.add_item(holder=Holder(), wish=wish, market=market, at=NOON)  # reads the rules

        with django_assert_num_queries(6):  # with the words around a transaction
            view = services.add_item(holder=Holder(), wish=wish, market=market, at=NOON)

        assert [(line.variant_id, line.quantity) for line in view.lines] == [(stock.variant_id, 2)]

    def test_costs_at_most_eight_statements(self, django_assert_max_num_queries: Any) -> None:
        cart = make_cart(*((make_stock(), 1) for _ in range(25)))
        stock, market = make_stock(on_hand=5), make_market()

        with django_assert_max_num_queries(8):
            services.add_item(
                holder=Holder(user_id=cart.owner_id),
                wish=Wish(variant_id=stock.variant_id, quantity=1),
                market=market,
                at=NOON,
            )

    def test_a_customers_token_is_not_looked_at(self) -> None:
        token = make_guest_cart((make_stock(), 1))

        view = selectors.view_cart(holder=Holder(user_id=make_user().pk, token=token), market=make_market(), at=NOON)

        assert view.cart_id is None


@pytest.mark.django_db
class TestChangeItem:
    def test_sets_the_quantity(self) -> None:
        stock = make_stock(on_hand=5)
        cart = make_cart((stock, 1))
        item = CartItem.objects.get()

        view = services.change_item(holder=Holder(user_id=cart.owner_id), item_id=item.pk, quantity=4, at=NOON)

        assert view.lines[0].quantity == 4

    def test_may_always_go_down(self) -> None:
        stock = make_stock(on_hand=5)
        cart = make_cart((stock, 5))
        set_units(stock, 1)

        view = services.change_item(
            holder=Holder(user_id=cart.owner_id), item_id=CartItem.objects.get().pk, quantity=2, at=NOON
        )

        assert [warning.code for warning in view.warnings] == ["low_stock"]

    def test_refuses_more_than_is_free(self) -> None:
        cart = make_cart((make_stock(on_hand=2), 1))

        with pytest.raises(OutOfStock):
            services.change_item(
                holder=Holder(user_id=cart.owner_id), item_id=CartItem.objects.get().pk, quantity=3, at=NOON
            )

        assert CartItem.objects.get().quantity == 1

    def test_anothers_item_is_not_found(self) -> None:
        make_cart((make_stock(), 1))
        mine = make_cart((make_stock(), 1))
        theirs = CartItem.objects.exclude(cart=mine).get()

        with pytest.raises(CartItemNotFound):
            services.change_item(holder=Holder(user_id=mine.owner_id), item_id=theirs.pk, quantity=2, at=NOON)
        with pytest.raises(CartItemNotFound):
            services.remove_item(holder=Holder(user_id=mine.owner_id), item_id=theirs.pk, at=NOON)
        with pytest.raises(CartNotFound):
            services.remove_item(holder=Holder(), item_id=theirs.pk, at=NOON)

        assert CartItem.objects.count() == 2


@pytest.mark.django_db
class TestViewCart:
    def test_warns_of_what_changed(self) -> None:
        dearer, scarce, out, gone = (make_stock(on_hand=5) for _ in range(4))
        cart = make_cart((dearer, 1), (scarce, 3), (out, 1), (gone, 1))
        Price.objects.filter(variant=dearer.variant).update(amount_minor=1500)
        set_units(scarce, 2)
        set_units(out, 0)
        Product.objects.filter(pk=gone.variant.product_id).update(is_active=False)

        view = selectors.view_cart(holder=Holder(user_id=cart.owner_id), market=make_market(), at=NOON)

        assert {warning.variant_id: warning.code for warning in view.warnings} == {
            dearer.variant_id: "price_changed",
            scarce.variant_id: "low_stock",
            out.variant_id: "out_of_stock",
            gone.variant_id: "not_for_sale",
        }
        assert view.quote.total_minor == 1500 + 3 * 1000 + 1000
        named = next(line.label for line in view.lines if line.variant_id == gone.variant_id)
        assert named == (gone.variant.product_id, gone.variant.sku, gone.variant.product.name)

    def test_costs_four_queries_for_any_number_of_lines(self, django_assert_num_queries: Any) -> None:
        cart = make_cart(*((make_stock(), 1) for _ in range(25)))
        market = make_market()

        with django_assert_num_queries(4):
            selectors.view_cart(holder=Holder(user_id=cart.owner_id), market=market, at=NOON)


@pytest.mark.django_db
class TestMerging:
    def test_adopts_into_a_new_cart_and_adds_to_an_old_one(self) -> None:
        both, only = make_stock(on_hand=9), make_stock(on_hand=9)
        mine = make_cart((both, 2))
        token = make_guest_cart((both, 3), (only, 1))

        view = services.merge_token(
            holder=Holder(user_id=owner_of(mine).pk), token=token, market=make_market(), at=NOON
        )

        assert {line.variant_id: line.quantity for line in view.lines} == {both.variant_id: 5, only.variant_id: 1}

    def test_takes_no_more_than_is_in_stock(self) -> None:
        stock = make_stock(on_hand=4)
        mine = make_cart((stock, 3))
        token = make_guest_cart((stock, 3))

        view = services.merge_token(
            holder=Holder(user_id=owner_of(mine).pk), token=token, market=make_market(), at=NOON
        )

        assert [line.quantity for line in view.lines] == [4]

    def test_twice_adds_once(self) -> None:
        stock = make_stock(on_hand=9)
        user, token = make_user(), make_guest_cart((stock, 2))

        for _ in range(2):
            view = services.merge_token(holder=Holder(user_id=user.pk), token=token, market=make_market(), at=NOON)

        assert [line.quantity for line in view.lines] == [2]

    def test_cannot_take_a_customers_cart(self) -> None:
        theirs = make_cart((make_stock(), 1))
        Cart.objects.filter(pk=theirs.pk).update(token_digest=digest_of("leaked"))

        view = services.merge_token(
            holder=Holder(user_id=make_user().pk), token="leaked", market=make_market(), at=NOON
        )

        assert view.lines == ()
        assert CartItem.objects.get().cart_id == theirs.pk

    def test_merges_what_the_client_kept(self) -> None:
        stock = make_stock(on_hand=3, sku="KEPT")
        wishes = [Wish(sku="KEPT", quantity=2), Wish(variant_id=stock.variant_id, quantity=7)]

        view = services.merge_items(holder=Holder(user_id=make_user().pk), wishes=wishes, market=make_market(), at=NOON)

        assert [line.quantity for line in view.lines] == [3]

    def test_refuses_skus_that_nobody_knows(self) -> None:
        user = make_user()

        with pytest.raises(NotForSale):
            services.merge_items(
                holder=Holder(user_id=user.pk), wishes=[Wish(sku="NO", quantity=1)], market=make_market(), at=NOON
            )

        assert not Cart.objects.exists()

    def test_keeps_what_is_no_longer_sold_out_of_the_merge(self) -> None:
        product = make_product()
        stock = make_stock(variant=make_variant(product))
        token = make_guest_cart((stock, 1))
        Product.objects.filter(pk=product.pk).update(is_active=False)

        view = services.merge_token(holder=Holder(user_id=make_user().pk), token=token, market=make_market(), at=NOON)

        assert view.lines == ()


@pytest.mark.django_db
class TestForgetAbandoned:
    def test_removes_carts_unused_for_thirty_days(self) -> None:
        make_cart((make_stock(), 1))

        assert services.forget_abandoned(now=NOON + timedelta(days=29)) == 0
        assert services.forget_abandoned(now=NOON + timedelta(days=31)) == 1

        assert not Cart.objects.exists()

    @pytest.mark.parametrize("statistics", STATISTICS)
    def test_looks_at_no_cart_that_was_ordered(self, statistics: str) -> None:
        usual = {"token_digest": "n::text", "used_at": "timestamptz '2025-03-01 11:00Z'"}
        pile_up(
            Cart,
            statistics=statistics,
            done=usual | {"state": "'ordered'"},
            due=usual | {"state": "CASE n % 2 WHEN 0 THEN 'open' ELSE 'merged' END"},
        )

        with visits("FOR UPDATE") as seen:
            count = services.forget_abandoned(now=NOON)

        assert count == 3000
        assert [each.rows for each in seen] == [3000]


@pytest.mark.django_db
class TestClosedMarket:
    """A cart that stands in a market in which nothing is sold any more."""

    def test_goes_on_in_the_market_of_the_next_item_at_its_prices(self) -> None:
        stock, other = make_stock(price_minor=1000), make_stock()
        Price.objects.create(variant=stock.variant, currency="EUR", amount_minor=1200)
        cart = in_closed_market((stock, 2))

        view = add(other, holder=Holder(user_id=cart.owner_id))

        seen = dict(CartItem.objects.filter(cart=cart).values_list("variant", "seen_price_minor"))
        assert (view.quote.currency, view.quote.units) == ("GBP", {stock.variant_id: 2, other.variant_id: 1})
        assert seen[stock.variant_id] == 1000
        assert view.warnings == ()

    def test_shows_that_nothing_of_it_can_be_had(self) -> None:
        stock = make_stock()
        Price.objects.create(variant=stock.variant, currency="EUR", amount_minor=1200)
        cart = in_closed_market((stock, 2))

        view = selectors.view_cart(holder=Holder(user_id=cart.owner_id), market=None, at=NOON)

        assert (view.quote.total_minor, list(view.quote.gone)) == (0, [stock.variant_id])

    def test_takes_in_a_guests_cart_and_loses_nothing_of_it(self) -> None:
        stock, other = make_stock(price_minor=1000), make_stock()
        Price.objects.create(variant=stock.variant, currency="EUR", amount_minor=1200)
        cart, token = in_closed_market((stock, 2)), make_guest_cart((other, 3))

        view = services.merge_token(holder=Holder(user_id=cart.owner_id), token=token, market=make_market(), at=NOON)

        assert (view.quote.currency, view.quote.units) == ("GBP", {stock.variant_id: 2, other.variant_id: 3})

    def test_of_a_guest_comes_along_to_one_that_is_open(self) -> None:
        make_market()
        stock, user = make_stock(), make_user()
        Price.objects.create(variant=stock.variant, currency="EUR", amount_minor=1200)
        cart = in_closed_market((stock, 2))
        Cart.objects.filter(pk=cart.pk).update(owner=None, token_digest=digest_of("t"))

        view = services.merge_token(holder=Holder(user_id=user.pk), token="t", market=make_market(), at=NOON)

        assert (view.quote.currency, view.quote.units) == ("GBP", {stock.variant_id: 2})


def in_closed_market(*wanted: tuple[Stock, int]) -> Cart:
    """Return a customer's cart with these units in it, of a market that was closed since."""
    market, owner = make_market("de", currency="EUR", countries=["DE"]), make_user()
    for stock, quantity in wanted:
        services.add_item(
            holder=Holder(user_id=owner.pk),
            wish=Wish(variant_id=stock.variant_id, quantity=quantity),
            market=market,
            at=NOON,
        )
    Market.objects.filter(pk=market.pk).update(is_active=False)
    cart: Cart = Cart.objects.get(owner=owner)
    return cart


@pytest.mark.django_db
class TestConstraints:
    def test_a_customer_has_one_open_cart(self) -> None:
        cart = make_cart((make_stock(), 1))

        with pytest.raises(IntegrityError), transaction.atomic():
            Cart.objects.create(owner=cart.owner, market=cart.market, used_at=NOON)

    def test_a_variant_stands_once_in_a_cart(self) -> None:
        stock = make_stock()
        cart = make_cart((stock, 1))

        with pytest.raises(IntegrityError), transaction.atomic():
            CartItem.objects.create(cart=cart, variant=stock.variant, quantity=1, seen_price_minor=1)


@pytest.mark.django_db(transaction=True)
def test_eight_first_items_at_once_share_one_cart() -> None:
    user, stock, market = make_user(), make_stock(on_hand=50), make_market()

    def put_one(_: int) -> None:
        services.add_item(
            holder=Holder(user_id=user.pk),
            wish=Wish(variant_id=stock.variant_id, quantity=1),
            market=market,
            at=NOON,
        )

    at_once(put_one, range(8))

    assert CartItem.objects.get().quantity == 8


@pytest.mark.django_db(transaction=True)
def test_a_guest_who_adds_in_eight_tabs_at_once_has_all_of_it() -> None:
    stock = make_stock(on_hand=50)
    token = make_guest_cart((stock, 1))

    at_once(lambda _: add(stock, 1, holder=Holder(token=token)), range(8))

    assert CartItem.objects.get().quantity == 9


@pytest.mark.django_db(transaction=True)
def test_r11_merging_in_two_tabs_while_adding_loses_and_doubles_nothing() -> None:
    user, stock, market = make_user(), make_stock(on_hand=99), make_market()
    token = make_guest_cart((stock, 5))

    def act(turn: int) -> None:
        if turn % 2:
            services.merge_token(holder=Holder(user_id=user.pk), token=token, market=market, at=NOON)
        else:
            services.add_item(
                holder=Holder(user_id=user.pk),
                wish=Wish(variant_id=stock.variant_id, quantity=1),
                market=market,
                at=NOON,
            )

    at_once(act, range(8))

    assert CartItem.objects.get(cart__owner=user).quantity == 5 + 4


@pytest.mark.django_db(transaction=True)
def test_r11_one_guest_cart_merged_by_six_tabs_at_once_is_merged_once() -> None:
    stock, market = make_stock(on_hand=999), make_market()

    for _ in range(8):
        user, token = make_user(), make_guest_cart((stock, 5))
        add(stock, 1, holder=Holder(user_id=user.pk))

        def merge(_: int, user: User = user, token: str = token) -> None:
            services.merge_token(holder=Holder(user_id=user.pk), token=token, market=market, at=NOON)

        at_once(merge, range(6))

        assert CartItem.objects.get(cart__owner=user).quantity == 6


@pytest.mark.django_db
def test_merging_locks_both_carts_in_id_order_before_it_reads_the_items() -> None:
    stock, user = make_stock(on_hand=9), make_user()
    token = make_guest_cart((stock, 1))

    with CaptureQueriesContext(connection) as queries:
        services.merge_token(holder=Holder(user_id=user.pk), token=token, market=make_market(), at=NOON)

    statements = [query["sql"] for query in queries]
    lock = next(i for i, sql in enumerate(statements) if "FOR UPDATE" in sql)
    read = next(i for i, sql in enumerate(statements) if 'FROM "carts_cartitem"' in sql)
    assert 'ORDER BY "carts_cart"."id" ASC' in statements[lock]
    assert lock < read
