from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings
from rest_framework.test import APIClient

from accounts.tests.factories import make_user
from core.models import LooseFile
from products.models import Category
from products.tests.factories import make_category, make_product
from products.tests.pictures import huge_png, upload

RIGHTS = ("products.add_category", "products.change_category", "products.delete_category")
CATEGORIES = "/api/v1/categories"


def client_of(*permissions: str, signed_in: bool = True) -> APIClient:
    client = APIClient()
    if signed_in:
        client.force_authenticate(make_user(permissions=permissions))
    return client


@pytest.fixture
def nobody() -> APIClient:
    return APIClient()


@pytest.fixture
def customer() -> APIClient:
    return client_of()


@pytest.fixture
def staff() -> APIClient:
    return client_of(*RIGHTS)


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.django_db
class TestListCategories:
    def test_shows_everyone_a_flat_page_by_path(self, nobody: APIClient) -> None:
        make_category("Table", slug="table", parent=make_category("Lights", slug="lights"))

        answer = nobody.get(CATEGORIES).json()

        assert (answer["count"], answer["next"], answer["previous"]) == (2, None, None)
        assert [(each["path"], each["parent"], each["children"], each["depth"]) for each in answer["results"]] == [
            ("lights", None, ["table"], 0),
            ("lights/table", "lights", [], 1),
        ]
        assert answer["results"][0]["image"] is None

    def test_nests_with_tree(self, nobody: APIClient) -> None:
        make_category("Table", slug="table", parent=make_category("Lights", slug="lights"))

        (lights,) = nobody.get(f"{CATEGORIES}/", {"tree": "true"}).json()["results"]

        assert [each["slug"] for each in lights["branches"]] == ["table"]

    def test_answers_304_to_who_has_it(self, nobody: APIClient) -> None:
        make_category(slug="lights")
        etag = nobody.get(CATEGORIES)["ETag"]

        again = nobody.get(CATEGORIES, headers={"If-None-Match": f'"x", W/{etag}'})

        assert (again.status_code, again.content, again["ETag"]) == (304, b"", etag)

    def test_answers_anew_after_a_change(self, nobody: APIClient) -> None:
        category = make_category(slug="lights")
        etag = nobody.get(CATEGORIES)["ETag"]
        Category.objects.filter(pk=category.pk).update(name="Lamps")

        assert nobody.get(CATEGORIES, headers={"If-None-Match": etag}).status_code == 200

    @pytest.mark.parametrize(
        "query",
        [{"colour": "red"}, {"depth": "0"}, {"depth": "x"}, {"tree": "1"}, {"parent": "nowhere"}, {"parent": "a\0"}],
    )
    def test_refuses_queries_that_it_does_not_know(self, nobody: APIClient, query: dict[str, str]) -> None:
        assert nobody.get(CATEGORIES, query).status_code == 400

    @pytest.mark.parametrize("slug", ["nowhere", "%00", "a%20b", "x" * 3000, "%ED%A0%80"])
    def test_knows_no_category_of_a_strange_name(self, nobody: APIClient, slug: str) -> None:
        assert nobody.get(f"{CATEGORIES}/{slug}").status_code == 404


@pytest.mark.django_db
class TestCreateCategory:
    def test_adds_one(self, staff: APIClient) -> None:
        make_category(slug="lights")

        answer = staff.post(CATEGORIES, {"name": "Table lamps", "parent": "lights", "position": 2}, format="json")

        assert answer.status_code == 201
        assert answer["Location"] == f"{CATEGORIES}/table-lamps"
        assert answer.json()["path"] == "lights/table-lamps"

    def test_refuses_nobody_and_customers(self, nobody: APIClient, customer: APIClient) -> None:
        assert nobody.post(CATEGORIES, {"name": "x"}, format="json").status_code == 401
        assert customer.post(CATEGORIES, {"name": "x"}, format="json").status_code == 403
        assert not Category.objects.exists()

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"name": ""},
            {"name": 5},
            {"name": "x" * 201},
            {"name": "a\0"},
            {"name": "x", "slug": "Not A Slug"},
            {"name": "x", "path": "mine"},
            {"name": "x", "position": -1},
            {"name": "x", "position": 2**31},
            {"name": "x", "position": True},
        ],
    )
    def test_refuses_bad_bodies(self, staff: APIClient, body: dict[str, Any]) -> None:
        assert staff.post(CATEGORIES, body, format="json").status_code == 400
        assert not Category.objects.exists()

    def test_replays_the_same_key(self, staff: APIClient) -> None:
        first, second = (
            staff.post(CATEGORIES, {"name": "Lamps"}, format="json", headers={"Idempotency-Key": "k1"})
            for _ in range(2)
        )

        assert first.content == second.content
        assert second["Idempotent-Replayed"] == "true"
        assert Category.objects.count() == 1


@pytest.mark.django_db
class TestUpdateCategory:
    def test_moves_and_renames(self, staff: APIClient) -> None:
        make_category(slug="lights")
        make_category(slug="table")

        answer = staff.patch(f"{CATEGORIES}/table", {"parent": "lights", "slug": "desk"}, format="json")

        assert (answer.status_code, answer.json()["path"]) == (200, "lights/desk")

    def test_refuses_a_circle(self, staff: APIClient) -> None:
        make_category(slug="leaf", parent=make_category(slug="node"))

        answer = staff.patch(f"{CATEGORIES}/node", {"parent": "leaf"}, format="json")

        assert (answer.status_code, answer.json()["code"]) == (409, "products.category_cycle")

    def test_honours_if_match(self, staff: APIClient) -> None:
        make_category(slug="node")
        etag = staff.get(f"{CATEGORIES}/node")["ETag"]

        first, second = (
            staff.patch(f"{CATEGORIES}/node", {"name": name}, format="json", headers={"If-Match": etag})
            for name in ("One", "Two")
        )

        assert (first.status_code, second.status_code) == (200, 412)
        assert Category.objects.get(slug="node").name == "One"

    def test_refuses_nobody_and_customers(self, nobody: APIClient, customer: APIClient) -> None:
        make_category("Node", slug="node")

        assert nobody.patch(f"{CATEGORIES}/node", {"name": "x"}, format="json").status_code == 401
        assert customer.patch(f"{CATEGORIES}/node", {"name": "x"}, format="json").status_code == 403
        assert Category.objects.get(slug="node").name == "Node"


@pytest.mark.django_db
class TestDeleteCategory:
    def test_removes_one(self, staff: APIClient) -> None:
        make_category(slug="node")

        assert staff.delete(f"{CATEGORIES}/node").status_code == 204
        assert staff.delete(f"{CATEGORIES}/node").status_code == 404

    def test_refuses_one_in_use(self, staff: APIClient) -> None:
        make_product(category=make_category(slug="node"))

        answer = staff.delete(f"{CATEGORIES}/node")

        assert (answer.status_code, answer.json()["code"]) == (409, "products.category_in_use")

    def test_refuses_nobody_and_customers(self, nobody: APIClient, customer: APIClient) -> None:
        make_category(slug="node")

        assert nobody.delete(f"{CATEGORIES}/node").status_code == 401
        assert customer.delete(f"{CATEGORIES}/node").status_code == 403
        assert Category.objects.exists()


@pytest.mark.django_db
class TestCategoryImage:
    def test_replaces_the_picture_and_removes_the_former_file(
        self, staff: APIClient, media: Path, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
    ) -> None:
        make_category(slug="node")
        staff.put(f"{CATEGORIES}/node/image", {"image": upload()}, format="multipart")

        with django_capture_on_commit_callbacks(execute=True):
            answer = staff.put(f"{CATEGORIES}/node/image", {"image": upload()}, format="multipart")

        assert answer.status_code == 200
        name = str(Category.objects.get(slug="node").image.name)
        assert answer.json()["image"] == default_storage.url(name)
        assert files_in(media) == [media / name]
        assert not LooseFile.objects.exists()

    def test_takes_it_away(
        self, staff: APIClient, media: Path, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
    ) -> None:
        make_category(slug="node")
        staff.put(f"{CATEGORIES}/node/image", {"image": upload()}, format="multipart")

        with django_capture_on_commit_callbacks(execute=True):
            answer = staff.delete(f"{CATEGORIES}/node/image")

        assert answer.status_code == 204
        assert staff.get(f"{CATEGORIES}/node").json()["image"] is None
        assert files_in(media) == []

    def test_leaves_no_file_of_a_refusal(self, staff: APIClient, media: Path) -> None:
        unknown = staff.put(f"{CATEGORIES}/nowhere/image", {"image": upload()}, format="multipart")
        strange = staff.put(f"{CATEGORIES}/%00/image", {"image": upload()}, format="multipart")
        bomb = staff.put(f"{CATEGORIES}/nowhere/image", {"image": upload(huge_png())}, format="multipart")

        assert (unknown.status_code, strange.status_code, bomb.status_code) == (404, 404, 422)
        assert files_in(media) == []

    def test_refuses_nobody_and_customers(self, nobody: APIClient, customer: APIClient, media: Path) -> None:
        make_category(slug="node")

        for client, status in ((nobody, 401), (customer, 403)):
            assert client.put(f"{CATEGORIES}/node/image", {"image": upload()}, format="multipart").status_code == status
            assert client.delete(f"{CATEGORIES}/node/image").status_code == status
        assert files_in(media) == []
