from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from accounts.domain import Role
from accounts.models import Address, Profile, User
from accounts.tests.calling import codes
from accounts.tests.factories import PASSWORD, client_of, make_address, make_user
from core.models import LooseFile

# Of nobody; fixed, since the workers of xdist have to agree on the names of tests.
NO_ID = "0192f3c4-7bd9-7cc2-8b5d-e0a6f0a3b1f4"
ADDRESS = {"name": "Ada", "line1": "12 St James's Square", "city": "London", "country": "GB"}


def picture(kind: str = "JPEG", size: tuple[int, int] = (900, 600)) -> SimpleUploadedFile:
    target = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "secret place"
    Image.new("RGB", size, "teal").save(target, kind, exif=exif)
    return SimpleUploadedFile("../../me.php", target.getvalue(), content_type="image/jpeg")


@pytest.mark.django_db
class TestMe:
    def test_shows_no_secret(self) -> None:
        user = make_user()

        answer = client_of(user).get("/api/v1/me")

        assert "password" not in answer.content.decode()
        assert answer.json()["id"] == str(user.pk)

    @pytest.mark.parametrize("path", ["me", "me/addresses", "orders", "cart", "notifications", "orders/none"])
    def test_is_kept_by_no_browser_like_all_that_is_personal(self, path: str) -> None:
        assert "no-store" in client_of(make_user()).get(f"/api/v1/{path}").headers["Cache-Control"]

    def test_leaves_what_is_everybodys_to_be_kept(self) -> None:
        assert "no-store" not in client_of().get("/api/v1/categories").headers["Cache-Control"]

    def test_takes_a_constant_number_of_statements(self, django_assert_num_queries: Any) -> None:
        client = client_of(make_user(roles=[Role.ORDER_MANAGER, Role.CUSTOMER_SUPPORT]))

        with django_assert_num_queries(3):
            client.get("/api/v1/me")

    def test_deletes_by_password_only(self) -> None:
        user = make_user()
        client = client_of(user)

        assert client.delete("/api/v1/me", {}, format="json").status_code == 400
        assert client.delete("/api/v1/me", {"password": "no"}, format="json").status_code == 422
        assert client.delete("/api/v1/me", {"password": PASSWORD}, format="json").status_code == 204
        assert client.get("/api/v1/me").status_code == 401


@pytest.mark.django_db
class TestProfile:
    def test_changes_what_is_given(self) -> None:
        client = client_of(make_user())
        body = {"first_name": "Ada", "phone": "+44 20 7946 0958", "visibility": "public"}

        answer = client.patch("/api/v1/me/profile", body, format="json")

        assert answer.status_code == 200
        assert answer.json()["phone"] == "+442079460958"
        assert client.get("/api/v1/me/profile").json() == answer.json()
        assert client.patch("/api/v1/me/profile", {"phone": ""}, format="json").json()["phone"] == ""

    @pytest.mark.parametrize(
        "body",
        [
            {"phone": "12345"},
            {"phone": 12345},
            {"visibility": "everyone"},
            {"first_name": "x" * 101},
            {"first_name": "a\x00b"},
            {"first_name": None},
            {"avatar": "/etc/passwd"},
            {"user": NO_ID},
            {"is_staff": True},
        ],
    )
    def test_s03_s24_refuses_the_rest(self, body: dict[str, Any]) -> None:
        user = make_user()

        answer = client_of(user).patch("/api/v1/me/profile", body, format="json")

        assert answer.status_code == 400
        assert Profile.objects.get(user=user).updated_at == user.profile.updated_at

    def test_is_shown_to_others_only_in_public_and_in_part(self) -> None:
        ada, bob = make_user(), make_user()
        fields = {"first_name": "Ada", "display_name": "countess", "phone": "+442079460958"}
        client_of(ada).patch("/api/v1/me/profile", fields, format="json")
        path = f"/api/v1/profiles/{ada.pk}"

        assert client_of(bob).get(path).status_code == 404
        client_of(ada).patch("/api/v1/me/profile", {"visibility": "public"}, format="json")

        shown = {"user_id": str(ada.pk), "display_name": "countess", "avatar": None}
        assert client_of(bob).get(path).json() == shown
        User.objects.filter(pk=ada.pk).update(is_active=False)
        assert client_of(bob).get(path).status_code == 404


@pytest.mark.django_db
class TestAvatar:
    PATH = "/api/v1/me/profile/avatar"

    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
    def test_s36_a08_keeps_a_small_picture_that_we_encoded(self, kind: str) -> None:
        user = make_user()

        answer = client_of(user).put(self.PATH, {"avatar": picture(kind)}, format="multipart")

        name = str(Profile.objects.get(user=user).avatar.name)
        assert answer.status_code == 200
        assert "me.php" not in name
        assert not LooseFile.objects.exists()
        assert answer.json()["avatar"].endswith(name)
        with default_storage.open(name) as file, Image.open(file) as kept:
            assert (kept.format, kept.size, dict(kept.getexif())) == ("WEBP", (512, 341), {})

    @pytest.mark.parametrize("content", [b"", b"<svg onload=alert(1)>", b"GIF89a", b"\xff\xd8\xff nonsense"])
    def test_s36_refuses_what_is_no_picture(self, content: bytes) -> None:
        user = make_user()
        file = SimpleUploadedFile("me.jpg", content, content_type="image/jpeg")

        answer = client_of(user).put(self.PATH, {"avatar": file}, format="multipart")

        assert answer.status_code in (400, 422)
        assert not Profile.objects.get(user=user).avatar

    def test_removes_the_former_file(self, django_capture_on_commit_callbacks: Any) -> None:
        user = make_user()
        client = client_of(user)
        client.put(self.PATH, {"avatar": picture()}, format="multipart")
        former = str(Profile.objects.get(user=user).avatar.name)

        with django_capture_on_commit_callbacks(execute=True):
            assert client.delete(self.PATH).status_code == 204

        assert not default_storage.exists(former)
        assert client.get("/api/v1/me/profile").json()["avatar"] is None


@pytest.mark.django_db
class TestAddresses:
    PATH = "/api/v1/me/addresses"

    def test_are_added_read_changed_and_deleted(self) -> None:
        client = client_of(make_user())

        made = client.post(self.PATH, ADDRESS | {"phone": "020 7946 0958"}, format="json")
        one = made["Location"]
        assert (made.status_code, made.json()["is_default"], made.json()["phone"]) == (201, True, "+442079460958")
        assert client.get(one).json() == made.json()
        assert client.patch(one, {"city": "Leeds"}, format="json").json()["city"] == "Leeds"
        assert client.get(self.PATH).json()["count"] == 1
        assert client.delete(one).status_code == 204
        assert client.get(one).status_code == 404

    @pytest.mark.parametrize(
        "change",
        [
            {"country": "XX"},
            {"country": "gb"},
            {"country": "United Kingdom"},
            {"line1": ""},
            {"line1": "x" * 1_000},
            {"name": "a\x00"},
            {"phone": "12"},
            {"is_default": "yes"},
            {"user": NO_ID},
            {"id": NO_ID},
        ],
    )
    def test_s03_s24_refuse_what_is_wrong(self, change: dict[str, Any]) -> None:
        answer = client_of(make_user()).post(self.PATH, ADDRESS | change, format="json")

        assert (answer.status_code, list(codes(answer))) == (400, list(change))
        assert not Address.objects.exists()

    def test_need_a_country_for_a_local_number(self) -> None:
        user = make_user()
        path = f"{self.PATH}/{make_address(user).pk}"

        local = client_of(user).patch(path, {"phone": "020 7946 0958"}, format="json")
        told = client_of(user).patch(path, {"phone": "020 7946 0958", "country": "GB"}, format="json")

        assert (local.status_code, told.status_code) == (400, 200)

    @pytest.mark.parametrize("method", ["get", "patch", "delete"])
    def test_s01_of_others_are_not_there(self, method: str) -> None:
        theirs = make_address(make_user())

        answer = getattr(client_of(make_user(is_superuser=True)), method)(f"{self.PATH}/{theirs.pk}", {}, format="json")

        assert (answer.status_code, answer.json()["code"]) == (404, "accounts.address_not_found")
        assert Address.objects.filter(pk=theirs.pk).exists()

    def test_are_listed_in_pages_without_those_of_others(self, django_assert_num_queries: Any) -> None:
        user = make_user()
        mine = [make_address(user) for _ in range(3)]
        make_address(make_user())
        client = client_of(user)

        with django_assert_num_queries(3):
            body = client.get(self.PATH, {"size": 2}).json()

        assert (body["count"], [row["id"] for row in body["results"]]) == (3, [str(a.pk) for a in mine[:0:-1]])
        assert client.get(self.PATH, {"colour": "red"}).status_code == 400
