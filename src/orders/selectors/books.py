"""Re-deriving what orders say of themselves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db import connection

from orders.selectors.receipts import read_facts, read_steps, receipts_that_hold
from pricing.domain import price_cart

_AT_ONCE = 500
_CHECKS = {
    "order {0}: subtotal {1}, but its lines add up to {2}": """
        SELECT o.number, o.subtotal_minor, coalesce(sum(l.unit_price_minor * l.quantity), 0) FROM orders_order o
          LEFT JOIN orders_orderline l ON l.order_id = o.id
         GROUP BY o.id HAVING o.subtotal_minor <> coalesce(sum(l.unit_price_minor * l.quantity), 0)""",
    "order {0}: total {1}, but it adds up to {2}": """
        SELECT number, total_minor, subtotal_minor - discount_minor + shipping_minor + tax_minor FROM orders_order
         WHERE total_minor <> subtotal_minor - discount_minor + shipping_minor + tax_minor""",
    "order {0}: stands at {1}, but its history ends at {2}": """
        SELECT o.number, o.status, m.to_status FROM orders_order o
          LEFT JOIN LATERAL (SELECT to_status FROM orders_ordermove WHERE order_id = o.id ORDER BY id DESC LIMIT 1) m
            ON true WHERE m.to_status IS DISTINCT FROM o.status""",
    "order {0}: {1} units of a variant owed and {2} shipped, but {3} promised and {4} shipped by the stock": """
        SELECT o.number, l.owed, l.shipped, coalesce(r.owed, 0), coalesce(r.shipped, 0)
          FROM (SELECT order_id, variant_id, sum(quantity - shipped - cancelled) AS owed, sum(shipped) AS shipped
                  FROM orders_orderline GROUP BY order_id, variant_id) l
          JOIN orders_order o ON o.id = l.order_id
          LEFT JOIN (SELECT r.reference, s.variant_id, sum(r.quantity - r.shipped - r.released) AS owed,
                            sum(r.shipped) AS shipped
                       FROM inventory_reservation r JOIN inventory_stock s ON s.id = r.stock_id
                      GROUP BY r.reference, s.variant_id) r
            ON r.reference = l.order_id AND r.variant_id = l.variant_id
         WHERE (l.owed, l.shipped) <> (coalesce(r.owed, 0), coalesce(r.shipped, 0))""",
    "order {0}: {1} units of line {2} shipped, but {3} lie in its parcels": """
        SELECT o.number, l.shipped, l.position, coalesce(f.units, 0) FROM orders_orderline l
          JOIN orders_order o ON o.id = l.order_id
          LEFT JOIN (SELECT line_id, sum(quantity) AS units FROM orders_fulfilmentline GROUP BY line_id) f
            ON f.line_id = l.id
         WHERE l.shipped <> coalesce(f.units, 0)""",
    "order {0}: is {1}, with {2} units owed and {3} shipped": """
        SELECT o.number, o.status, l.owed, l.shipped FROM orders_order o
          JOIN (SELECT order_id, sum(quantity - shipped - cancelled) AS owed, sum(shipped) AS shipped
                  FROM orders_orderline GROUP BY order_id) l ON l.order_id = o.id
         WHERE CASE WHEN o.status = 'pending' THEN l.shipped > 0
                    WHEN o.status = 'paid' THEN l.owed = 0
                    WHEN o.status = 'cancelled' THEN l.owed > 0 OR l.shipped > 0
                    ELSE l.owed > 0 OR l.shipped = 0 END""",
    "order {0}: is {1}, but {2} of its parcels are under way": """
        SELECT o.number, o.status, count(f.id) FILTER (WHERE f.delivered_at IS NULL) FROM orders_order o
          JOIN orders_fulfilment f ON f.order_id = o.id WHERE o.status IN ('shipped', 'delivered')
         GROUP BY o.id
        HAVING (o.status = 'delivered') <> (count(f.id) FILTER (WHERE f.delivered_at IS NULL) = 0)""",
    "order {0}: total {1}, but {2} was booked as paid": """
        SELECT o.number, o.total_minor, coalesce(p.amount, 0) FROM orders_order o
          LEFT JOIN (SELECT e.reference, sum(p.amount_minor) AS amount FROM payments_ledgerentry e
                       JOIN payments_posting p ON p.entry_id = e.id AND p.account = 'cash'
                      WHERE e.kind = 'order_paid' GROUP BY e.reference) p ON p.reference = o.id::text
         WHERE o.status IN ('paid', 'shipped', 'delivered') AND o.total_minor <> coalesce(p.amount, 0)""",
    "order {0}: total {1}, but its last edit made {2}": """
        SELECT o.number, o.total_minor, e.total_after_minor FROM orders_order o
          JOIN LATERAL (SELECT total_after_minor FROM orders_orderedit WHERE order_id = o.id ORDER BY id DESC LIMIT 1) e
            ON true WHERE e.total_after_minor <> o.total_minor""",
    "order {0}: edit {1} began at {2}, but the one before ended at {3}": """
        SELECT o.number, e.id, e.total_before_minor, e.earlier FROM orders_order o
          JOIN (SELECT order_id, id, total_before_minor,
                       lag(total_after_minor) OVER (PARTITION BY order_id ORDER BY id) AS earlier
                  FROM orders_orderedit) e ON e.order_id = o.id
         WHERE e.earlier <> e.total_before_minor""",
    "order {0}: total {1}, but its payment captured {2}": """
        SELECT o.number, o.total_minor, p.captured_minor FROM orders_order o
          JOIN payments_payment p ON p.order_id = o.id
         WHERE o.status IN ('paid', 'shipped', 'delivered') AND o.total_minor <> p.captured_minor""",
    "order {0}, {1}: {2} units returned, but {3} were taken back": """
        SELECT o.number, l.sku, l.returned, coalesce(r.units, 0) FROM orders_orderline l
          JOIN orders_order o ON o.id = l.order_id
          LEFT JOIN (SELECT r.line_id, sum(r.accepted) AS units FROM orders_returnline r
                       JOIN orders_return b ON b.id = r.back_id AND b.status = 'completed' GROUP BY r.line_id) r
            ON r.line_id = l.id
         WHERE l.returned <> coalesce(r.units, 0)""",
    "order {0}, {1}: {2} units on their way back, but {3} were announced": """
        SELECT o.number, l.sku, l.returning, coalesce(r.units, 0) FROM orders_orderline l
          JOIN orders_order o ON o.id = l.order_id
          LEFT JOIN (SELECT r.line_id, sum(r.quantity) AS units FROM orders_returnline r
                       JOIN orders_return b ON b.id = r.back_id AND b.status IN ('requested', 'approved', 'received')
                      GROUP BY r.line_id) r ON r.line_id = l.id
         WHERE l.returning <> coalesce(r.units, 0)""",
    "order {0}: a return is worth {1}, but {2} were given for it": """
        SELECT o.number, b.worth_minor + b.delivery_minor - b.deduction_minor, coalesce(r.amount, 0)
          FROM orders_return b
          JOIN orders_order o ON o.id = b.order_id
          LEFT JOIN (SELECT coalesce(r."group", r.id) AS first, sum(r.amount_minor) AS amount
                       FROM payments_refund r GROUP BY 1) r ON r.first = b.refund_id
         WHERE b.status = 'completed' AND b.settled_as <> 'exchange'
           AND b.worth_minor + b.delivery_minor - b.deduction_minor <> coalesce(r.amount, 0)""",
    "order {0}: {1} lies on the balance of its exchange, and nobody is about to send it on": """
        SELECT o.number, b.left_minor FROM orders_order o
          JOIN orders_return r ON r.exchange_order_id = o.id
          JOIN payments_balance b ON b.account = 'exchange:' || r.id::text
         WHERE b.left_minor > 0
           AND NOT EXISTS (SELECT FROM core_delivery d JOIN core_outboxevent e ON e.id = d.event_id
                            WHERE e.aggregate = o.id::text AND e.name = 'payments.payment_refunded'
                              AND d.handler = 'orders.handlers.pass_on_exchange' AND d.done_at IS NULL)""",
    "order {0}, {1}: {2} units sent, but {3} gift cards made of them, and none are about to be": """
        SELECT o.number, l.sku, l.shipped, coalesce(c.cards, 0) FROM orders_orderline l
          JOIN orders_order o ON o.id = l.order_id AND o.external_number = ''
          LEFT JOIN (SELECT split_part(source, ':', 1) AS line, count(*) AS cards FROM payments_balance
                      WHERE source <> '' GROUP BY 1) c ON c.line = l.id::text
         WHERE l.is_gift_card AND l.shipped <> coalesce(c.cards, 0)
           AND NOT EXISTS (SELECT FROM core_delivery d JOIN core_outboxevent e ON e.id = d.event_id
                            WHERE e.aggregate = o.id::text AND e.name = 'orders.gift_cards_sold'
                              AND d.done_at IS NULL)""",
    "order {0}: says {1} of having gift cards, and its lines say {2}": """
        SELECT o.number, o.has_gift_cards, l.are FROM orders_order o
          JOIN (SELECT order_id, bool_or(is_gift_card) AS are FROM orders_orderline GROUP BY order_id) l
            ON l.order_id = o.id
         WHERE o.has_gift_cards <> l.are""",
    "order {0}: {1} moves, but {2} facts in the outbox": """
        SELECT o.number, m.moves, coalesce(e.facts, 0) FROM orders_order o
          JOIN (SELECT order_id, count(*) AS moves FROM orders_ordermove GROUP BY order_id) m ON m.order_id = o.id
          LEFT JOIN (SELECT aggregate, count(*) AS facts FROM core_outboxevent
                      WHERE name IN ('orders.order_placed', 'orders.order_moved') GROUP BY aggregate) e
            ON e.aggregate = o.id::text
         WHERE o.placed_at > %s AND m.moves <> coalesce(e.facts, 0)""",
}


def find_differences(*, events_since: datetime) -> list[str]:
    """Re-derive every order's sums, history, reservations and payments, and return, in words, what does not agree.

    Of their receipts tells ``find_receipts_that_differ``.

    :param events_since: how far back the outbox still holds all facts
    """
    found = []
    with connection.cursor() as cursor:
        for sentence, query in _CHECKS.items():
            cursor.execute(query, [events_since] if "%s" in query else None)
            found += [sentence.format(*row) for row in cursor.fetchall()]
    return found


def find_receipts_that_differ() -> Iterator[str]:
    """Price every order again from the facts that were kept with it last, and tell, in words, which come out other.

    An order and its receipt are read by one statement: it takes no transaction to compare them, nor should it have one,
    for to price all of them takes minutes.
    """
    for number, total_minor, currency, facts, steps in _receipts():
        kept = read_facts(facts)
        priced = price_cart(kept)
        if (priced.total_minor, kept.currency) != (total_minor, currency):
            yield f"order {number}: total {total_minor}, but its receipt makes {priced.total_minor} {kept.currency}"
        elif priced.receipt != read_steps(steps):
            yield f"order {number}: its receipt does not tell what its facts make"


def _receipts() -> Iterator[tuple[Any, ...]]:
    """Read them in parts, so that no snapshot is held while orders are priced."""
    rows = receipts_that_hold().order_by("pk")
    columns = ("order__number", "order__total_minor", "order__currency", "facts", "steps")
    part = list(rows.values_list("pk", *columns)[:_AT_ONCE])
    while part:
        yield from (row[1:] for row in part)
        part = list(rows.filter(pk__gt=part[-1][0]).values_list("pk", *columns)[:_AT_ONCE])
