"""The statements of lists: one for each kind of question, the same for all values."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from core.pagination import DEFAULT_SIZE, EXACT_COUNT_LIMIT, MAX_SIZE
from products.models import CATEGORY_LEVELS
from products.selectors import counting, named
from products.selectors.conditions import CONDITIONS, FOUND_BY_WORDS, GIVEN, SCORE, SORTS, sought
from products.selectors.editions import CATEGORY, EDITION, NO_CATEGORY
from products.selectors.reading import DEFAULT_MARKET, NAMED_MARKET, OVERLAY, for_group

# Where the rarest word is in so few rows, and the last may stand for many, a row is looked at sooner.
_FEW_ROWS = 5000
# In a query of its own, as all that decides how many rows are expected: PostgreSQL plans the statement once.
_OFFSET = "(SELECT %(offset)s::bigint)"
# The sorts in which an index has what is below a category.
_SORTS_OF_CATEGORIES = {"newest", "price", "-price"}

_IS_THAT_MARKET = " AND m.id = %(told_market)s::uuid AND m.language = %(told_language)s::text"

# How many rows are looked at. The number stands in the statement: where PostgreSQL does not know it, it plans for a
# tenth of all rows.
_LOOKS = (DEFAULT_SIZE + 1, MAX_SIZE + 1)
# How many rows are passed, in the order of the list, in the hope to meet a page of what is found in great number.
_WALK = 5000
# Of rows with their number, some more than the page has: what is sent, and where the next page begins.
_PAGE = """
    string_agg(r.document, ',' ORDER BY r.n) FILTER (WHERE r.n <= %(size)s::int),
    string_agg(r.version, '' ORDER BY r.n) FILTER (WHERE r.n <= %(size)s::int),
    max(r.n), max(r.key::text) FILTER (WHERE r.n = %(size)s::int),
    max(r.product_id::text) FILTER (WHERE r.n = %(size)s::int)"""


class Asked(NamedTuple):
    """What the statement of a list depends on."""

    filters: Sequence[str]
    sort: str
    is_default_market: bool
    is_after: bool
    of_group: bool
    # How many rows are looked at, more than the page has.
    most: int
    is_further: bool
    # Of a search by relevance: the walk has begun by time, since so much was found.
    is_by_time: bool = False
    # The same, of a walk that has begun by ``named``.
    is_by_name: bool = False
    # Asked by somebody who may have the documents already: what they would be, and not what they are.
    of_versions: bool = False
    # On which level of the tree the category stands, if that is known; it finds nothing where that is wrong.
    level: int | None = None
    # By words that an engine has looked for: its ids and scores are given in the place of a condition.
    is_told: bool = False


class _Order(NamedTuple):
    """By what rows are sorted, and whether only those behind a cursor are meant."""

    key: str
    kind: str
    direction: str
    is_after: bool

    def by(self, key: str, product_id: str) -> str:
        return f"ORDER BY {key} {self.direction}, {product_id} {self.direction}"

    def after(self, key: str, product_id: str) -> str:
        if not self.is_after:
            return ""
        comparison = ">" if self.direction == "ASC" else "<"
        return f" AND ({key}, {product_id}) {comparison} (%(after_key)s::{self.kind}, %(after_id)s::uuid)"


class _Parts(NamedTuple):
    """What a statement is made of: names of columns and conditions, as the asker's group has them."""

    source: str
    document: str
    version: str
    where: str
    order: _Order
    part: str

    def chosen(self, where: str, key: str, product_id: str) -> str:
        """Return how the page's rows are chosen of those that are so."""
        order = self.order
        return f"WHERE {where}{order.after(key, product_id)} {order.by(key, product_id)} {self.part}"


def rows_for(size: int) -> int:
    """Return how many rows are looked at for a page of that size, at least one more."""
    return next(rows for rows in _LOOKS if rows > size)


def is_counted(filters: Iterable[str]) -> bool:
    """Tell whether the database keeps the count of what is asked."""
    return set(filters) <= {"category"}


@lru_cache(maxsize=512)
def statement_of(asked: Asked) -> str:
    """Return the statement: its row has the edition, the category and its level, the count, the documents, and where
    the next page begins."""
    filters = [name for name in asked.filters if not (asked.is_told and name == "search")]
    category = CATEGORY if "category" in filters else NO_CATEGORY
    given = ", ".join(GIVEN[name] for name in filters if name in GIVEN) or "NULL"
    given += f" FROM {sought()} w" if "search" in filters else ""
    page = _page_of(asked)
    told = _IS_THAT_MARKET if asked.is_told else ""
    return f"""
        SELECT {EDITION}, c.id, c.level, p.*
          FROM markets_market m
          LEFT JOIN LATERAL {category} c ON true
          CROSS JOIN LATERAL (SELECT {given} OFFSET 0) q
          CROSS JOIN LATERAL ({page}) p
         WHERE {DEFAULT_MARKET if asked.is_default_market else NAMED_MARKET} AND m.is_active{told}
    """  # nosec B608  # noqa: S608 - of our own parts; values are bound


def _page_of(asked: Asked) -> str:
    if asked.is_told:
        return _page_of_told(asked)
    return _page_by_index(asked) if is_counted(asked.filters) else _page_of_found(asked)


def _parts(asked: Asked) -> _Parts:
    key, kind, direction = SORTS[asked.sort]
    if key == SCORE and _may_go_by_name(asked):
        key = named.KEY if asked.is_after else f"CASE WHEN {named.IS_SO} THEN {named.KEY} ELSE {SCORE} END"
    source, document, version, where = "products_productdocument d", "d.document", "d.version", _where(asked)
    if asked.of_group:
        source += OVERLAY
        document, version, where, key = map(for_group, (document, version, where, key))
    if asked.of_versions:
        document = "NULL::text"
    part = f"LIMIT {asked.most}" + (" OFFSET %(offset)s::bigint" if asked.is_further else "")
    return _Parts(source, document, version, where, _Order(key, kind, direction, asked.is_after), part)


def _where(asked: Asked) -> str:
    return " AND ".join(["d.market_id = m.id", *(CONDITIONS[name] for name in asked.filters)])


def _page_by_index(asked: Asked) -> str:
    """Return the page of what an index has in this order, whose number is kept."""
    parts = _parts(asked)
    rows = _far_rows(parts, asked) if asked.is_further else _near_rows(parts, asked)
    return f"""
            SELECT {counting.of_listing("c.id" if "category" in asked.filters else None)},
                   {_PAGE}
              FROM ({rows}) r"""  # nosec B608  # noqa: S608 - of our own parts; values are bound


def _near_rows(parts: _Parts, asked: Asked) -> str:
    columns = f"{parts.document} AS document, {parts.version} AS version, {parts.order.key} AS key, d.product_id"
    return f"SELECT s.*, row_number() OVER () AS n FROM ({_in_order(parts, asked, columns)}) s"  # nosec B608  # noqa: S608


def _far_rows(parts: _Parts, asked: Asked) -> str:
    """Return the rows of a page that many stand before: these are passed in the index, without a look at them.

    In the order of time, whole parts of the list are passed by their tallies.
    """
    columns = f"{parts.order.key} AS key, d.product_id"
    if asked.filters or asked.sort != "newest":
        return _with_documents(parts, _in_order(parts, asked, columns))
    begin = counting.part_of_list(_OFFSET)
    where = f"{parts.where} AND d.published_at <= coalesce((SELECT at FROM begin), 'infinity')"  # nosec B608  # noqa: S608 - as above
    passed = "coalesce((SELECT passed FROM begin), 0)"
    after = parts._replace(part=f"LIMIT {asked.most} OFFSET {_OFFSET} - {passed}")
    rows = f"SELECT {columns} FROM {parts.source} {after.chosen(where, parts.order.key, 'd.product_id')}"  # nosec B608  # noqa: S608
    return _with_documents(parts, f"WITH begin AS MATERIALIZED ({begin}) ({rows})")


def _in_order(parts: _Parts, asked: Asked, columns: str) -> str:
    wheres = _by_level(parts, asked) if asked.sort in _SORTS_OF_CATEGORIES else [parts.where]
    return " UNION ALL ".join(
        f"(SELECT {columns} FROM {parts.source} {parts.chosen(where, parts.order.key, 'd.product_id')})"  # nosec B608  # noqa: S608
        for where in wheres
    )


def _by_level(parts: _Parts, asked: Asked) -> Iterator[str]:
    """Return how to find the rows: for each level that the category may stand on, of which all but one find none."""
    if "category" not in asked.filters:
        yield parts.where
        return
    for level in _levels(asked):
        condition = f"c.level = {level} AND d.category_ids[{level}] = c.id"
        yield parts.where.replace(CONDITIONS["category"], condition)
    if _may_be_deep(asked):
        yield f"c.level > {CATEGORY_LEVELS} AND {parts.where}"


def _levels(asked: Asked) -> Collection[int]:
    """Return the levels with indexes of their own on which the category may stand."""
    return [level for level in range(1, CATEGORY_LEVELS + 1) if asked.level in (None, level)]


def _may_be_deep(asked: Asked) -> bool:
    return asked.level is None or asked.level > CATEGORY_LEVELS


def _with_documents(parts: _Parts, rows: str) -> str:
    return f"""
              SELECT {parts.document} AS document, {parts.version} AS version, s.*
                FROM (SELECT t.*, row_number() OVER () AS n FROM ({rows}) t) s
                JOIN {parts.source} ON d.market_id = m.id AND d.product_id = s.product_id"""  # nosec B608  # noqa: S608 - as above


def _page_of_found(asked: Asked) -> str:
    """Return the page of what is found, which is looked for once, and counted and sorted then.

    Of a word that many have, it may be met among the newest (``named``). Where its number is kept and promises that a
    short walk in the page's order meets it, or where it is more than is counted, the page is met by that walk; and
    where even that meets too few, it is looked for by itself. So many are not scored: but for those of the very SKU
    that is searched, they go by time.
    """
    parts = _parts(asked._replace(is_after=asked.is_after and not asked.is_by_time))
    few = (
        "false"
        if asked.is_by_time
        else f"(NOT (SELECT is_met OR is_newest FROM met) AND (SELECT n FROM counted) <= {EXACT_COUNT_LIMIT})"  # nosec B608  # noqa: S608 - as below
    )
    many = f"NOT {few} AND NOT (SELECT is_newest FROM met)"  # nosec B608  # noqa: S608 - as below
    by_index = parts._replace(where=parts.where.replace(CONDITIONS["search"], FOUND_BY_WORDS))
    found = " UNION ALL ".join(
        f"SELECT {parts.order.key} AS key, d.product_id FROM {parts.source}"  # nosec B608  # noqa: S608
        f" WHERE NOT (SELECT is_met OR is_newest OR coalesce(n, 0) > {EXACT_COUNT_LIMIT} FROM met) AND {where}"
        for where in _by_level(by_index, asked)
    )
    best = f"SELECT f.key, f.product_id FROM found f {parts.chosen(few, 'f.key', 'f.product_id')}"  # nosec B608  # noqa: S608
    # Only what is sent is written as text.
    of_few = f"SELECT b.key::text AS key, b.product_id FROM ({best}) b"  # nosec B608  # noqa: S608
    rows = " UNION ALL ".join(f"({branch})" for branch in (of_few, *_of_newest(asked), *_of_many(asked, many)))
    kept = counting.kept_count(asked.filters, of_group=asked.of_group)
    is_enough = f"k.n > {EXACT_COUNT_LIMIT}" if _goes_by_time(asked) else "k.n IS NOT NULL"
    promised = _promised(asked)
    promise = "" if promised == "false" else f"promised AS MATERIALIZED (SELECT {_promise(asked)} AS is_so), "
    return f"""
            WITH {_skus(asked)}{_looked_for(asked)}
            {promise}kept AS MATERIALIZED (SELECT {kept} AS n),
            {_newest(asked)}walked AS MATERIALIZED ({_walk(asked)}),
            met AS MATERIALIZED (
                SELECT CASE WHEN k.n IS NOT NULL THEN k.n
                            WHEN {promised} AND {_is_met(asked)} THEN {EXACT_COUNT_LIMIT + 1} END AS n,
                       {_is_met(asked)} AND ({is_enough} OR {promised}) AS is_met,
                       {_is_newest(asked)} AS is_newest
                  FROM kept k),
            found AS MATERIALIZED ({found} LIMIT {EXACT_COUNT_LIMIT + 1}),
            counted AS MATERIALIZED (SELECT coalesce((SELECT n FROM met), (SELECT count(*) FROM found)) AS n)
            SELECT (SELECT n FROM counted), {_PAGE}
              FROM ({_with_documents(parts, rows)}) r"""  # nosec B608  # noqa: S608 - of our own parts; values are bound


def _skus(asked: Asked) -> str:
    """Return those of the very SKU that is searched, which come before all others."""
    if "search" not in asked.filters:
        return ""
    parts = _parts(asked._replace(filters=["sku" if name == "search" else name for name in asked.filters]))
    return f"""
            skus AS MATERIALIZED (
                SELECT 'infinity'::timestamptz AS key, d.product_id FROM {parts.source} WHERE {parts.where}),"""  # nosec B608  # noqa: S608 - as above


def _looked_for(asked: Asked) -> str:
    """Return what the index is asked for.

    In each row that has the words before, it would look for each word that the last may stand for. Where these rows are
    few, whoever has one at hand sees sooner what else is in it.
    """
    if "search" not in asked.filters:
        return ""
    return f"""
            looked_for AS MATERIALIZED (
                SELECT CASE WHEN f.is_all THEN q.query ELSE q.head END AS query, f.is_all
                  FROM (SELECT q.head IS NULL OR coalesce({counting.RAREST} > {_FEW_ROWS}, true) AS is_all
                        OFFSET 0) f),"""  # nosec B608  # noqa: S608 - as above


def _may_go_by_name(asked: Asked) -> bool:
    is_begun_so = asked.is_after == asked.is_by_name and not asked.is_by_time
    return asked.sort == "relevance" and set(asked.filters) == {"search"} and is_begun_so


def _newest(asked: Asked) -> str:
    """Return the page's rows, where it goes by ``named`` and they are met among the newest."""
    if not _may_go_by_name(asked):
        return ""
    parts = _parts(asked)
    order = parts.order
    where = parts.where.replace(CONDITIONS["search"], named.condition())
    before = f"{asked.most} + %(offset)s::bigint" if asked.is_further else str(asked.most)
    return f"""named AS MATERIALIZED ({named.rule(is_after=asked.is_after)}),
            span AS MATERIALIZED ({named.span(before=before, listed=counting.of_listing(), is_after=asked.is_after)}),
            newest AS MATERIALIZED (
                SELECT {named.KEY_OF_CALLED} AS key, d.product_id FROM {parts.source}
                 WHERE EXISTS (SELECT FROM span) AND {where}{order.after(named.KEY_OF_CALLED, "d.product_id")}
                       {order.by(named.KEY_OF_CALLED, "d.product_id")} {parts.part}),
            """  # nosec B608  # noqa: S608 - as above


def _is_newest(asked: Asked) -> str:
    return f"(SELECT count(*) FROM newest) = {asked.most}" if _may_go_by_name(asked) else "false"  # nosec B608  # noqa: S608 - as above


def _of_newest(asked: Asked) -> Iterator[str]:
    if _may_go_by_name(asked):
        order = _parts(asked).order
        rows = "SELECT w.key::text, w.product_id FROM newest w WHERE (SELECT is_newest FROM met)"
        yield f"{rows} {order.by('w.key', 'w.product_id')}"


def _page_of_told(asked: Asked) -> str:
    """Return the page of what an engine has found: as far as it is listed, and has what else is asked for.

    By relevance it goes by the engine's scores.
    """
    parts = _parts(asked._replace(filters=[name for name in asked.filters if name != "search"]))
    key = "t.score" if asked.sort == "relevance" else parts.order.key
    rows = f"SELECT f.key::text AS key, f.product_id FROM found f {parts.chosen('true', 'f.key', 'f.product_id')}"  # nosec B608  # noqa: S608
    return f"""
            WITH found AS MATERIALIZED (
                SELECT {key} AS key, d.product_id
                  FROM unnest(%(told)s::uuid[], %(scores)s::float8[]) AS t (product_id, score)
                  JOIN {parts.source} ON d.product_id = t.product_id
                 WHERE {parts.where})
            SELECT (SELECT count(*) FROM found), {_PAGE}
              FROM ({_with_documents(parts, rows)}) r"""  # nosec B608  # noqa: S608 - of our own parts; values are bound


def _of_many(asked: Asked, are_many: str) -> Iterator[str]:
    """Return where the rows of a page come from that is one of many: met by the walk, or looked for."""
    parts = _parts_of_many(asked)
    key, order = parts.order.key, parts.order
    if _goes_by_time(asked):
        skus = parts._replace(part=_parts(asked).part)
        yield f"SELECT s.key::text, s.product_id FROM skus s {skus.chosen(are_many, 's.key', 's.product_id')}"  # nosec B608  # noqa: S608
    walked = f"SELECT w.key::text, w.product_id FROM walked w WHERE {are_many} AND {_is_met(asked)}"  # nosec B608  # noqa: S608
    yield f"{walked} {order.by('w.key', 'w.product_id')}"
    wanted = parts.chosen(f"{are_many} AND NOT {_is_met(asked)} AND {parts.where}", key, "d.product_id")
    yield f"SELECT {key}::text, d.product_id FROM {parts.source} {wanted}"  # nosec B608  # noqa: S608


def _walk(asked: Asked) -> str:
    """Return the page's rows, as far as they are among the next so many of all that is listed, in the order wanted."""
    parts = _parts_of_many(asked)
    key, order = parts.order.key, parts.order
    if asked.sort == "relevance" and not _goes_by_time(asked):  # of which there is no index
        return "SELECT NULL::float8 AS key, NULL::uuid AS product_id WHERE false"
    price = for_group("d.price_minor") if asked.of_group else "d.price_minor"
    passed = " UNION ALL ".join(
        f"""(
                    SELECT {key} AS key, d.product_id, d.market_id, d.category_ids, d.tags, d.skus, d.search,
                           d.in_stock, d.rating, {price} AS price_minor
                      FROM {parts.source}
                     WHERE {where} AND {_is_near(asked)}{order.after(key, "d.product_id")}
                           {order.by(key, "d.product_id")}
                     LIMIT {_WALK})"""  # nosec B608  # noqa: S608 - as above
        for where in _all_that_is_listed(asked)
    )
    return f"""
                SELECT d.key, d.product_id FROM ({passed}) d
                 WHERE {_where(_as_many(asked))} {order.by("d.key", "d.product_id")} {parts.part}"""  # nosec B608  # noqa: S608 - as above


def _all_that_is_listed(asked: Asked) -> Iterator[str]:
    """Return what a walk passes: all of the category where an index has that in this order, else of the market; by
    price, of the prices that are asked for."""
    everything = " AND ".join(["d.market_id = m.id", *(CONDITIONS[name] for name in _bounds(asked))])
    if not _goes_by_category(asked):
        yield everything
        return
    for level in _levels(asked):
        yield f"{everything} AND c.level = {level} AND d.category_ids[{level}] = c.id"
    if _may_be_deep(asked):
        yield f"{everything} AND c.level > {CATEGORY_LEVELS}"


def _bounds(asked: Asked) -> list[str]:
    """Return the filters between whose values a walk begins and ends."""
    is_by_price = asked.sort in {"price", "-price"} and not asked.of_group
    return [name for name in asked.filters if is_by_price and name in {"min_price", "max_price"}]


def _goes_by_time(asked: Asked) -> bool:
    """Tell whether so many go by time, though relevance is asked for; who has walked on by score goes on so."""
    return asked.sort == "relevance" and (asked.is_by_time or not asked.is_after)


def _as_many(asked: Asked) -> Asked:
    return asked._replace(sort="newest", filters=(*asked.filters, "by_words")) if _goes_by_time(asked) else asked


def _parts_of_many(asked: Asked) -> _Parts:
    parts = _parts(_as_many(asked))
    if _goes_by_time(asked) and asked.is_further:
        before = "greatest(%(offset)s::bigint - (SELECT count(*) FROM skus), 0)"
        return parts._replace(part=f"LIMIT {asked.most} OFFSET {before}")
    return parts


def _is_near(asked: Asked) -> str:
    """Return whether a page of so many is to be met by half of a walk, and sooner than all are looked for."""
    before = f"{asked.most} + %(offset)s::bigint" if asked.is_further else str(asked.most)
    if _goes_by_time(asked):
        is_worth_it = f"k.n > {EXACT_COUNT_LIMIT}"
    elif _goes_by_category(asked):
        passed = f"CASE WHEN c.level <= {CATEGORY_LEVELS} THEN c.id END"
        is_worth_it = f"{before} <= k.n AND ({before}) * {counting.of_listing(passed)} <= k.n * {_WALK // 2}"
    else:
        is_worth_it = f"{before} <= k.n AND ({before}) * {counting.of_listing()} <= k.n * least({_WALK // 2}, k.n)"
        if _bounds(asked):  # then hardly any are passed in vain, but for those in stock where the others are wanted
            is_dense = "%(in_stock)s::boolean" if "in_stock" in asked.filters else "true"
            is_worth_it = f"({is_worth_it} OR {is_dense} AND {before} <= least({_WALK // 2}, k.n))"
    return f"(SELECT CASE WHEN k.n IS NULL THEN {_promised(asked)} ELSE {is_worth_it} END FROM kept k)"  # nosec B608  # noqa: S608 - as above


def _promised(asked: Asked) -> str:
    """Return whether statistics promise more than are counted, where their number is not kept."""
    return "false" if _promise(asked) == "false" else "(SELECT is_so FROM promised)"


def _promise(asked: Asked) -> str:
    if counting.is_kept(asked.filters, of_group=asked.of_group):
        return "false"
    return counting.promise(asked.filters, of_group=asked.of_group)


def _goes_by_category(asked: Asked) -> bool:
    return "category" in asked.filters and _as_many(asked).sort in _SORTS_OF_CATEGORIES


def _is_met(asked: Asked) -> str:
    return f"(SELECT count(*) FROM walked) = {asked.most}"  # nosec B608  # noqa: S608 - as above
