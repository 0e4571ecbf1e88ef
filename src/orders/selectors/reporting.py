"""What was sold, and the tax on it, by period: set-based, whatever the number of orders.

The tax point is the moment at which an order was paid (Directive 2006/112/EC, Art. 63 and 65), and what is paid back
corrects it at its own (Art. 90): the ledger says when. A refund is taken of the rates of which its credit note takes
it. One of an order that has no such notes is taken of all rates alike, from running totals. An order that is paid back
whole leaves nothing at any rate.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar
from uuid import UUID

from django.db import connection

from core.money import to_text
from core.periods import Period
from markets import selectors as market_reads
from markets.errors import MarketNotFound, UnknownMarket
from payments.domain import DEPOSITS, EXCHANGES_DUE
from pricing.domain import percent_text
from pricing.domain.taxes import EXEMPT, STANDARD

_MOVED = """
sold AS (
    SELECT reference::uuid AS order_id, at FROM payments_ledgerentry
     WHERE kind = 'order_paid' AND at >= %(begins)s AND at < %(ends)s
), touched AS (
    SELECT DISTINCT r.payment_id FROM payments_ledgerentry e JOIN payments_refund r ON r.id = e.reference::uuid
     WHERE e.kind = 'refund' AND e.at >= %(begins)s AND e.at < %(ends)s
), refunded AS (
    SELECT p.order_id, r.id, e.at, r.amount_minor,
           sum(r.amount_minor) OVER (PARTITION BY p.order_id ORDER BY e.at, r.id) AS until
      FROM touched t
      JOIN payments_payment p ON p.id = t.payment_id
      JOIN payments_refund r ON r.payment_id = p.id AND r.account <> ALL(%(no_sales)s)
      JOIN payments_attempt a ON a.id = r.attempt_id AND NOT a.is_surplus
      JOIN payments_ledgerentry e ON e.kind = 'refund' AND e.reference = r.id::text
)"""
# What an order's receipt knows. One whose prices were agreed elsewhere has none: it was sold at home.
_KNOWN = """
known AS (
    SELECT o.id, o.currency, o.shipping_minor, o.tax_minor, o.contained_minor,
           coalesce(f.facts #>> '{tax,country}', nullif(m.home_country, ''), m.countries[1], '') AS country,
           coalesce(f.facts #>> '{tax,region}', '') AS region,
           coalesce((f.facts #>> '{tax,is_reversed}')::boolean, false) AS is_reversed,
           jsonb_path_query_array(f.facts, '$.lines[*].tax_class') AS classes,
           coalesce(d.tax_class, %(standard)s) AS delivery_class,
           coalesce(f.facts #>> ARRAY['tax', 'rates', d.tax_class, 'ppm'],
                    CASE WHEN d.tax_class = %(exempt)s THEN '0' END,
                    f.facts #>> ARRAY['tax', 'rates', %(standard)s, 'ppm'])::int AS delivery_ppm
      FROM orders_order o
      JOIN markets_market m ON m.id = o.market_id
      LEFT JOIN LATERAL (
          SELECT r.facts::jsonb AS facts FROM orders_orderreceipt r WHERE r.order_id = o.id
           ORDER BY r.revision DESC LIMIT 1
      ) f ON true
      LEFT JOIN LATERAL (
          SELECT method ->> 'tax_class' AS tax_class
            FROM jsonb_array_elements(f.facts #> '{shipping,methods}') AS method
           WHERE method ->> 'code' = o.shipping_method LIMIT 1
      ) d ON true
     WHERE o.id IN (SELECT order_id FROM sold UNION SELECT order_id FROM refunded)
       AND (%(market)s::uuid IS NULL OR o.market_id = %(market)s::uuid)
)"""
# The lines, and behind them the delivery: what the order has of tax beyond its lines.
_PARTS = """
lines AS (
    SELECT l.*, row_number() OVER (PARTITION BY l.order_id ORDER BY l.position)::int - 1 AS place
      FROM orders_orderline l WHERE l.order_id IN (SELECT id FROM known)
), delivered AS (
    SELECT k.id, k.tax_minor - sum(l.tax_minor) AS tax_minor, max(l.tax_ppm) AS most_ppm, count(*) AS place,
           k.contained_minor - sum(l.contained_minor) AS contained_minor
      FROM known k JOIN lines l ON l.order_id = k.id GROUP BY k.id, k.tax_minor, k.contained_minor
), parts AS (
    SELECT l.order_id, l.place, coalesce(k.classes ->> l.place, %(standard)s) AS tax_class, l.tax_ppm AS ppm,
           l.subtotal_minor - l.discount_minor + l.tax_minor AS gross,
           l.contained_minor + greatest(l.tax_minor, 0) AS tax
      FROM lines l JOIN known k ON k.id = l.order_id
    UNION ALL
    SELECT k.id, d.place, k.delivery_class,
           CASE WHEN k.is_reversed THEN 0
                WHEN k.delivery_ppm IS NOT NULL THEN k.delivery_ppm
                WHEN d.tax_minor + d.contained_minor > 0 THEN d.most_ppm
                ELSE 0 END,
           k.shipping_minor + d.tax_minor, d.contained_minor + greatest(d.tax_minor, 0)
      FROM known k JOIN delivered d USING (id) WHERE k.shipping_minor <> 0
), rates AS (
    SELECT order_id, tax_class, ppm, sum(gross) AS gross, sum(tax) AS tax,
           sum(sum(gross)) OVER (PARTITION BY order_id ORDER BY ppm, tax_class COLLATE "C") AS reached,
           sum(sum(gross)) OVER (PARTITION BY order_id) AS whole
      FROM parts GROUP BY order_id, tax_class, ppm
)"""
# What the credit note of a refund takes of each rate. The last refund of an order takes what rounding left.
_NOTED = """
credits AS (
    SELECT f.*, n.parts, bool_and(n.id IS NOT NULL) OVER (PARTITION BY f.order_id) AS is_noted
      FROM refunded f LEFT JOIN orders_invoice n ON n.order_id = f.order_id AND n.reference = f.id::text
), noted AS (
    SELECT c.order_id, c.id, c.at, c.amount_minor, c.until, p.tax_class, p.ppm, sum(e.part::bigint) AS part,
           sum(sum(e.part::bigint)) OVER (PARTITION BY c.id ORDER BY p.ppm, p.tax_class COLLATE "C") AS reached,
           sum(sum(e.part::bigint)) OVER (PARTITION BY c.id) AS whole
      FROM credits c
      CROSS JOIN LATERAL jsonb_array_elements_text(c.parts) WITH ORDINALITY AS e (part, place)
      JOIN parts p ON p.order_id = c.order_id AND p.place = e.place - 1
     WHERE c.is_noted GROUP BY c.order_id, c.id, c.at, c.amount_minor, c.until, p.tax_class, p.ppm
), gone AS (
    SELECT n.order_id, n.id, n.at, n.tax_class, n.ppm, r.gross, r.tax,
           CASE WHEN n.until >= r.whole THEN r.gross
                ELSE sum(div(2 * n.amount_minor * n.reached + n.whole, 2 * n.whole)
                         - div(2 * n.amount_minor * (n.reached - n.part) + n.whole, 2 * n.whole))
                     OVER (PARTITION BY n.order_id, n.tax_class, n.ppm ORDER BY n.at, n.id) END AS share
      FROM noted n JOIN rates r USING (order_id, tax_class, ppm) WHERE n.whole > 0 AND r.gross > 0
)"""
# A rate's part of a running total is what is reached with it, less what is reached without; a refund is the difference
# of two running totals. ``div(2a + b, 2b)`` is a / b, halves up.
_FACTS = """
shares AS (
    SELECT f.order_id, f.at, r.tax_class, r.ppm, r.gross, r.tax, c.sign,
           div(2 * c.minor * r.reached + r.whole, 2 * r.whole)
           - div(2 * c.minor * (r.reached - r.gross) + r.whole, 2 * r.whole) AS share
      FROM credits f
      JOIN rates r ON r.order_id = f.order_id AND r.gross > 0
      CROSS JOIN LATERAL (VALUES (f.until, 1), (f.until - f.amount_minor, -1)) AS c (minor, sign)
     WHERE NOT f.is_noted
    UNION ALL
    SELECT g.order_id, g.at, g.tax_class, g.ppm, g.gross, g.tax, c.sign, c.share
      FROM (SELECT *, lag(share, 1, 0) OVER (PARTITION BY order_id, tax_class, ppm ORDER BY at, id) AS before
              FROM gone) g
      CROSS JOIN LATERAL (VALUES (g.share, 1), (g.before, -1)) AS c (share, sign)
), facts AS (
    SELECT s.order_id, s.at, r.tax_class, r.ppm, r.gross, r.tax, 0 AS back, 0 AS back_tax
      FROM sold s JOIN rates r ON r.order_id = s.order_id
    UNION ALL
    SELECT order_id, at, tax_class, ppm, 0, 0, sign * share, sign * div(2 * share * tax + gross, 2 * gross) FROM shares
     WHERE at >= %(begins)s AND at < %(ends)s
)"""
_TAX = f"""
WITH {_MOVED}, {_KNOWN}, {_PARTS}, {_NOTED}, {_FACTS}
SELECT width_bucket(f.at, %(edges)s::timestamptz[]), k.currency, k.country, k.region, f.tax_class, f.ppm, k.is_reversed,
       sum(f.gross - f.tax)::bigint, sum(f.tax)::bigint, sum(f.back - f.back_tax)::bigint, sum(f.back_tax)::bigint
  FROM facts f JOIN known k ON k.id = f.order_id
 GROUP BY 1, 2, 3, 4, 5, 6, 7 ORDER BY 1, 2, 3, 4, 6, 5, 7"""  # nosec B608  # noqa: S608 - nothing but our own words
_ORDERS = """
SELECT width_bucket(o.placed_at, %(edges)s::timestamptz[]), m.code, o.status, o.currency, count(*),
       sum(l.units)::bigint, sum(o.subtotal_minor)::bigint, sum(o.discount_minor)::bigint,
       sum(o.shipping_minor)::bigint, sum(o.contained_minor + greatest(o.tax_minor, 0))::bigint,
       sum(o.total_minor)::bigint, coalesce(sum(p.refunded_minor), 0)::bigint
  FROM orders_order o
  JOIN markets_market m ON m.id = o.market_id
  CROSS JOIN LATERAL (SELECT coalesce(sum(quantity), 0) AS units FROM orders_orderline WHERE order_id = o.id) l
  LEFT JOIN payments_payment p ON p.order_id = o.id
 WHERE o.placed_at >= %(begins)s AND o.placed_at < %(ends)s
   AND (%(market)s::uuid IS NULL OR o.market_id = %(market)s::uuid)
   AND (%(status)s::text IS NULL OR o.status = %(status)s)
 GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxRow:
    """What was sold at one rate in a part of the period, and what of such sales was paid back in it; minor units.

    ``is_reversed``: the buyers owe the tax (reverse charge).
    """

    HEADS: ClassVar = (
        *("period", "country", "region", "tax_class", "percent", "is_reversed", "currency"),
        *("net", "tax", "credited_net", "credited_tax"),
    )

    period: str
    currency: str
    country: str
    region: str
    tax_class: str
    rate_ppm: int
    is_reversed: bool
    net_minor: int
    tax_minor: int
    credited_net_minor: int
    credited_tax_minor: int

    @property
    def percent(self) -> str:
        return percent_text(self.rate_ppm)

    @property
    def cells(self) -> tuple[str, ...]:
        """The row as texts, by ``HEADS``."""
        amounts = (self.net_minor, self.tax_minor, self.credited_net_minor, self.credited_tax_minor)
        words = (self.period, self.country, self.region, self.tax_class, self.percent)
        said = "yes" if self.is_reversed else "no"
        return (*words, said, self.currency, *(to_text(minor, self.currency) for minor in amounts))


@dataclass(frozen=True, slots=True, kw_only=True)
class OrdersRow:
    """The orders that were placed in a part of the period and stand at ``status`` now; minor units."""

    HEADS: ClassVar = (
        *("period", "market", "status", "currency", "orders", "units"),
        *("subtotal", "discount", "shipping", "tax", "total", "refunded"),
    )

    period: str
    market: str
    status: str
    currency: str
    orders: int
    units: int
    subtotal_minor: int
    discount_minor: int
    shipping_minor: int
    tax_minor: int
    total_minor: int
    refunded_minor: int

    @property
    def cells(self) -> tuple[str, ...]:
        """The row as texts, by ``HEADS``."""
        amounts = (
            *(self.subtotal_minor, self.discount_minor, self.shipping_minor),
            *(self.tax_minor, self.total_minor, self.refunded_minor),
        )
        words = (self.period, self.market, self.status, self.currency, str(self.orders), str(self.units))
        return (*words, *(to_text(minor, self.currency) for minor in amounts))


def report_tax(*, period: Period, market: str | None = None) -> list[TaxRow]:
    """Return what was taxed and what was corrected, by period, currency, place, rate and class. One query, with a
    market's code two.

    :raises UnknownMarket: there is no such market (400)
    """
    values = _values(period, market) | {"no_sales": [DEPOSITS, EXCHANGES_DUE], "standard": STANDARD, "exempt": EXEMPT}
    names = [field.name for field in fields(TaxRow)]
    return [TaxRow(**dict(zip(names, row, strict=True))) for row in _read(_TAX, values, period)]


def report_orders(*, period: Period, market: str | None = None, status: str | None = None) -> list[OrdersRow]:
    """Return the orders by the period in which they were placed, market, state and currency. One query, with a market's
    code two.

    :raises UnknownMarket: there is no such market (400)
    """
    values = _values(period, market) | {"status": status}
    names = [field.name for field in fields(OrdersRow)]
    return [OrdersRow(**dict(zip(names, row, strict=True))) for row in _read(_ORDERS, values, period)]


def _values(period: Period, market: str | None) -> dict[str, Any]:
    return {
        "begins": period.begins_at,
        "ends": period.ends_at,
        "edges": period.edges,
        "market": None if market is None else _market_id(market),
    }


def _market_id(code: str) -> UUID:
    """Return the id of a market, also of one that is closed."""
    try:
        return market_reads.get_market_by_code(code=code, active_only=False).pk
    except MarketNotFound as error:
        raise UnknownMarket.field("market", "There is no such market.") from error


def _read(query: str, values: dict[str, Any], period: Period) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return [(period.label(part), *rest) for part, *rest in cursor.fetchall()]
