"""The command: ``python -m bench.scaling plan``, with ``src`` and ``scripts`` on the path."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from bench.scaling import connections, heights, partitions, plan, pooler, standby, trips
from bench.scaling.tables import show


def main() -> None:
    """Run one of the measurements or simulations, and print its tables."""
    told = _words().parse_args()
    told.run(told)


def _words() -> argparse.ArgumentParser:
    words = argparse.ArgumentParser(prog="python -m bench.scaling", description=__doc__)
    parts = words.add_subparsers(required=True)
    one = parts.add_parser("plan", help="simulate ever more machines")
    one.add_argument("--reads", type=float, default=100, help="public reads for each order")
    one.add_argument("--load", type=float, default=0.6, help="the share of the cores that is busy")
    one.add_argument("--per-minute", type=float, nargs="+", default=[100, 1000, 10_000], help="orders")
    one.add_argument("--seconds", type=float, default=8, help="simulated of the last of these")
    one.set_defaults(run=_plan)
    one = parts.add_parser("hot", help="simulate one variant that everybody wants")
    one.add_argument("--commit-ms", type=float, default=2.5)
    one.set_defaults(run=_hot)
    one = parts.add_parser("heights", help="compute how high indexes are")
    one.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 10_000_000, 100_000_000, 1_000_000_000])
    one.set_defaults(run=lambda told: show("Indexes", heights.table(rows=told.rows)))
    one = parts.add_parser("standby", help="measure commits that a standby confirms, and reads there")
    one.set_defaults(run=lambda _: show("A standby on the same machine", standby.measure()))
    one = parts.add_parser("connections", help="measure what open connections cost")
    one.set_defaults(run=lambda _: show("Open connections", connections.measure()))
    one = parts.add_parser("partitions", help="measure tables in parts by month beside whole ones")
    one.add_argument("--orders", type=int, default=1_200_000)
    one.set_defaults(run=lambda told: show("By month", partitions.measure(orders=told.orders)))
    one = parts.add_parser("trips", help="measure round trips, and a shop that is far from its database")
    one.add_argument("--delays", type=float, nargs="+", default=[0, 20, 80, 150], help="milliseconds there and back")
    one.set_defaults(run=lambda told: show("A database far away", trips.measure(delays=told.delays)))
    one = parts.add_parser("pooler", help="measure the shop behind PgBouncer")
    one.add_argument("--program", type=Path, required=True)
    one.set_defaults(run=lambda told: show("PgBouncer", pooler.measure(program=told.program)))
    return words


def _plan(told: argparse.Namespace) -> None:
    os.nice(10)
    show("Layouts", plan.steps(reads=told.reads, load=told.load))
    show("Ever fuller", plan.loads(reads=told.reads))
    show("Cores wanted", plan.wanted(reads=told.reads, load=told.load, per_minute=told.per_minute))
    last = told.per_minute[-1]
    show("The last of these", plan.at_rate(reads=told.reads, per_minute=last, load=told.load, seconds=told.seconds))


def _hot(told: argparse.Namespace) -> None:
    show("One variant that everybody wants", plan.hot(holds=plan.hot_cases(commit_ms=told.commit_ms)))


if __name__ == "__main__":
    main()
