from __future__ import annotations

import os
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest
from django.core.mail import EmailMultiAlternatives, get_connection
from django.test import Client

from accounts.tests.factories import make_user
from core.ids import new_id
from notifications import mailbox, selectors
from notifications.domain import Channel, Kind
from notifications.models import Preference

EVIL = "<script>alert(1)</script>"


@pytest.fixture
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.MAIL_FOLDER = tmp_path / "mail"
    settings.EMAIL_BACKEND = "notifications.mailbox.FolderBackend"
    return tmp_path / "mail"


def write(name: str = "m1", *, to: str = "ada@example.com", subject: str = "Hello", **headers: str) -> None:
    message = EmailMultiAlternatives(
        subject=subject,
        body=f"{EVIL} See https://shop.example/verify-email?token=abc&x=1.\nAnd https://shop.example/a",
        to=[to],
        headers={"Message-ID": f"<{name}@shop.example>", "X-Nexus-Kind": "verify_email"} | headers,
    )
    message.attach_alternative(f"<p>Grüße</p>{EVIL}", "text/html")
    get_connection().send_messages([message])


class TestFolderBackend:
    def test_writes_one_file_named_by_the_message_id(self, folder: Path) -> None:
        write("0192f3c4-7bd9")
        write("0192f3c4-7bd9", subject="Again")

        (path,) = folder.iterdir()
        assert path.name == "0192f3c4-7bd9.eml"
        assert message_from_bytes(path.read_bytes())["Subject"] == "Again"

    @pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", "", "x" * 500, "a b", "é"])
    def test_never_writes_outside_of_its_folder(self, folder: Path, name: str) -> None:
        write(name)

        (path,) = folder.parent.rglob("*.eml")
        assert path.parent == folder
        assert len(path.stem) == 64

    def test_leaves_nothing_half_written(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fdopen", full)

        with pytest.raises(OSError, match="No space"):
            write()

        assert not list(folder.iterdir())


class TestListMails:
    def test_reads_newest_first_and_by_address(self, folder: Path) -> None:
        for age, (name, to) in enumerate([("b", "Bob <bob@example.com>"), ("a", "ada@example.com")]):
            write(name, to=to)
            os.utime(folder / f"{name}.eml", (1_000 + age, 1_000 + age))

        names = [mail.name for mail in mailbox.list_mails()]

        assert names == ["a", "b"]
        assert [mail.name for mail in mailbox.list_mails(to="BOB@example.com")] == ["b"]
        assert len(mailbox.list_mails(most=1)) == 1

    def test_is_empty_without_a_folder(self, folder: Path) -> None:
        assert mailbox.list_mails() == []


class TestDevMail:
    def test_lists_for_people_and_for_scripts(self, folder: Path, client: Client) -> None:
        write(subject=f"Hello {EVIL}")
        write("m2", to="bob@example.com")

        page = client.get("/dev/mail/")
        by_accept = client.get("/dev/mail/?to=ada@example.com", headers={"Accept": "application/json"}).json()
        by_name = client.get("/dev/mail.json?to=ada@example.com").json()

        assert page.status_code == 200
        assert EVIL not in page.content.decode()
        assert by_accept == by_name
        assert by_name["count"] == 1
        assert by_name["results"][0]["links"] == [
            "https://shop.example/verify-email?token=abc&x=1",
            "https://shop.example/a",
        ]
        assert by_name["results"][0]["kind"] == "verify_email"

    def test_shows_one_with_its_html_in_a_sandbox(self, folder: Path, client: Client) -> None:
        write(subject=f"Hello {EVIL}")

        page, frame = client.get("/dev/mail/m1"), client.get("/dev/mail/m1/html")

        assert EVIL not in page.content.decode()
        assert '<iframe title="The mail as HTML" src="/dev/mail/m1/html" sandbox=' in page.content.decode()
        assert "allow-scripts" not in page.content.decode()
        assert "script-src" not in page["Content-Security-Policy"]
        assert page["Content-Security-Policy"].startswith("default-src 'none'; style-src 'nonce-")
        assert frame.content.decode().strip() == f"<p>Grüße</p>{EVIL}"
        assert "default-src 'none'" in frame["Content-Security-Policy"]
        assert "sandbox" in frame["Content-Security-Policy"]
        assert frame["X-Frame-Options"] == "SAMEORIGIN"
        assert client.get("/dev/mail/m1.json").json()["subject"] == f"Hello {EVIL}"

    @pytest.mark.parametrize("path", ["", "/m1", "/m1.json", "/m1/html", ".json", "/"])
    def test_is_not_there_in_production(self, folder: Path, client: Client, settings: Any, path: str) -> None:
        write()
        settings.DEV_PAGES = False

        answer = client.get(f"/dev/mail{path}")

        assert answer.status_code == 404
        assert b"Hello" not in answer.content

    @pytest.mark.parametrize(
        "name",
        ["nothing", "..", "../secret", "..%2Fsecret", "%2e%2e%2fsecret", "a" * 65, "%00", "m1%00", "/etc/passwd"],
    )
    def test_never_leads_out_of_the_folder(self, folder: Path, client: Client, name: str) -> None:
        write()
        (folder.parent / "secret.eml").write_text("Subject: secret\n\nsecret")

        for path in (f"/dev/mail/{name}", f"/dev/mail/{name}/html", f"/dev/mail/{name}.json"):
            answer = client.get(path)

            assert answer.status_code == 404
            assert b"secret" not in answer.content.replace(name.encode(), b"")
        assert mailbox.find_mail(name="../secret") is None

    def test_changes_nothing(self, folder: Path, client: Client) -> None:
        assert client.post("/dev/mail/").status_code == 405
        assert client.delete("/dev/mail/m1").status_code == 405

    def test_survives_a_file_that_is_no_mail(self, folder: Path, client: Client) -> None:
        folder.mkdir()
        (folder / "odd.eml").write_bytes(b"\xff\xfe\0 not a mail \r\n\r\n\x80")

        assert client.get("/dev/mail/").status_code == 200
        assert client.get("/dev/mail/odd").status_code == 200
        assert client.get("/dev/mail/odd/html").content == b""


@pytest.mark.django_db
class TestUnsubscribe:
    def test_is_a_page_of_the_shop_whatever_storefront_there_is(self, settings: Any) -> None:
        settings.PUBLIC_URL, settings.STOREFRONT_URL = "https://api.example/", "https://shop.example"

        address = selectors.unsubscribe_url(user_id=new_id(), kind=Kind.WELCOME)

        assert address.startswith("https://api.example/unsubscribe/")

    def test_asks_before_it_changes_anything(self, client: Client) -> None:
        user = make_user()
        address = selectors.unsubscribe_url(user_id=user.pk, kind=Kind.WELCOME)
        path = address[address.index("/unsubscribe") :]

        asked = client.get(path)

        assert asked.status_code == 200
        assert b'<form method="post">' in asked.content
        assert asked["Referrer-Policy"] == "no-referrer"
        assert "form-action 'self'" in asked["Content-Security-Policy"]
        assert not Preference.objects.exists()

    def test_ends_the_mails_with_one_click(self, client: Client) -> None:
        user = make_user()
        address = selectors.unsubscribe_url(user_id=user.pk, kind=Kind.WELCOME)

        done = client.post(address[address.index("/unsubscribe") :], {"List-Unsubscribe": "One-Click"})

        assert done.status_code == 200
        assert not selectors.wishes_of(viewer=user)[Kind.WELCOME][Channel.EMAIL]

    @pytest.mark.parametrize("method", ["get", "post"])
    def test_says_that_a_forged_link_is_not_valid(self, client: Client, method: str) -> None:
        answer = getattr(client, method)("/unsubscribe/forged:x:y")

        assert answer.status_code == 422
        assert b"not valid" in answer.content
        assert not Preference.objects.exists()
