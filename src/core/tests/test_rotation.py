from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from typing import Any, ClassVar

import pytest
from django.core.exceptions import FieldError
from django.core.management import call_command
from django.db import connection, models

from core import rotation
from core.crypto import CannotOpen
from core.fields import EncryptedJSONField, EncryptedTextField

OLD, NEW = ("old", b"1" * 32), ("new", b"2" * 32)


class Secret(models.Model):
    """A table that exists in these tests only."""

    text = EncryptedTextField(blank=True)
    value = EncryptedJSONField(null=True)

    objects: ClassVar[Any] = models.Manager()

    class Meta:
        app_label = "core"
        managed = False
        db_table = "core_tests_secret"


@pytest.fixture
def table(db: None, settings: Any) -> Iterator[None]:
    settings.FIELD_KEYS = [OLD]
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE core_tests_secret (id bigserial PRIMARY KEY, text text NOT NULL, value text)")
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
