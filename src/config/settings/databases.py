"""How the shop is connected to its database, however many servers that has."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from config.settings.env import env

_OPTIONS: dict[str, Any] = {
    # Planned once per connection: a shop asks the same few hundred statements again and again.
    "server_side_binding": True,
    "prepare_threshold": 3,
    "pool": {
        "min_size": 1,
        "max_size": env.int("DATABASE_POOL", default=16),
        # Who gets no connection in that time is answered 503, and who comes next sooner (config.database).
        "timeout": 4,
        # A pool whose server was away tries again by itself for so long, at growing distances, and then as soon as
        # somebody asks: so soon it is used again when it is back.
        "reconnect_timeout": 4,
    },
    "connect_timeout": 3,
    # Of several servers the one that takes writes; one alone is refused while it is a standby.
    "target_session_attrs": "read-write",
    # A server that is gone without a word is noticed: by TCP within half a minute.
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
    "options": "-c lock_timeout=5s -c statement_timeout=60s -c idle_in_transaction_session_timeout=60s",
}


def database(address: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of a database from its address, as ``env.db_url`` reads it.

    The address may name several servers (``postgres://user:password@one:5432,two:5432/shop``): the first that takes
    writes is used, whichever that is at the time. What it says after ``?`` are libpq's parameters, and hold over ours.
    """
    return address | {
        "ENGINE": "config.database",
        "OPTIONS": _OPTIONS | address.get("OPTIONS", {}),
    }


def owner(url: str) -> dict[str, Any]:
    """Return the settings of the database as its owner sees it, over one connection; nothing for no address.

    :raises ImproperlyConfigured: it is no address of a server
    """
    if not url:
        return {}
    address: dict[str, Any] = env.db_url_config(url)
    if not address.get("USER") or not address.get("NAME"):
        raise ImproperlyConfigured("DATABASE_OWNER_URL must look like postgres://user:password@host:5432/name")
    return without_pool(database(address))


def replicas(url: str) -> dict[str, Any]:
    """Return how read replicas are connected to, in libpq's words; nothing for no address.

    It may name several, and how they are chosen from: ``postgres://user:password@one,two/shop?load_balance_hosts=random``.

    :raises ImproperlyConfigured: it is no address of a server
    """
    try:
        wanted: dict[str, Any] = conninfo_to_dict(url)
    except ProgrammingError as error:
        raise ImproperlyConfigured("DATABASE_READ_URL cannot be read") from error
    if url and "host" not in wanted:
        raise ImproperlyConfigured("DATABASE_READ_URL must look like postgres://user:password@host:5432/name")
    return wanted


def without_pool(database: dict[str, Any]) -> dict[str, Any]:
    """Return the settings for one connection per thread."""
    return database | {"OPTIONS": {key: value for key, value in database["OPTIONS"].items() if key != "pool"}}
