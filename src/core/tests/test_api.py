from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from core.api.problems import CONTENT_TYPE
from core.tests.urls import id_of

pytestmark = pytest.mark.urls("core.tests.urls")
THINGS = "/api/v1/things"
ID = "0192f3c4-7bd9-7cc2-8b5d-e0a6f0a3b1f4"


@pytest.fixture
def client() -> Client:
    return Client(raise_request_exception=False)


def send(client: Client, body: bytes | str, content_type: str = "application/json", **extra: Any) -> Any:
    answer: Any = client.generic("POST", THINGS, body, content_type=content_type, **extra)
    return answer


def problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    body: dict[str, Any] = answer.json()
    assert (answer.status_code, answer["Content-Type"], body["code"]) == (status, CONTENT_TYPE, code)
    assert (body["status"], body["type"]) == (status, f"/docs/problems/{code}")
    assert body["request_id"] == answer["X-Request-ID"]
    assert answer["Cache-Control"] == "no-store"
    return body


@pytest.mark.django_db
class TestParser:
    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"   ",
            b"[]",
            b'"x"',
            b"null",
            b"1",
            b"{",
            b"{}x",
            b"\xff\xfe",
            b"\x00",
            b'{"units": NaN}',
            b'{"units": 1e400}',
            b'{"name": "\\ud800"}',
            b'{"units": Infinity}',
            b'{"a": 1,}',
            b"<xml/>",
            b"'" * 100,
        ],
    )
    def test_s24_refuses_what_is_not_an_object(self, client: Client, body: bytes) -> None:
        problem(send(client, body), 400, "core.malformed")

    @pytest.mark.parametrize("depth", [33, 1000, 100_000])
    def test_s32_refuses_what_is_too_deep(self, client: Client, depth: int) -> None:
        problem(send(client, b'{"a":' + b"[" * depth + b"]" * depth + b"}"), 400, "core.malformed")

    def test_s32_takes_32_levels(self, client: Client) -> None:
        answer = problem(send(client, b'{"a":' + b"[" * 31 + b"]" * 31 + b"}"), 400, "core.malformed")

        assert answer["errors"] == [{"field": "a", "code": "unknown", "message": "This field is not known here."}]

    @pytest.mark.parametrize("headers", [{}, {"HTTP_IDEMPOTENCY_KEY": "k"}])
    def test_s32_refuses_a_body_over_the_limit(self, client: Client, headers: dict[str, str]) -> None:
        answer = send(client, b'{"name": "' + b"x" * 1024 * 1024 + b'"}', **headers)

        problem(answer, 413, "core.too_large")

    @pytest.mark.parametrize("kind", ["text/plain", "application/xml", "multipart/form-data; boundary=x", "x", "a/b/c"])
    def test_refuses_other_kinds_of_body(self, client: Client, kind: str) -> None:
        problem(send(client, b"<x/>", kind), 415, "core.unsupported_media_type")


@pytest.mark.django_db
class TestInput:
    @pytest.mark.parametrize(
        "units",
        [
            "-1",
            "0",
            "1001",
            str(2**31),
            str(2**63),
            str(10**30),
            '"1e2"',
            "0.1",
            "1.0",
            "true",
            "null",
            '"1"',
            "[1]",
            "{}",
        ],
    )
    def test_s21_refuses_a_wrong_count(self, client: Client, units: str) -> None:
        answer = problem(send(client, f'{{"name": "x", "units": {units}}}'), 400, "core.malformed")

        assert [error["field"] for error in answer["errors"]] == ["units"]

    @pytest.mark.parametrize(
        "name", ['"\\u0000"', '"a\\u0007"', '"a\\nb"', '"\\u202eevil"', '"  "', '""', "1", "true", "null", "[]", "{}"]
    )
    def test_s24_refuses_an_unsafe_text(self, client: Client, name: str) -> None:
        answer = problem(send(client, f'{{"name": {name}, "units": 1}}'), 400, "core.malformed")

        assert [error["field"] for error in answer["errors"]] == ["name"]

    @pytest.mark.parametrize("letter", ["x", "\u0301", "\U0001f600"])
    def test_s24_refuses_a_million_characters(self, client: Client, letter: str) -> None:
        text = letter * (200_000 if len(letter.encode()) > 1 else 1_000_000)

        answer = problem(send(client, f'{{"name": "{text}", "units": 1}}'), 400, "core.malformed")

        assert [error["code"] for error in answer["errors"]] == ["max_length"]

    @pytest.mark.parametrize(
        "price",
        [
            "-1",
            '"-1"',
            "0.1",
            "1e2",
            '"1e2"',
            '"NaN"',
            '"Infinity"',
            '"1,50"',
            "true",
            "null",
            '""',
            '"' + "9" * 14 + '"',
        ],
    )
    def test_s21_refuses_a_wrong_price(self, client: Client, price: str) -> None:
        answer = problem(send(client, f'{{"name": "x", "units": 1, "price": {price}}}'), 400, "core.malformed")

        assert [error["field"] for error in answer["errors"]] == ["price"]

    @pytest.mark.parametrize(
        "total",
        [
            '"1"',
            "{}",
            '{"amount": 1, "currency": "GBP"}',
            '{"amount": "1", "currency": "XYZ"}',
            '{"amount": "1"}',
            '{"amount": "1.5", "currency": "JPY"}',
            '{"amount": "1", "currency": ["GBP"]}',
            "[]",
            "null",
            '{"amount": "9999999999999", "currency": "GBP"}',
            '{"amount": "-1", "currency": "GBP"}',
        ],
    )
    def test_s21_refuses_wrong_money(self, client: Client, total: str) -> None:
        answer = problem(send(client, f'{{"name": "x", "units": 1, "total": {total}}}'), 400, "core.malformed")

        assert [error["field"] for error in answer["errors"]] == ["total"]

    @pytest.mark.parametrize("at", ['"2026-01-01T00:00:00"', '"yesterday"', "1", "null", '"2026-13-01T00:00:00Z"'])
    def test_refuses_a_time_without_an_offset(self, client: Client, at: str) -> None:
        problem(send(client, f'{{"name": "x", "units": 1, "at": {at}}}'), 400, "core.malformed")

    @pytest.mark.parametrize(
        "other",
        ["5", "true", "null", '""', '"5"', "[]", "{}", f'"{{{ID}}}"', f'"urn:uuid:{ID}"', f'"{ID.replace("-", "")}"'],
    )
    def test_refuses_what_is_no_id(self, client: Client, other: str) -> None:
        answer = problem(send(client, f'{{"name": "x", "units": 1, "other": {other}}}'), 400, "core.malformed")

        assert [error["field"] for error in answer["errors"]] == ["other"]

    @pytest.mark.parametrize("name", ["is_staff", "price_minor", "", "\u0000", "__proto__", "x" * 5000])
    def test_s03_refuses_an_unknown_field(self, client: Client, name: str) -> None:
        body = {"name": "x", "units": 1, name: True}

        answer = problem(client.post(THINGS, body, "application/json"), 400, "core.malformed")

        assert [error["code"] for error in answer["errors"]] == ["unknown"]

    def test_takes_what_is_right(self, client: Client) -> None:
        body = {
            "name": " Café ", "units": 1000, "is_big": False, "price": "12.50", "text": "two\nlines",
            "total": {"amount": "1.500", "currency": "KWD"}, "at": "2026-01-01T00:00:00+01:00", "other": ID,
        }  # fmt: skip

        assert client.post(THINGS, body, "application/json").status_code == 201


@pytest.mark.django_db
class TestProblems:
    def test_405_says_what_is_allowed(self, client: Client) -> None:
        answer = client.delete(THINGS)

        problem(answer, 405, "core.method_not_allowed")
        assert {"GET", "POST"} <= set(answer["Allow"].split(", "))

    def test_406_for_what_is_not_json(self, client: Client) -> None:
        problem(client.get(THINGS, headers={"Accept": "image/png"}), 406, "core.not_acceptable")

    def test_404_for_an_address_that_is_not_there(self, client: Client) -> None:
        problem(client.get("/api/v1/nothing"), 404, "core.not_found")

    def test_400_for_a_forged_host(self, client: Client) -> None:
        assert client.get("/api/v1/plain/x", headers={"Host": "evil.example"}).status_code == 200
        problem(client.get(f"{THINGS}?page=1", headers={"Host": "a b"}), 400, "core.malformed")

    @pytest.mark.parametrize(
        ("kind", "status", "code"),
        [
            ("bug", 500, "core.error"),
            ("down", 503, "core.unavailable"),
            ("constraint", 409, "core.conflict"),
            ("data", 400, "core.malformed"),
            ("uuid", 400, "core.malformed"),
            ("missing", 404, "core.not_found"),
        ],
    )
    def test_s47_tell_nothing_of_the_inside(self, client: Client, kind: str, status: int, code: str) -> None:
        answer = client.get(f"/api/v1/errors/{kind}")

        problem(answer, status, code)
        assert b"secret" not in answer.content
        assert b"10.0.0.1" not in answer.content

    def test_503_says_when_to_come_back(self, client: Client) -> None:
        assert client.get("/api/v1/errors/down")["Retry-After"] == "1"

    def test_hold_for_plain_views_too(self, client: Client) -> None:
        problem(client.get("/api/v1/plain/missing"), 404, "core.not_found")
        assert b"secret" not in problem_bytes(client.get("/api/v1/plain/bug"), 500)

    def test_options_answers_with_allow_alone(self, client: Client) -> None:
        answer = client.options(THINGS)

        assert (answer.status_code, answer.content) == (204, b"")
        assert "POST" in answer["Allow"]


def problem_bytes(answer: Any, status: int) -> bytes:
    problem(answer, status, "core.error")
    return bytes(answer.content)


class TestAccess:
    @pytest.mark.parametrize(
        ("headers", "status"),
        [
            ({}, 401),
            ({"X-Test-User": "ada", "X-Test-Permissions": "tests.view_thing"}, 403),
            ({"X-Test-User": "staff"}, 403),
            ({"X-Test-User": "staff", "X-Test-Permissions": "tests.view_thing"}, 200),
        ],
    )
    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    def test_asks_for_staff_with_the_permission(
        self, client: Client, method: str, headers: dict[str, str], status: int
    ) -> None:
        assert client.generic(method, "/api/v1/guarded", headers=headers).status_code == status

    @pytest.mark.parametrize(
        ("headers", "status"), [({}, 401), ({"X-Test-User": "ada"}, 403), ({"X-Test-User": "staff"}, 204)]
    )
    def test_lets_nobody_through_an_empty_list_of_permissions(
        self, client: Client, headers: dict[str, str], status: int
    ) -> None:
        assert client.post("/api/v1/guarded", headers=headers).status_code == status

    def test_asks_for_a_signed_in_user(self, client: Client) -> None:
        refused = client.get("/api/v1/me")

        problem(refused, 401, "core.unauthenticated")
        assert refused["WWW-Authenticate"].startswith("Bearer")
        assert client.get("/api/v1/me", headers={"X-Test-User": "ada"}).json() == {"id": id_of("ada")}


class TestCheckVersion:
    @pytest.mark.parametrize(
        ("tag", "status"), [(None, 204), ("*", 204), ('"v2"', 204), ('"v1", "v2"', 204), ('W/"v2"', 204), ('"v1"', 412)]
    )
    def test_refuses_another_version(self, client: Client, tag: str | None, status: int) -> None:
        headers = {} if tag is None else {"If-Match": tag}

        assert client.put("/api/v1/versioned", headers=headers).status_code == status


class TestRequestScope:
    @pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
    @pytest.mark.parametrize("path", ["/api/v1/guarded", "/api/v1/me", "/api/v1/plain/x"])
    def test_answers_alike_with_and_without_the_slash(self, client: Client, method: str, path: str) -> None:
        plain, slashed = (client.generic(method, address) for address in (path, f"{path}/"))

        assert plain.status_code == slashed.status_code != 404

    @pytest.mark.parametrize("path", ["/page/", "/page", "/leaf", "/leaf/", "/healthz/", "/healthz"])
    def test_finds_pages_with_and_without_the_slash(self, client: Client, path: str) -> None:
        assert client.get(path).status_code == 200

    @pytest.mark.parametrize("path", ["/api/auth/login", "/api/auth/login/"])
    def test_has_an_alias_for_auth(self, client: Client, path: str) -> None:
        assert client.get(path, headers={"X-Test-User": "ada"}).status_code == 200

    @pytest.mark.parametrize("path", ["/api/v1/plain/a%00b", "/%00", "/page/%00"])
    def test_s24_finds_nothing_at_an_address_with_nul(self, client: Client, path: str) -> None:
        problem(client.get(path), 404, "core.not_found")

    @pytest.mark.parametrize("given", ["0192f3c47bd97cc28b5de0a6f0a3b1f4", "abc-DEF_1.23"])
    def test_takes_over_a_well_formed_id(self, client: Client, given: str) -> None:
        assert client.get("/leaf", headers={"X-Request-ID": given})["X-Request-ID"] == given

    @pytest.mark.parametrize(
        "given", ["", "short", "x" * 65, "a b c d e f", "evil\r\nSet-Cookie: a", "<script>", "żółć-żółć"]
    )
    def test_makes_one_where_it_is_not(self, client: Client, given: str) -> None:
        made = client.get("/leaf", headers={"X-Request-ID": given})["X-Request-ID"]

        assert made != given
        assert len(made) == 32


class TestSecurityHeaders:
    def test_forbid_everything_to_json(self, client: Client) -> None:
        answer = client.get("/api/v1/nothing")

        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Content-Security-Policy"].startswith("default-src 'none'")
