from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone
from PIL import Image
from pytest_django import DjangoAssertNumQueries, Settings

from core import media
from core.errors import Unavailable
from core.images import CleanImage, clean_image
from core.models import LooseFile
from core.tasks import sweep_files
from core.transactions import NoTransaction

pytestmark = pytest.mark.django_db

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def picture() -> CleanImage:
    content = io.BytesIO()
    Image.new("RGB", (60, 40)).save(content, "JPEG")
    content.seek(0)
    return clean_image(content)


def store() -> str:
    (stored,) = media.store_images([picture()], folder="products")
    return stored.name


def notes() -> set[str]:
    return set(LooseFile.objects.values_list("name", flat=True))


def age(name: str) -> None:
    LooseFile.objects.filter(name=name).update(noted_at=LONG_AGO)


class TestStoreImages:
    def test_gives_a_name_that_says_nothing(self) -> None:
        name = store()

        assert name.startswith("products/")
        assert len(name) == len("products/") + 32 + len(".jpg")
        assert default_storage.exists(name)

    def test_notes_the_files_before_it_writes_them(self, monkeypatch: pytest.MonkeyPatch) -> None:
        noted: list[bool] = []
        save = default_storage.save

        def look(name: str, content: Any) -> str:
            noted.append(name in notes())
            return save(name, content)

        monkeypatch.setattr(default_storage, "save", look)

        media.store_images([picture()] * 2, folder="products")

        assert noted == [True, True]

    def test_stores_none_where_the_disk_is_full_after_the_first(
        self, monkeypatch: pytest.MonkeyPatch, folder: Path
    ) -> None:
        save, calls = default_storage.save, []

        def full(name: str, content: Any) -> str:
            calls.append(name)
            if len(calls) > 1:
                raise OSError(28, "No space left on device")
            return save(name, content)

        monkeypatch.setattr(default_storage, "save", full)

        with pytest.raises(Unavailable):
            media.store_images([picture()] * 3, folder="products")

        assert [path for path in folder.rglob("*") if path.is_file()] == []
        assert notes() == set()


class TestKeepFiles:
    def test_takes_the_note_with_the_transaction_and_not_without(
        self, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        kept, lost = store(), store()

        with transaction.atomic(), django_assert_num_queries(1):
            media.keep_files([kept])
        with transaction.atomic():
            media.keep_files([lost])
            transaction.set_rollback(True)

        assert notes() == {lost}

    @pytest.mark.django_db(transaction=True)
    def test_refuses_to_run_alone(self) -> None:
        with pytest.raises(NoTransaction):
            media.keep_files(["products/x.jpg"])


class TestForgetFiles:
    def test_removes_them_after_the_commit(self, django_capture_on_commit_callbacks: Any) -> None:
        name = store()

        with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
            media.keep_files([name])
            media.forget_files([name, ""])
            stood = default_storage.exists(name)

        assert stood
        assert not default_storage.exists(name)
        assert notes() == set()

    def test_leaves_a_note_where_a_crash_comes_before_the_removal(self) -> None:
        name = store()

        with transaction.atomic():
            media.keep_files([name])
            media.forget_files([name])

        assert default_storage.exists(name)
        assert notes() == {name}


class TestDiscardFiles:
    def test_keeps_the_note_of_a_file_that_cannot_be_removed_now(self, monkeypatch: pytest.MonkeyPatch) -> None:
        stuck, gone = store(), store()
        delete = default_storage.delete

        def refuse(name: str) -> None:
            if name == stuck:
                raise OSError(5, "Input/output error")
            delete(name)

        monkeypatch.setattr(default_storage, "delete", refuse)

        media.discard_files([stuck, gone])

        assert notes() == {stuck}
        assert not default_storage.exists(gone)


class TestSweepFiles:
    def test_removes_what_nobody_named_in_time(self) -> None:
        old, new = store(), store()
        age(old)

        swept = media.sweep_files(before=timezone.now() - timedelta(days=1))

        assert swept == 1
        assert [default_storage.exists(name) for name in (old, new)] == [False, True]
        assert notes() == {new}

    def test_leaves_what_was_kept(self) -> None:
        name = store()
        age(name)
        with transaction.atomic():
            media.keep_files([name])

        sweep_files()

        assert default_storage.exists(name)

    def test_takes_the_oldest_first(self) -> None:
        names = [store() for _ in range(3)]
        age(names[1])

        media.sweep_files(before=timezone.now() + timedelta(days=1), most=1)

        assert notes() == {names[0], names[2]}

    def test_a_file_that_cannot_be_removed_holds_up_no_other(self, monkeypatch: pytest.MonkeyPatch) -> None:
        stuck, gone = store(), store()
        for number, name in enumerate((stuck, gone)):
            LooseFile.objects.filter(name=name).update(noted_at=LONG_AGO + timedelta(hours=number))
        delete = default_storage.delete

        def refuse(name: str) -> None:
            if name == stuck:
                raise OSError(5, "Input/output error")
            delete(name)

        monkeypatch.setattr(default_storage, "delete", refuse)
        monkeypatch.setattr(media, "_TOGETHER", 1)

        for _ in range(2):
            media.sweep_files(before=timezone.now() - timedelta(days=1), most=1)

        assert notes() == {stuck}
        assert not default_storage.exists(gone)
