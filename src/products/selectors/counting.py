"""How many documents are found, as parts of the statements of lists: what is kept, and what statistics promise.

``products_tally`` has what is kept, by kind and key: all (``a``), those below a category (``c``, by its id), with a tag
(``t``), of a bucket of prices (``p``), and by time (``d`` at a time, ``n`` from a time on until the next): see
``services.tallies``.
"""

from __future__ import annotations

from collections.abc import Collection

from core.pagination import EXACT_COUNT_LIMIT

# So many products the database's own statistics have to promise, to be believed that there are more than are counted.
SURELY = EXACT_COUNT_LIMIT * 3 // 2
# Where no more are listed, prices are counted sooner than their buckets are summed up.
SMALL = 5000
# A page with so many before it is met sooner by passing them than by summing up parts.
_NEAR = 2000
# So many changes beside the parts of a list, and it would take longer to sum them up.
_LOOSE = 5000
# More than so many that one word finds are not scored (``named``).
SCORED = 1000
# So many words that begin like the last one searched are named, rather than looked for.
_NAMED = 50
# The beginning as it stands in search vectors, or NULL where it is not one word there.
_BEGINNING = """(SELECT words[1] FROM tsvector_to_array(to_tsvector('simple', unaccent(%(prefix)s::text))) words
                      WHERE cardinality(words) = 1)"""
# The only word that is searched, as it stands in search vectors, or nothing where it is too common to stand there.
_WORDS = "tsvector_to_array(to_tsvector(products_text_config(m.language), unaccent(%(word)s::text)))"
# The words of the market's documents that begin so, as a query for any of them, or NULL where they are too many; and
# how many they are, as far as they are counted.
WORDS_BEGINNING = f"""(
        SELECT CASE WHEN count(*) <= {_NAMED} AND bool_and(b.beginning IS NOT NULL)
                    THEN coalesce(string_agg('''' || replace(replace(w.word, '\\', '\\\\'), '''', '''''')
                                             || '''', '|'), '')::tsquery END AS named, count(w.word) AS n
          FROM (SELECT {_BEGINNING} AS beginning OFFSET 0) b
          LEFT JOIN LATERAL (
               SELECT t.word FROM products_wordtally t
                WHERE t.market_id = m.id AND t.word >= b.beginning AND t.word < b.beginning || chr(1114111)
                GROUP BY t.word HAVING sum(t.products) > 0 LIMIT {_NAMED + 1}) w ON true)"""  # nosec B608  # noqa: S608 - as below
# How many documents have the rarest of all words but the last, or NULL where these are too common to be searched.
RAREST = """(
                    SELECT min(coalesce(r.n, 0))
                      FROM unnest(tsvector_to_array(to_tsvector(products_text_config(m.language),
                                                                unaccent(%(head)s::text)))) x,
                           LATERAL (SELECT sum(t.products) AS n FROM products_wordtally t
                                     WHERE t.market_id = m.id AND t.word = x) r)"""
# A word as a query.
_QUOTED = r"'''' || replace(replace({word}, '\', '\\'), '''', '''''') || ''''"
# With at most so many words it is asked which documents have two of them; of these so many are looked at.
_COMPARED, _TWICE = 8, 500
# A word of parts, of which the first is a word of its own besides.
_COMPOUND = "^[[:alnum:]]+(-[[:alnum:]]+)+$"
_UNKNOWN = "NULL::bigint"
# filter -> which share of all products it leaves at least, by the database's own statistics.
_SHARES = {
    "category": """(SELECT sum(t.products) FROM products_tally t
                     WHERE t.market_id = m.id AND t.kind = 'c' AND t.label = c.id::text) / n.products::float8""",
    "tag": "products_share('tags', %(tag)s::text)",
    "in_stock": "products_share('in_stock', left(%(in_stock)s::boolean::text, 1))",
    # Only of a single word: of several, and of all but words, nothing is known. By what is kept: the database's own
    # statistics of words take as long to read as a search.
    "search": f"""(SELECT sum(t.products) FROM products_wordtally t WHERE t.market_id = m.id AND t.word = (
                   SELECT words[1] FROM {_WORDS} words WHERE cardinality(words) = 1)) / n.products""",  # nosec B608  # noqa: S608 - of our own parts; values are bound
}
_SHARE_OF_PRICES = "products_share_between('price_minor', {lowest}, {highest})"
_PRICES = {"min_price": "q.lowest", "max_price": "q.highest"}
# The buckets in which the prices begin and end.
_FIRST, _LAST = (f"products_price_bucket({price})" for price in _PRICES.values())
_BEGINS = "products_price_bucket_begins({})"
_NO_LABEL = "''"
# filter -> the kind and label of what is kept of it.
_KEPT = {"category": ("c", "c.id::text"), "tag": ("t", "%(tag)s::text")}


def of_listing(category: str | None = None) -> str:
    """Return how many documents the market lists, in all or below a category; in all, too, where that is null."""
    listed = _sum("t.products", "a", _NO_LABEL)
    if category is None:
        return listed
    below = _sum("t.products", "c", f"({category})::text")
    return f"CASE WHEN ({category}) IS NULL THEN {listed} ELSE {below} END"


def kept_count(filters: Collection[str], *, of_group: bool) -> str:
    """Return how many are found by these filters, up to one more than is counted, or NULL where that is not kept."""
    if set(filters) == {"search"}:
        return _kept_by_word()
    others = set(filters) - {"in_stock"}
    chosen = _chosen(is_by_stock="in_stock" in filters)
    if others and others <= _PRICES.keys():
        return _UNKNOWN if of_group else _kept_by_price(others, chosen, is_by_stock="in_stock" in filters)
    if len(others) > 1 or others - _KEPT.keys():
        return _UNKNOWN
    kind, label = _KEPT[others.pop()] if others else ("a", _NO_LABEL)
    return f"least({_sum(chosen, kind, label)}, {EXACT_COUNT_LIMIT + 1})"


def is_kept(filters: Collection[str], *, of_group: bool) -> bool:
    """Tell whether ``kept_count`` is a number whatever is asked; of words it is so for some."""
    return "search" not in filters and kept_count(filters, of_group=of_group) != _UNKNOWN


def promise(filters: Collection[str], *, of_group: bool) -> str:
    """Return whether far more is found than is counted: so many that not even their overlap can be fewer.

    Of a search alone that is kept where it is known.
    """
    if set(filters) == {"search"}:
        return "false"
    shares = [_SHARES[name] for name in filters if name in _SHARES]
    if _PRICES.keys() & set(filters) and not of_group:
        lowest, highest = (_PRICES[name] if name in filters else "NULL" for name in _PRICES)
        shares.append(_SHARE_OF_PRICES.format(lowest=lowest, highest=highest))
    if set(filters) - _SHARES.keys() - _PRICES.keys() or not shares:
        return "false"
    lacking = " + ".join(f"1 - coalesce({share}, 0)" for share in shares)
    return f"""coalesce((
                    SELECT CASE WHEN n.products > {SURELY} THEN n.products * (1 - ({lacking})) > {SURELY} END
                      FROM (SELECT {of_listing()} AS products OFFSET 0) n), false)"""  # nosec B608  # noqa: S608 - as above


def part_of_list(offset: str) -> str:
    """Return where the last part of the list by time begins that has so many before it, and how many these are.

    There is no row for a page at the beginning, or where too much has changed since parts were made: then all is passed
    one by one.
    """
    return f"""
                SELECT 'epoch'::timestamptz - p.number * interval '1 microsecond' AS at, p.passed
                  FROM (SELECT n.number, n.passed
                          FROM (SELECT s.number, s.passed, lead(s.passed) OVER (ORDER BY s.number) AS next
                                  FROM (SELECT t.kind, t.number,
                                               coalesce(sum(t.products) OVER (
                                                   ORDER BY t.number RANGE BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING),
                                               0)::bigint AS passed
                                          FROM products_tally t
                                         WHERE t.market_id = m.id AND t.kind IN ('d', 'n') AND t.label = ''
                                           AND {offset} >= {_NEAR}
                                           AND NOT EXISTS (SELECT FROM products_tally l
                                                            WHERE l.market_id = m.id AND l.kind = 'd'
                                                           OFFSET {_LOOSE})) s
                                 WHERE s.kind = 'n') n
                         WHERE n.next > {offset} OR n.next IS NULL
                         ORDER BY n.number LIMIT 1) p
                 WHERE p.passed <= {offset}"""  # nosec B608  # noqa: S608 - as above


def _chosen(*, is_by_stock: bool) -> str:
    if not is_by_stock:
        return "t.products"
    return "CASE WHEN %(in_stock)s::boolean THEN t.free ELSE t.products - t.free END"


def _sum(chosen: str, kind: str, label: str, numbers: str = "") -> str:
    return f"""coalesce((SELECT sum({chosen})::bigint FROM products_tally t
                          WHERE t.market_id = m.id AND t.kind = '{kind}' AND t.label = {label}{numbers}), 0)"""  # nosec B608  # noqa: S608 - as above


def _kept_by_word() -> str:
    """Return how many have the one word that is searched, where it is no SKU.

    Where it is the beginning of others, too, those that have any of them are all that have one, less what is counted
    twice: an index finds that, where it is little. A word that is put together of parts stands nowhere without them.
    Else the most frequent of them tells whether all together are more than are counted.
    """
    return f"""(
                SELECT CASE WHEN a.most > {EXACT_COUNT_LIMIT} THEN {EXACT_COUNT_LIMIT + 1}
                            WHEN NOT EXISTS (SELECT FROM skus) AND a.n <= {_NAMED} THEN
                                 CASE WHEN cardinality(a.words) <= 1 THEN a.total
                                      WHEN cardinality(a.words) <= {_COMPARED} AND a.total > {SCORED}
                                      THEN (a.total - {_counted_twice()})::bigint END END
                  FROM (SELECT count(w.word) AS n, max(w.n) AS most,
                               coalesce(sum(w.n) FILTER (WHERE NOT w.is_put_together), 0)::bigint AS total,
                               coalesce(array_agg(w.word) FILTER (WHERE NOT w.is_put_together), '{{}}') AS words
                          FROM (SELECT {_BEGINNING} AS beginning, {_WORDS} AS words WHERE %(word)s::text <> ''
                                OFFSET 0) s
                          CROSS JOIN LATERAL (
                               SELECT v.word, v.n, s.words[1] = s.beginning AND starts_with(v.word, s.beginning || '-')
                                      AND v.word ~ '{_COMPOUND}' AS is_put_together
                                 FROM ((SELECT t.word, sum(t.products) AS n FROM products_wordtally t
                                         WHERE t.market_id = m.id
                                           AND t.word >= s.beginning AND t.word < s.beginning || chr(1114111)
                                         GROUP BY t.word HAVING sum(t.products) > 0 LIMIT {_NAMED + 1})
                                        UNION ALL
                                       (SELECT t.word, sum(t.products) FROM products_wordtally t
                                         WHERE t.market_id = m.id
                                           AND t.word = s.words[1] AND NOT starts_with(t.word, s.beginning)
                                         GROUP BY t.word HAVING sum(t.products) > 0)) v) w
                        HAVING bool_and(s.beginning IS NOT NULL AND cardinality(s.words) <= 1)) a)"""  # nosec B608  # noqa: S608 - as above


def _counted_twice() -> str:
    """Return how many too many it is to add up how many have each of the words; NULL where many have several."""
    one, other = _QUOTED.format(word="x"), _QUOTED.format(word="y")
    return f"""(
                                      SELECT CASE WHEN count(*) <= {_TWICE} THEN coalesce(sum(o.n - 1), 0) END
                                        FROM (SELECT (SELECT count(*) FROM unnest(a.words) x
                                                       WHERE d.search @@ ({one})::tsquery) AS n
                                                FROM products_productdocument d
                                               WHERE d.market_id = m.id AND d.search @@ (
                                                     SELECT string_agg({one} || ' & ' || {other}, '|')::tsquery
                                                       FROM unnest(a.words) x, unnest(a.words) y WHERE x < y)
                                               LIMIT {_TWICE + 1}) o)"""  # nosec B608  # noqa: S608 - as above


def _kept_by_price(prices: Collection[str], chosen: str, *, is_by_stock: bool) -> str:
    """Return the sum of the buckets between, and what is counted in those where the prices begin and end."""
    edges = [f"d.price_minor >= q.lowest AND d.price_minor < {_BEGINS.format(f'{_FIRST} + 1')}"] * (
        "min_price" in prices
    )
    edges += [f"d.price_minor >= {_BEGINS.format(_LAST)} AND d.price_minor <= q.highest"] * ("max_price" in prices)
    between = f" AND t.number > {_FIRST}" * ("min_price" in prices) + f" AND t.number < {_LAST}" * (
        "max_price" in prices
    )
    if len(prices) == 2:
        edges = [f"{edges[0]} AND d.price_minor <= q.highest", f"{_LAST} > {_FIRST} AND {edges[1]}"]
    stock = " AND d.in_stock = (SELECT %(in_stock)s::boolean)" if is_by_stock else ""
    counted = " + ".join(
        f"""(SELECT count(*) FROM (SELECT FROM products_productdocument d
                                    WHERE d.market_id = m.id AND {edge}{stock} LIMIT {EXACT_COUNT_LIMIT + 1}) e)"""  # nosec B608  # noqa: S608 - as above
        for edge in edges
    )
    between_all = f"CASE WHEN {of_listing()} > {SMALL} THEN {_sum(chosen, 'p', _NO_LABEL, between)} END"
    return f"""(SELECT CASE WHEN w.n > {EXACT_COUNT_LIMIT} THEN {EXACT_COUNT_LIMIT + 1}
                            WHEN w.n IS NOT NULL THEN least(w.n + {counted}, {EXACT_COUNT_LIMIT + 1}) END
                  FROM (SELECT {between_all} AS n OFFSET 0) w)"""  # nosec B608  # noqa: S608 - as above
