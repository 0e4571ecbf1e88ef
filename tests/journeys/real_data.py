"""Where the real data lies that some journeys import, and a made-up file of the same kind for machines without it."""

from __future__ import annotations

import csv
import gzip
import os
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

SHARED = Path(os.environ.get("NEXUS_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data"))
INVOICES = SHARED / "online-retail" / "invoices.csv.gz"

_COLUMNS = ("invoice", "sku", "description", "quantity", "invoiced_at", "unit_price", "customer", "country")
_COUNTRIES = ("United Kingdom", "EIRE", "Channel Islands", "France", "Unspecified", "Atlantis")
# What such a file holds beside goods: SKU, description, quantity, unit price.
_OTHERS = (
    ("POST", "POSTAGE", 1, "18.00"),
    ("D", "Discount", -1, "7.35"),
    ("BANK CHARGES", "Bank Charges", 1, "15.00"),
    ("B", "Adjust bad debt", 1, "-110.62"),
)


def write_invoices(path: Path, *, count: int) -> Path:
    """Write ``count`` invoices over some months, as dirty as a shop leaves them, and return the path."""
    with gzip.open(path, "wt", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(_COLUMNS)
        rows.writerows(_lines(random.Random(7), count))
    return path


def _lines(chance: random.Random, count: int) -> Iterator[tuple[object, ...]]:
    at = datetime(2025, 11, 28, 9, tzinfo=UTC)
    for number in range(700001, 700001 + count):
        at += timedelta(minutes=chance.randint(6, 1400))
        customer = chance.choice(("", "12001", "12002", "12003"))
        home = (f"{at:%Y-%m-%dT%H:%M:%SZ}", customer, chance.choice(_COUNTRIES))
        if number % 9 == 0:
            yield _row(f"C{number}", "20001", "TIN LANTERN", -chance.randint(1, 5), "2.55", *home)
            continue
        if number % 11 == 0:
            yield _row(number, "20002", "damaged", -chance.randint(1, 9), "0.0", home[0], "", home[2])
            continue
        for line in range(chance.randint(1, 20)):
            sku = f"{20001 + (number + 7 * line) % 40}{'' if line % 5 else 'a'}"
            yield _row(number, sku, f"THING {sku}", chance.randint(1, 30), f"{chance.randint(10, 900) / 100}", *home)
        yield _row(number, "20003", "POT HOLDER", 1200 if number % 10 == 0 else 2, "0.79", *home)
        yield _row(number, "20003", "POT HOLDER", 10, "0.69" if number % 4 else "0.001", *home)
        if number % 6 == 0:
            yield _row(number, *chance.choice(_OTHERS), *home)


def _row(invoice: object, *rest: object) -> tuple[object, ...]:
    sku, description, quantity, price, at, customer, country = rest
    return invoice, sku, description, quantity, at, price, customer, country
