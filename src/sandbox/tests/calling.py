"""The wire, as a merchant uses it."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.test import Client

from sandbox.models import Charge, Entry, Event, Key, Refund
from sandbox.tests.factories import RETURN_URL

BODY = {"amount": 1250, "currency": "GBP", "reference": "r1", "return_url": RETURN_URL, "card": "success"}


def ask(method: str, path: str, body: Any = None, *, key: str | None = None, secret: str | None = None) -> Any:
    """Send a request to ``/sandbox/v1/``; a body that is no text becomes JSON."""
    headers = {"Authorization": f"Bearer {settings.SANDBOX_SECRET_KEY if secret is None else secret}"}
    if key is not None:
        headers["Idempotency-Key"] = key
    data = body if isinstance(body, (bytes, str)) else json.dumps({} if body is None else body)
    client = Client(raise_request_exception=False)
    return client.generic(method, f"/sandbox/v1/{path}", data, "application/json", headers=headers)


def charge(**fields: Any) -> Any:
    """Make a charge over the wire and return it."""
    answer = ask("POST", "charges", BODY | fields)
    assert answer.status_code == 201, answer.content
    return answer.json()


def counts() -> list[int]:
    """Return how many charges, refunds, lines of the ledger, webhooks and keys there are."""
    return [table.objects.count() for table in (Charge, Refund, Entry, Event, Key)]
