"""What open connections cost: memory while they are idle, and speed while they are many."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import psycopg

from bench.scaling.servers import Node, folder, running

_STATEMENT = "\\set n random(1, 100000)\nSELECT document FROM documents WHERE id = :n;\n"
_WRITE = "INSERT INTO writes SELECT gen_random_uuid(), repeat('x', 500);\n"
_TABLE = """
CREATE TABLE documents (id int PRIMARY KEY, document text);
INSERT INTO documents SELECT n, repeat(md5(n::text), 47) FROM generate_series(1, 100000) n;
CREATE TABLE writes (id uuid PRIMARY KEY, body text);
VACUUM ANALYZE documents;
"""


def measure(*, seconds: int = 5) -> Iterator[list[str]]:
    """Yield rows: memory of so many idle ones, and a simple statement beside them or over them."""
    with folder() as place, running(Node(place / "data", place / "s", max_connections="600")) as node:
        node.script(_TABLE)
        yield [
            "",
            "idle beside: MB",
            "MB each",
            "16 active, reads/s",
            "all active, reads/s",
            "CPU ms",
            "writes/s of 16",
        ]
        for idle in (0, 100, 500):
            yield _row(node, idle, seconds)


def _row(node: Node, idle: int, seconds: int) -> list[str]:
    before = sum(node.memory_mb().values())
    with contextlib.ExitStack() as stack:
        sessions: list[psycopg.Connection[tuple[object, ...]]] = []
        for number in range(idle):
            sessions.append(stack.enter_context(node.connect()))
            sessions[-1].execute("SELECT document FROM documents WHERE id = %s", [number], prepare=True)
        more = sum(node.memory_mb().values()) - before
        beside = node.load(_STATEMENT, clients=16, seconds=seconds)["per_second"]
        writes = node.load(_WRITE, clients=16, seconds=seconds, options="-c synchronous_commit=off")["per_second"]
    clients = max(16, idle)
    used = node.cpu_seconds()
    # Long enough that what the making of connections costs is little of it.
    active = node.load(_STATEMENT, clients=clients, seconds=4 * seconds)["per_second"]
    each = (node.cpu_seconds() - used) / (active * 4 * seconds) * 1000
    counts = [f"{idle:,}", f"{more:.0f}", f"{more / idle:.1f}" if idle else "", f"{beside:,.0f}"]
    return [*counts, f"{active:,.0f} ({clients:,})", f"{each:.3f}", f"{writes:,.0f}"]
