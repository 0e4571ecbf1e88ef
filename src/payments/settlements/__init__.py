"""The settlement files of providers. Each is a module with ``read``: bytes -> lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from payments.settlements import flutterwave, paypal, sandbox, stripe
from payments.settlements.base import Settled

READERS: Mapping[str, Callable[[bytes], Iterator[Settled]]] = {
    "flutterwave": flutterwave.read,
    "paypal": paypal.read,
    "sandbox": sandbox.read,
    "stripe": stripe.read,
}

__all__ = ["READERS", "Settled"]
