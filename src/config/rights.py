"""Two roles of PostgreSQL: the owner, who makes the tables, and the one that serves, which reads and writes their rows.

``manage.py migrate`` is the owner where ``DATABASE_OWNER_URL`` says who that is, and grants the other, whom web, worker
and beat are by ``DATABASE_URL``, what they need and no more. See docs/deployment.md.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.core.checks import Warning as CheckWarning
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import sql

_READ = frozenset({"SELECT"})
_APPEND = _READ | {"INSERT"}
_CHANGE = _APPEND | {"UPDATE", "DELETE"}
_COUNT = frozenset({"USAGE"})
# ANALYZE by others than the owner, as imports do. Earlier versions pass over it with a warning, and look by themselves.
_MAINTAIN_SINCE = 170_000

# Tables, views and sequences of the schema: what they are, and what the role was granted.
_RELATIONS = """
SELECT c.oid::regclass::text, c.relkind::text, c.relname = 'django_migrations',
       EXISTS (SELECT FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
                WHERE t.tgrelid = c.oid AND p.proname = 'core_refuse_change'),
       array(SELECT a.privilege_type FROM aclexplode(c.relacl) a WHERE a.grantee = r.oid)
  FROM pg_class c, pg_roles r
 WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
   AND pg_has_role(c.relowner, 'USAGE') AND r.rolname = %s
   AND NOT EXISTS (SELECT FROM pg_depend d
                    WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
 ORDER BY 1"""
_CLOSED_FUNCTIONS = """
SELECT oid::regprocedure::text FROM pg_proc
 WHERE pronamespace = current_schema()::regnamespace AND pg_has_role(proowner, 'USAGE')
   AND NOT has_function_privilege(%s, oid, 'EXECUTE')"""
_CLOSED_DOORS = """
SELECT NOT (has_database_privilege(%(role)s, current_database(), 'CONNECT')
            AND has_database_privilege(%(role)s, current_database(), 'TEMPORARY')),
       NOT has_schema_privilege(%(role)s, current_schema(), 'USAGE'), current_database(), current_schema()"""
_EXCESS = """
SELECT 'is a superuser' FROM pg_roles WHERE rolname = %(role)s AND rolsuper
UNION ALL
SELECT 'may make roles' FROM pg_roles WHERE rolname = %(role)s AND rolcreaterole
UNION ALL
SELECT 'may make tables in the schema ' || current_schema()
 WHERE has_schema_privilege(%(role)s, current_schema(), 'CREATE')
UNION ALL
SELECT 'owns ' || count(*) || ' tables, such as ' || min(c.relname)
  FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
   AND pg_has_role(%(role)s, c.relowner, 'MEMBER') HAVING count(*) > 0
UNION ALL
SELECT 'may change what is written once: ' || string_agg(c.relname, ', ' ORDER BY c.relname)
  FROM pg_class c JOIN pg_trigger t ON t.tgrelid = c.oid JOIN pg_proc p ON p.oid = t.tgfoid
 WHERE c.relnamespace = current_schema()::regnamespace AND p.proname = 'core_refuse_change'
   AND (has_table_privilege(%(role)s, c.oid, 'UPDATE, DELETE, TRUNCATE')
        OR has_any_column_privilege(%(role)s, c.oid, 'UPDATE')) HAVING count(*) > 0"""


@contextmanager
def owning(connection: BaseDatabaseWrapper, owner: Mapping[str, Any]) -> Iterator[None]:
    """Have the connection be the owner's until the block ends; without an owner it stays as it is.

    :param owner: settings of a database
    """
    serving = connection.settings_dict
    if owner:
        connection.close()
        connection.settings_dict = {**serving, **owner}
    try:
        yield
    finally:
        if owner:
            connection.close()
            connection.settings_dict = serving


def serving_role(serving: Mapping[str, Any], owner: Mapping[str, Any]) -> str:
    """Return who serves beside the owner; empty where one role does both."""
    role = str(serving.get("USER") or "")
    return role if owner and role != owner.get("USER") else ""


def admit(connection: BaseDatabaseWrapper, serving: Mapping[str, Any], *, say: Callable[[str], object]) -> None:
    """Make the role that serves if there is none, and open to it what will be made from now on.

    So a table is of use in the moment that its migration commits: to triggers of the tables that the release before
    writes to, and to it should the next migration fail.

    :raises ImproperlyConfigured: there is none, and the owner may not make it
    """
    role = str(serving["USER"])
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = %s)", [role])
        if not cursor.fetchone()[0]:
            _make(connection, role, str(serving.get("PASSWORD") or ""))
            say(f"the role {role} is made, which serves")
        cursor.execute("SELECT current_schema()")
        schema = sql.Identifier(cursor.fetchone()[0])
        for rights, kind in ((_CHANGE, "TABLES"), (_COUNT, "SEQUENCES")):
            statement = "ALTER DEFAULT PRIVILEGES IN SCHEMA {} GRANT {} ON {} TO {}"
            cursor.execute(sql.SQL(statement).format(schema, _words(rights), sql.SQL(kind), sql.Identifier(role)))


def settle(connection: BaseDatabaseWrapper, role: str) -> None:
    """Grant the role that serves what it needs of all that there is, and take what it has beyond.

    Rows of append-only tables it may add, the list of migrations it may read. What is right already is left alone.
    """
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        for statement in _missing(connection, cursor, role):
            cursor.execute(statement)


def find_excess(connection: BaseDatabaseWrapper, role: str) -> list[str]:
    """Return what the role may do that nobody who serves needs, in words."""
    with connection.cursor() as cursor:
        cursor.execute(_EXCESS, {"role": role})
        return [words for (words,) in cursor.fetchall()]


def warn_of_excess(*, databases: Collection[str] | None = None, **_: object) -> list[CheckWarning]:
    """Warn where who serves may do more than that, for ``manage.py check --deploy --database default``."""
    if DEFAULT_DB_ALIAS not in (databases or ()):
        return []
    connection = connections[DEFAULT_DB_ALIAS]
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        role = cursor.fetchone()[0]
    hint = "Two roles: docs/deployment.md"
    return [
        CheckWarning(f"The role {role}, which serves, {excess}.", hint=hint, id="config.W001")
        for excess in find_excess(connection, role)
    ]


def _make(connection: BaseDatabaseWrapper, role: str, password: str) -> None:
    # Hashed here, so that no log of the server's has the password.
    hashed = connection.connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    ending = sql.SQL(" PASSWORD {}").format(sql.Literal(hashed)) if password else sql.SQL("")
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)) + ending)
    except DatabaseError as error:
        raise ImproperlyConfigured(
            f"there is no role {role}, which DATABASE_URL names, and the owner may not make it: have an administrator "
            f"do so (CREATE ROLE {role} LOGIN PASSWORD …): {' '.join(str(error).split())}"
        ) from error


def _missing(connection: BaseDatabaseWrapper, cursor: Any, role: str) -> Iterator[sql.Composed]:
    name = sql.Identifier(role)
    cursor.execute(_CLOSED_DOORS, {"role": role})
    is_shut_out, is_kept_out, database, schema = cursor.fetchone()
    if is_shut_out:
        yield sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {} TO {}").format(sql.Identifier(database), name)
    if is_kept_out:
        yield sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(sql.Identifier(schema), name)
    cursor.execute(_CLOSED_FUNCTIONS, [role])
    for (function,) in cursor.fetchall():
        yield sql.SQL("GRANT EXECUTE ON ROUTINE {} TO {}").format(sql.SQL(function), name)
    cursor.execute(_RELATIONS, [role])
    maintain = {"MAINTAIN"} if connection.connection.info.server_version >= _MAINTAIN_SINCE else set()
    for relation, kind, is_list, is_append_only, granted in cursor.fetchall():
        wanted = _wanted(kind, is_read_only=is_list, is_append_only=is_append_only)
        wanted |= maintain if wanted >= _CHANGE else set()
        what = sql.SQL(f"{'SEQUENCE' if kind == 'S' else 'TABLE'} {relation}")
        if more := wanted - set(granted):
            yield sql.SQL("GRANT {} ON {} TO {}").format(_words(more), what, name)
        if less := set(granted) - wanted:
            yield sql.SQL("REVOKE {} ON {} FROM {}").format(_words(less), what, name)


def _wanted(kind: str, *, is_read_only: bool, is_append_only: bool) -> frozenset[str]:
    if kind == "S":
        return _COUNT
    if is_read_only or kind in "vm":
        return _READ
    return _APPEND if is_append_only else _CHANGE


def _words(rights: Collection[str]) -> sql.Composable:
    return sql.SQL(", ".join(sorted(rights)))
