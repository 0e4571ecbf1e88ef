"""Examples of the schema. The tokens in them are cut short."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample

CREDENTIALS = {"email": "ada@example.com", "password": "correct horse battery"}
TOKENS = {"access": "eyJhbGciOiJIUzI1NiIs…", "refresh": "eyJhbGciOiJIUzI1NiIs…"}
PROFILE = {
    "first_name": "Ada",
    "last_name": "Lovelace",
    "display_name": "ada",
    "phone": "+442079460958",
    "avatar": "/media/avatars/0b7f3c2e9d4a4f6d8b1c5e7a9f2d4b6c.webp",
    "visibility": "public",
}
USER = {
    "id": "0192f3c4-7bd9-7cc2-8b5d-e0a6f0a3b1f4",
    "email": "ada@example.com",
    "email_verified": False,
    "is_staff": False,
    "is_active": True,
    "roles": [],
    "has_second_factor": False,
    "customer_group": None,
    "profile": PROFILE,
    "created_at": "2026-11-21T11:25:43Z",
}
GROUP = {"code": "wholesale", "name": "Wholesale"}
STAFF = USER | {"is_staff": True, "roles": ["order manager"]}
ADDRESS = {
    "name": "Ada Lovelace",
    "line1": "12 St James's Square",
    "line2": "",
    "city": "London",
    "region": "",
    "postal_code": "SW1Y 4JH",
    "country": "GB",
    "phone": "+442079460958",
}
BOOK_ADDRESS = {"id": "0192f3c4-8a01-7e55-9c3b-1f2e3d4c5b6a", **ADDRESS, "is_default": True}
SESSION = {
    "id": "0192f3c4-9c12-7a3e-8f40-5b6c7d8e9f01",
    "began_at": "2026-11-21T11:25:43Z",
    "last_used_at": "2026-11-21T11:40:12Z",
    "client": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "is_current": True,
}
ONE_TIME_TOKEN = "pVZ3Yk0bV0m8f1Q2…"  # noqa: S105 - an example
# Of somebody who registered, and has not bought anything yet.
PERSONAL_DATA = {
    "person": USER["id"],
    "exported_at": "2026-11-22T09:30:00Z",
    "accounts": {
        "account": USER
        | {
            "email_verified_at": None,
            "last_login": None,
            "second_factor_at": None,
            "updated_at": "2026-11-21T11:25:43Z",
            "permissions": [],
        },
        "addresses": [BOOK_ADDRESS],
        "sign_ins": [
            {
                "began_at": "2026-11-21T11:25:43Z",
                "expires_at": "2026-11-28T11:25:43Z",
                "ended_at": None,
                "client": SESSION["client"],
                "continued_at": ["2026-11-21T11:40:12Z"],
            }
        ],
        "recovery_codes": [],
        "links": [],
    },
    "carts": {"carts": []},
    "orders": {"orders": [], "orders_counted": 0, "drafts": []},
    "payments": {"saved_methods": [], "balances": [], "movements": []},
    "notifications": {
        "preferences": {
            "preferences": {
                "order_placed": {"in_app": True, "email": True},
                "new_product": {"in_app": False, "email": False},
            },
            "always_sent": ["order_placed"],
        },
        "notifications": [],
        "mails": [],
        "suppressions": [],
    },
}


def asked(value: Any, name: str = "request") -> OpenApiExample:
    """A body that comes in."""
    return OpenApiExample(name, value=value, request_only=True)


def told(value: Any, status: int = 200, name: str = "answer") -> OpenApiExample:
    """A body that goes out."""
    return OpenApiExample(name, value=value, response_only=True, status_codes=[str(status)])


def page(row: Any) -> dict[str, Any]:
    """A page with that row alone."""
    return {"count": 1, "next": None, "previous": None, "results": [row]}
