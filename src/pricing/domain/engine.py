"""From facts to a price: one pure function, linear in the lines.

The order is fixed: unit prices, promotions by priority, shipping of what is left, tax on both, the total.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from operator import sub

from core import money
from markets.domain import TaxRounding
from pricing.domain.facts import CartFacts, LineFacts
from pricing.domain.receipt import Kind, Step, Tried
from pricing.domain.shipping import MethodFacts, offered
from pricing.domain.taxes import UNTAXED_VOUCHER, VOUCHER, RateFacts, TaxRules, rate_of, tax_of
from promotions.domain import Basket, BasketLine, Outcome, Reason, Rule, apply

# Why nothing is shipped, or not so.
DIGITAL = "needs_no_shipping"
FREE = "free_shipping"
NOT_SET_UP = "shipping_not_set_up"
NOT_DELIVERED = "not_delivered_there"
UNKNOWN_METHOD = "unknown_method"
REVERSED = "reverse_charge"
NO_RATE = "no_rate"
_EXCLUDED = Outcome(reason=Reason.EXCLUDED)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinePrice:
    """What became of a line, in minor units. ``tax_minor`` is put on top, ``contained_minor`` is inside the price."""

    discount_minor: int = 0
    tax_minor: int = 0
    contained_minor: int = 0
    rate: RateFacts = field(default_factory=lambda: RateFacts("", 0))


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxSum:
    """What one rate makes on the whole: the amount that it is on (net of tax on top), and the tax."""

    rate: RateFacts
    taxed_minor: int
    tax_minor: int
    contained_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Priced:
    """The price of a cart with its receipt. ``refusal`` says why it cannot be sent as was wished; else it is empty.

    ``tried`` are the promotions in their order; ``steps_before`` and ``steps_after`` stand around them in the receipt.
    ``tax_minor`` is part of the total: what is put on top, or, negative, what is taken out of prices with tax inside.
    ``contained_minor`` is tax inside the prices that stays there.
    """

    subtotal_minor: int
    discount_minor: int
    shipping_minor: int
    tax_minor: int
    contained_minor: int
    lines: tuple[LinePrice, ...]
    taxes: tuple[TaxSum, ...]
    tried: tuple[Tried, ...]
    method: MethodFacts | None
    offers: tuple[tuple[MethodFacts, int], ...]
    refusal: str
    steps_before: tuple[Step, ...]
    steps_after: tuple[Step, ...]

    @property
    def total_minor(self) -> int:
        return self.subtotal_minor - self.discount_minor + self.shipping_minor + self.tax_minor

    @property
    def uses(self) -> tuple[Tried, ...]:
        """The promotions that took something off, or freed the shipping."""
        return tuple([each for each in self.tried if each.outcome.is_applied])

    @property
    def receipt(self) -> tuple[Step, ...]:
        """All that was tried, in order. It is written when it is asked for: most carts are only shown their totals."""
        return (*self.steps_before, *[each.step for each in self.tried], *self.steps_after)


def price_cart(facts: CartFacts) -> Priced:
    """Price a cart: the same facts give the same price and the same receipt."""
    promoted = _promote(facts)
    subtotal = sum(line.total_minor for line in facts.lines)
    shipped = _ship(facts, promoted)
    taxed = _tax(facts, promoted, shipped)
    return Priced(
        subtotal_minor=subtotal,
        discount_minor=subtotal - sum(promoted.left),
        shipping_minor=shipped.cost_minor,
        tax_minor=sum(taxed.tops),
        contained_minor=sum(taxed.contained),
        lines=tuple(
            LinePrice(discount_minor=line.total_minor - left, tax_minor=top, contained_minor=contained, rate=rate)
            for line, left, top, contained, rate in zip(
                facts.lines,
                promoted.left,
                taxed.tops,
                taxed.contained,
                taxed.rates,
                strict=False,  # behind the lines stands the shipping
            )
        ),
        taxes=taxed.sums,
        tried=tuple(promoted.tried),
        method=shipped.method,
        offers=shipped.offers,
        refusal=shipped.refusal,
        steps_before=tuple(_prices(facts.lines)),
        steps_after=(*shipped.steps, *taxed.steps),
    )


def _prices(lines: Sequence[LineFacts]) -> list[Step]:
    """Say what the units cost: by base price, price list, or agreement; lines of one kind together."""
    found: dict[tuple[Kind, str], dict[int, int]] = defaultdict(dict)
    for place, line in enumerate(lines):
        kind = Kind.PRICE_LIST if line.list_name else Kind.BASE_PRICE
        found[Kind.AGREED_PRICE if line.is_agreed else kind, line.list_name][place] = line.total_minor
    return [
        Step(kind=kind, rule=name, amount_minor=sum(totals.values()), lines=totals)
        for (kind, name), totals in found.items()
    ]


@dataclass(slots=True)
class _Promoted:
    """The lines while promotions are tried on them."""

    left: list[int]
    frees_shipping: bool = False
    is_closed: bool = False
    is_reduced: bool = False
    tried: list[Tried] = field(default_factory=list)

    def excludes(self, rule: Rule) -> bool:
        """Tell whether a promotion before it keeps it out; what is refused anyway keeps its own reason."""
        return rule.refusal is None and (self.is_closed or (rule.is_exclusive and self.is_reduced))

    def note(self, rule: Rule, outcome: Outcome) -> None:
        self.tried.append(Tried(rule, outcome))
        if outcome.reason is not None:
            return
        if len(outcome.off) == len(self.left):
            self.left = list(map(sub, self.left, outcome.off))
        else:
            for place, minor in zip(outcome.places, outcome.off, strict=True):
                self.left[place] -= minor
        self.is_reduced = True
        self.is_closed |= rule.is_exclusive
        self.frees_shipping |= outcome.frees_shipping


def _promote(facts: CartFacts) -> _Promoted:
    state = _Promoted(left=[line.total_minor for line in facts.lines])
    if not facts.rules:
        return state
    basket = _basket(facts)
    for rule in facts.rules:
        state.note(rule, _EXCLUDED if state.excludes(rule) else apply(rule, basket, state.left))
    return state


def _basket(facts: CartFacts) -> Basket:
    return Basket(
        lines=tuple(
            BasketLine(
                variant_id=line.variant_id,
                product_id=line.product_id,
                category_ids=line.category_ids,
                tags=line.tags,
                quantity=line.quantity,
                is_fixed=line.is_agreed or line.is_gift_card,
            )
            for line in facts.lines
        ),
        group_id=facts.group_id,
        is_first_order=facts.is_first_order,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shipped:
    cost_minor: int = 0
    method: MethodFacts | None = None
    offers: tuple[tuple[MethodFacts, int], ...] = ()
    refusal: str = ""
    steps: tuple[Step, ...] = ()


def _ship(facts: CartFacts, promoted: _Promoted) -> _Shipped:
    """Choose the method: the one that was wished for, else the cheapest. What needs no shipping is not weighed."""
    sent = [place for place, line in enumerate(facts.lines) if line.needs_shipping]
    if not facts.shipping.is_offered or not sent:
        reason = NOT_SET_UP if sent or not facts.lines else DIGITAL
        refusal = UNKNOWN_METHOD if facts.shipping.chosen and sent else ""
        return _Shipped(refusal=refusal, steps=(Step(kind=Kind.SHIPPING, rule="", reason=reason),))
    offers = _offers(facts, promoted, sent)
    chosen = facts.shipping.chosen
    found = next((offer for offer in offers if chosen in ("", offer[0].code)), None)
    if found is None:
        refusal = UNKNOWN_METHOD if offers else NOT_DELIVERED
        return _Shipped(offers=offers, refusal=refusal, steps=(Step(kind=Kind.SHIPPING, rule=chosen, reason=refusal),))
    method, cost = found
    return _Shipped(
        cost_minor=cost,
        method=method,
        offers=offers,
        steps=(Step(kind=Kind.SHIPPING, rule=method.name, amount_minor=cost),),
    )


def _offers(facts: CartFacts, promoted: _Promoted, sent: Sequence[int]) -> tuple[tuple[MethodFacts, int], ...]:
    weight = sum(facts.lines[place].weight_grams * facts.lines[place].quantity for place in sent)
    goods = sum(promoted.left[place] for place in sent)
    found = offered(facts.shipping.methods, weight_grams=weight, goods_minor=goods)
    is_free = promoted.frees_shipping or facts.shipping.is_free
    return tuple((method, 0 if is_free else cost) for method, cost in found)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taxed:
    """Tax by part: the lines in their order, and behind them the shipping."""

    tops: Sequence[int]
    contained: Sequence[int]
    rates: Sequence[RateFacts]
    sums: tuple[TaxSum, ...] = ()
    steps: tuple[Step, ...] = ()


def _tax(facts: CartFacts, promoted: _Promoted, shipped: _Shipped) -> _Taxed:
    rules = facts.tax
    parts = [*promoted.left, shipped.cost_minor]
    if rules is None or not (rules.rates or rules.home_rates):
        none = [0] * len(parts)
        steps = (Step(kind=Kind.TAX, rule="", reason=NO_RATE),)
        return _Taxed(tops=none, contained=none, rates=[RateFacts("", 0)] * len(parts), steps=steps)
    classes = [line.tax_class for line in facts.lines]
    classes.append(shipped.method.tax_class if shipped.method else "standard")
    if rules.is_reversed:
        return _reversed(rules, parts, classes)
    rates = [rate_of(rules.rates, name) for name in classes]
    taxes = _taxes(parts, rates, rules)
    none = [0] * len(parts)
    tops, contained = (none, taxes) if rules.is_included else (taxes, none)
    return _Taxed(
        tops=tops,
        contained=contained,
        rates=rates,
        sums=_sums(parts, rates, tops, contained),
        steps=_steps(rates, tops, contained),
    )


def _reversed(rules: TaxRules, parts: Sequence[int], classes: Sequence[str]) -> _Taxed:
    """Take out of the prices what they contain: the buyer owes the tax where the goods go."""
    home = [rate_of(rules.home_rates, name) for name in classes]
    taken = _taxes(parts, home, rules) if rules.is_included else [0] * len(parts)
    tops = [-minor for minor in taken]
    step = Step(
        kind=Kind.TAX,
        rule=REVERSED,
        amount_minor=sum(tops),
        lines={place: minor for place, minor in enumerate(tops[:-1]) if minor},
    )
    none = RateFacts(REVERSED, 0)
    net = sum(parts) + sum(tops)
    return _Taxed(
        tops=tops,
        contained=[0] * len(parts),
        rates=[none] * len(parts),
        sums=(TaxSum(rate=none, taxed_minor=net, tax_minor=0, contained_minor=0),),
        steps=(step,),
    )


def _taxes(parts: Sequence[int], rates: Sequence[RateFacts], rules: TaxRules) -> list[int]:
    """Return the tax of each part: rounded on each, or once on the sum of each rate and then shared out."""
    if rules.rounding is TaxRounding.LINE:
        return [tax_of(part, rate.ppm, is_included=rules.is_included) for part, rate in zip(parts, rates, strict=True)]
    taxes = [0] * len(parts)
    for rate, places in _by_rate(rates).items():
        weights = [parts[place] for place in places]
        if not any(weights):
            continue
        whole = tax_of(sum(weights), rate.ppm, is_included=rules.is_included)
        for place, tax in zip(places, money.share(whole, weights), strict=True):
            taxes[place] = tax
    return taxes


def _by_rate(rates: Sequence[RateFacts]) -> dict[RateFacts, list[int]]:
    found: dict[RateFacts, list[int]] = defaultdict(list)
    for place, rate in enumerate(rates):
        found[rate].append(place)
    return found


def _sums(
    parts: Sequence[int], rates: Sequence[RateFacts], tops: Sequence[int], contained: Sequence[int]
) -> tuple[TaxSum, ...]:
    return tuple(
        TaxSum(
            rate=rate,
            taxed_minor=sum(parts[place] - contained[place] for place in places),
            tax_minor=sum(tops[place] for place in places),
            contained_minor=sum(contained[place] for place in places),
        )
        for rate, places in _by_rate(rates).items()
        if any(parts[place] for place in places)
    )


def _steps(rates: Sequence[RateFacts], tops: Sequence[int], contained: Sequence[int]) -> tuple[Step, ...]:
    return tuple(
        Step(
            kind=Kind.TAX,
            rule=rate_label(rate),
            amount_minor=sum(tops[place] for place in places),
            contained_minor=sum(contained[place] for place in places),
            reason=_untaxed_because(rate),
            lines={p: tops[p] + contained[p] for p in places if p < len(rates) - 1 and tops[p] + contained[p]},
        )
        for rate, places in _by_rate(rates).items()
    )


def _untaxed_because(rate: RateFacts) -> str:
    if rate.ppm:
        return ""
    return VOUCHER if rate == UNTAXED_VOUCHER else NO_RATE


def rate_label(rate: RateFacts) -> str:
    """Return what people read: the rate's name with its per cent, as ``VAT 20 %``."""
    return f"{rate.name} {percent_text(rate.ppm)} %" if rate.name else ""


def percent_text(ppm: int) -> str:
    """Return millionths in per cent, as ``20`` or ``8.875``."""
    return f"{Decimal(ppm).scaleb(-4).normalize():f}"
