"""How tests call the API of accounts."""

from __future__ import annotations

from typing import Any

from accounts.models import User
from accounts.tests.factories import client_of


def post(path: str, body: dict[str, Any], user: User | None = None, **headers: Any) -> Any:
    return client_of(user).post(f"/api/v1/{path}", body, format="json", **headers)


def codes(answer: Any) -> dict[str, str]:
    return {error["field"]: error["code"] for error in answer.json()["errors"]}
