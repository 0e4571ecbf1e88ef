from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from core.errors import Conflict, Invalid, NotFound


class OutOfStock(Conflict):
    """Some lines ask for more than is free."""

    code = "inventory.out_of_stock"
    title = "Some items are out of stock."
    example = {"short": {"0192f3c4-7bd9-7cc2-8b5d-e0a6f0a3b1f4": 2}}

    def __init__(self, *, short: Mapping[UUID, int]) -> None:
        """:param short: variant id -> units missing, for every short line"""
        super().__init__(short={str(variant): units for variant, units in short.items()})
        self.short = short


class StockMoved(Conflict):
    """The stock is not what the request expected."""

    code = "inventory.stock_moved"
    title = "The stock is not what you expected; it moved in the meantime."
    example = {"on_hand": {"0192f3c4-7bd9-7cc2-8b5d-e0a6f0a3b1f4": 7}}


class StockPromised(Conflict):
    """Fewer units than are promised to orders cannot be kept."""

    code = "inventory.stock_promised"
    title = "More units are promised to orders than would be left."
    example = {"promised": {"0192f3c4-7bd9-7cc2-8b5d-e0a6f0a3b1f4": 3}}


class NotPromised(Conflict):
    """More units were to be shipped or released than are promised."""

    code = "inventory.not_promised"
    title = "So many units are not promised any more."
    example = {"beyond": {"0192f3c4-7bd9-7cc2-8b5d-e0a6f0a3b1f4": 1}}


class StockNotFound(NotFound):
    """There is no such variant to stock."""

    code = "inventory.stock_not_found"
    title = "There is no such variant."
    example = {"skus": ["MUG-BLUE"]}


class TooManyUnits(Invalid):
    """More units than a shop holds."""

    code = "inventory.too_many_units"
    title = "More units than a shop can hold."
    example = {"most": 1_000_000_000}


class NamedTwice(Invalid):
    """Two lines are about the same variant."""

    code = "inventory.named_twice"
    title = "A variant is named twice."
    example = {"variant": "0192f3c4-7bd9-7cc2-8b5d-e0a6f0a3b1f4"}
