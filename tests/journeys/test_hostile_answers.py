"""What answers tell nobody: whether there is an account, and whatever lets one in."""

from __future__ import annotations

import re

import orjson
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts.domain import Purpose
from accounts.models import Attempt, OneTimeToken, RecoveryCode
from accounts.services.secrets import digest_of
from accounts.tests.factories import PASSWORD
from tests.journeys.world import World, operations, send, undone

# They show a secret, once, to whom it is made for.
SHOW = {"begin_second_factor": "the seed", "confirm_second_factor": "the recovery codes"}


class TestAccountsAreNotTold:
    def test_s14_login_and_reset_do_the_same_for_known_and_unknown(self, world: World, settings: Settings) -> None:
        settings.THROTTLES = True
        for path, more in (("login", {"password": "wrong horse battery"}), ("password/reset", {})):
            answers = []
            for email in (world.customer.email, "unknown@example.com"):
                with undone(), CaptureQueriesContext(connection) as asked:
                    answer = send("post", f"/api/v1/auth/{path}", body={"email": email, **more})
                reads = [entry["sql"].split()[0] for entry in asked.captured_queries]
                body = answer.json() | {"request_id": ""} if answer.content else {}
                answers.append((answer.status_code, body, reads if path == "login" else reads.count("SELECT")))

            assert answers[0] == answers[1], path

    def test_s14_wrong_email_of_any_form_is_alike(self, world: World) -> None:
        bodies = [
            {"email": email, "password": PASSWORD + "!"}
            for email in (world.customer.email, world.customer.email.upper(), "x@example.com", world.clerk.email)
        ]
        answers = [send("post", "/api/v1/auth/login", body=body) for body in bodies]

        assert {answer.status_code for answer in answers} == {401}
        assert len({orjson.dumps(answer.json() | {"request_id": ""}) for answer in answers}) == 1

    def test_a18_no_answer_holds_a_secret(self, world: World) -> None:
        for operation in operations():
            with undone():
                said = world.ask(operation)
                parts = said.streaming_content if said.streaming else [said.content]
                answer = b"".join(parts).decode(errors="replace")

                assert world.customer.password not in answer, operation.name
                assert "argon2" not in answer, operation.name
                assert secrets_in(answer, world) == set() or operation.name in SHOW, operation.name
                if operation.name not in ("login", "refresh", "register", "change_password"):
                    assert '"access"' not in answer, operation.name
        assert Attempt.objects.count() == 0

    def test_a18_a_secret_would_be_found(self, world: World) -> None:
        mailed = world.token(Purpose.RESET_PASSWORD)

        for secret in (mailed, world.secret, world.recovery_codes[0]):
            assert secrets_in(f'{{"found": "{secret}"}}', world) == {secret}


def secrets_in(answer: str, world: World) -> set[str]:
    """Return what in an answer is a mailed token, a second factor's seed, or a recovery code, whoever it is of."""
    words = set(re.findall(r"[\w-]{8,}", answer))
    # Recovery codes are kept without their hyphens.
    forms = {form: word for word in words for form in (word, word.replace("-", ""))}
    kept = (OneTimeToken, RecoveryCode)
    digests = {digest for model in kept for digest in model.objects.values_list("digest", flat=True)}
    return {word for form, word in forms.items() if digest_of(form) in digests or word == world.secret}
