"""Re-deriving what orders say of themselves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db import connection

from orders.models import OrderReceipt
from orders.selectors.receipts import read_facts, read_steps
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
    "order {0}: {1} units ordered, {2} reserved or shipped": """
        SELECT o.number, l.units, coalesce(r.units, 0) FROM orders_order o
          JOIN (SELECT order_id, sum(quantity) AS units FROM orders_orderline GROUP BY order_id) l ON l.order_id = o.id
          LEFT JOIN (SELECT reference, sum(quantity) AS units FROM inventory_reservation
                      WHERE state <> 'released' GROUP BY reference) r ON r.reference = o.id
         WHERE coalesce(r.units, 0) <> CASE WHEN o.status = 'cancelled' THEN 0 ELSE l.units END""",
    "order {0}: total {1}, but {2} was booked as paid": """
        SELECT o.number, o.total_minor, coalesce(p.amount, 0) FROM orders_order o
          LEFT JOIN (SELECT e.reference, sum(p.amount_minor) AS amount FROM payments_ledgerentry e
                       JOIN payments_posting p ON p.entry_id = e.id AND p.account = 'cash'
                      WHERE e.kind = 'order_paid' GROUP BY e.reference) p ON p.reference = o.id::text
         WHERE o.status IN ('paid', 'shipped', 'delivered') AND o.total_minor <> coalesce(p.amount, 0)""",
    "order {0}: total {1}, but its payment captured {2}": """
        SELECT o.number, o.total_minor, p.captured_minor FROM orders_order o
          JOIN payments_payment p ON p.order_id = o.id
         WHERE o.status IN ('paid', 'shipped', 'delivered') AND o.total_minor <> p.captured_minor""",
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

    :param events_since: how far back the outbox still holds all facts
    """
    found = []
    with connection.cursor() as cursor:
        for sentence, query in _CHECKS.items():
            cursor.execute(query, [events_since] if "%s" in query else None)
            found += [sentence.format(*row) for row in cursor.fetchall()]
    return [*found, *_receipts_that_differ()]


def _receipts_that_differ() -> Iterator[str]:
    """Price every order again from the facts that were kept with it."""
    columns = ("order__number", "order__total_minor", "order__currency", "facts", "steps")
    rows = OrderReceipt.objects.order_by("pk").values_list(*columns)
    for number, total_minor, currency, facts, steps in rows.iterator(chunk_size=_AT_ONCE):
        kept = read_facts(facts)
        priced = price_cart(kept)
        if (priced.total_minor, kept.currency) != (total_minor, currency):
            yield f"order {number}: total {total_minor}, but its receipt makes {priced.total_minor} {kept.currency}"
        elif priced.receipt != read_steps(steps):
            yield f"order {number}: its receipt does not tell what its facts make"
