from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.tests.factories import make_address, make_group, make_user
from core.errors import Malformed
from core.ids import new_id
from core.money import Money
from core.tests.threads import at_once
from core.transactions import command
from inventory.errors import OutOfStock
from inventory.tests.factories import NOON, make_stock
from orders import selectors, services
from orders.domain import DraftStatus
from orders.errors import (
    AddressMissing,
    CouponUnknown,
    DraftClosed,
    DraftNotFound,
    EmailMissing,
    ItemsUnknown,
    NothingOrdered,
    TotalChanged,
)
from orders.models import DraftOrder, Order, PaymentLink
from orders.services import ItemWish
from orders.tests.books import books_agree
from orders.tests.drafting import item, make_draft, place_draft
from orders.tests.factories import make_order
from pricing.tests.rules import make_method, make_rate, tell_of_rules
from products.tests.factories import make_price_list
from promotions.models import PromotionUse
from promotions.tests.factories import make_coupon, make_promotion

scrub = command(services.scrub_customer)


@pytest.mark.django_db
class TestCreateDraft:
    def test_keeps_what_was_named_by_id_or_sku_with_agreed_prices(self) -> None:
        first, second = make_stock(price_minor=1000), make_stock(price_minor=500)

        draft = make_draft(item(first, 2), ItemWish(sku=second.variant.sku, quantity=1, unit_price=Decimal("4.50")))

        kept = DraftOrder.objects.get(pk=draft.pk)
        assert kept.status == DraftStatus.OPEN.value
        assert [(each["sku"], each["quantity"], each["unit_price_minor"]) for each in kept.items] == [
            (first.variant.sku, 2, None),
            (second.variant.sku, 1, 450),
        ]
        assert not Order.objects.exists()

    def test_refuses_items_that_do_not_exist_by_name(self) -> None:
        stranger = new_id()

        with pytest.raises(ItemsUnknown) as refusal:
            make_draft(ItemWish(variant=stranger, quantity=1), ItemWish(sku="NOPE", quantity=1))

        assert refusal.value.facts == {"skus": ["NOPE"], "variants": [str(stranger)]}
        assert not DraftOrder.objects.exists()

    @pytest.mark.parametrize("price", [None, Decimal("1.005")])
    def test_refuses_a_variant_named_twice_and_a_price_that_is_none(self, price: Decimal | None) -> None:
        stock = make_stock()
        items = [item(stock), item(stock)] if price is None else [item(stock, unit_price=price)]

        with pytest.raises(Malformed):
            make_draft(*items)

        assert not DraftOrder.objects.exists()


@pytest.mark.django_db
class TestUpdateDraft:
    def test_changes_what_is_said_and_nothing_else(self) -> None:
        stock = make_stock()
        draft = make_draft(item(stock, 2), note="Ring twice")

        services.update_draft(draft_id=draft.pk, changes={"items": [item(stock, 3)], "shipping_address": None})

        draft.refresh_from_db()
        assert (draft.items[0]["quantity"], draft.shipping_address) == (3, None)
        assert (draft.note, draft.email) == ("Ring twice", "ada@example.com")

    def test_refuses_what_was_placed_or_cancelled_or_never_was(self) -> None:
        placed, cancelled = make_draft(item(make_stock())), make_draft()
        place_draft(placed)
        services.cancel_draft(draft_id=cancelled.pk)

        for draft_id, refusal in ((placed.pk, DraftClosed), (cancelled.pk, DraftClosed), (new_id(), DraftNotFound)):
            with pytest.raises(refusal):
                services.update_draft(draft_id=draft_id, changes={"note": "Late"})

        assert "Late" not in DraftOrder.objects.values_list("note", flat=True)


@pytest.mark.django_db
class TestCancelDraft:
    def test_gives_it_up_once(self) -> None:
        draft = make_draft(item(make_stock()))

        for _ in range(2):
            services.cancel_draft(draft_id=draft.pk)

        draft.refresh_from_db()
        assert draft.status == DraftStatus.CANCELLED.value
        with pytest.raises(DraftClosed):
            place_draft(draft)
        assert not Order.objects.exists()

    def test_refuses_what_was_placed(self) -> None:
        draft = make_draft(item(make_stock()))
        place_draft(draft)

        with pytest.raises(DraftClosed):
            services.cancel_draft(draft_id=draft.pk)

        draft.refresh_from_db()
        assert draft.status == DraftStatus.PLACED.value


@pytest.mark.django_db
class TestQuoteDraft:
    def test_tries_promotions_on_lines_without_an_agreed_price_alone(self) -> None:
        make_promotion("Ten", percent_bp=1000)
        make_method("GB", amount_minor=395)
        make_rate("GB")
        tell_of_rules()
        dear, agreed = make_stock(price_minor=1000), make_stock(price_minor=1000)
        draft = make_draft(item(dear), item(agreed, unit_price=Decimal("6.00")))

        quote = selectors.draw_draft(draft_id=draft.pk, at=NOON).quote

        assert [line.price.discount_minor for line in quote.lines] == [100, 0]
        assert (quote.subtotal_minor, quote.discount_minor, quote.shipping_minor) == (1600, 100, 395)
        assert quote.priced.contained_minor == 150 + 100 + 66

    def test_uses_the_prices_of_the_customers_group_and_the_usual_address(self) -> None:
        make_method("GB", amount_minor=395)
        make_method("FR", amount_minor=1295, code="colis")
        stock, customer = make_stock(price_minor=1000), make_user()
        group = make_group("trade")
        make_price_list((stock.variant, 700), code="trade", group=group)
        customer.customer_group = group
        customer.save()
        make_address(customer, country="FR", is_default=True)
        draft = make_draft(item(stock), customer=customer.pk, shipping_address=None)

        drawn = selectors.draw_draft(draft_id=draft.pk, at=NOON)

        assert drawn.email == customer.email
        assert (drawn.quote.subtotal_minor, drawn.quote.shipping_minor) == (700, 1295)

    def test_warns_of_what_is_short_and_reserves_nothing(self) -> None:
        stock = make_stock(on_hand=1)
        draft = make_draft(item(stock, 2), coupon="NOPE")

        drawn = selectors.draw_draft(draft_id=draft.pk, at=NOON)

        stock.refresh_from_db()
        assert [warning.code for warning in drawn.view.warnings] == ["low_stock", "coupon_not_applied"]
        assert stock.reserved == 0


@pytest.mark.django_db
class TestPlaceDraft:
    def test_makes_a_pending_order_with_its_stock_its_receipt_and_a_link(self) -> None:
        stock = make_stock(on_hand=5, price_minor=1000)
        draft = make_draft(item(stock, 2, unit_price=Decimal("8.00")), note="Ring twice")

        order = place_draft(draft)

        stock.refresh_from_db()
        draft.refresh_from_db()
        receipt = selectors.find_receipt(order=order)
        assert (order.status, order.total_minor) == ("pending", 1600)
        assert (order.email, order.note) == (draft.email, "Ring twice")
        assert (order.customer, bool(order.guest_token), stock.reserved) == (None, True, 2)
        assert order.expires_at == PaymentLink.objects.get(order=order).expires_at == NOON + timedelta(days=14)
        assert (draft.status, draft.order) == (DraftStatus.PLACED.value, order)
        assert receipt is not None
        assert receipt.total_minor == 1600
        assert order.moves.get().by == "staff"
        books_agree()

    def test_the_same_draft_twice_is_the_same_order(self) -> None:
        stock = make_stock(on_hand=5)
        draft = make_draft(item(stock, 2))

        first, second = place_draft(draft), place_draft(draft)

        stock.refresh_from_db()
        assert first == second
        assert stock.reserved == 2
        assert PaymentLink.objects.count() == 1

    def test_uses_the_coupon_once(self) -> None:
        coupon = make_coupon("SPRING", usage_limit=1)
        draft = make_draft(item(make_stock(price_minor=1000)), coupon="SPRING")

        order = place_draft(draft)

        coupon.refresh_from_db()
        assert (order.discount_minor, order.coupon, coupon.uses) == (100, "SPRING", 1)
        assert PromotionUse.objects.get().order_id == order.pk

    @pytest.mark.parametrize(
        ("changes", "refusal"),
        [
            ({"items": []}, NothingOrdered),
            ({"email": ""}, EmailMissing),
            ({"shipping_address": None}, AddressMissing),
            ({"coupon": "NOPE"}, CouponUnknown),
        ],
    )
    def test_refuses_what_is_incomplete(self, changes: Any, refusal: type[Exception]) -> None:
        stock = make_stock()
        draft = make_draft(item(stock))
        services.update_draft(draft_id=draft.pk, changes=changes)

        with pytest.raises(refusal):
            place_draft(draft)

        stock.refresh_from_db()
        assert not Order.objects.exists()
        assert stock.reserved == 0

    def test_refuses_what_is_short_and_another_total_than_expected(self) -> None:
        stock = make_stock(on_hand=1, price_minor=1000)
        short, dear = make_draft(item(stock, 2)), make_draft(item(stock))

        with pytest.raises(OutOfStock):
            place_draft(short)
        with pytest.raises(TotalChanged):
            place_draft(dear, expected_total=Money(900, "GBP"))

        assert not Order.objects.exists()
        assert not PaymentLink.objects.exists()

    @pytest.mark.parametrize("days", [-1, 91])
    def test_refuses_a_deadline_that_is_past_or_far_away(self, days: int) -> None:
        draft = make_draft(item(make_stock()))

        with pytest.raises(Malformed):
            place_draft(draft, expires_at=NOON + timedelta(days=days))

        assert not Order.objects.exists()


@pytest.mark.django_db
class TestForgetDrafts:
    def test_removes_the_person_and_gives_up_what_was_not_placed(self) -> None:
        customer = make_order().customer
        assert customer is not None
        draft = make_draft(item(make_stock()), customer=customer.pk, note="Call Ada", vat_id="GB123")

        scrub(user_id=customer.pk)

        draft.refresh_from_db()
        assert (draft.status, draft.note, draft.vat_id, draft.shipping_address) == ("cancelled", "", "", None)


@pytest.mark.django_db(transaction=True)
def test_a_draft_placed_by_eight_at_once_is_one_order() -> None:
    stock = make_stock(on_hand=50)
    draft = make_draft(item(stock, 2))

    orders = at_once(lambda _: place_draft(draft).pk, range(8))

    stock.refresh_from_db()
    assert len(set(orders)) == 1
    assert stock.reserved == 2
    books_agree()
