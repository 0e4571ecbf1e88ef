"""A database of its own, with an owner who is no superuser, and the role that serves, which is yet to be made."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from tests.production.fleet import new_database


@dataclass(frozen=True)
class TwoRoles:
    """Addresses: the cluster's superuser's, the owner's, and that of who serves."""

    admin: str
    owner: str
    serving: str
    role: str

    def run(self, address: str, statement: str) -> Sequence[tuple[Any, ...]]:
        """Run one statement, and return its rows."""
        with psycopg.connect(address, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []


@contextlib.contextmanager
def two_roles(word: str) -> Iterator[TwoRoles]:
    """An empty database, for as long as the block lasts."""
    name = f"{word}_{os.getpid()}"
    owner, role = f"{name}_owner", f"{name}_serving"
    with contextlib.ExitStack() as stack:
        stack.callback(_forget, owner, role)
        admin = stack.enter_context(new_database(name))
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEROLE").format(sql.Identifier(owner)))
            words = sql.SQL("ALTER DATABASE {} OWNER TO {}").format(sql.Identifier(name), sql.Identifier(owner))
            connection.execute(words)
            # A password that the server would have to hash would come out another.
            words = sql.SQL("ALTER ROLE {} SET password_encryption = 'md5'").format(sql.Identifier(owner))
            connection.execute(words)
        yield TwoRoles(admin, _as(admin, f"{owner}:of-the-owner"), _as(admin, f"{role}:of-who-serves"), role)


def _as(admin: str, who: str) -> str:
    return admin.replace("postgres@", f"{who}@", 1)


def _forget(*roles: str) -> None:
    with psycopg.connect(
        host=os.environ["PGSOCK"], port=os.environ["PGPORT"], user="postgres", dbname="postgres", autocommit=True
    ) as connection:
        for role in reversed(roles):
            connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(role)))
