"""The documents of copied products, written by the program itself (within the shop's own Python)."""

from __future__ import annotations

from django.db import connection, transaction
from tqdm import tqdm

from products.services import render_products

_BATCH = 1000
_MISSING = """
    SELECT p.id FROM products_product p LEFT JOIN products_productdocument d ON d.product_id = p.id
     WHERE d.id IS NULL ORDER BY p.id
"""


def write_missing(*, part: int, parts: int) -> None:
    """Write those that are missing; of ``parts`` processes, each takes every so many'th batch."""
    with connection.cursor() as cursor:
        cursor.execute(_MISSING)
        ids = [row[0] for row in cursor.fetchall()]
    for start in tqdm(range(part * _BATCH, len(ids), parts * _BATCH), desc="Documents", unit="k", disable=part > 0):
        with transaction.atomic():
            render_products(product_ids=ids[start : start + _BATCH])
