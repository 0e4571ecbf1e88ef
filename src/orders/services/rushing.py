"""What everybody wants and is sold out: they are told so by a look, before anything is locked, priced or begun.

A refusal that has gone through all of a purchase costs more than half of an order. Where nobody was refused lately
nobody looks first, so that an order costs what it costs.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from carts import selectors as carts
from inventory.errors import OutOfStock
from orders.services.placing import holder_of

if TYPE_CHECKING:
    from accounts.models import User

_SECONDS_OF_A_RUSH = 2.0


class _Rush:
    """Whether this process has refused somebody lately. Each learns for itself, by one refusal."""

    def __init__(self) -> None:
        self.until = 0.0

    def is_on(self) -> bool:
        return time.monotonic() < self.until

    def note(self) -> None:
        self.until = time.monotonic() + _SECONDS_OF_A_RUSH


_rush = _Rush()


@contextmanager
def looking_first(*, customer: User | None, cart_token: str | None) -> Iterator[None]:
    """Place an order in the block, unless others were refused lately and the open cart asks for more than is free.

    A look is one statement, and locks nothing. What it lets through may be refused in the block all the same; a cart
    that became an order is no open one.

    :raises OutOfStock: some line asks for more than is free (409, naming every one)
    """
    if _rush.is_on():
        short = carts.short_items(holder=holder_of(customer, cart_token))
        if short:
            _rush.note()
            raise OutOfStock(short=short)
    try:
        yield
    except OutOfStock:
        _rush.note()
        raise


def end_rush() -> None:
    """Forget that anybody was refused. For tests."""
    _rush.until = 0.0
