"""What lists are filtered and sorted by, as parts of their statements."""

from __future__ import annotations

from collections.abc import Mapping

import orjson
import pycountry

from core import money
from products.selectors import counting

# How many digits a price in each currency has (ISO 4217), for the filters, which are asked in major units.
_DIGITS = orjson.dumps(
    {c.alpha_3: money.digits(c.alpha_3) for c in pycountry.currencies if money.digits(c.alpha_3) != 2}
).decode()
_SCALE = f"10 ^ coalesce(('{_DIGITS}'::jsonb ->> m.currency)::int, 2)"

# With more words that begin like the last, a row is looked at sooner, where the rarest of those before is in few.
_MANY_WORDS = 8
_IN_LANGUAGE = "websearch_to_tsquery(products_text_config(m.language), unaccent(%({words})s::text))"
_ANY_BEGINNING = "to_tsquery('simple', '''' || replace(unaccent(%(prefix)s::text), '''', '') || ''':*')"

# In a query of its own, as all that decides how many rows are expected: PostgreSQL plans the statement once, rather
# than for each word anew, which takes longer than to find it.
_AS_SKU = "ARRAY[(SELECT upper(%(search)s::text))]::varchar[]"
_HAS_SKU = f"d.skus @> {_AS_SKU}"

# filter -> what its condition needs, worked out once for all rows.
GIVEN = {
    "min_price": f"ceil(%(min_price)s::numeric * {_SCALE})::bigint AS lowest",
    "max_price": f"floor(%(max_price)s::numeric * {_SCALE})::bigint AS highest",
    "search": "w.query, w.head",
}
# filter -> condition; the values are bound by the same names.
CONDITIONS = {
    "category": "d.category_ids @> ARRAY[c.id]",
    "tag": "d.tags @> ARRAY[%(tag)s::text]::varchar[]",
    "min_price": "d.price_minor >= q.lowest",
    "max_price": "d.price_minor <= q.highest",
    "in_stock": "d.in_stock = (SELECT %(in_stock)s::boolean)",
    "rating": "d.rating >= %(rating)s::numeric",
    "search": f"(d.search @@ q.query OR {_HAS_SKU})",
    "sku": _HAS_SKU,
    # Not asked for by name: what is found by its words, but has not that very SKU.
    "by_words": f"NOT ({_HAS_SKU})",
}
# As the condition, for an index: where that was asked for the whole, no row is looked through again.
FOUND_BY_WORDS = (
    f"(d.search @@ (SELECT query FROM looked_for) OR {_HAS_SKU})"  # nosec B608  # noqa: S608 - of our own parts
    f" AND ((SELECT is_all FROM looked_for) OR ts_match_vq(d.search, q.query) OR {_HAS_SKU})"
)
# Mostly nothing has that very SKU, and then no row is asked for it.
SCORE = (
    f"(ts_rank(d.search, q.query)::float8 + CASE WHEN EXISTS (SELECT FROM skus) AND {_HAS_SKU} THEN 1000 ELSE 0 END)"  # nosec B608
)
# sort -> what rows go by, its type, and the direction; the product's id follows in the same one.
SORTS: Mapping[str, tuple[str, str, str]] = {
    "newest": ("d.published_at", "timestamptz", "DESC"),
    "price": ("d.price_minor", "bigint", "ASC"),
    "-price": ("d.price_minor", "bigint", "DESC"),
    "name": ("d.name", "text", "ASC"),
    "-name": ("d.name", "text", "DESC"),
    "rating": ("d.rating", "numeric", "DESC"),
    "relevance": (SCORE, "float8", "DESC"),
}


def sought() -> str:
    """Return what is searched: all words, of which the last may also be the beginning of one.

    Those with that beginning are named where they are few: to find many words, and what they have in common, costs an
    index less than one beginning. ``head`` has the words before, where there are many that the last may stand for.
    """
    return f"""(
    SELECT CASE WHEN %(prefix)s::text = '' THEN {_IN_LANGUAGE.format(words="search")}
                WHEN numnode(last) = 0 AND numnode(head) > 0 THEN head
                ELSE head && (last || coalesce(b.named, {_ANY_BEGINNING})) END AS query,
           CASE WHEN b.n > {_MANY_WORDS} THEN head END AS head
      FROM {counting.WORDS_BEGINNING} b, {_IN_LANGUAGE.format(words="head")} head,
           {_IN_LANGUAGE.format(words="prefix")} last)"""  # nosec B608  # noqa: S608 - of our own parts; values are bound
