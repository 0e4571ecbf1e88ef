"""PostgreSQL and Redis from their wheels, run inside the data folder: what ``make run`` needs instead of servers.

Where they listen follows from the data folder alone, so that settings can name them without starting anything.
Any number of processes share them through :func:`shared`; the last one out stops them. Servers whose owner was
killed are found and adopted by the next start.
"""

from __future__ import annotations

from config.embedded.keys import local_secrets
from config.embedded.places import broker_url, database_url, redis_url, socket_folder
from config.embedded.postgres import DURABLE, THROWAWAY, Postgres, programs
from config.embedded.redis import Redis
from config.embedded.refusal import Refusal
from config.embedded.server import Server
from config.embedded.sharing import keep, servers, shared, start, turn
from config.embedded.spawning import own
from config.embedded.versions import note_version, refuse_newer

__all__ = [
    "DURABLE",
    "THROWAWAY",
    "Postgres",
    "Redis",
    "Refusal",
    "Server",
    "broker_url",
    "database_url",
    "keep",
    "local_secrets",
    "note_version",
    "own",
    "programs",
    "redis_url",
    "refuse_newer",
    "servers",
    "shared",
    "socket_folder",
    "start",
    "turn",
]
