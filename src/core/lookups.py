"""Lookups that every app may use."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Field, ForeignObject, Lookup
from psycopg import sql


@ForeignObject.register_lookup
@Field.register_lookup
class AnyOf(Lookup):
    """``pk__any_of=values`` finds what ``pk__in=values`` finds, with one parameter for all of them.

    For ids and texts by the thousand, where a placeholder each costs more than the search. Of a set Django does not
    ask of each member whether it is an expression, as it does of a list.

    The array stands in a query of its own: PostgreSQL, which would plan a prepared statement anew for each number of
    members that it sees, plans it once. To plan an offer costs five times what it costs to find it.
    """

    lookup_name = "any_of"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        column, params = self.process_lhs(compiler, connection)
        kind = self.lhs.output_field.db_type(connection).split("(")[0]
        return f"{column} = ANY((SELECT %s::{kind}[])::{kind}[])", (*params, array_literal(self.rhs))


@Field.register_lookup
class Literally(Lookup):
    """``state__literally="queued"`` finds what ``state="queued"`` finds, with the value in the statement's own text.

    For columns that a partial index is about. A statement that is sent again and again is planned once, without its
    values: whether they are those of such an index is then not known, and the whole table is read.
    """

    lookup_name = "literally"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        column, params = self.process_lhs(compiler, connection)
        return f"{column} = {sql.Literal(self.rhs).as_string().replace('%', '%%')}", tuple(params)


def array_literal(values: Iterable[object]) -> str:
    """Return ids or texts as PostgreSQL writes an array (manual, section 8.15.6).

    :raises ValueError: a text contains NUL, which no text of PostgreSQL does
    """
    texts = [str(value) for value in values]
    joined = "\0".join(texts)
    if not texts:
        return "{}"
    if joined.count("\0") >= len(texts):
        raise ValueError("PostgreSQL text fields cannot contain NUL (0x00) bytes")
    escaped = joined.replace("\\", "\\\\").replace('"', '\\"').replace("\0", '","')
    return f'{{"{escaped}"}}'
