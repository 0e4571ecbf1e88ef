"""Tallies: how many documents are found by what, and how often they changed. Their sums are exact at any
time, and gathered to stay short."""

from __future__ import annotations

from django.db import connection

from core.transactions import command

_SIZES = {
    # So many changes of what is listed may lie beside the parts of a list, before these are made anew.
    "loose": 500,
    # A part of a list in the order of time: so many documents at least, and not many more parts than that.
    "least": 2000,
    "parts": 500,
}

_IS_MY_TURN = "SELECT pg_try_advisory_xact_lock(hashtext('products_tally'))"
_GATHER = """
    WITH gone AS (
        DELETE FROM products_tally t
         USING (SELECT market_id, kind, label, number FROM products_tally
                 WHERE kind IN ('a', 'c', 't', 'p') GROUP BY 1, 2, 3, 4 HAVING count(*) > 1) s
         WHERE t.market_id = s.market_id AND t.kind = s.kind AND t.label = s.label AND t.number = s.number
        RETURNING t.*)
    INSERT INTO products_tally (market_id, kind, label, number, products, free)
    SELECT market_id, kind, label, number, sum(products), sum(free)
      FROM gone GROUP BY 1, 2, 3, 4 HAVING sum(products) <> 0 OR sum(free) <> 0
"""
_GATHER_WORDS = """
    WITH gone AS (
        DELETE FROM products_wordtally t
         USING (SELECT market_id, word FROM products_wordtally GROUP BY 1, 2 HAVING count(*) > 1) s
         WHERE t.market_id = s.market_id AND t.word = s.word
        RETURNING t.*)
    INSERT INTO products_wordtally (market_id, word, products)
    SELECT market_id, word, sum(products) FROM gone GROUP BY 1, 2 HAVING sum(products) <> 0
"""
_GATHER_EDITIONS = """
    WITH gone AS (
        DELETE FROM products_edition e
         USING (SELECT market_id FROM products_edition GROUP BY 1 HAVING count(*) > 1) s
         WHERE e.market_id = s.market_id
        RETURNING e.*)
    INSERT INTO products_edition (market_id, changes) SELECT market_id, sum(changes) FROM gone GROUP BY 1
"""
# What is deleted and what is counted is seen at the same moment: whoever commits later adds to both. Documents of one
# time are in one part.
_PART = """
    WITH loose AS MATERIALIZED (
        SELECT market_id FROM products_tally WHERE kind = 'd' GROUP BY 1 HAVING count(*) > %(loose)s),
    gone AS (DELETE FROM products_tally t USING loose l WHERE t.market_id = l.market_id AND t.kind IN ('d', 'n')),
    listed AS (
        SELECT d.market_id, d.published_at, rank() OVER newest - 1 AS before,
               count(*) OVER (PARTITION BY d.market_id) AS n
          FROM products_productdocument d JOIN loose l ON l.market_id = d.market_id
        WINDOW newest AS (PARTITION BY d.market_id ORDER BY d.published_at DESC))
    INSERT INTO products_tally (market_id, kind, label, number, products, free)
    SELECT market_id, 'n', '', products_time_number(max(published_at)), count(*), 0
      FROM listed GROUP BY market_id, before / greatest(%(least)s, n / %(parts)s)
"""


@command
def gather_tallies() -> None:
    """Put sums in the place of what was added since the last time. Waits for nobody, and nobody waits for it.

    At most one does so at a time: whoever comes meanwhile leaves it to that one. Five statements.
    """
    with connection.cursor() as cursor:
        cursor.execute(_IS_MY_TURN)
        if not cursor.fetchone()[0]:
            return
        for statement in (_GATHER, _GATHER_WORDS, _GATHER_EDITIONS, _PART):
            cursor.execute(statement, _SIZES)
