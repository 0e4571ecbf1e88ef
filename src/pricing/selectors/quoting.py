"""The quote of a cart, from what stands in the database now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING
from uuid import UUID

from inventory import selectors as stock_reads
from pricing.domain import (
    Asking,
    CartFacts,
    Destination,
    LineFacts,
    Quote,
    ShippingFacts,
    compose_quote,
    line_facts,
    price_cart,
)
from pricing.domain.shipping import methods_for
from pricing.domain.taxes import rules_for
from pricing.selectors.rulebook import RuleBook, rule_book
from products import selectors as product_reads
from promotions import selectors as promotions
from promotions.domain import Reason, in_order

if TYPE_CHECKING:
    from markets.models import Market
    from products.domain import Offer
    from promotions.domain import Rule


def quote(
    *,
    wanted: Mapping[UUID, int],
    market: Market,
    asking: Asking,
    agreed_minor: Mapping[UUID, int] | None = None,
    kept_minor: Mapping[UUID, int] | None = None,
    offers: Mapping[UUID, Offer] | None = None,
) -> Quote:
    """Price ``wanted`` (variant id -> units) as it would be bought in a market now. Two queries for any number.

    Another asks about the codes that were entered, one whether it is a first order where a rule depends on that, and
    one what those are called that are not sold (any more), if there are any.

    :param agreed_minor: variant id -> unit price that was agreed: no promotion changes it
    :param kept_minor: variant id -> unit price that an order has it for already: promotions are tried on it
    :param offers: what was read for this market, group and time already (one query less)
    """
    if offers is None:
        offers = product_reads.offers(variant_ids=wanted.keys(), market=market, group_id=asking.group_id, at=asking.at)
    free = stock_reads.free_units(variant_ids=wanted.keys())
    labels = product_reads.labels(variant_ids=wanted.keys() - offers.keys())
    agreed, kept = agreed_minor or {}, kept_minor or {}
    lines = tuple(
        line_facts(offers[variant], quantity, agreed.get(variant), kept.get(variant))
        for variant, quantity in wanted.items()
        if variant in offers
    )
    facts = _facts(lines, market, asking) if asking.by_rules else CartFacts(currency=market.currency, lines=lines)
    return compose_quote(wanted=wanted, offers=offers, free=free, labels=labels, facts=facts, priced=price_cart(facts))


def _facts(lines: tuple[LineFacts, ...], market: Market, asking: Asking) -> CartFacts:
    book = rule_book(market=market, on=asking.at.date())
    rules = _rules(book, lines, market, asking)
    destination = asking.destination or Destination(country=market.home)
    return CartFacts(
        currency=market.currency,
        lines=lines,
        rules=rules,
        group_id=asking.group_id,
        is_first_order=_is_first_order(rules, asking),
        shipping=ShippingFacts(
            is_offered=bool(book.zones),
            methods=methods_for(book.zones, destination),
            chosen=asking.shipping_method,
            is_free=asking.ships_free,
        ),
        tax=rules_for(
            book.taxes,
            destination,
            home_country=market.home,
            is_included=market.prices_include_tax,
            rounding=market.rounding,
            vat_id=asking.vat_id,
        ),
    )


def _rules(book: RuleBook, lines: tuple[LineFacts, ...], market: Market, asking: Asking) -> tuple[Rule, ...]:
    """Return what is tried, in its order: that of the book, unless there is more."""
    rules = _automatic(book, lines, asking)
    if not asking.again and not asking.codes:
        return tuple(rules)
    if asking.again:
        rules += _held(rules, market, asking)
    if asking.codes:
        rules += promotions.rules_of_codes(
            codes=asking.codes, market_id=market.pk, currency=market.currency, at=asking.at, buyer=asking.buyer or None
        )
    return in_order(rules if not asking.again else [_still_usable(rule, asking.again) for rule in rules])


def _held(rules: list[Rule], market: Market, asking: Asking) -> list[Rule]:
    """Return the promotions that the order took the last uses of. One query."""
    known = {rule.id for rule in rules}
    held = promotions.load_rules(market_id=market.pk, currency=market.currency, held=asking.again or ())
    return [
        timed.rule
        for timed in held
        if timed.rule.id in (asking.again or ()) and timed.rule.id not in known and _holds(timed, asking.at)
    ]


def _still_usable(rule: Rule, again: frozenset[UUID]) -> Rule:
    is_own = rule.id in again and rule.refusal in (Reason.USED_UP, Reason.USED_BEFORE)
    return replace(rule, refusal=None) if is_own else rule


def _automatic(book: RuleBook, lines: tuple[LineFacts, ...], asking: Asking) -> list[Rule]:
    """Return the rules that hold now, refused where the buyer has none left of them. One query where that counts."""
    if not lines:
        return []
    about = book.about(chain.from_iterable(line.keys for line in lines))
    holding = [timed for timed in about if _holds(timed, asking.at)]
    counted = [timed.rule.id for timed in holding if timed.per_customer_limit is not None]
    spent = promotions.used_up_by(buyer=asking.buyer, promotion_ids=counted) if counted and asking.buyer else ()
    return [
        replace(timed.rule, refusal=Reason.USED_BEFORE) if timed.rule.id in spent else timed.rule for timed in holding
    ]


def _holds(timed: promotions.TimedRule, at: datetime) -> bool:
    return (timed.starts_at is None or timed.starts_at <= at) and (timed.ends_at is None or at < timed.ends_at)


def _is_first_order(rules: tuple[Rule, ...], asking: Asking) -> bool:
    """Ask only where it matters. Of who is not known yet nothing is known."""
    if not asking.buyer or not any(rule.first_order_only for rule in rules):
        return False
    return promotions.is_first_order(buyer=asking.buyer, placed=0 if asking.again is None else 1)
