from __future__ import annotations

import io

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User


@pytest.mark.django_db
class TestCreateAdministrator:
    def test_makes_one_with_the_password_of_its_input(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("sys.stdin", io.StringIO("tall-ships-sail-slowly\n"))

        call_command("create_administrator", "Boss@shop.example")

        boss = User.objects.with_email("boss@shop.example").get()
        assert (boss.is_staff, boss.is_superuser) == (True, True)
        assert boss.check_password("tall-ships-sail-slowly")

    @pytest.mark.parametrize("password", ["", "short", "password"])
    def test_refuses_a_poor_password(self, monkeypatch: pytest.MonkeyPatch, password: str) -> None:
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\n"))

        with pytest.raises(CommandError):
            call_command("create_administrator", "boss@shop.example")

        assert not User.objects.exists()
