from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from typing import Any, ClassVar
from uuid import UUID

import pytest
from django.core.exceptions import FieldError
from django.core.management import call_command
from django.db import connection, models
from django.utils import timezone

from core import crypto, rotation
from core.crypto import CannotOpen
from core.fields import BlindIndexField, EncryptedJSONField, EncryptedTextField, LateSealedTextField
from core.models import IdempotencyRecord, OutboxEvent
from core.tests.plans import fill, visits

OLD, NEW = ("old", b"1" * 32), ("new", b"2" * 32)


class Secret(models.Model):
    """A table that exists in these tests only."""

    text = EncryptedTextField(blank=True)
    value = EncryptedJSONField(null=True)
    name = LateSealedTextField(blank=True, default="")
    name_key = BlindIndexField(of="name", fold=str.casefold, blank=True, default="")

    objects: ClassVar[Any] = models.Manager()

    class Meta:
        app_label = "core"
        managed = False
        db_table = "core_tests_secret"


@pytest.fixture
def table(db: None, settings: Any) -> Iterator[None]:
    settings.FIELD_KEYS = [OLD]
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE core_tests_secret (id bigserial PRIMARY KEY, text text NOT NULL, value text, "
            "name text NOT NULL DEFAULT '', name_key text NOT NULL DEFAULT '')"
        )
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE core_tests_secret")


def stored() -> list[tuple[str, str | None]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT text, value FROM core_tests_secret ORDER BY id")
        rows: list[tuple[str, str | None]] = cursor.fetchall()
        return rows


def keys() -> set[str]:
    return {cell.partition(":")[0] for row in stored() for cell in row if cell}


@pytest.mark.usefixtures("table")
class TestSealedFields:
    def test_are_plain_in_python_and_sealed_in_the_database(self) -> None:
        Secret.objects.create(text="1 High Street", value={"phone": "+44", "n": [1, None]})

        found = Secret.objects.get()
        assert (found.text, found.value) == ("1 High Street", {"phone": "+44", "n": [1, None]})
        assert "High" not in str(stored())
        assert "phone" not in str(stored())

    def test_keep_what_is_empty(self) -> None:
        Secret.objects.create(text="", value=None)

        found = Secret.objects.get()
        assert (found.text, found.value) == ("", None)
        assert stored() == [("", None)]

    def test_are_sealed_by_bulk_writes_too(self) -> None:
        made = Secret.objects.bulk_create([Secret(text="a", value=1), Secret(text="b", value=2)])
        for row in made:
            row.text += "!"
        Secret.objects.bulk_update(made, ["text"])

        assert sorted(Secret.objects.values_list("text", "value")) == [("a!", 1), ("b!", 2)]
        assert keys() == {"old"}

    @pytest.mark.parametrize("lookup", ["text", "text__icontains", "value", "text__in"])
    def test_refuse_to_be_searched(self, lookup: str) -> None:
        with pytest.raises(FieldError, match="sealed"):
            Secret.objects.filter(**{lookup: ["x"]}).first()

    def test_can_be_asked_for_null(self) -> None:
        Secret.objects.create(text="a")

        assert Secret.objects.filter(value__isnull=True).count() == 1


@pytest.mark.usefixtures("table")
class TestRotateFieldKeys:
    def test_brings_every_value_under_the_first_key(self, settings: Any) -> None:
        Secret.objects.bulk_create([Secret(text=f"text {n}", value=n) for n in range(7)])
        Secret.objects.create(text="", value=None)
        settings.FIELD_KEYS = [NEW, OLD]
        output = StringIO()

        call_command("rotate_field_keys", batch=3, stdout=output)

        settings.FIELD_KEYS = [NEW]
        assert [row.text for row in Secret.objects.order_by("pk")] == [f"text {n}" for n in range(7)] + [""]
        assert keys() == {"new"}
        assert "core.Secret: 7 re-sealed" in output.getvalue()

    def test_goes_on_where_an_earlier_run_stopped(self, settings: Any) -> None:
        Secret.objects.bulk_create([Secret(text=f"text {n}") for n in range(6)])
        settings.FIELD_KEYS = [NEW, OLD]
        last, changed = rotation.reseal_batch(model=Secret, columns=["text", "value"], after=None, most=4)
        before = stored()
        output = StringIO()

        call_command("rotate_field_keys", stdout=output)

        assert (changed, last) == (4, Secret.objects.order_by("pk")[3].pk)
        assert stored()[:4] == before[:4]
        assert "core.Secret: 2 re-sealed" in output.getvalue()
        assert keys() == {"new"}

    def test_changes_nothing_of_a_batch_with_a_value_of_a_lost_key(self, settings: Any) -> None:
        Secret.objects.create(text="lost")
        before = stored()
        settings.FIELD_KEYS = [NEW]

        with pytest.raises(CannotOpen):
            call_command("rotate_field_keys", stdout=StringIO())

        assert stored() == before


def named() -> list[tuple[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, name_key FROM core_tests_secret ORDER BY id")
        rows: list[tuple[str, str]] = cursor.fetchall()
        return rows


@pytest.mark.usefixtures("table")
class TestBlindIndex:
    def test_s50_finds_what_is_sealed_in_any_case_and_shows_nothing_of_it(self) -> None:
        ada, bob = Secret.objects.create(name="Ada"), Secret.objects.create(name="Bob")

        assert list(Secret.objects.filter(name_key__of="ADA")) == [ada]
        assert set(Secret.objects.filter(name_key__of=["ada", "bob"])) == {ada, bob}
        assert not Secret.objects.filter(name_key__of="Ad").exists()
        assert "ada" not in str(named()).lower()

    def test_s50_no_text_is_found_by_nothing(self) -> None:
        Secret.objects.create(name="")

        assert named() == [("", "")]
        assert not Secret.objects.filter(name_key__of="").exists()

    def test_s50_follows_a_name_that_changes(self) -> None:
        row = Secret.objects.create(name="Ada")
        row.name = "Bob"

        row.save(update_fields=["name", "name_key"])

        assert list(Secret.objects.filter(name_key__of="bob")) == [row]
        assert not Secret.objects.filter(name_key__of="ada").exists()

    def test_s50_is_another_under_another_key_and_both_find(self, settings: Any) -> None:
        old = Secret.objects.create(name="Ada")
        settings.FIELD_KEYS = [NEW, OLD]
        new = Secret.objects.create(name="ada")

        assert set(Secret.objects.filter(name_key__of="Ada")) == {old, new}
        call_command("rotate_field_keys", stdout=StringIO())
        settings.FIELD_KEYS = [NEW]
        assert set(Secret.objects.filter(name_key__of="Ada")) == {old, new}
        assert {cell.partition(":")[0] for row in named() for cell in row} == {"new"}

    def test_s50_what_was_plain_is_read_found_by_none_yet_and_sealed(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO core_tests_secret (text, name) VALUES ('', 'Ada: at the door')")
        assert Secret.objects.get().name == "Ada: at the door"

        call_command("rotate_field_keys", stdout=StringIO())

        assert Secret.objects.filter(name_key__of="ada: AT the door").get().name == "Ada: at the door"
        assert "door" not in str(named())


@pytest.mark.usefixtures("table")
class TestWhatIsSealedBesideFields:
    def test_answers_that_are_kept_for_replays_are_brought_under_the_first_key(self, settings: Any) -> None:
        settings.FIELD_KEYS = [OLD]
        kept = IdempotencyRecord.objects.create(
            scope="s", key="k", fingerprint="f", status=201, body=crypto.seal_bytes(b"{}"), expires_at=timezone.now()
        )
        settings.FIELD_KEYS = [NEW, OLD]

        call_command("rotate_field_keys", stdout=StringIO())

        settings.FIELD_KEYS = [NEW]
        kept.refresh_from_db()
        assert crypto.open_bytes(bytes(kept.body)) == b"{}"

    def test_facts_that_are_owed_are_brought_under_the_first_key(self, settings: Any) -> None:
        settings.FIELD_KEYS = [OLD]
        facts = [make_event({"sealed_code": crypto.seal(f"code {n}"), "n": n}) for n in range(3)]
        plain = make_event({"n": 4, "sealed_code": ""})
        settings.FIELD_KEYS = [NEW, OLD]
        output = StringIO()

        call_command("rotate_field_keys", batch=2, stdout=output)

        settings.FIELD_KEYS = [NEW]
        told = [OutboxEvent.objects.get(pk=fact.pk).payload for fact in facts]
        assert [(each["n"], crypto.open_sealed(each["sealed_code"])) for each in told] == [
            (n, f"code {n}") for n in range(3)
        ]
        assert OutboxEvent.objects.get(pk=plain.pk).payload == {"n": 4, "sealed_code": ""}
        assert "core.OutboxEvent: 3 re-sealed" in output.getvalue()

    def test_facts_are_looked_at_once_each(self, settings: Any) -> None:
        settings.FIELD_KEYS = [OLD]
        code = f"jsonb_build_object('sealed_code', '{crypto.seal('a code')}')"
        told = {"name": "'tests.told'", "trace": "''"}
        fill(OutboxEvent, 2000, told | {"payload": "'{}'"})
        fill(OutboxEvent, 2, told | {"payload": code}, first=3000)
        settings.FIELD_KEYS = [NEW, OLD]

        with visits("^\\s*SELECT id, payload") as seen:
            first, changed = rotation.reseal_facts(most=1)
            _, then = rotation.reseal_facts(after=first, most=1)

        assert (first, changed, then) == (UUID(int=3000), 1, 1)
        assert [each.rows for each in seen] == [2001, 1]


def make_event(payload: dict[str, Any]) -> OutboxEvent:
    return OutboxEvent.objects.create(name="tests.told", payload=payload, occurred_at=timezone.now())
