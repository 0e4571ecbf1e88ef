"""Products by the hundred thousand: copies of the imported ones, each with its own name, slug, SKU, price and stock."""

from __future__ import annotations

import subprocess  # nosec B404: our own commands
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tqdm import tqdm

from bench.copies import Table, copy_rows, new_key, new_keys
from bench.shop import ROOT, Shop, ShopFailed

FIRST = 1000
_COPIES_AT_ONCE = 10
_PROCESSES = 2
_DOCUMENTS = "products_productdocument"
# Those that were imported, and from which all others are made.
_IMPORTED = """
    CREATE TABLE IF NOT EXISTS bench_imported AS
    SELECT p.id AS product_id, v.id AS variant_id, s.id AS stock_id, p.category_id,
           row_number() OVER (ORDER BY p.id)::int - 1 AS place
      FROM products_product p
      JOIN products_variant v ON v.product_id = p.id
      JOIN inventory_stock s ON s.variant_id = v.id
"""


def _chance(most: int, key: str) -> str:
    """Return an expression below that power of two: for the same copy of the same row always the same."""
    return f"(hashtext(n || ':' || {key}::text) & {most - 1})"


# A made-up word for each copy: found in as many products as were imported, whatever the size of the shop.
_WORD = " || ".join(
    f"(ARRAY['ba','co','di','fu','ga','he','jo','ka','lu','mi','no','pe','ra','so','tu','vi'])[1 + mod(n / {step}, 16)]"
    for step in (1, 16, 256)
)
_CATEGORY = f"""
    CASE WHEN mod(n, 10) > 0 THEN category_id
         ELSE (SELECT i.category_id FROM bench_imported i WHERE i.place = {_chance(512, "t.id")}) END
"""  # nosec B608  # noqa: S608 - names are ours
_TIMES = {column: f"t.{column} - n * interval '1 second'" for column in ("created_at", "updated_at")}
_UNITS = "CASE WHEN {chance} < 10 THEN 0 ELSE 2000 + {chance} * 100 END"


def _units(variant: str) -> str:
    return _UNITS.format(chance=_chance(128, variant))


def _price(column: str) -> str:
    return f"{column} * (60 + {_chance(64, 'variant_id')}) / 100 + 1"


_TABLES = (
    Table(
        "products_product",
        "id IN (SELECT product_id FROM bench_imported)",
        new_keys("id")
        | _TIMES
        | {
            "name": f"name || ' ' || initcap({_WORD})",
            "slug": "slug || '-' || n",
            "category_id": _CATEGORY,
            "description": f"description || ' Of the series ' || {_WORD} || ', item ' || n || slug || '.'",
        },
    ),
    Table(
        "products_variant",
        "id IN (SELECT variant_id FROM bench_imported)",
        new_keys("id", "product_id") | _TIMES | {"sku": "sku || '-' || n", "is_available": f"{_units('id')} > 0"},
    ),
    Table(
        "products_price",
        "variant_id IN (SELECT variant_id FROM bench_imported)",
        new_keys("id", "variant_id")
        | _TIMES
        | {"amount_minor": _price("amount_minor"), "compare_at_minor": f"{_price('compare_at_minor')} + 1"},
    ),
    Table(
        "products_pricepoint",
        "variant_id IN (SELECT variant_id FROM bench_imported)",
        new_keys("variant_id") | {"amount_minor": _price("amount_minor")},
    ),
    Table(
        "inventory_stock",
        "id IN (SELECT stock_id FROM bench_imported)",
        new_keys("id", "variant_id") | _TIMES | {"on_hand": _units("variant_id"), "reserved": "0"},
    ),
)
_MOVEMENTS = f"""
    INSERT INTO inventory_movement (stock_id, difference, reason, reference, at)
    SELECT {new_key("stock_id")}, {_units("variant_id")}, 'declared', 'import', now()
      FROM generate_series(%(first)s::int, %(last)s::int) AS n, bench_imported
     WHERE {_units("variant_id")} > 0 ORDER BY n
"""  # nosec B608  # noqa: S608 - names are ours
_INDEXES = """
    SELECT coalesce(json_agg(pg_get_indexdef(i.indexrelid)), '[]')
      FROM pg_index i
     WHERE i.indrelid = %(table)s::regclass
       AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)
"""


def fill_products(shop: Shop, *, count: int) -> None:
    """Make the shop have so many thousand products, from those thousand that it has imported."""
    shop.sql(_IMPORTED)
    first = shop.sql("SELECT count(*) FROM products_product") // FIRST
    last = count // FIRST - 1
    if last < first:
        return
    with _plain(shop), tqdm(total=last - first + 1, desc="Products", unit="k") as bar:
        for start in range(first, last + 1, _COPIES_AT_ONCE):
            end = min(start + _COPIES_AT_ONCE - 1, last)
            for table in _TABLES:
                copy_rows(shop, table, first=start, last=end)
            shop.sql(_MOVEMENTS, {"first": start, "last": end})
            bar.update(end - start + 1)
    shop.sql("ANALYZE")
    with without_indexes(shop, _DOCUMENTS):
        _write_documents(shop)
    shop.sql("VACUUM ANALYZE")


@contextmanager
def _plain(shop: Shop) -> Iterator[None]:
    """Have the block's rows written without asking triggers: foreign keys hold, since copies are made of whole rows."""
    shop.sql("SET session_replication_role = replica")
    yield
    shop.sql("SET session_replication_role = DEFAULT")


@contextmanager
def without_indexes(shop: Shop, *tables: str) -> Iterator[None]:
    """Take the indexes of the tables away for the block, but for those of constraints."""
    made: list[str] = []
    for table in tables:
        made += shop.sql(_INDEXES, {"table": table})
    for statement in made:
        shop.sql(f"DROP INDEX {statement.split(' ON ')[0].split()[-1]}")
    try:
        yield
    finally:
        shop.sql("SET maintenance_work_mem = '1GB'")
        for statement in tqdm(made, desc="Indexes"):
            shop.sql(statement)


def _write_documents(shop: Shop) -> None:
    code = "from bench.scale.rendering import write_missing; write_missing(part={}, parts={})"
    writers = [
        subprocess.Popen(  # nosec B603
            [sys.executable, "src/manage.py", "shell", "-v0", "-c", code.format(part, _PROCESSES)],
            cwd=ROOT,
            env=shop.variables | {"PYTHONPATH": f"{ROOT}/src:{ROOT}/scripts"},
        )
        for part in range(_PROCESSES)
    ]
    if any(writer.wait() for writer in writers):
        raise ShopFailed("documents could not be written")
