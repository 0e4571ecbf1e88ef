"""One variant that everybody wants, long after it is sold out, and the orders of people who want something else."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice

from bench import client
from bench.catalogue import RACE_UNITS, race_sku
from bench.holding import Holds
from bench.http import Asked
from bench.reading import Pressure, pressure_of
from bench.shop import ShopFailed
from bench.writes import Buyers

ATTEMPTS_PER_SECOND = 500
OTHERS_PER_SECOND = 4
_CLIENTS = 32
# So many that those who got one hardly count: who has ordered and goes on to order is given the order that there is.
_CARTS = 2_000
_QUIET_SECONDS = 5.0
_SOLD = "SELECT coalesce(sum(quantity), 0) FROM orders_orderline WHERE sku = %s"


def hot_variant(buyers: Buyers, holds: Holds, *, number: int, seconds: float) -> dict[str, float]:
    """Have guests try again and again to order the units of a race, 500 times a second if the shop takes that.

    Beside them, others order other goods. The same is measured with guests who want different things that are sold out
    (what earlier races left them with): the difference is that all meet in one row; and with nobody beside.

    :raises ShopFailed: not exactly as many were sold as there were, or a request failed
    """
    wanted = buyers.fill(race_sku(number), _CARTS)
    spread, beside_spread = _crowd(buyers, buyers.left_with_nothing, seconds / 3)
    quiet = _others(buyers, buyers.fill_others(round(_QUIET_SECONDS * OTHERS_PER_SECOND)))
    begun = time.monotonic()
    hot, beside_hot = _crowd(buyers, wanted, seconds)
    if (sold := buyers.shop.sql(_SOLD, (race_sku(number),))) != RACE_UNITS:
        raise ShopFailed(f"{sold} of {RACE_UNITS} sold")
    return {
        "per_second": hot.requests / hot.seconds,
        "p99_ms": hot.p99_ms,
        "held_p99_ms": holds.p99_ms(begun),
        "spread_per_second": spread.requests / spread.seconds,
        "spread_p99_ms": spread.p99_ms,
        "others_p50_ms": beside_hot.p50_ms,
        "others_beside_spread_p50_ms": beside_spread.p50_ms,
        "others_quiet_p50_ms": quiet.p50_ms,
    }


def _crowd(buyers: Buyers, tokens: Sequence[str], seconds: float) -> tuple[Pressure, Pressure]:
    """Return what the many saw, and what the others beside them saw."""
    others = buyers.fill_others(round(seconds * OTHERS_PER_SECOND))
    tries = [buyers.ordering(token) for token in islice(cycle(tokens), round(seconds * ATTEMPTS_PER_SECOND))]
    with ThreadPoolExecutor(1) as beside:
        calm = beside.submit(_others, buyers, others)
        answers = client.send(
            port=buyers.shop.port, clients=_CLIENTS, requests=tries, per_second=ATTEMPTS_PER_SECOND, seconds=seconds
        )
    if failed := [body for status, body in zip(answers.statuses, answers.bodies, strict=True) if status >= 500]:
        raise ShopFailed(f"{len(failed)} failed, such as {failed[0][:300]}")
    return pressure_of(answers, wanted=409), calm.result()


def _others(buyers: Buyers, requests: Sequence[Asked]) -> Pressure:
    answers = client.send(port=buyers.shop.port, clients=4, requests=requests, per_second=OTHERS_PER_SECOND)
    return pressure_of(answers, wanted=201)
