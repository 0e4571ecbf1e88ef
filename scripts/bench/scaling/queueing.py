"""The closed forms: how many cores a load needs, and how long one waits for them (Erlang, 1917; M/M/c)."""

from __future__ import annotations

import math


def waits(*, servers: int, offered: float) -> float:
    """Return the probability that somebody has to wait (Erlang C).

    :param offered: servers that would be busy all the time: arrivals a second, times the seconds that one takes
    """
    if offered >= servers:
        return 1.0
    blocked = 1.0
    for number in range(1, servers + 1):
        blocked = offered * blocked / (number + offered * blocked)
    return blocked / (1 - offered / servers * (1 - blocked))


def mean_wait(*, servers: int, per_second: float, seconds: float) -> float:
    """Return how long one waits before being served, on average; infinite where the load is too much."""
    offered = per_second * seconds
    if offered >= servers:
        return math.inf
    return waits(servers=servers, offered=offered) * seconds / (servers - offered)


def wait_of(share: float, *, servers: int, per_second: float, seconds: float) -> float:
    """Return the wait that this share of all (0.99) does not exceed."""
    offered = per_second * seconds
    if offered >= servers:
        return math.inf
    probability = waits(servers=servers, offered=offered)
    return max(0.0, math.log(probability / (1 - share)) * seconds / (servers - offered))


def cores(*, per_second: float, milliseconds: float, load: float) -> int:
    """Return how many cores do that at such a load, one at least."""
    return max(1, math.ceil(per_second * milliseconds / 1000 / load - 1e-9))
