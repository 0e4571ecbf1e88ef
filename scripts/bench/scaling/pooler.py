"""The shop behind a PgBouncer (``--program``): what goes wrong in transaction mode, and what it costs."""

from __future__ import annotations

import contextlib
import subprocess  # nosec B404: PgBouncer, with a configuration of ours
from collections.abc import Iterator
from pathlib import Path

import psycopg

from bench import pricing
from bench.reading import press
from bench.reads import API
from bench.scaling.servers import Node, folder, running
from bench.scaling.trips import open_shop
from bench.shop import Shop, ShopFailed, free_port, wait_for
from config import embedded
from config.embedded import spawning

_CONFIGURATION = """
[databases]
postgres = host=127.0.0.1 port={postgres} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = {size}
max_client_conn = 2000
max_prepared_statements = {statements}
ignore_startup_parameters = {ignored}
logfile = {folder}/log
"""
_HEADS = [
    "",
    "checkouts",
    "checkout, web ms",
    "worker ms",
    "p50 ms",
    "list, reads/s",
    "list, p99 ms",
    "server connections",
    "said",
]


def measure(*, program: Path, seconds: float = 4.0, count: int = 80) -> Iterator[list[str]]:
    """Yield rows: the shop by itself, and behind PgBouncer in several modes."""
    yield _HEADS
    with folder() as place:
        shop = Shop(place)
        options = {"max_connections": "200", "log_min_messages": "warning"}
        node = Node(shop.data / "postgres", embedded.socket_folder(shop.data), **options)
        with running(node):
            node.stand_in()
            shop.environment["DATABASE_URL"] = node.url
            skus = open_shop(shop)
            yield ["direct", *_pressed(shop, node, skus, seconds, count)]
            shop.stop()
            cases = (
                ("session", 64, 200, "options"),
                ("session", 64, 200, ""),
                ("transaction", 8, 200, "options"),
                ("transaction", 8, 0, "options"),
            )
            for mode, size, statements, ignored in cases:
                name = f"{mode}, max_prepared_statements {statements}, ignore {ignored or 'nothing'}"
                with _pooled(program, place / "bouncer", node, mode, size, statements, ignored) as port:
                    shop.environment["DATABASE_URL"] = f"postgres://postgres@127.0.0.1:{port}/postgres"
                    try:
                        psycopg.connect(shop.environment["DATABASE_URL"], options="-c lock_timeout=8s").close()
                        shop.start()
                        told = _pressed(shop, node, skus, seconds, count)
                        yield [name, *told[:-1], f"{told[-1]}; {_alone(shop)} of 2 sessions hold one lock"]
                    except (ShopFailed, psycopg.Error) as error:
                        yield [name, "fails", *[""] * 6, str(error).strip().splitlines()[-1][:300]]
                    finally:
                        with contextlib.suppress(ShopFailed):
                            shop.stop()


def _pressed(shop: Shop, node: Node, skus: list[str], seconds: float, count: int) -> list[str]:
    mark = node.log.stat().st_size
    pricing.checkout(shop, skus, clients=8, count=40)
    row = pricing.checkout(shop, skus, clients=8, count=count)
    reads = press(port=shop.port, clients=8, seconds=seconds, paths=[f"{API}/products"])
    opened = node.one("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'") - 1
    held = node.one("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
    shop.manage("verify_books")
    with node.log.open("rb") as log:
        log.seek(mark)
        warned = log.read().decode(errors="replace").count("you don't own a lock")
    counts = [str(row.requests), f"{row.web_ms:.1f}", f"{row.after_ms:.1f}", f"{row.p50_ms:.0f}"]
    rates = [f"{reads.requests / reads.seconds:,.0f}", f"{reads.p99_ms:.1f}"]
    return [*counts, *rates, str(opened), f"{row.errors + reads.errors} errors, {held} locks left, {warned} not owned"]


def _alone(shop: Shop) -> int:
    """Have two sessions ask for one lock, as ``payments.services.alone`` does; return how many are told yes."""
    address = shop.environment["DATABASE_URL"]
    with psycopg.connect(address, autocommit=True) as one, psycopg.connect(address, autocommit=True) as other:
        return sum(each.execute("SELECT pg_try_advisory_lock(7)").fetchall()[0][0] for each in (one, other))


@contextlib.contextmanager
def _pooled(
    program: Path, place: Path, node: Node, mode: str, size: int, statements: int, ignored: str
) -> Iterator[int]:
    place.mkdir(exist_ok=True)
    spawning.own(place)
    port = free_port()
    values = {"mode": mode, "size": size, "statements": statements, "ignored": ignored or "application_name"}
    text = _CONFIGURATION.format(postgres=node.port, port=port, folder=place, **values)
    (place / "ini").write_text(text)
    (place / "ini").chmod(0o644)
    bouncer = spawning.spawn(
        [str(program), str(place / "ini")], reach=(program, place), output=subprocess.DEVNULL, tied=True
    )
    try:
        wait_for(lambda: _answers(port), 10, "PgBouncer")
        yield port
    finally:
        bouncer.terminate()
        bouncer.wait(10)


def _answers(port: int) -> bool:
    with contextlib.suppress(psycopg.Error):
        psycopg.connect(host="127.0.0.1", port=port, user="postgres", dbname="postgres").close()
        return True
    return False
