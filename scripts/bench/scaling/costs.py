"""What a request costs, as ``make bench`` measured it (docs/performance.md), and how many reads go with an order."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One kind of request.

    :param round_trips: questions to the database, one after the other; the CPU is spread over them
    :param under_lock: of those, how many at the end are asked while a row is held that others may want
    :param worker_ms: CPU of what follows it in a worker, and ``worker_database_ms`` of PostgreSQL for that
    """

    name: str
    web_ms: float
    database_ms: float
    round_trips: int
    commits: bool = False
    under_lock: int = 0
    worker_ms: float = 0.0
    worker_database_ms: float = 0.0
    worker_round_trips: int = 0
    per_order: float = 1.0

    @property
    def is_read(self) -> bool:
        """Could a replica answer it?"""
        return not self.commits


# Public reads: CPU of the web process and of PostgreSQL, 8 clients.
LIST = Work(name="list", web_ms=0.24, database_ms=0.13, round_trips=1)
CATEGORY = Work(name="category", web_ms=0.28, database_ms=0.22, round_trips=1)
DETAIL = Work(name="detail", web_ms=0.20, database_ms=0.10, round_trips=1)
FILTERED = Work(name="filtered list", web_ms=0.35, database_ms=0.74, round_trips=1)
SEARCH = Work(name="search", web_ms=0.49, database_ms=1.08, round_trips=1)
# Of a hundred reads.
MIX = {LIST: 25, CATEGORY: 20, DETAIL: 40, FILTERED: 10, SEARCH: 5}

# The four requests of a checkout: 15.7 ms of the web and 7.1 of PostgreSQL (35 statements), shared out as the steps of
# docs/performance.md are; round trips as ``bench.scaling trips`` counts them. The last one pays, and the rest follows.
CHECKOUT = (
    Work(name="POST cart/items", web_ms=2.4, database_ms=1.0, round_trips=8, commits=True),
    Work(name="PATCH cart", web_ms=2.4, database_ms=0.8, round_trips=7, commits=True),
    Work(name="POST orders", web_ms=4.3, database_ms=2.1, round_trips=11, commits=True, under_lock=2),
    Work(
        name="POST payments",
        web_ms=6.6,
        database_ms=3.2,
        round_trips=21,
        commits=True,
        worker_ms=10.7,
        worker_database_ms=6.4,
        worker_round_trips=40,
    ),
)


def shop(*, reads: float) -> tuple[Work, ...]:
    """Return all kinds of request of a shop, with so many public reads for each order."""
    whole = sum(MIX.values())
    return tuple(replace(read, per_order=reads * share / whole) for read, share in MIX.items()) + CHECKOUT
