"""From what was charged to a paper whose sums hold by EN 16931-1:2017: pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from core import money
from orders.domain.papers import Amounts, Paper, PaperKind, Row, TaxRow, VatCategory
from pricing.domain.taxes import EXEMPT, VOUCHER, tax_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Charged:
    """What was charged for some goods, or for delivery, in minor units of the currency.

    ``price_minor`` is that of all ``quantity`` units, with tax inside where the paper's draft says so.
    """

    name: str
    price_minor: int
    category: VatCategory
    ppm: int
    sku: str = ""
    quantity: int = 1
    discount_minor: int = 0
    is_delivery: bool = False

    @property
    def left_minor(self) -> int:
        return self.price_minor - self.discount_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """All that the sums of a paper depend on."""

    currency: str
    charged: Sequence[Charged]
    paid_minor: int
    is_tax_included: bool


def vat_category(
    *, ppm: int, tax_class: str = "", is_reversed: bool, is_sent: bool = True, is_registered: bool, leaves: bool
) -> VatCategory:
    """Return the category of something that was charged.

    A voucher is exempt, whoever buys it. It is outside the scope of VAT by Directive 2006/112/EC, Art. 30b (1), but
    what is outside may stand on no invoice with anything else (EN 16931-1, BR-O-11 to BR-O-14), and a zero rate (Z) is
    a tax of nothing, which belongs into the return; E says why there is none.

    :param is_reversed: the buyer, in another member state, owes the tax
    :param is_sent: goods that go there, and no service (Directive 2006/112/EC, Art. 138; else Art. 196)
    :param is_registered: the seller has a VAT id
    :param leaves: the goods leave the territory of the tax
    """
    if tax_class == VOUCHER and is_registered:
        return VatCategory.EXEMPT
    if is_reversed:
        return VatCategory.INTRA_COMMUNITY if is_sent else VatCategory.REVERSED
    if ppm:
        return VatCategory.STANDARD
    if not is_registered:
        return VatCategory.OUTSIDE
    if tax_class == EXEMPT:
        return VatCategory.EXEMPT
    return VatCategory.EXPORT if leaves else VatCategory.ZERO


def compose_invoice(draft: Draft, head: Paper) -> Paper:
    """Return the paper of an order that is paid; the head has its number and seller."""
    scale = 10 ** (money.digits(draft.currency) - head.places)
    charged = [
        replace(
            each,
            price_minor=money.portion(each.price_minor, 1, scale),
            discount_minor=money.portion(each.price_minor, 1, scale) - money.portion(each.left_minor, 1, scale),
        )
        for each in draft.charged
    ]
    return _compose(charged, head, money.portion(draft.paid_minor, 1, scale), is_tax_included=draft.is_tax_included)


def compose_credit(invoice: Paper, head: Paper, parts: Sequence[int], paid: int) -> Paper:
    """Return the paper that takes so much of each of the invoice's rows back, lines first, then charges.

    All at once is the invoice itself, turned round.

    :param parts: with tax, in the paper's units
    :param paid: what goes back, in the paper's units: their sum, but for what was rounded
    """
    if paid == invoice.amounts.prepaid:
        amounts = replace(invoice.amounts, prepaid=0, due=paid)
        return replace(head, lines=invoice.lines, charges=invoice.charges, taxes=invoice.taxes, amounts=amounts)
    rows = (*invoice.lines, *invoice.charges)
    # A paper has a line at least (BR-16): delivery alone is one.
    has_goods = any(parts[: len(invoice.lines)])
    charged = [
        Charged(
            name=row.name,
            sku=row.sku,
            quantity=row.quantity if part == row.gross else 1,
            price_minor=part,
            category=row.category,
            ppm=row.ppm,
            is_delivery=has_goods and place >= len(invoice.lines),
        )
        for place, (row, part) in enumerate(zip(rows, parts, strict=True))
        if part
    ]
    return _compose(charged, head, paid, is_tax_included=True)


def _compose(charged: Sequence[Charged], head: Paper, paid: int, *, is_tax_included: bool) -> Paper:
    nets = _nets(charged, is_tax_included=is_tax_included)
    taxes = _taxes(charged, nets)
    rows = [(each, _row(each, net, is_tax_included=is_tax_included)) for each, net in zip(charged, nets, strict=True)]
    lines = tuple(row for each, row in rows if not each.is_delivery)
    charges = tuple(row for each, row in rows if each.is_delivery)
    return replace(head, lines=lines, charges=charges, taxes=taxes, amounts=_amounts(lines, charges, taxes, paid, head))


def _nets(charged: Sequence[Charged], *, is_tax_included: bool) -> list[int]:
    """Return what each is net of tax. Prices with tax inside are parted once for each rate, then shared out, so that
    the sum misses the gross by no more than one unit for each rate."""
    nets = [each.left_minor for each in charged]
    if not is_tax_included:
        return nets
    for places in _by_rate(charged).values():
        weights = [charged[place].left_minor for place in places]
        whole = sum(weights)
        if not whole:
            continue
        net = whole - tax_of(whole, charged[places[0]].ppm, is_included=True)
        for place, part in zip(places, money.share(net, weights), strict=True):
            nets[place] = part
    return nets


def _by_rate(charged: Sequence[Charged]) -> Mapping[tuple[VatCategory, int], list[int]]:
    found: dict[tuple[VatCategory, int], list[int]] = {}
    for place, each in enumerate(charged):
        found.setdefault((each.category, each.ppm), []).append(place)
    return found


def _taxes(charged: Sequence[Charged], nets: Sequence[int]) -> tuple[TaxRow, ...]:
    """BR-CO-17: the tax of a category and rate is its net amount times the rate, rounded once."""
    found = []
    for (category, ppm), places in _by_rate(charged).items():
        net = sum(nets[place] for place in places)
        found.append(TaxRow(category=category, ppm=ppm, net=net, tax=tax_of(net, ppm, is_included=False)))
    return tuple(found)


def _row(each: Charged, net: int, *, is_tax_included: bool) -> Row:
    price = each.price_minor - (tax_of(each.price_minor, each.ppm, is_included=True) if is_tax_included else 0)
    # What was rounded is no discount.
    price = max(price, net) if each.discount_minor else net
    gross = each.left_minor + (0 if is_tax_included else tax_of(net, each.ppm, is_included=False))
    return Row(
        name=each.name,
        sku=each.sku,
        quantity=each.quantity,
        price=price,
        discount=price - net,
        net=net,
        gross=gross,
        category=each.category,
        ppm=each.ppm,
    )


def _amounts(lines: Sequence[Row], charges: Sequence[Row], taxes: Sequence[TaxRow], paid: int, head: Paper) -> Amounts:
    """BR-CO-10 to BR-CO-16. What was paid stands as prepaid; a credit is due to the buyer."""
    in_lines, in_charges = sum(row.net for row in lines), sum(row.net for row in charges)
    net, tax = in_lines + in_charges, sum(row.tax for row in taxes)
    prepaid = paid if head.kind is PaperKind.INVOICE else 0
    return Amounts(
        lines=in_lines,
        charges=in_charges,
        net=net,
        tax=tax,
        gross=net + tax,
        prepaid=prepaid,
        rounding=paid - net - tax,
        due=paid - prepaid,
    )
