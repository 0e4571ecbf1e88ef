"""Queries that are turned into SQL once.

Django builds the statement of a queryset anew each time it is evaluated. On the way of an order that costs as much as
all of its statements. A ``Compiled`` keeps the statement and Django's own recipe for the rows; a call executes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Any, Generic, TypeVar
from uuid import UUID, uuid4

from django.db import DEFAULT_DB_ALIAS, connection, models
from django.db.models.base import ModelState
from django.db.models.query import ModelIterable, get_related_populators
from django.db.transaction import TransactionManagementError

from core.lookups import array_literal
from core.statements import fetch

T = TypeVar("T")

_SOME_DAY = datetime(2000, 1, 1, tzinfo=UTC)


class Compiled(Generic[T]):
    """A queryset of models, with ``select_related`` or not, or of ``values_list``.

    ``build`` gets a sample for each parameter and returns the queryset; it must do the same whatever the values are::

        _ITEMS = Compiled(lambda cart: CartItem.objects.filter(cart=cart).values_list("pk"), cart=UUID)

    :param kinds: parameter -> ``UUID``, ``str``, ``int`` (of 32 bits), ``datetime``, or ``[UUID]`` after ``any_of``
    """

    def __init__(self, build: Callable[..., models.QuerySet[Any, T]], **kinds: type | list[type[UUID]]) -> None:
        self._build = build
        self._kinds = kinds
        self._plan: _Plan | None = None

    def all(self, **values: Any) -> list[T]:
        """Execute with these values: rows as the queryset gives them. One query.

        :raises TransactionManagementError: it locks, and there is no transaction
        """
        plan = self._plan = self._plan or _compile(self._build, self._kinds)
        if plan.locks and not connection.in_atomic_block:
            raise TransactionManagementError("a lock needs a transaction")
        given = {name: array_literal(v) if isinstance(self._kinds[name], list) else v for name, v in values.items()}
        rows = fetch(plan.statement, [given[v.name] if type(v) is _Slot else v for v in plan.values])
        return list(plan.read(rows))

    def first(self, **values: Any) -> T | None:
        """Execute with these values and return the first row, if there is one. One query."""
        found = self.all(**values)
        return found[0] if found else None


@dataclass(frozen=True, slots=True)
class _Slot:
    """Where the value of a parameter goes."""

    name: str


@dataclass(frozen=True, slots=True)
class _Plan:
    statement: str
    values: Sequence[Any]
    locks: bool
    read: Callable[[Sequence[Any]], Iterator[Any]]


def _compile(build: Callable[..., models.QuerySet[Any, Any]], kinds: dict[str, Any]) -> _Plan:
    samples = {name: _sample(kind) for name, kind in kinds.items()}
    queryset = build(**samples)
    compiler = queryset.query.get_compiler(using=DEFAULT_DB_ALIAS)
    statement, params = compiler.as_sql()
    slots = {
        array_literal(sample) if isinstance(sample, list) else sample: _Slot(name) for name, sample in samples.items()
    }
    values = [slots.get(param, param) if isinstance(param, (str, UUID, int, datetime)) else param for param in params]
    missing = set(samples) - {value.name for value in values if isinstance(value, _Slot)}
    if missing:
        raise ValueError(f"not a parameter of the statement: {', '.join(sorted(missing))}")
    return _Plan(statement, values, queryset.query.select_for_update, _reader(queryset, compiler))


def _sample(kind: Any) -> Any:
    """Return a value that stands nowhere else in a statement."""
    if isinstance(kind, list):
        return [uuid4()]
    chance = uuid4()
    samples = {
        UUID: chance,
        str: chance.hex,
        int: chance.int >> 97,
        datetime: _SOME_DAY + timedelta(microseconds=chance.int >> 76),
    }
    return samples[kind]


def _reader(queryset: models.QuerySet[Any, Any], compiler: Any) -> Callable[[Sequence[Any]], Iterator[Any]]:
    converters = compiler.get_converters([column[0] for column in compiler.select])

    def plain(rows: Sequence[Any]) -> Iterator[Any]:
        return compiler.apply_converters(rows, converters) if converters else iter(rows)

    if queryset._iterable_class is not ModelIterable:  # noqa: SLF001 - nothing public tells
        return lambda rows: map(tuple, plain(rows))
    columns, select = compiler.klass_info["select_fields"], compiler.select
    names = [select[column][0].target.attname for column in columns]
    # The stubs are those of a newer Django.
    related = get_related_populators(compiler.klass_info, select, DEFAULT_DB_ALIAS)  # type: ignore[call-arg]
    start, end = columns[0], columns[-1] + 1
    make = _maker(compiler.klass_info["model"], names)

    def instances(rows: Sequence[Any]) -> Iterator[Any]:
        for row in plain(rows):
            found = make(row[start:end])
            for populator in related:
                populator.populate(row, found)
            yield found

    return instances


def _maker(model: type[models.Model], names: Sequence[str]) -> Callable[[Sequence[Any]], Any]:
    """Return what ``from_db`` does, where nobody has a say in it: all columns, no ``__init__`` and no signal."""
    is_plain = model.__init__ is models.Model.__init__ and not any("from_db" in vars(each) for each in _bases(model))
    is_whole = len(names) == len(model._meta.concrete_fields)
    if not (is_plain and is_whole) or any(
        signal.has_listeners(model) for signal in (models.signals.pre_init, models.signals.post_init)
    ):
        return lambda row: model.from_db(DEFAULT_DB_ALIAS, names, row)

    def make(row: Sequence[Any]) -> Any:
        made = model.__new__(model)
        state = made._state = ModelState()  # noqa: SLF001 - as from_db does
        state.adding, state.db = False, DEFAULT_DB_ALIAS
        made.__dict__.update(zip(names, row, strict=True))
        return made

    return make


def _bases(model: type[models.Model]) -> Iterator[type]:
    return takewhile(lambda each: each is not models.Model, model.__mro__)
