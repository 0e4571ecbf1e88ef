"""What those who may try only so often are told: the IETF draft "RateLimit header fields for HTTP"."""

from __future__ import annotations

import re
from typing import Any

import pytest
from pytest_django import Settings

from accounts.tests.calling import post
from accounts.tests.factories import PASSWORD, client_of, make_user


def told(answer: Any, header: str = "RateLimit") -> dict[str, tuple[int, int]]:
    """Return name -> the two numbers of each member of the list."""
    found = re.findall(r'"([a-z-]+)";[rq]=(\d+);[tw]=(\d+)(?:, |$)', answer[header])
    assert len(found) == answer[header].count('"') // 2
    return {name: (int(one), int(other)) for name, one, other in found}


@pytest.mark.django_db
class TestQuotas:
    def test_s33_count_down_to_the_refusal(self) -> None:
        user = make_user()

        answers = [post("auth/login", {"email": user.email, "password": "wrong"}) for _ in range(6)]

        assert [told(answer)["sign-in-account"][0] for answer in answers] == [4, 3, 2, 1, 0, 0]
        assert [told(answer)["sign-in"][0] for answer in answers] == [19, 18, 17, 16, 15, 15]
        assert told(answers[0], "RateLimit-Policy") == {"sign-in-account": (5, 900), "sign-in": (20, 900)}
        assert [answer.status_code for answer in answers] == [401] * 5 + [429]
        assert abs(int(answers[5]["Retry-After"]) - told(answers[5])["sign-in-account"][1]) <= 1

    def test_s33_are_given_back_to_who_signs_in(self) -> None:
        user = make_user()
        for _ in range(3):
            post("auth/login", {"email": user.email, "password": "wrong"})

        answer = post("auth/login", {"email": user.email, "password": PASSWORD})

        assert told(answer)["sign-in-account"][0] == 5
        assert told(answer)["sign-in"][0] == 17
        assert told(post("auth/login", {"email": user.email, "password": "wrong"}))["sign-in-account"][0] == 4

    @pytest.mark.parametrize(
        ("path", "body", "name"),
        [
            ("auth/register", {"email": "new@example.com", "password": PASSWORD}, "register"),
            ("auth/register", {}, "register"),
            ("auth/password/reset", {"email": "nobody@example.com"}, "reset"),
        ],
    )
    def test_s33_are_told_by_whatever_counts(self, path: str, body: dict[str, str], name: str) -> None:
        answer = post(path, body)

        most = told(answer, "RateLimit-Policy")[name][0]
        assert told(answer)[name][0] == most - 1

    def test_s14_s33_tell_the_same_of_known_and_unknown_accounts(self) -> None:
        known = make_user().email

        said = [
            [post("auth/password/reset", {"email": email})["RateLimit-Policy"] for _ in range(7)]
            for email in (known, "nobody@example.com")
        ]

        assert said[0] == said[1]

    def test_s33_of_ones_own_mails(self) -> None:
        user = make_user()

        answers = [post("auth/verify-email/resend", {}, user) for _ in range(6)]

        assert [told(answer)["mail"][0] for answer in answers] == [4, 3, 2, 1, 0, 0]
        assert answers[5].status_code == 429

    def test_are_told_nowhere_else(self) -> None:
        client = client_of(make_user())

        for path in ("me", "products", "orders", "cart"):
            assert "RateLimit" not in client.get(f"/api/v1/{path}")

    def test_are_not_told_where_nothing_is_counted(self, settings: Settings) -> None:
        settings.THROTTLES = False

        assert "RateLimit" not in post("auth/login", {"email": "a@example.com", "password": "wrong"})
