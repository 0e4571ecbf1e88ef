"""Orders, lines and events in one table each, beside the same by month: RANGE on the id, which begins with its time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from hashlib import md5
from uuid import UUID

from bench.scaling.servers import Node, cpu_of, folder, running, timed

MONTHS = 24
_START = datetime(2025, 1, 1, tzinfo=UTC)
_MONTH_SECONDS = 30 * 86400
# As the shop has them, with what an order has on average beside its keys (bytes of the demo's rows).
_COLUMNS = {
    "orders": "id uuid, number text, cart_id uuid, customer_id uuid, status text, placed_at timestamptz, body text",
    "lines": "id uuid, order_id uuid, position int, product_id uuid, variant_id uuid, body text",
    "events": "id uuid, name text, aggregate text, payload jsonb, occurred_at timestamptz",
}
_INDEXES = {
    "orders": (
        "(customer_id, placed_at DESC, id DESC)",
        "(placed_at DESC, id DESC)",
        "(status, placed_at DESC, id DESC)",
    ),
    "lines": ("(product_id)", "(variant_id)"),
    "events": ("(occurred_at)",),
}
# What only one table can promise: among partitions the key would have to be in it.
_UNIQUE: dict[str, tuple[str, ...]] = {
    "orders": ("(number)", "(cart_id)"),
    "lines": ("(order_id, position)",),
    "events": (),
}
_FUNCTIONS = """
CREATE FUNCTION at_ms(ms bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS
$$ SELECT (lpad(to_hex(ms), 12, '0') || repeat('0', 20))::uuid $$;
CREATE FUNCTION id_at(ms bigint) RETURNS uuid LANGUAGE sql VOLATILE AS
$$ SELECT (lpad(to_hex(ms), 12, '0') || '7' || substr(md5(random()::text), 1, 3)
           || '8' || substr(md5(random()::text), 1, 15))::uuid $$;
CREATE FUNCTION ms_of(id uuid) RETURNS bigint LANGUAGE sql IMMUTABLE AS
$$ SELECT ('x' || left(replace(id::text, '-', ''), 12))::bit(48)::bigint $$;
"""
_FILL = """
INSERT INTO {k}orders SELECT id_at(ms), '{k}' || n, gen_random_uuid(), md5((n % 5000)::text)::uuid,
       (ARRAY['delivered', 'cancelled', 'paid'])[1 + n % 3], to_timestamp(ms / 1000.0), repeat('x', 400)
  FROM (SELECT n, ({start} + (n::numeric / {count} * {length}))::bigint AS ms
          FROM generate_series(0, {count} - 1) n) t;
INSERT INTO {k}lines SELECT id_at(ms_of(o.id)), o.id, p, md5((random() * 10000)::int::text)::uuid,
       md5((random() * 10000)::int::text)::uuid, repeat('x', 200)
  FROM {k}orders o, generate_series(0, 1) p;
INSERT INTO {k}events SELECT id_at(ms_of(o.id)), 'orders.order_moved', o.id::text,
       jsonb_build_object('order_id', o.id, 'from_status', 'pending', 'to_status', 'paid'), o.placed_at
  FROM {k}orders o, generate_series(0, 1) p
"""
# As a shop does: each order by itself, with its lines and events.
_PLACE = """
DO $do$ DECLARE o uuid; l bigint; t timestamptz; BEGIN
FOR n IN 1 .. {count} LOOP
  l := {last} + n; o := id_at(l); t := to_timestamp(l / 1000.0);
  INSERT INTO {k}orders VALUES (o, '{k}{mark}-' || n, gen_random_uuid(), md5((n % 5000)::text)::uuid, 'pending', t,
                                repeat('x', 400));
  FOR p IN 0 .. 1 LOOP
    INSERT INTO {k}lines VALUES (id_at(l), o, p, md5((n % 10000)::text)::uuid, md5((n % 9999)::text)::uuid,
                                 repeat('x', 200));
    INSERT INTO {k}events VALUES (id_at(l), 'orders.order_placed', o::text, '{{"a": 1}}', t);
  END LOOP;
END LOOP; END $do$
"""
_READS = {
    "by id": "SELECT * FROM {k}orders WHERE id = %(id)s",
    "by number": "SELECT * FROM {k}orders WHERE number = %(number)s",
    "a customer's 20 newest, by time": (
        "SELECT * FROM {k}orders WHERE customer_id = %(customer)s ORDER BY placed_at DESC, id DESC LIMIT 20"
    ),
    "a customer's 20 newest, by id": (
        "SELECT * FROM {k}orders WHERE customer_id = %(customer)s ORDER BY id DESC LIMIT 20"
    ),
    "20 newest of all, by time": "SELECT * FROM {k}orders ORDER BY placed_at DESC, id DESC LIMIT 20",
    "lines of an order": "SELECT * FROM {k}lines WHERE order_id = %(id)s",
    "lines of an order, its month named": (
        "SELECT * FROM {k}lines WHERE order_id = %(id)s AND id >= %(low)s AND id < %(high)s"
    ),
}
_TIMES = 2000


def measure(*, orders: int) -> Iterator[list[str]]:
    """Yield rows: one table beside a partition for each month."""
    with folder() as place:
        options = {"shared_buffers": "2GB", "max_wal_size": "8GB", "maintenance_work_mem": "512MB"}
        options["autovacuum"] = "off"
        with running(Node(place / "data", place / "s", **options)) as node:
            node.one(_FUNCTIONS)
            yield ["", "one table", f"{MONTHS} months"]
            both = ("one_", "many_")
            for kind in both:
                _make(node, kind, orders)
            yield from _inserts(node, orders, both)
            yield from _lookups(node, orders, both)
            yield from _planning(node, both)
            yield from _forgetting(node)
            yield from _attaching(node)


def _bounds(month: int) -> tuple[str, str]:
    first, last = (int(_START.timestamp() + number * _MONTH_SECONDS) * 1000 for number in (month, month + 1))
    return f"at_ms({first})", f"at_ms({last})"


def _make(node: Node, kind: str, orders: int) -> None:
    for table, columns in _COLUMNS.items():
        key = "PRIMARY KEY (id)"
        node.one(
            f"CREATE TABLE {kind}{table} ({columns}, {key}){' PARTITION BY RANGE (id)' if kind == 'many_' else ''}"
        )
        for month in range(MONTHS + 1 if kind == "many_" else 0):
            low, high = (node.one(f"SELECT {bound}::text") for bound in _bounds(month))
            node.one(
                f"CREATE TABLE {kind}{table}_{month} PARTITION OF {kind}{table} FOR VALUES FROM ('{low}') TO ('{high}')"
            )
    start, length = int(_START.timestamp() * 1000), MONTHS * _MONTH_SECONDS * 1000
    for statement in _FILL.format(k=kind, start=start, count=orders, length=length).split(";\n"):
        node.one(statement)
    for table in _COLUMNS:
        for columns in _INDEXES[table]:
            node.one(f"CREATE INDEX ON {kind}{table} {columns}")
        for columns in _UNIQUE[table]:
            # Unique within a month at most; among all months it is nobody's promise.
            node.one(f"CREATE {'UNIQUE ' if kind == 'one_' else ''}INDEX ON {kind}{table} {columns}")
        node.one(f"VACUUM (ANALYZE, FREEZE) {kind}{table}")
    node.one(f"ALTER TABLE {kind}lines ADD FOREIGN KEY (order_id) REFERENCES {kind}orders (id)")


def _inserts(node: Node, orders: int, kinds: Sequence[str]) -> Iterator[list[str]]:
    last = int(_START.timestamp() + MONTHS * _MONTH_SECONDS) * 1000
    found: dict[str, list[float]] = {}
    for turn in range(3):
        for kind in kinds:
            statement = _PLACE.format(k=kind, last=last + turn * 20_000, count=5000, mark=f"t{turn}")
            found.setdefault(kind, []).append(timed(node, statement)[1] * 1e6 / 5000)
    yield ["an order with 2 lines and 2 events, CPU µs", *(f"{min(found[kind]):.0f}" for kind in kinds)]
    for table in _COLUMNS:
        parts = "SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('{k}{t}')"
        whole = f"SELECT coalesce(({parts}), pg_total_relation_size('{{k}}{{t}}'))::bigint / 1000000"
        sizes = [node.one(whole.format(k=kind, t=table)) for kind in kinds]
        yield [f"{table}, with indexes, MB ({orders:,} orders)", *(f"{size:,}" for size in sizes)]
    node.one("CREATE EXTENSION IF NOT EXISTS pageinspect")
    names = ("one_orders_pkey", f"many_orders_{MONTHS - 1}_pkey")
    asked = "SELECT level FROM bt_metap('{}')"
    yield ["levels of the index of ids", *(str(node.one(asked.format(name))) for name in names)]


def _lookups(node: Node, orders: int, kinds: Sequence[str]) -> Iterator[list[str]]:
    """CPU of prepared statements, as psycopg sends them: planned anew at first, then once for all."""
    some = "SELECT array_agg(id) FROM (SELECT id FROM {k}orders TABLESAMPLE SYSTEM (1) LIMIT {n}) t"
    ids = {kind: node.one(some.format(k=kind, n=_TIMES)) for kind in kinds}
    for name, text in _READS.items():
        found: dict[str, list[float]] = {}
        for _ in range(3):
            for kind in kinds:
                found.setdefault(kind, []).append(_asked(node, text.format(k=kind), kind, ids[kind], orders))
        yield [f"{name}, CPU µs", *(f"{min(found[kind]):.0f}" for kind in kinds)]


def _asked(node: Node, statement: str, kind: str, ids: Sequence[UUID], orders: int) -> float:
    with node.connect() as session:
        pid = session.info.backend_pid
        before = cpu_of(pid)
        for place in range(_TIMES):
            one, number = ids[place % len(ids)], place * 7919
            customer = UUID(md5(str(number % 5000).encode(), usedforsecurity=False).hexdigest())
            given = {"id": one, "customer": customer, "number": f"{kind}{number % orders}"}
            session.execute(statement.encode(), given | _month_of(one), prepare=True).fetchall()
        return (cpu_of(pid) - before) * 1e6 / _TIMES


def _month_of(one: UUID) -> dict[str, UUID]:
    month = ((one.int >> 80) // 1000 - int(_START.timestamp())) // _MONTH_SECONDS
    ends = (int(_START.timestamp() + number * _MONTH_SECONDS) * 1000 << 80 for number in (month, month + 1))
    return dict(zip(("low", "high"), (UUID(int=end) for end in ends), strict=True))


def _planning(node: Node, kinds: Sequence[str]) -> Iterator[list[str]]:
    one = "SELECT * FROM {k}orders WHERE number = 'x'"
    times = []
    for kind in kinds:
        plans = [node.one(f"EXPLAIN (FORMAT JSON, SUMMARY) {one.format(k=kind)}")[0] for _ in range(5)]
        times.append(f"{min(plan['Planning Time'] for plan in plans) * 1000:.0f}")
    yield ["to plan a lookup by number, first of a connection, µs", *times]


def _forgetting(node: Node) -> Iterator[list[str]]:
    """One month of events goes: rows by DELETE and VACUUM, or a partition as a whole."""
    low, high = (node.one(f"SELECT {bound}::text") for bound in _bounds(0))
    gone = timed(node, f"DELETE FROM one_events WHERE id >= '{low}' AND id < '{high}'")  # nosec B608  # noqa: S608 - ids of ours
    swept = timed(node, "VACUUM one_events")
    detached = timed(node, "ALTER TABLE many_events DETACH PARTITION many_events_0 CONCURRENTLY")
    dropped = timed(node, "DROP TABLE many_events_0")
    both = [tuple(map(sum, zip(*pair, strict=True))) for pair in ((gone, swept), (detached, dropped))]
    what = "a month of events goes"
    for place, name, form in ((0, "seconds", ".3f"), (1, "CPU seconds", ".3f"), (2, "MB of log", ".2f")):
        yield [f"{what} (DELETE and VACUUM; DETACH and DROP), {name}", *(f"{one[place]:{form}}" for one in both)]


def _attaching(node: Node) -> Iterator[list[str]]:
    """The table that is there becomes the first partition: read through under a lock, or before, by a check."""
    name = "one_lines"
    end = _bounds(MONTHS + 1)[1]
    low, high = node.one(f"SELECT {_bounds(0)[0]}::text"), node.one(f"SELECT {end}::text")
    node.one(f"CREATE TABLE new_lines ({_COLUMNS['lines']}, PRIMARY KEY (id)) PARTITION BY RANGE (id)")
    attach = f"ALTER TABLE new_lines ATTACH PARTITION {name} FOR VALUES FROM ('{low}') TO ('{high}')"
    bare = timed(node, attach)[0]
    node.one(f"ALTER TABLE new_lines DETACH PARTITION {name}")
    check = f"CHECK (id IS NOT NULL AND id >= '{low}' AND id < '{high}') NOT VALID"
    added = timed(node, f"ALTER TABLE {name} ADD CONSTRAINT in_range {check}")[0]
    checked = timed(node, f"ALTER TABLE {name} VALIDATE CONSTRAINT in_range")[0]
    quick = timed(node, attach)[0]
    rows = node.one("SELECT reltuples::bigint FROM pg_class WHERE relname = 'one_lines'")
    yield [f"ATTACH of {rows:,} lines, exclusive lock, s: bare; after a check", f"{bare:.3f}", f"{quick:.3f}"]
    yield ["that check: NOT VALID (brief lock), VALIDATE (nobody waits), s", f"{added:.3f}", f"{checked:.3f}"]
