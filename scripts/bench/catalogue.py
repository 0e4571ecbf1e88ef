"""Ten thousand products out of two hundred real ones, as a file that ``manage.py import_catalogue`` reads."""

from __future__ import annotations

import csv
import gzip
import json
import random
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from bench.shop import ROOT

REAL = ROOT.parent / "shared" / "data" / "dummyjson-products.json.gz"
DEMO = ROOT / "src" / "products" / "demo" / "catalogue.json"
COLOURS = ("Black", "Blue", "Brass", "Coral", "Green", "Grey", "Ivory", "Ochre", "Red", "Slate", "Teal", "White")
SIZES = ("Mini", "Small", "Medium", "Large", "Family", "Travel", "Twin", "Pro", "Lite", "Classic")
SOLD_OUT = 0.08
COLUMNS = ("sku", "name", "description", "category", "brand", "tags", "price", "compare_at_price", "stock")
RACE_UNITS = 50


def write_catalogue(path: Path, *, count: int, races: int) -> list[str]:
    """Write ``count`` products, of which the first ``races`` have 50 units each to race for; return the rest in stock.

    The same file at every run.
    """
    chance = random.Random(20261121)  # noqa: S311  # nosec B311 - the same catalogue at every run
    in_stock = []
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for number, row in enumerate(_rows(_real(), chance, count)):
            if number < races:
                row |= {"sku": race_sku(number), "stock": RACE_UNITS}
            elif row["stock"]:
                in_stock.append(row["sku"])
            writer.writerow(row)
    return in_stock


def race_sku(number: int) -> str:
    """The product of one race."""
    return f"RACE-{number:02}"


def search_words() -> list[str]:
    """Words of real products that shoppers may type."""
    return sorted({item["name"].split()[-1] for item in _real() if item["name"].split()[-1].isalpha()})


def _rows(real: list[dict[str, Any]], chance: random.Random, count: int) -> Iterator[dict[str, Any]]:
    for number in range(count):
        item = real[number % len(real)]
        price = (Decimal(str(item["price"])) * chance.randrange(60, 160) / 100).quantize(Decimal("0.01"))
        looks = f"{COLOURS[number // len(real) % len(COLOURS)]} {chance.choice(SIZES)}"
        yield {
            "sku": f"B{number:05}",
            "name": f"{item['name']} {looks}",
            "description": f"{item['description']} This one is {looks.lower()}, number {number}.",
            "category": item["category"],
            "brand": item["brand"],
            "tags": "|".join([*item["tags"], looks.split(maxsplit=1)[0].lower()]),
            "price": price,
            "compare_at_price": (price * 5 / 4).quantize(Decimal("0.01")) if number % 4 == 0 else "",
            "stock": 0 if chance.random() < SOLD_OUT else chance.randrange(2_000, 20_000),
        }


def _real() -> list[dict[str, Any]]:
    if REAL.exists():
        return [_of_dummyjson(item) for item in json.loads(gzip.decompress(REAL.read_bytes()))]
    told = json.loads(DEMO.read_text())
    items = told["products"] if isinstance(told, dict) else told
    return [_of_demo(item) for item in items]


def _of_dummyjson(item: dict[str, Any]) -> dict[str, Any]:
    family = item["category"].replace("-", " ").title()
    kind = item["tags"][-1].title() if item["tags"] else "Other"
    return {
        "name": item["title"],
        "description": item["description"],
        "category": f"{family} > {kind}",
        "brand": item.get("brand") or "",
        "tags": item["tags"],
        "price": item["price"],
    }


def _of_demo(item: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": item["name"],
        "description": item.get("description", ""),
        "category": str(item.get("category", "Goods")),
        "brand": item.get("brand", ""),
        "tags": item.get("tags", []),
        "price": item.get("price", "12.50"),
    }
