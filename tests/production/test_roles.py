"""Who serves reads and writes rows, and may do nothing else: neither make tables nor rewrite what is written once."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import psycopg
import pytest
from django.apps import apps
from psycopg.errors import InsufficientPrivilege

from tests.production.fleet import FOREIGN, ROOT
from tests.production.roles import TwoRoles, two_roles
from tests.runtime.shop import temporary_folder

MODELS = [model for model in apps.get_models(include_auto_created=True) if model._meta.managed]
WRITTEN_ONCE = sorted(model._meta.db_table for model in MODELS if "Append-only" in (model.__doc__ or ""))
OTHERS = sorted({model._meta.db_table for model in MODELS} - {*WRITTEN_ONCE})
RIGHTS = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
# What a table was granted, to whom, in an order of its own.
_GRANTED = """
SELECT c.relname, a.grantee::regrole::text, a.privilege_type FROM pg_class c, aclexplode(c.relacl) a
 WHERE c.relnamespace = 'public'::regnamespace ORDER BY 1, 2, 3"""


def manage(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command with this environment, in a data folder that is gone afterwards."""
    kept = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    with temporary_folder() as folder:
        return subprocess.run(
            [sys.executable, "src/manage.py", *words], cwd=ROOT, capture_output=True, text=True, check=False,
            env=kept | {"NEXUS_DATA": str(folder), "BROKER_URL": "memory://"} | environment,
        )  # fmt: skip


def migrate(roles: TwoRoles) -> str:
    """Migrate as the owner; return what was said."""
    done = manage("migrate", "--no-input", DATABASE_URL=roles.serving, DATABASE_OWNER_URL=roles.owner)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return done.stdout


@pytest.fixture(scope="module")
def shop() -> Iterator[TwoRoles]:
    """A database that was migrated by its owner."""
    with two_roles("roles") as roles:
        assert f"the role {roles.role} is made" in migrate(roles)
        yield roles


def may(shop: TwoRoles, table: str, right: str) -> bool:
    return bool(shop.run(shop.admin, f"SELECT has_table_privilege('{shop.role}', '{table}', '{right}')")[0][0])


class TestMigrate:
    def test_makes_the_role_that_serves_with_the_password_of_its_address_and_no_log_has_it(
        self, shop: TwoRoles
    ) -> None:
        asked = f"SELECT rolpassword, rolcanlogin, rolsuper, rolcreaterole, rolcreatedb, rolreplication FROM pg_authid WHERE rolname = '{shop.role}'"  # noqa: E501

        password, *flags = shop.run(shop.admin, asked)[0]

        assert password.startswith("SCRAM-SHA-256$")
        assert flags == [True, False, False, False, False]

    def test_takes_and_gives_what_was_changed_by_hand(self, shop: TwoRoles) -> None:
        before = shop.run(shop.admin, _GRANTED)
        for statement in (
            "GRANT UPDATE, TRUNCATE ON core_auditentry TO {}",
            "GRANT TRIGGER ON orders_order TO {}",
            "REVOKE SELECT ON products_product FROM {}",
            "REVOKE USAGE ON SEQUENCE orders_number FROM {}",
        ):
            shop.run(shop.owner, statement.format(shop.role))
        assert shop.run(shop.admin, _GRANTED) != before

        said = migrate(shop)

        assert shop.run(shop.admin, _GRANTED) == before
        assert "is made" not in said

    def test_only_tells_what_it_would_do(self) -> None:
        with two_roles("asking") as roles:
            done = manage("migrate", "--check", DATABASE_URL=roles.serving, DATABASE_OWNER_URL=roles.owner)

            assert done.returncode == 1
            assert roles.run(roles.admin, f"SELECT FROM pg_roles WHERE rolname = '{roles.role}'") == []

    def test_says_in_one_line_who_has_to_make_the_role_where_the_owner_may_not(self) -> None:
        with two_roles("humble") as roles:
            roles.run(roles.admin, f"ALTER ROLE {roles.role.removesuffix('serving')}owner NOCREATEROLE")

            done = manage("migrate", DATABASE_URL=roles.serving, DATABASE_OWNER_URL=roles.owner)

            assert done.returncode == 1
            assert f"CommandError: there is no role {roles.role}" in done.stderr
            assert "of-who-serves" not in done.stderr
            assert len(done.stderr.strip().splitlines()) == 1
            assert roles.run(roles.admin, "SELECT FROM pg_class WHERE relname = 'django_migrations'") == []

    @pytest.mark.parametrize("owner", ["", "the same"])
    def test_leaves_a_shop_with_one_role_as_it_is(self, owner: str) -> None:
        with two_roles("single") as roles:
            named = {"DATABASE_OWNER_URL": roles.owner} if owner else {}

            done = manage("migrate", "core", DATABASE_URL=roles.owner, **named)

            assert done.returncode == 0, done.stderr
            assert roles.run(roles.admin, _GRANTED) == []
            assert roles.run(roles.admin, "SELECT FROM pg_default_acl") == []


class TestWhoServes:
    @pytest.mark.parametrize(
        "statement",
        [
            "CREATE TABLE mine (id int)",
            "ALTER TABLE orders_order ADD COLUMN mine int",
            "DROP TABLE orders_order",
            "TRUNCATE orders_order CASCADE",
            "CREATE INDEX mine ON orders_order (number)",
            "CREATE TRIGGER mine BEFORE INSERT ON orders_order EXECUTE FUNCTION core_refuse_change()",
            "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "DROP FUNCTION core_refuse_change CASCADE",
            "ALTER TABLE core_auditentry DISABLE TRIGGER ALL",
            "DROP TRIGGER core_auditentry_append_only ON core_auditentry",
            "SET session_replication_role = replica",
            "CREATE SCHEMA mine",
            "CREATE ROLE mine",
            "INSERT INTO django_migrations (app, name, applied) VALUES ('mine', '1', now())",
        ],
    )
    def test_makes_and_changes_nothing_but_rows(self, shop: TwoRoles, statement: str) -> None:
        with pytest.raises(InsufficientPrivilege):
            shop.run(shop.serving, statement)

    @pytest.mark.parametrize("table", WRITTEN_ONCE)
    def test_adds_to_what_is_written_once_and_does_not_rewrite_it(self, shop: TwoRoles, table: str) -> None:
        assert [right for right in RIGHTS if may(shop, table, right)] == ["SELECT", "INSERT"]
        (column,) = shop.run(
            shop.admin, f"SELECT min(attname) FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attnum > 0"
        )[0]
        for statement in (
            f'UPDATE {table} SET "{column}" = "{column}" WHERE false',
            f"DELETE FROM {table} WHERE false",
            f"TRUNCATE {table}",
        ):
            with pytest.raises(InsufficientPrivilege):
                shop.run(shop.serving, statement)

    def test_reads_and_writes_the_rows_of_every_other_table(self, shop: TwoRoles) -> None:
        wrong = {
            table: given
            for table in OTHERS
            if (given := [right for right in RIGHTS if may(shop, table, right)]) != [*RIGHTS[:4]]
        }

        assert wrong == {}
        assert len(OTHERS) > 50

    def test_reads_which_migrations_there_are(self, shop: TwoRoles) -> None:
        assert [right for right in RIGHTS if may(shop, "django_migrations", right)] == ["SELECT"]

    def test_counts_calls_and_has_tables_for_a_while(self, shop: TwoRoles) -> None:
        with psycopg.connect(shop.serving) as session:
            session.execute("SELECT nextval('orders_number'), products_live_stock(gen_random_uuid())")
            session.execute("CREATE TEMPORARY TABLE given (id int)")

    def test_looks_after_the_statistics_of_what_it_fills(self, shop: TwoRoles) -> None:
        if int(shop.run(shop.admin, "SHOW server_version_num")[0][0]) < 170_000:
            pytest.skip("PostgreSQL 17 is the first that lets others do that")
        said: list[str] = []
        with psycopg.connect(shop.serving, autocommit=True) as session:
            session.add_notice_handler(lambda notice: said.append(str(notice.message_primary)))
            session.execute("ANALYZE products_product, products_productdocument")

        assert said == []


class TestWhatIsMadeLater:
    def test_is_of_use_at_once_and_exactly_so_when_the_migration_has_ended(self, shop: TwoRoles) -> None:
        """The release before may write by a trigger into what a new one brought, while others still migrate."""
        made = (
            "CREATE TABLE later (id bigint GENERATED ALWAYS AS IDENTITY, n int);"
            "CREATE TABLE later_once (n int);"
            "CREATE VIEW later_seen AS SELECT n FROM later;"
            "CREATE SEQUENCE later_number;"
            "CREATE TRIGGER later_once_append_only BEFORE UPDATE OR DELETE ON later_once "
            "FOR EACH STATEMENT EXECUTE FUNCTION core_refuse_change();"
        )
        shop.run(shop.owner, made)
        try:
            shop.run(shop.serving, "INSERT INTO later (n) SELECT nextval('later_number')")
            shop.run(shop.serving, "INSERT INTO later_once (n) SELECT n FROM later_seen")
            shop.run(shop.serving, "UPDATE later SET n = 2")
            shop.run(shop.serving, "DELETE FROM later")

            migrate(shop)

            assert [right for right in RIGHTS if may(shop, "later", right)] == [*RIGHTS[:4]]
            assert [right for right in RIGHTS if may(shop, "later_once", right)] == ["SELECT", "INSERT"]
            assert [right for right in RIGHTS if may(shop, "later_seen", right)] == ["SELECT"]
        finally:
            shop.run(shop.owner, "DROP VIEW later_seen; DROP TABLE later, later_once; DROP SEQUENCE later_number")


class TestCheck:
    def check(self, address: str, *more: str) -> str:
        words = ("check", "--deploy", "--database", "default", "--fail-level", "CRITICAL", *more)
        return manage(*words, DATABASE_URL=address).stderr

    def test_has_nothing_to_say_of_who_only_serves(self, shop: TwoRoles) -> None:
        assert "config.W001" not in self.check(shop.serving)

    def test_warns_of_an_owner_that_serves(self, shop: TwoRoles) -> None:
        said = self.check(shop.owner)

        assert "which serves, owns" in said
        assert "may make tables in the schema public" in said
        assert "may make roles" in said
        assert "may change what is written once" in said

    def test_warns_of_a_superuser(self, shop: TwoRoles) -> None:
        assert "which serves, is a superuser" in self.check(shop.admin)
