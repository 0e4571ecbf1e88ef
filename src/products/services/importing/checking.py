"""Reading a file of products without writing: what an import of it would take, and what it would refuse."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from products.errors import HeaderWrong
from products.services.importing import readers
from products.services.importing.mappings import find_mapping
from products.services.importing.rows import ProductRow, RowRefused, read_row


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A row that cannot be taken."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What the rows are like: how many are good and bad, and the first of each."""

    mapping: str
    currency: str
    good: int
    bad: int
    sample: tuple[ProductRow, ...]
    refusals: tuple[Refusal, ...]


def check_file(*, path: Path, shown: int = 20, most_bytes: int | None = None) -> Preview:
    """Read a file of products to its end. Rows that only the catalogue itself can refuse count as good here.

    :param shown: how many good, and how many bad rows to return
    :param most_bytes: how large it may be when it is unpacked; ``None``: whoever gives it is trusted
    :raises TooLarge: it is larger
    :raises FileUnreadable: nothing, or nothing more, can be read from the file
    :raises HeaderWrong: it is no file of products
    """
    sample: list[ProductRow] = []
    refusals: list[Refusal] = []
    good = bad = 0
    if most_bytes is not None:
        readers.check_unpacked(path, most_bytes=most_bytes)
    with readers.open_source(path) as source:
        mapping = find_mapping(wanted=None, columns=source.columns)
        mapping.check_header(source.columns)
        if mapping.kind != "products":
            raise HeaderWrong(mapping=mapping.name, missing=["price"], twice=[], unknown=[])
        for record in source.records:
            try:
                row = read_row(record, mapping)
            except RowRefused as refusal:
                bad += 1
                refusals += [Refusal(line=record.line, reason=str(refusal))] if bad <= shown else []
            else:
                good += 1
                sample += [row] if good <= shown else []
    return Preview(
        mapping=mapping.name,
        currency=mapping.currency,
        good=good,
        bad=bad,
        sample=tuple(sample),
        refusals=tuple(refusals),
    )
