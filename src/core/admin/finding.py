"""Lists of any length: counted as far as anybody reads, and searched by index where what is looked for is whole."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Manager, Model, QuerySet

# To count further takes seconds where there are millions, and nobody reads the page behind it.
MOST = 100_000
# Of what has the very number that is looked for.
_MOST_OF_ONE = 10_000


class MoreThan(int):
    """As many as were counted, and more."""

    def __str__(self) -> str:
        return f"more than {int(self):,}"


class LongPaginator(Paginator):  # type: ignore[type-arg]
    """Pages of up to ``MOST`` rows; what is beyond is found by a filter, or by looking for it."""

    @cached_property
    def count(self) -> int:
        """How many rows there are. One query, which ends with what is shown."""
        rows: QuerySet[Any] = self.object_list  # type: ignore[assignment]
        found = rows.order_by().values("pk")[: MOST + 1].count()
        return found if found <= MOST else MoreThan(MOST)


def find_whole(model: type[Model], lookups: Mapping[str, Mapping[str, Any]], term: str) -> list[Any]:
    """Return the ids of rows of which one of these is the term, as it stands there or in capitals. One query.

    :param lookups: what an index serves -> what else holds of its rows
    :returns: nothing where they are many: then it is no number of one
    """
    rows: Manager[Any] = model._base_manager  # noqa: SLF001 - what is hidden otherwise, staff may see
    parts = []
    for lookup, others in lookups.items():
        for form in {term: None, term.upper(): None}:
            try:
                named = rows.filter(**{lookup: form}, **others).order_by().values_list("pk", flat=True)
                parts.append(named[: _MOST_OF_ONE + 1])
            except (ValidationError, ValueError):  # no id, and so not that of any
                continue
    found = list(parts[0].union(*parts[1:])) if parts else []
    return found if len(found) <= _MOST_OF_ONE else []
