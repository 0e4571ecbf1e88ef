"""The demo's passwords: made once per data folder, and kept where only its owner reads them."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

ADMIN, CUSTOMER = "admin@example.com", "ada@example.com"
_NAME = "sign-ins.json"
_DRAFT = ".sign-ins.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """What someone signs in with."""

    email: str
    password: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIns:
    """The demo's administrator and customer."""

    admin: SignIn
    customer: SignIn


def draft_sign_ins(folder: Path) -> SignIns:
    """Return the sign-ins of a data folder; new ones are kept as a draft until ``publish_sign_ins``.

    So a load that is killed is tried again with the same passwords.
    """
    for name in (_NAME, _DRAFT):
        if (folder / name).exists():
            told = json.loads((folder / name).read_text())
            return SignIns(admin=SignIn(**told["admin"]), customer=SignIn(**told["customer"]))
    made = SignIns(admin=_new(ADMIN), customer=_new(CUSTOMER))
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / _DRAFT, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(made), file, indent=2)
        file.write("\n")
    return made


def publish_sign_ins(folder: Path) -> None:
    """Give the draft its name, now that its sign-ins work."""
    if (folder / _DRAFT).exists():
        (folder / _DRAFT).rename(folder / _NAME)


def _new(email: str) -> SignIn:
    return SignIn(email=email, password=secrets.token_urlsafe(12))
