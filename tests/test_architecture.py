"""What import-linter cannot see: keys, indexes, constraints, triggers, and imports that hide in functions."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.core.checks import run_checks
from django.db import connection, models

import config.back_office  # noqa: F401 - its pages are checked, too

ROOT = Path(__file__).resolve().parents[1]
SRC = ROOT / "src"


def _level() -> dict[str, int]:
    """App -> floor, the lowest is the highest number; apps on one floor share it."""
    contracts = ConfigParser()
    contracts.read(ROOT / ".importlinter")
    lines = contracts["importlinter:contract:floors"]["layers"].strip().splitlines()
    return {app.strip(): number for number, line in enumerate(lines) for app in line.split("|")}


LEVEL = _level()
MODELS = [
    model
    for model in apps.get_models(include_auto_created=True)
    if model._meta.app_label in LEVEL and model._meta.managed
]
KEYS = [field for model in MODELS for field in model._meta.local_fields if field.is_relation] + [
    field for model in MODELS for field in model._meta.local_many_to_many
]
FILES = [path for path in SRC.rglob("*.py") if "migrations" not in path.parts]


def _name(thing: object) -> str:
    return str(thing)


class TestFloors:
    def test_name_every_app_of_ours(self) -> None:
        ours = {path.parent.name for path in SRC.glob("*/__init__.py")}

        assert ours == set(LEVEL)
        assert {name for name in settings.INSTALLED_APPS if (SRC / name).is_dir()} == ours

    def test_are_the_root_packages_of_the_contracts(self) -> None:
        contracts = ConfigParser()
        contracts.read(ROOT / ".importlinter")

        assert set(contracts["importlinter"]["root_packages"].split()) == set(LEVEL)


@pytest.mark.parametrize("key", KEYS, ids=_name)
class TestForeignKey:
    def test_never_points_up_a_floor(self, key: models.ForeignKey) -> None:  # type: ignore[type-arg]
        here, there = key.model._meta.app_label, key.related_model._meta.app_label  # type: ignore[union-attr]
        if here == there or there not in LEVEL:
            return

        assert LEVEL[here] < LEVEL[there], f"{key} points up to {there}, or to its neighbour"

    def test_leaves_no_name_in_another_app(self, key: models.ForeignKey) -> None:  # type: ignore[type-arg]
        here, there = key.model._meta.app_label, key.related_model._meta.app_label  # type: ignore[union-attr]
        if here == there or there not in LEVEL:
            return

        assert key.remote_field.related_name == "+"


@pytest.mark.django_db
class TestDatabase:
    def test_has_an_index_that_begins_with_each_foreign_key(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                """
                SELECT k.conrelid::regclass || '.' || a.attname FROM pg_constraint k
                  JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
                 WHERE k.contype = 'f' AND split_part(k.conrelid::regclass::text, '_', 1) = ANY(%s)
                   AND NOT EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = k.conrelid
                                    AND i.indkey[0] = k.conkey[1] AND i.indpred IS NULL AND i.indisvalid)
                """,
                [list(LEVEL)],
            )
            bare = sorted(name for (name,) in cursor.fetchall())

        assert bare == []

    def test_refuses_changes_of_exactly_the_tables_that_say_they_are_append_only(self) -> None:
        said = {model._meta.db_table for model in MODELS if "Append-only" in (model.__doc__ or "")}
        with connection.cursor() as cursor:
            cursor.execute(
                """
                SELECT tgrelid::regclass::text FROM pg_trigger
                 WHERE tgfoid = 'core_refuse_change'::regproc AND tgenabled = 'O'
                   AND tgtype & 2 <> 0 AND tgtype & 8 <> 0 AND tgtype & 16 <> 0
                """
            )
            guarded = {name for (name,) in cursor.fetchall()}

        assert said == guarded
        assert said

    def test_has_the_tables_that_the_models_describe(self) -> None:
        with connection.cursor() as cursor:
            names = set(connection.introspection.table_names(cursor))

        assert {model._meta.db_table for model in MODELS} <= names


class TestModels:
    def test_have_no_ordering_of_their_own(self) -> None:
        assert [model._meta.label for model in MODELS if model._meta.ordering] == []

    def test_name_every_constraint_and_index_themselves(self) -> None:
        named = [c.name for m in MODELS for c in (*m._meta.constraints, *m._meta.indexes)]
        made_up = [name for name in named if not name or name.endswith(("_idx", "_uniq"))]

        assert made_up == []
        assert [name for name, times in Counter(named).items() if times > 1] == []
        assert [m._meta.label for m in MODELS if m._meta.unique_together and not m._meta.auto_created] == []

    def test_override_neither_save_nor_delete(self) -> None:
        overriding = [
            model._meta.label
            for model in MODELS
            if {"save", "delete"} & vars(model).keys() and model.__module__.split(".")[0] in LEVEL
        ]

        assert overriding == []

    def test_pass_djangos_checks(self) -> None:
        assert [told for told in run_checks(tags=["models", "admin"]) if not told.is_silenced()] == []


def _functions_with_imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if is_function and any(isinstance(inner, ast.Import | ast.ImportFrom) for inner in ast.walk(node)):
            yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"


def _imports(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module, node.lineno


class TestSource:
    def test_has_no_import_inside_a_function(self) -> None:
        assert [found for path in FILES for found in _functions_with_imports(path)] == []

    def test_uses_no_signals(self) -> None:
        found = [
            f"{path.relative_to(ROOT)}:{line} {name}"
            for path in FILES
            for name, line in _imports(path)
            if name.startswith(("django.dispatch", "django.db.models.signals"))
        ]

        assert found == []

    def test_reads_the_environment_in_the_settings_only(self) -> None:
        allowed = {"settings", "manage.py", "celery.py", "wsgi.py", "asgi.py", "entry.py", "pytest_runner.py"}
        readers = [
            str(path.relative_to(ROOT))
            for path in FILES
            if path.parts[len(SRC.parts)] != "config" and "os.environ" in path.read_text()
            if not allowed & set(path.parts)
        ]

        assert readers == []

    @pytest.mark.parametrize("app", sorted(LEVEL))
    def test_of_an_apps_tests_reaches_only_downwards(self, app: str) -> None:
        reached = [
            f"{path.relative_to(ROOT)}:{line} {name}"
            for path in (SRC / app / "tests").rglob("*.py")
            for name, line in _imports(path)
            if (there := name.split(".")[0]) in LEVEL and there != app and LEVEL[there] <= LEVEL[app]
        ]

        assert reached == []

    def test_subscribes_handlers_of_the_announcing_floor_or_above_only(self) -> None:
        joined = {**settings.EVENT_SUBSCRIPTIONS, **settings.EVENT_INLINE_SUBSCRIPTIONS}
        wrong = [
            f"{fact} -> {handler}"
            for fact, handlers in joined.items()
            for handler in handlers
            if LEVEL[handler.split(".")[0]] > LEVEL[fact.split(".")[0]] or handler.split(".")[1] != "handlers"
        ]

        assert wrong == []
