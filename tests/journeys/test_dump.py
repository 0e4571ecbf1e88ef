"""Who gets hold of a copy of the database alone reads no e-mail, telephone number, address or card in it (S41, S50)."""

from __future__ import annotations

import base64
import re
import subprocess
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus
from uuid import UUID

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from pytest_django import Settings

from accounts.models import Attempt, User
from accounts.tests.factories import make_user
from config.backups.tools import Database
from config.subscriptions import SUBSCRIPTIONS
from core import outbox, tasks
from core.models import AuditEntry, IdempotencyRecord, OutboxEvent
from notifications.models import Mail
from notifications.services import send_waiting_mail
from tests.journeys.back_office import browser_of, url_of
from tests.journeys.world import Operation, World, no_limits, writes

PHONE = "+442079460042"
ADDRESS = {
    "name": "Ottokar Zwiebelfisch",
    "line1": "97 Krummholz Lane",
    "line2": "Flat Schnurrbart",
    "city": "Unterschwarzach",
    "postal_code": "ZZ9 9ZZ",
    "country": "GB",
    "phone": PHONE,
}
# Of no account; networks give such numbers to whoever tests.
CARD = "4111 1111 1111 1111"
# What people write where they may write anything.
SAID = f"Ring {PHONE}, or ask Ottokar.Zwiebelfisch@Example.com; else at 97 Krummholz Lane. It was by {CARD}."
# Everybody's mail is at that host. The square is that of the other tests' orders.
WORDS = (
    *("@example.com", "2079460042", "krummholz", "schnurrbart", "unterschwarzach", "zz9 9zz", "zwiebelfisch"),
    *("2079460958", "james's square", "sw1y 4jh"),
)
# Found by their parts by staff, and shown to strangers by whoever wants that: docs/security.md, "Data".
PLAIN = {"accounts_profile.first_name", "accounts_profile.last_name", "accounts_profile.display_name"}
# They end what others need.
LAST = (
    *("delete_me", "erase_user", "logout", "logout_all", "change_password", "confirm_password_reset", "end_session"),
    *("set_user_active", "set_user_roles", "reset_second_factor", "orders_cancel", "orders_move"),
)
_CARD = re.compile(r"(?<![\w.-])(?:4\d{3}|5[1-5]\d\d|6011|65\d\d|3[47]\d\d)(?:[ -]?\d{4}){2}[ -]?\d{3,4}(?![\w-])")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2}){6,}")
_TOKEN = re.compile(r"[A-Za-z0-9+/_=-]{12,}")


def readings(cell: str) -> Iterator[str]:
    """Return what a cell of the dump says: as it is, without the escapes of links, and each of its words decoded."""
    yield cell
    yield unquote_plus(cell)
    for token in _HEX.findall(cell):
        yield bytes.fromhex(token).decode("utf-8", "replace")
    for token in _TOKEN.findall(cell):
        with suppress(ValueError):
            plain = base64.b64decode(token.replace("-", "+").replace("_", "/") + "=" * (-len(token) % 4))
            yield plain.decode("utf-8", "replace")
            with suppress(zlib.error):
                yield zlib.decompress(plain).decode("utf-8", "replace")


def says(cell: str, words: tuple[str, ...]) -> bool:
    return any(word in reading.lower() for reading in readings(cell) for word in words)


def has_card(text: str) -> bool:
    """Tell whether a text holds the number of a card, as its last digit (ISO/IEC 7812-1, Luhn) says."""
    numbers = [[int(digit) for digit in re.sub(r"\D", "", number)] for number in _CARD.findall(text)]
    sums = (sum(n[-1::-2]) + sum(sum(divmod(2 * digit, 10)) for digit in n[-2::-2]) for n in numbers)
    return any(total % 10 == 0 for total in sums)


def dump() -> str:
    """Return all data of the test's database, as whoever stole it has them."""
    database = Database(connection.settings_dict)
    done = subprocess.run(
        [database.program("pg_dump"), "--data-only", "--dbname", database.conninfo], capture_output=True, check=True
    )
    return done.stdout.decode()


def cells(dumped: str) -> Iterator[tuple[str, str]]:
    """Return "table.column" and value of each cell."""
    table, columns = "", []
    for line in dumped.splitlines():
        begins = re.fullmatch(r"COPY \w+\.(\w+) \((.*)\) FROM stdin;", line)
        if begins:
            table, columns = begins[1], begins[2].replace('"', "").split(", ")
        elif line == "\\.":
            table = ""
        elif table:
            yield from ((f"{table}.{column}", cell) for column, cell in zip(columns, line.split("\t"), strict=True))


def found(dumped: str, words: tuple[str, ...] = WORDS) -> set[str]:
    return {place for place, cell in cells(dumped) if says(cell, words)}


def filled(body: Any) -> Any:
    """Return a request's body with people's own words wherever it takes some."""
    if not isinstance(body, dict):
        return body
    words = {"note": SAID, "text": SAID, "statement": SAID, "first_name": "Ottokar", "last_name": "Zwiebelfisch"}
    addresses = {"shipping_address": ADDRESS, "billing_address": ADDRESS}
    known = {name: (words | addresses).get(name, value) for name, value in body.items()}
    return known | ADDRESS if "postal_code" in body and "registration" not in body else known


def in_turn() -> list[Operation]:
    """Return the writes of the schema; those at the end that others do not survive."""
    return sorted(writes(), key=lambda each: (each.name in LAST, each.method == "delete"))


@pytest.fixture
def journey(transactional_db: None, settings: Settings, tmp_path: Path) -> set[str]:
    """Live through all that the schema has, in the back office too; return what succeeded."""
    settings.MEDIA_ROOT = tmp_path
    no_limits()
    beginning: Any = transaction.atomic()
    # Steps of a test's own world, but kept.
    beginning._from_testcase = True
    with beginning:
        world = World()
    paying = next(each for each in writes() if each.name == "payments_create")
    for field in ("card", "card_number", "return_url"):
        refused = world.ask(paying, body=world.body_of(paying) | {field: CARD, "cvc": "737"})
        assert refused.status_code == 400
        assert not has_card(refused.content.decode())
    done = set()
    for operation in in_turn():
        body = filled(world.body_of(operation))
        if operation.name == "update_profile":
            body |= {"last_name": "Zwiebelfisch", "phone": PHONE}
        if operation.name == "orders_create":
            body |= {"billing_address": ADDRESS, "shipping_address": ADDRESS}
        answer = world.ask(operation, body=body, **{"Idempotency-Key": operation.name})
        done |= {operation.name} if answer.status_code < 300 else set()
    settings.THROTTLES = True
    wrong = {"email": "Ottokar.Zwiebelfisch@Example.com", "password": "not the one"}
    world.ask(next(each for each in writes() if each.name == "login"), body=wrong)
    boss = browser_of(make_user("boss@example.com", is_superuser=True))
    boss.post(url_of(User, "sign_out", world.stranger.pk), {"_confirmed": "yes"})
    boss.get(url_of(User, "changelist"), {"q": world.stranger.email})
    outbox.drain()
    send_waiting_mail()
    return done


def test_s41_s50_a_stolen_dump_shows_no_email_no_telephone_number_no_address_and_no_card(journey: set[str]) -> None:
    assert journey >= {
        "register", "update_profile", "add_address", "orders_create", "orders_notes_create", "draft_orders_create",
        "withdrawals_create", "payments_create", "payments_refund", "orders_returns_create", "request_password_reset",
        "orders_invoices_create", "webhooks_receive", "mail_reports_receive", "export_user", "orders_edit",
    }  # fmt: skip
    for kept in (Mail, IdempotencyRecord, OutboxEvent, LogEntry, AuditEntry, Session, Attempt):
        assert kept.objects.exists(), kept

    dumped = dump()
    assert found(dumped) - PLAIN == set()
    assert {place for place, cell in cells(dumped) if any(map(has_card, readings(cell)))} == set()


@pytest.mark.django_db
def test_s41_workers_are_told_ids_and_names_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    messages: list[dict[str, Any]] = []
    monkeypatch.setattr(tasks.deliver, "delay", lambda **message: messages.append(message))
    World()

    tasks.relay()

    assert len(messages) > 5
    assert {name for message in messages for name in message} == {"delivery_ids", "handler", "is_suspect"}
    assert all(UUID(each) for message in messages for each in message["delivery_ids"])
    assert {message["handler"] for message in messages} <= {each for some in SUBSCRIPTIONS.values() for each in some}
    assert {message["is_suspect"] for message in messages} <= {True, False}


@pytest.mark.parametrize("number", ["4242424242424242", "5555-5555-5555-4444", "3782 8224 6310 005", CARD])
def test_s41_a_card_would_be_found(number: str) -> None:
    assert has_card(f'{{"number": "{number}"}}')
    assert not has_card(f"{number[:-1]}{(int(number[-1]) + 1) % 10}")


class TestReadings:
    @pytest.mark.parametrize(
        "cell",
        [
            "ask Ada@Example.com",
            "mailto%3Aada%40example.com",
            base64.b64encode(b'{"to": "ada@example.com"}').decode(),
            base64.urlsafe_b64encode(b"???ada@example.com").decode().rstrip("="),
            base64.urlsafe_b64encode(zlib.compress(b"ada@example.com")).decode(),
            f"\\\\x{b'ada@example.com'.hex()}",
        ],
    )
    def test_s50_find_an_email_in_every_shape(self, cell: str) -> None:
        assert says(cell, ("@example.com",))
        assert not says(cell, ("@example.net",))
