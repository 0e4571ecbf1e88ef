"""Every unsafe operation of the schema, asked twice, and with fields that are not the asker's to set."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from django.db import connection

from accounts.models import User
from core import idempotency
from core.models import IdempotencyRecord, LooseFile
from products.tests.pictures import picture_bytes, upload
from tests.journeys.world import SIGNED, Operation, World, document, resolved, send, undone, writes

# Where the same key does not replay, and why not.
NOT_KEPT = {
    "login": "the answer holds fresh tokens, which are nowhere kept",
    "refresh": "the same; a second use within five seconds is one client anyway",
    "change_password": "the answer holds fresh tokens",
    "begin_second_factor": "the answer holds the app's secret",
    "confirm_second_factor": "the answer holds the recovery codes",
    "remove_second_factor": "a code is good once, and what asks again finds no app to remove",
    "end_session": "tries at the password are counted by themselves, and what has ended is there no more",
    "delete_me": "the account that would ask again is gone",
    "cart_quote": "stores nothing",
    "gift_cards_check": "stores nothing",
    "promotions_rehearse": "stores nothing",
    "webhooks_receive": "the event's own id says whether it was kept before",
    "mail_reports_receive": "the signed token says the same",
    "export_user": "what is held of a person is read anew, and nowhere kept a second time",
    "ask_upload": "what is signed is good for a while only",
    "put_upload": "the storage has one file of that name",
}
# The key is kept, but the sign-in that it belongs to ended with the first answer.
SIGNED_OUT = {"logout_all"}
# What people have tried to set in shops like this one; the fields of all answers are tried as well.
COVETED = (
    "is_staff",
    "is_superuser",
    "is_active",
    "groups",
    "permissions",
    "user_permissions",
    "user",
    "user_id",
    "owner",
    "customer",
    "customer_id",
    "vendor",
    "balance",
    "commission",
    "price_minor",
    "total",
    "total_minor",
    "discount",
    "status",
    "state",
    "id",
    "pk",
    "token",
    "guest_token",
    "created_at",
    "updated_at",
    "deleted_at",
    "placed_at",
    "reserved",
    "on_hand",
    "email_verified_at",
    "__class__",
    "__proto__",
    "constructor",
)
# No answer names more unknown fields than these.
_AT_ONCE = 20


def kept() -> list[Operation]:
    """Return the operations whose answer a key replays."""
    return [operation for operation in writes() if operation.name not in NOT_KEPT | dict.fromkeys(SIGNED_OUT)]


def everything() -> dict[str, str]:
    """Return table -> digest of its rows, of all tables but the notes of files that a sweep will look at."""
    tables = [table for table in connection.introspection.table_names() if table != LooseFile._meta.db_table]
    parts = [
        f"SELECT '{table}', md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM \"{table}\" t"
        for table in tables
    ]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts))
        return dict(cursor.fetchall())


def changed(operation: Operation, world: World) -> Any:
    """Return another body than the one that is accepted."""
    if operation.is_form:
        name = next(iter(world.body_of(operation) or {}))
        return {name: upload(picture_bytes(colour="red"), "other.jpg")}
    body = world.body_of(operation)
    return {"changed": True} if body is None else {**body, "changed": True}


# Staff say what something costs there.
AGREEING = ("draft_orders_create", "draft_orders_update", "orders_edit")


class TestIdempotencyKey:
    def test_r16_is_described_for_every_write_but_those_listed(self) -> None:
        without = {
            operation.name
            for operation in writes()
            if "Idempotency-Key" not in {found["name"] for found in operation.parameters("header")}
        }

        assert without == NOT_KEPT.keys()

    def test_r16_replays_every_write_byte_for_byte(self, world: World) -> None:
        for operation in kept():
            with undone():
                body = world.body_of(operation)
                first = world.ask(operation, body=body, **{"Idempotency-Key": "once"})
                _rewind(body)
                settled = everything()
                second = world.ask(operation, body=body, **{"Idempotency-Key": "once"})

                assert 200 <= first.status_code < 300, operation.name
                assert (second.status_code, second.content) == (first.status_code, first.content), operation.name
                assert _told(second) == _told(first), operation.name
                assert "Idempotent-Replayed" not in first, operation.name
                assert second["Idempotent-Replayed"] == "true", operation.name
                assert everything() == settled, operation.name

    def test_r16_refuses_another_body_with_the_same_key(self, world: World) -> None:
        for operation in kept():
            with undone():
                body = world.body_of(operation)
                other = changed(operation, world)
                world.ask(operation, body=body, **{"Idempotency-Key": "once"})
                settled = everything()
                second = world.ask(operation, body=other, **{"Idempotency-Key": "once"})

                assert second.status_code == 422, operation.name
                assert second.json()["code"] == "core.idempotency_key_reused"
                assert everything() == settled, operation.name

    def test_r16_keeps_nothing_where_the_answer_is_fresh(self, world: World) -> None:
        for operation in writes():
            if operation.name in NOT_KEPT:
                with undone():
                    answer = world.ask(operation, **{"Idempotency-Key": "once"})

                    assert 200 <= answer.status_code < 300, operation.name
                    assert "Idempotent-Replayed" not in answer
                    assert not IdempotencyRecord.objects.exists(), operation.name

    def test_r16_belongs_to_one_asker(self, world: World) -> None:
        body = {"name": "Ada", "line1": "1 High Street", "city": "Leeds", "postal_code": "LS1 1AA", "country": "GB"}
        asked = [
            send("post", "/api/v1/me/addresses", body=body, headers=world.as_(who, **{"Idempotency-Key": "same"}))
            for who in ("owner", "stranger")
        ]

        assert [answer.status_code for answer in asked] == [201, 201]
        assert asked[0].json()["id"] != asked[1].json()["id"]

    def test_r18_leaves_nothing_when_it_dies_before_the_commit(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for operation in kept():
            if operation.view.in_beats:  # their crashes are tried with orders.tests.test_payments_api
                continue
            with undone():
                body = world.body_of(operation)
                before = everything()
                with monkeypatch.context() as patched:
                    patched.setattr(idempotency, "_record", _die)
                    with pytest.raises(Killed):
                        world.ask(operation, body=body, **{"Idempotency-Key": "once"})

                assert everything() == before, operation.name

                _rewind(body)
                again = world.ask(operation, body=body, **{"Idempotency-Key": "once"})
                assert 200 <= again.status_code < 300, operation.name
                assert "Idempotent-Replayed" not in again


class TestFieldsThatAreNotTheAskers:
    def test_s03_a22_are_refused_by_every_write_and_never_stored(self, world: World) -> None:
        before = everything()
        for operation in writes():
            body = world.body_of(operation)
            if body is None or operation.name in SIGNED:
                continue
            settled = everything() if operation.name in ("confirm_password_reset", "verify_email") else before
            known = resolved(operation.body_schema).get("properties", {})
            names = sorted({*COVETED, *_shown()} - set(known) - _alternatives(operation))
            for some in (names[at : at + _AT_ONCE] for at in range(0, len(names), _AT_ONCE)):
                _rewind(body)
                answer = world.ask(operation, body={**body, **dict.fromkeys(some, "true")})

                assert answer.status_code == 400, f"{operation.name} takes {some}"
                assert set(some) <= {error["field"] for error in answer.json()["errors"]}, operation.name
            assert everything() == settled, operation.name
            before = settled

    def test_a03_no_write_changes_the_email_of_an_account(self, world: World) -> None:
        before = dict(User.objects.values_list("pk", "email"))
        changed = set()
        for operation in writes():
            body = world.body_of(operation)
            plain = body if isinstance(body, dict) and not operation.is_form else {}
            if operation.name in SIGNED:
                continue
            for who in ("owner", "manager"):
                with undone():
                    world.ask(operation, who=who, body={**plain, "email": "another@example.net"})
                    after = dict(User.objects.values_list("pk", "email"))
                    changed |= {operation.name} if before.items() - after.items() else set()

        # Who is erased has none.
        assert changed == {"erase_user"}

    def test_s03_are_refused_inside_of_nested_objects(self, world: World) -> None:
        for operation in writes():
            body = world.body_of(operation)
            if body is None or operation.is_form or operation.name in SIGNED:
                continue
            for poisoned in _poisoned(body, is_agreed=operation.name in AGREEING):
                with undone():
                    answer = world.ask(operation, body=poisoned)

                    assert answer.status_code in (400, 422), f"{operation.name} {poisoned}"

    def test_s03_mean_nothing_where_no_body_is_taken(self, world: World) -> None:
        body = {"is_staff": True, "is_superuser": True, "user": str(world.manager.pk)}
        staff = _standing(world.manager)
        for operation in writes():
            if world.body_of(operation) is not None:
                continue
            with undone():
                plain = world.ask(operation)
                told = _people(operation, world)
            with undone():
                poisoned = world.ask(operation, body=body)

                assert poisoned.status_code in (plain.status_code, 400), operation.name
                if poisoned.status_code == plain.status_code:
                    assert _people(operation, world) == told, operation.name
                assert _standing(world.manager) == staff, operation.name

    def test_s22_prices_of_the_client_do_not_reach_an_order(self, world: World) -> None:
        path = "/api/v1/orders"
        for name in ("subtotal", "total", "discount", "tax", "shipping", "currency", "items", "unit_price"):
            body = {"shipping_address_id": str(world.address.pk), name: "0.01"}

            assert send("post", path, body=body, headers=world.as_("owner")).status_code == 400
        placed = send(
            "post", path, body={"shipping_address_id": str(world.address.pk)}, headers=world.as_("owner")
        ).json()
        assert placed["subtotal"] == {"amount": "20.00", "currency": "GBP"}
        assert placed["total"] == {"amount": "23.95", "currency": "GBP"}

    def test_a10_s01_another_ones_address_is_not_taken(self, world: World) -> None:
        body = {"shipping_address_id": str(world.address.pk)}
        send(
            "post", "/api/v1/cart/items", body={"sku": world.variant.sku, "quantity": 1}, headers=world.as_("stranger")
        )

        answer = send("post", "/api/v1/orders", body=body, headers=world.as_("stranger"))

        assert answer.status_code in (404, 422)
        assert world.address.line1.encode() not in answer.content


def _people(operation: Operation, world: World) -> list[dict[str, Any]]:
    """Return everyone's account, but for what chance and the clock write into the one that is erased."""
    by_chance = ("password", "deleted_at", "updated_at") if operation.name == "erase_user" else ()
    return [
        {name: value for name, value in row.items() if row["id"] != world.target.pk or name not in by_chance}
        for row in User.objects.order_by("pk").values()
    ]


def _standing(user: User) -> tuple[bool, bool]:
    return User.objects.values_list("is_staff", "is_superuser").get(pk=user.pk)


def _told(answer: Any) -> dict[str, str]:
    """Return the headers of an answer that are not about this one request."""
    about_one = ("X-Request-ID", "Idempotent-Replayed")
    return {name: value for name, value in answer.headers.items() if name not in about_one}


class Killed(BaseException):
    """Nobody catches it, as nobody catches ``kill -9``."""


def _die(*_: Any) -> None:
    raise Killed


def _rewind(body: Any) -> None:
    """Let the files of a form be read once more."""
    for value in (body or {}).values():
        for part in value if isinstance(value, list) else [value]:
            if hasattr(part, "seek"):
                part.seek(0)


def _shown() -> set[str]:
    """Return the names of all fields of all answers."""
    found: set[str] = set()
    for name, schema in document()["components"]["schemas"].items():
        if not name.endswith("Request"):
            found |= set(schema.get("properties", {}))
    return found


def _alternatives(operation: Operation) -> set[str]:
    """Return the fields of a body that is one of several."""
    choices = operation.body_schema.get("oneOf", []) + operation.body_schema.get("anyOf", [])
    return {name for choice in choices for name in resolved(choice).get("properties", {})}


def _poisoned(body: dict[str, Any], *, is_agreed: bool) -> Iterator[dict[str, Any]]:
    """Return copies of a body, each with one coveted field more in one of the objects inside.

    :param is_agreed: prices are the asker's to say
    """
    for path in _objects(body):
        for name in ("is_staff", "id", "unit_price", "__class__"):
            if name == "unit_price" and is_agreed:
                continue
            copy = deepcopy(body)
            place: Any = copy
            for part in path:
                place = place[part]
            place[name] = "1"
            yield copy


def _objects(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict):
        if path:
            yield path
        for name, inner in value.items():
            yield from _objects(inner, (*path, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _objects(inner, (*path, index))
