"""Rules that are held in the process are never those of yesterday."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from pytest_django import DjangoAssertNumQueries

from core.tests.threads import at_once, in_thread
from markets import selectors as markets
from markets.tests.factories import make_market
from pricing.domain import Asking
from pricing.selectors import quote
from pricing.selectors.rulebook import RuleBook, rule_book
from pricing.tests.rules import tell_of_rules
from products import selectors as products
from products.tests.factories import make_category, make_product
from promotions import services as promotions
from promotions.tests.factories import make_promotion

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
SOON = timedelta(seconds=1)


def read_book() -> RuleBook:
    return rule_book(market=markets.get_market(code="uk"), on=NOON.date())


def names(book: RuleBook, *keys: UUID | str) -> list[str]:
    return [timed.rule.name for timed in book.about(keys)]


def discount_of(variant_id: UUID, at: datetime = NOON) -> int:
    """Return what comes off one of it, for somebody who asks with a request of their own."""
    market = markets.get_market(code="uk")
    return quote(wanted={variant_id: 1}, market=market, asking=Asking(at=at)).discount_minor


def change(promotion_id: UUID, changes: Mapping[str, Any]) -> None:
    """Change a promotion as another process does: in another thread, with a connection of its own."""
    with ThreadPoolExecutor(1) as elsewhere:
        elsewhere.submit(
            in_thread, lambda: promotions.update_promotion(promotion_id=promotion_id, changes=changes)
        ).result()


@pytest.mark.django_db
class TestRuleBook:
    def test_tells_what_could_match_in_the_order_in_which_it_is_tried(self) -> None:
        make_market()
        chairs = make_category().pk
        make_promotion("Last", priority=-1)
        make_promotion("Chairs", priority=5, categories=[chairs], tags=["sale"])
        make_promotion("Tables", priority=9, categories=[make_category("Tables").pk])
        make_promotion("First", priority=6)
        make_promotion("Sale", tags=["sale"])
        tell_of_rules()

        book = read_book()

        assert names(book, chairs, "sale", chairs) == ["First", "Chairs", "Sale", "Last"]
        assert names(book) == ["First", "Last"]

    def test_is_read_again_only_after_a_change(self, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        market = make_market()
        tell_of_rules()
        market.refresh_from_db()
        rule_book(market=market, on=NOON.date())

        with django_assert_num_queries(0):
            rule_book(market=market, on=NOON.date())
        tell_of_rules()
        market.refresh_from_db()
        with django_assert_num_queries(3):
            rule_book(market=market, on=NOON.date())


@pytest.mark.django_db(transaction=True)
class TestQuotes:
    def test_a_change_elsewhere_is_seen_by_the_next_one(self) -> None:
        variant = make_product(price_minor=1000).variants.get().pk
        promotion = make_promotion(percent_bp=1000)
        tell_of_rules()
        before = discount_of(variant)

        change(promotion.pk, {"percent_bp": 2500})
        changed = discount_of(variant)
        change(promotion.pk, {"is_active": False})

        assert (before, changed, discount_of(variant)) == (100, 250, 0)

    def test_a_promotion_begins_and_ends_by_the_time_of_each(self) -> None:
        variant = make_product(price_minor=1000).variants.get().pk
        ends_at = datetime.now(tz=UTC) + timedelta(days=1)
        make_promotion(starts_at=NOON, ends_at=ends_at)
        tell_of_rules()

        found = [discount_of(variant, at) for at in (NOON - SOON, NOON, ends_at - SOON, ends_at)]

        assert found == [0, 100, 100, 0]

    def test_offers_that_were_read_already_are_not_asked_for_again(
        self, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        variant, market = make_product(price_minor=1000).variants.get().pk, make_market()
        offers = products.offers(variant_ids=[variant], market=market, at=NOON)
        asking, wanted = Asking(at=NOON), {variant: 2}
        asked = quote(wanted=wanted, market=market, asking=asking)

        with django_assert_num_queries(1):
            given = quote(wanted=wanted, market=market, asking=asking, offers=offers)

        assert given == asked


@pytest.mark.django_db(transaction=True)
def test_who_misses_it_at_once_waits_for_one_who_reads() -> None:
    make_market()
    make_promotion()
    tell_of_rules()

    books = at_once(lambda _: read_book(), range(6))

    assert all(book is books[0] for book in books)
