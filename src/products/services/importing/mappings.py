"""Which column means what: declared in TOML, one file per kind of file that we know, or brought by the merchant."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping as Map
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import orjson

from core import money
from products.errors import HeaderWrong, MappingUnknown

Kind = Literal["products", "categories", "sales"]

_FOLDER = Path(__file__).with_name("mappings")
_FIELDS: dict[str, set[str]] = {
    "products": {
        "sku", "name", "description", "category", "brand", "tags", "price", "compare_at_price", "discount_percent",
        "stock", "weight_grams", "tax_class", "needs_shipping", "is_gift_card", "images",
    },
    "categories": {"id", "name", "path", "children"},
    "sales": {"sku", "name", "quantity", "price"},
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """How the rows of one kind of file are read.

    ``columns`` is our field -> the file's column (dots lead into nested objects), ``attributes`` label -> column.
    """

    name: str
    kind: Kind
    columns: Map[str, str]
    required: frozenset[str]
    currency: str = "GBP"
    attributes: Map[str, str] = field(default_factory=dict)
    # Known columns that are not used. With ``strict`` any other column is a wrong header.
    ignored: frozenset[str] = frozenset()
    strict: bool = False
    # Between the items of a list that stands in one cell.
    separator: str = "|"
    # Where rows go that name no category.
    category: str = "Imported"
    # kind "sales": what is a SKU of ours (a regular expression), codes that are none, descriptions that are remarks.
    sku_pattern: str = ""
    not_products: frozenset[str] = frozenset()

    def check_header(self, columns: Sequence[str]) -> None:
        """Refuse a file that is not of this kind.

        :raises HeaderWrong: a required column is missing, one stands there twice, or (``strict``) one is unknown
        """
        missing = sorted(self._needed() - set(columns))
        twice = sorted({column for column in columns if columns.count(column) > 1})
        known = {source.split(".")[0] for source in (*self.columns.values(), *self.attributes.values())} | self.ignored
        unknown = sorted(set(columns) - known) if self.strict else []
        if missing or twice or unknown:
            raise HeaderWrong(mapping=self.name, missing=missing, twice=twice, unknown=unknown)

    def fits(self, columns: Sequence[str]) -> bool:
        """Tell whether the file has all columns that are required."""
        return self._needed() <= set(columns)

    def _needed(self) -> set[str]:
        return {self.columns[name].split(".")[0] for name in self.required}


def known_mappings() -> dict[str, Mapping]:
    """Return the mappings that come with the shop, by name."""
    return {path.stem: _load(path) for path in sorted(_FOLDER.glob("*.toml"))}


def find_mapping(*, wanted: str | None, columns: Sequence[str]) -> Mapping:
    """Return the mapping of that name or file (TOML or JSON); without one, the first of ours that fits the columns.

    :raises MappingUnknown: there is no such mapping, or the file is no mapping
    :raises HeaderWrong: no name was given and none fits
    """
    ours = known_mappings()
    if wanted is None:
        fitting = [mapping for mapping in ours.values() if mapping.fits(columns)]
        if not fitting:
            raise HeaderWrong(mapping=", ".join(ours), missing=[], twice=[], unknown=sorted(columns))
        return max(fitting, key=lambda mapping: len(mapping.required))
    if wanted in ours:
        return ours[wanted]
    if not Path(wanted).is_file():
        raise MappingUnknown(f"{wanted}: neither a file nor one of {', '.join(ours)}")
    return _load(Path(wanted))


def _load(path: Path) -> Mapping:
    try:
        text = path.read_text(encoding="utf-8")
        told: dict[str, Any] = orjson.loads(text) if path.suffix == ".json" else tomllib.loads(text)
        mapping = Mapping(
            name=path.stem,
            **{name: _frozen(value) for name, value in told.items()},
        )
    except (OSError, ValueError, TypeError) as error:
        raise MappingUnknown(f"{path.name}: {error}") from error
    _check(mapping)
    return mapping


def _frozen(value: Any) -> Any:
    return frozenset(value) if isinstance(value, list) else value


def _check(mapping: Mapping) -> None:
    if mapping.kind not in get_args(Kind):
        raise MappingUnknown(f"{mapping.name}: kind has to be one of {', '.join(get_args(Kind))}")
    strange = sorted((set(mapping.columns) - _FIELDS[mapping.kind]) | (mapping.required - set(mapping.columns)))
    if strange:
        raise MappingUnknown(f"{mapping.name}: unknown fields, or required ones without a column: {', '.join(strange)}")
    if not money.is_currency(mapping.currency):
        raise MappingUnknown(f"{mapping.name}: {mapping.currency} is not in ISO 4217")
