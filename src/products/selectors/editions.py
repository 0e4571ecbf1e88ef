"""The edition of what a market lists: as long as it is the same, so is every list of that market.

Lists are made of documents, of the market's row and of where a category stands, and of nothing else: neither of the
time nor, but for customer groups, of who asks. Whatever changes documents adds to the sum of ``products_edition`` in
its transaction, and nothing ever takes away from that. So of two looks that see the same sum, neither has seen a commit
that the other has not.
"""

from __future__ import annotations

from products.selectors.prepared import fetch_one
from products.selectors.reading import DEFAULT_MARKET, NAMED_MARKET

# Where so many changes are not gathered yet, what is remembered would not last: nobody sums them up.
_MOST = 1000
# As text. NULL where there is none to go by. Servers do not show commits in one order: each has editions of its own.
EDITION = f"""(
    SELECT pg_postmaster_start_time()::text || ' ' || m.id || ' ' || m.xmin::text || ' ' || coalesce(c.id::text, '')
           || ' ' || coalesce(c.level, 0) || ' '
           || CASE WHEN count(*) < {_MOST} THEN coalesce(sum(e.changes), 0) END
      FROM (SELECT changes FROM products_edition WHERE market_id = m.id LIMIT {_MOST}) e)"""  # nosec B608  # noqa: S608 - of our own parts
NO_CATEGORY = "(SELECT NULL::uuid AS id, NULL::int AS level)"
CATEGORY = """(
    SELECT id, cardinality(ancestor_ids) AS level FROM products_category WHERE slug = %(category)s::text)"""


def edition_of(*, market: str | None, category: str | None) -> str | None:
    """Return the edition of a market's lists, or of those below a category, by its slug. One query, of a single row.

    ``None`` where nothing is to be remembered by it: there is no such market, or it changes too often. In a transaction
    it is of no use: what that changes by itself nobody else may ever see.

    :param market: its code; ``None`` is the default one
    """
    values = {"market": market, "category": category}
    row = fetch_one(_STATEMENTS[market is None, category is None], {k: v for k, v in values.items() if v is not None})
    return row[0] if row else None


_STATEMENTS = {
    (is_default, is_whole): f"""
        SELECT {EDITION}
          FROM markets_market m LEFT JOIN LATERAL {NO_CATEGORY if is_whole else CATEGORY} c ON true
         WHERE {DEFAULT_MARKET if is_default else NAMED_MARKET} AND m.is_active
    """  # nosec B608  # noqa: S608 - as above
    for is_default in (True, False)
    for is_whole in (True, False)
}
