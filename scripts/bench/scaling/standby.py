"""What a commit waits for a standby, and how many reads a core of it answers."""

from __future__ import annotations

from collections.abc import Iterator

from bench.scaling.servers import Node, folder, pair

_WAITS = ("off", "local", "remote_write", "on", "remote_apply")
_TABLES = """
CREATE TABLE writes (id uuid PRIMARY KEY, body text);
CREATE TABLE documents (id int PRIMARY KEY, document text);
INSERT INTO documents SELECT n, repeat(md5(n::text), 47) FROM generate_series(1, 100000) n;
VACUUM ANALYZE documents;
"""
_WRITE = "INSERT INTO writes SELECT gen_random_uuid(), repeat('x', 2000);\n"
_LIST = "\\set n random(1, 99000)\nSELECT document FROM documents WHERE id >= :n ORDER BY id LIMIT 20;\n"
_DETAIL = "\\set n random(1, 100000)\nSELECT document FROM documents WHERE id = :n;\n"


def measure(*, seconds: int = 4, rounds: int = 2) -> Iterator[list[str]]:
    """Yield rows: commits at each ``synchronous_commit``, least of the rounds; reads of primary and standby."""
    with folder() as place, pair(place) as (primary, replica):
        primary.script(_TABLES)
        primary.one("ALTER SYSTEM SET synchronous_standby_names = '*'")
        primary.one("SELECT pg_reload_conf()")
        yield ["", "1 client, ms", "8 clients, ms", "8 clients, commits/s"]
        for waits in _WAITS:
            alone, many = (_least(primary, waits, clients, seconds, rounds) for clients in (1, 8))
            times = [f"{alone['milliseconds']:.2f}", f"{many['milliseconds']:.2f}", f"{many['per_second']:,.0f}"]
            yield [f"synchronous_commit = {waits}", *times]
        for name, script in (("list of 20 documents", _LIST), ("one document", _DETAIL)):
            for node, where in ((primary, "primary"), (replica, "standby")):
                yield [f"{name}, {where}: ms of CPU, reads/s of a core", *_reads(node, script, seconds), ""]


def _least(node: Node, waits: str, clients: int, seconds: int, rounds: int) -> dict[str, float]:
    found = [
        node.load(_WRITE, clients=clients, seconds=seconds, options=f"-c synchronous_commit={waits}")
        for _ in range(rounds)
    ]
    return min(found, key=lambda one: one["milliseconds"])


def _reads(node: Node, script: str, seconds: int) -> list[str]:
    used = node.cpu_seconds()
    rate = node.load(script, clients=2, seconds=seconds)["per_second"]
    each = (node.cpu_seconds() - used) / (rate * seconds) * 1000
    return [f"{each:.3f}", f"{1000 / each:,.0f}"]
