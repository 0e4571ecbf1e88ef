"""A word that very many have, as parts of the statements of lists: the newest that are called so come first.

Those that have it in their name, brand, tags or SKU come before those of which only the description speaks of it, and
the newest of both first. For this nothing has to be scored. How many have the word is kept; the page itself is looked
for among the newest of all products, so many that it will be among them, by what two indexes have in common.
"""

from __future__ import annotations

from core.pagination import EXACT_COUNT_LIMIT
from products.selectors import counting

# Among so many times as many of the newest as it would take on average, if all were called so.
_SPARE = 3
# Beyond so many of the newest, it takes less to look at all that have the word.
FARTHEST = 40_000
# In a smaller shop the database would rather look through all of the newest than at what two indexes have in common.
LARGE = 100_000
# As a number, which a score is, too, but never such a large one: microseconds, and more for those that are called so.
_CALLED = 4e15
_LEAST, _MOST = 1e12, 9e15
_AT = "date_part('epoch', d.published_at) * 1e6"
_AFTER = f"(%(after_key)s::float8 - {_CALLED!r}::float8)"
# By what all are sorted, and those of them that are called so.
KEY = f"(CASE WHEN d.search @@ (SELECT called FROM named) THEN {_CALLED!r}::float8 ELSE 0 END + {_AT})"  # nosec B608  # noqa: S608 - of our own parts
KEY_OF_CALLED = f"({_CALLED!r}::float8 + {_AT})"
# What was searched, where it stands not in the description: as the query's text says it, behind each of its words.
_CALLED_SO = """regexp_replace(nullif(q.query::text, ''), '''(:)?(\\*)?( |$)', ''':\\2AB\\3', 'g')::tsquery"""
IS_SO = "(SELECT is_so FROM named)"


def is_key(key: float) -> bool:
    """Tell whether a walk goes by such a key, rather than by score."""
    return _LEAST < key < _MOST


def rule(*, is_after: bool) -> str:
    """Return whether it goes by this rule, as a walk does that has begun so; and what is called so."""
    is_so = "true" if is_after else f"coalesce(k.n > {counting.SCORED} AND k.n <= {EXACT_COUNT_LIMIT}, false)"
    return f"SELECT r.is_so, CASE WHEN r.is_so THEN {_CALLED_SO} END AS called FROM (SELECT {is_so} AS is_so FROM kept k) r"  # nosec B608  # noqa: S608, E501 - of our own parts


def span(*, before: str, listed: str, is_after: bool) -> str:
    """Return from when to when the newest are that are looked among; no row where these are too many.

    By the parts of the list as they were made last: that it is no longer quite so many harms nothing.

    :param before: how many rows there are at least to be, with those before the page
    :param listed: how many products the market lists
    """
    begins = f" AND t.number >= -{_AFTER}::bigint - 1000000" if is_after else ""
    until = f"to_timestamp({_AFTER} / 1e6 + 1)" if is_after else "'infinity'::timestamptz"
    is_called = f" AND {_AFTER} > 0" if is_after else ""
    return f"""
                SELECT coalesce((
                           SELECT 'epoch'::timestamptz - s.number * interval '1 microsecond'
                             FROM (SELECT t.number, sum(t.products) OVER (ORDER BY t.number) - t.products AS passed
                                     FROM products_tally t
                                    WHERE t.market_id = m.id AND t.kind = 'n' AND t.label = ''{begins}) s
                            WHERE s.passed >= w.many ORDER BY s.number LIMIT 1), '-infinity') AS since,
                       {until} AS until
                  FROM (SELECT {_SPARE} * ({before}) * l.n / greatest(k.n, 1) AS many, l.n AS listed
                          FROM kept k, (SELECT {listed} AS n) l OFFSET 0) w
                 WHERE {IS_SO} AND w.many <= {FARTHEST} AND w.listed > {LARGE}{is_called}"""  # nosec B608  # noqa: S608 - as above; values are bound


def condition() -> str:
    """Return which rows these are, in the place of what is searched."""
    return (
        "d.search @@ (SELECT called FROM named)"
        " AND d.published_at > (SELECT since FROM span) AND d.published_at <= (SELECT until FROM span)"
    )
