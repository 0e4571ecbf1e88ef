"""First documents of new products: rendered before slug and category are known, with blanks that are filled in later.

An import thus renders while the database works on the products before, and holds its locks for less.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from django.db import connection

from core.ids import new_id_text
from core.lookups import array_literal
from core.sql import copied, copy_lines
from core.transactions import step
from products.domain import CategoryFacts, MarketFacts, ProductFacts
from products.services.document_rows import INSERT_GIVEN, row_of, version_of_row

# What no text of a product contains, for no text of PostgreSQL does.
SLUG_BLANK = "\0slug"
CATEGORY_BLANK = {"": "\0category"}
_SLUG = orjson.dumps(SLUG_BLANK).decode()
_CATEGORY = orjson.dumps(CATEGORY_BLANK).decode()

# The columns of what the database is given: first what is filled in.
_GIVEN = """
    slug text, version text, document text, category_ids uuid[], id uuid, product_id uuid, market_id uuid, skus text[],
    price_minor bigint, in_stock boolean, language text
"""


@dataclass(frozen=True, slots=True)
class Sketch:
    """A document of which slug and category are missing between its ``parts``; ``rest`` is the end of its line."""

    parts: tuple[str, str, str]
    language: str
    rest: str


@dataclass(frozen=True, slots=True)
class Sketches:
    """A new product's documents in those markets where it is sold, of ``markets``."""

    markets: Sequence[MarketFacts]
    sketches: Sequence[Sketch]


@dataclass(frozen=True, slots=True)
class Place:
    """A category as the documents below it need it: as JSON, and with its ancestors' ids as an array of PostgreSQL."""

    document: str
    ancestor_ids: Sequence[str]
    array: str


def place_of(category: CategoryFacts) -> Place:
    """Return a category as documents need it."""
    ids = category.ancestor_ids
    return Place(orjson.dumps(dict(category.document)).decode(), ids, array_literal(ids))


def sketch_documents(product: ProductFacts, markets: Sequence[MarketFacts]) -> Sketches:
    """Render the documents of a new product, of which slug and category are ``SLUG_BLANK`` and ``CATEGORY_BLANK``."""
    found = [_sketch(row) for market in markets if (row := row_of(product, market)) is not None]
    return Sketches(markets, found)


def fill_in(sketches: Sketches, slug: str, place: Place) -> Iterator[str]:
    """Return the lines of the documents of a product with that slug and category."""
    return (_line(sketch, slug, place) for sketch in sketches.sketches)


@step
def write_lines(lines: Iterable[str]) -> None:
    """Write the documents of products that this transaction made. Four statements and a COPY for any number."""
    with connection.cursor() as cursor:
        # Not worth compressing for the moment that they stand there.
        cursor.execute(f"CREATE TEMPORARY TABLE products_given ({_GIVEN}) WITH (toast_tuple_target = 8160)")
        copy_lines("products_given", lines)
        cursor.execute("ANALYZE products_given (product_id)")  # or the join would be planned for anything
        cursor.execute(f"{INSERT_GIVEN} FROM products_given g JOIN products_product p ON p.id = g.product_id")
        cursor.execute("DROP TABLE products_given")


def _sketch(row: Mapping[str, Any]) -> Sketch:
    head, _, others = row["document"].partition(_SLUG)
    middle, _, tail = others.partition(_CATEGORY)
    ids = f"{new_id_text()}\t{row['product_id']}\t{row['market_id']}"
    rest = f"{array_literal(row['skus'])}\t{row['price_minor']}\t{row['in_stock']}\t{row['language']}"
    return Sketch((head, middle, tail), row["language"], f"{ids}\t{rest}")


def _line(sketch: Sketch, slug: str, place: Place) -> str:
    head, middle, tail = sketch.parts
    body = f'{head}"{slug}"{middle}{place.document}{tail}'
    version = version_of_row(body.encode(), sketch.language, place.ancestor_ids)
    return f"{slug}\t{version}\t{copied(body)}\t{place.array}\t{sketch.rest}\n"
