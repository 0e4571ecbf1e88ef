"""Every operation of the schema as everyone: who may, who may not, and what a stranger learns."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.domain import Purpose
from accounts.models import User
from accounts.tests.factories import PASSWORD
from core import outbox
from core.ids import new_id
from orders.tests.factories import make_guest_order
from payments.tests.factories import make_gift_card
from tests.journeys.world import Operation, World, document, operations, send, undone, writes

# Whoever is not signed in may change no more than this. A new entry is a decision, not a detail.
UNAUTHENTICATED_WRITES = {
    "login": "begins a sign-in",
    "refresh": "continues one",
    "logout": "ends the one whose token it bears",
    "register": "makes an account",
    "request_password_reset": "sends a mail to who is known",
    "confirm_password_reset": "bears a mailed token",
    "verify_email": "bears a mailed token",
    "begin_second_factor": "bears the password",
    "confirm_second_factor": "bears the password",
    "remove_second_factor": "bears the password and a code",
    "notifications_unsubscribe": "bears a signed token (RFC 8058)",
    "cart_items_create": "makes or fills the cart whose token it bears",
    "cart_items_update": "bears the cart's token",
    "cart_items_delete": "bears the cart's token",
    "cart_clear": "bears the cart's token",
    "cart_update": "bears the cart's token",
    "cart_quote": "stores nothing",
    "orders_create": "bears the cart's token",
    "orders_cancel": "bears the order's token",
    "payments_create": "bears the order's token",
    "orders_returns_create": "bears the order's token",
    "returns_cancel": "bears the order's token",
    "returns_pictures_create": "bears the order's token",
    "withdrawals_create": "bears the order's token, or gets a mail at the order's own address and no answer",
    "withdrawals_confirm": "bears the order's token, or a mailed one",
    "gift_cards_check": "bears the gift card's code",
    "webhooks_receive": "bears its provider's signature",
    "mail_reports_receive": "bears its provider's signature",
    "put_upload": "bears the ticket of whoever asked for it",
}
# Below these addresses everything is for staff; below those, every change.
STAFF = (
    "/api/v1/users",
    "/api/v1/inventory",
    "/api/v1/outbox",
    "/api/v1/audit",
    "/api/v1/staff",
    "/api/v1/shipping-zones",
    "/api/v1/shipping-methods",
    "/api/v1/tax-rates",
    "/api/v1/promotions",
    "/api/v1/sellers",
    "/api/v1/reports",
    "/api/v1/settlements",
    "/api/v1/customer-groups",
    "/api/v1/price-lists",
    "/api/v1/customers",
    "/api/v1/draft-orders",
)
CHANGED_BY_STAFF = ("/api/v1/products", "/api/v1/categories", "/api/v1/markets")
# Parameters of paths that name something of a person.
OWNED = {
    "item_id",
    "address_id",
    "session_id",
    "order_id",
    "payment_id",
    "invoice_id",
    "fulfilment_id",
    "return_id",
    "withdrawal_id",
    "saved_method_id",
}


def is_owned(operation: Operation) -> bool:
    """Tell whether the path names a thing that belongs to one person."""
    names = {found["name"] for found in operation.parameters("path")}
    return bool(names & OWNED) or ("notifications" in operation.path and "key" in names)


def rows() -> dict[str, int]:
    """Return table -> rows written since the connection began, of every table: what a refusal must not move."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_xact_user_tables"
            " WHERE relname NOT LIKE 'accounts_attempt' AND relname NOT LIKE 'accounts_turnstile'"
        )
        return dict(cursor.fetchall())


def statuses(world: World, who: str, asked: list[Operation], **headers: str) -> dict[str, int]:
    found = {}
    for operation in asked:
        with undone():
            found[operation.name] = world.ask(operation, who=who, **headers).status_code
    return found


class TestWorld:
    def test_asks_every_operation_so_that_it_succeeds(self, world: World) -> None:
        answers = {operation.name: 0 for operation in operations()}
        for operation in operations():
            with undone():
                answers[operation.name] = world.ask(operation).status_code

        assert {name: status for name, status in answers.items() if not 200 <= status < 300} == {}


class TestStranger:
    def test_s01_a12_a13_finds_nothing_of_others_by_any_verb(self, world: World) -> None:
        asked = [operation for operation in operations() if is_owned(operation)]
        before = rows()

        for who in ("stranger", "clerk", "nobody"):
            found = statuses(world, who, asked)

            assert {name: status for name, status in found.items() if status not in (401, 403, 404)} == {}, who
        assert rows() == before
        assert len(asked) >= 12

    def test_s01_cannot_tell_what_is_anothers_from_what_is_not_there(self, world: World) -> None:
        for operation in operations():
            if not is_owned(operation):
                continue
            real = world.ask(operation, who="stranger")
            values = {name: str(new_id()) for name in world.path_values(operation)}
            made_up = send(
                operation.method,
                operation.path.format(**values),
                body=world.body_of(operation),
                form=operation.is_form,
                headers=world.as_("stranger"),
            )

            assert {**real.json(), "request_id": ""} == {**made_up.json(), "request_id": ""}, operation.name

    def test_s01_does_not_reach_into_another_product(self, world: World) -> None:
        for operation in operations():
            names = {found["name"] for found in operation.parameters("path")}
            if not {"key", "variant_id"} <= names and not {"key", "image_id"} <= names:
                continue
            values = world.path_values(operation) | {"key": str(world.gone.pk)}
            answer = send(
                operation.method,
                operation.path.format(**values),
                body=world.body_of(operation),
                headers=world.as_("manager"),
            )

            assert answer.status_code == 404, operation.name


class TestStaffOperation:
    def test_s02_refuses_every_lower_role(self, world: World) -> None:
        asked = [operation for operation in operations() if operation.permissions is not None]
        before = rows()

        assert set(statuses(world, "nobody", asked).values()) == {401}
        assert set(statuses(world, "owner", asked).values()) == {403}
        assert set(statuses(world, "clerk", asked).values()) == {403}
        assert rows() == before

    def test_s02_is_all_that_stands_where_staff_work(self) -> None:
        staff = {operation.name for operation in operations() if operation.permissions is not None}
        expected = {
            operation.name
            for operation in operations()
            if operation.path.startswith(STAFF) or (operation.is_write and operation.path.startswith(CHANGED_BY_STAFF))
        }

        assert expected <= staff
        assert staff - expected == {
            "orders_move",
            "orders_notes_list",
            "orders_notes_create",
            "orders_invoices_create",
            "orders_edit",
            "orders_edits_list",
            "orders_payment_link",
            "orders_packing_slip",
            "returns_approve",
            "returns_reject",
            "returns_receive",
            "returns_settle",
            "orders_fulfilments_create",
            "orders_fulfilments_packing_slip",
            "fulfilments_update",
            "fulfilments_deliver",
            "payments_refund",
            "payments_refunds",
            "refunds_confirm",
            "refunds_retry",
            "gift_cards_list",
            "gift_cards_create",
            "gift_cards_retrieve",
            "gift_cards_update",
            "gift_cards_movements",
        }

    def test_a06_wants_more_than_an_empty_list_of_permissions(self) -> None:
        assert [operation.name for operation in operations() if operation.permissions == ()] == []

    def test_s02_is_decided_before_the_body_is_read(self, world: World) -> None:
        for operation in writes():
            if operation.permissions is not None:
                answer = send(operation.method, world.address_of(operation), body=b"{", headers=world.as_("owner"))

                assert answer.status_code == 403, operation.name

    def test_s02_also_for_head(self, world: World) -> None:
        for operation in operations():
            if operation.method == "get" and operation.permissions is not None:
                assert send("head", world.address_of(operation)).status_code == 401, operation.name
                refused = send("head", world.address_of(operation), headers=world.as_("owner"))
                assert refused.status_code == 403, operation.name
                assert refused.content == b""


class TestNobody:
    def test_a20_may_write_only_what_is_listed(self) -> None:
        assert {
            operation.name for operation in writes() if not operation.needs_sign_in
        } == UNAUTHENTICATED_WRITES.keys()

    def test_a20_is_refused_wherever_the_schema_wants_a_sign_in(self, world: World) -> None:
        asked = [operation for operation in operations() if operation.needs_sign_in]

        assert {name: status for name, status in statuses(world, "nobody", asked).items() if status != 401} == {}

    def test_a23_uploads_nothing_without_a_sign_in_a_token_or_a_ticket(self, world: World, tmp_path: Path) -> None:
        uploads = [each for each in writes() if each.is_form or each.name in ("ask_upload", "put_upload")]
        # A ticket is written down when it is made: before it is looked what moves.
        asked = [(each, each.path.format(**world.path_values(each)), world.body_of(each)) for each in uploads]
        before, files = rows(), sorted(tmp_path.rglob("*"))

        found = {}
        for operation, path, body in asked:
            forged = f"{path[:-1]}{'A' if path[-1] != 'A' else 'B'}" if operation.name == "put_upload" else path
            answer = send(operation.method, forged, body=body, form=operation.is_form, kind=operation.kind)
            found[operation.name] = answer.status_code

        assert {"set_avatar", "add_product_images", "returns_pictures_create", "put_upload"} <= found.keys()
        assert {name: status for name, status in found.items() if status not in (401, 404, 422)} == {}
        assert {name: status for name, status in found.items() if status == 422}.keys() <= {"put_upload"}
        assert (rows(), sorted(tmp_path.rglob("*"))) == (before, files)

    def test_a11_owns_nothing_that_has_no_owner(self, world: World) -> None:
        order = f"/api/v1/orders/{world.guest_order.pk}"

        assert send("get", order).status_code == 404
        assert send("post", f"{order}/cancel", body={}).status_code == 404
        assert send("get", order, headers=world.as_("stranger")).status_code == 404
        assert send("get", f"{order}?token=").status_code in (400, 404)
        assert send("get", "/api/v1/orders").status_code == 401

    def test_a15_gets_one_order_by_its_token_and_no_list(self, world: World) -> None:
        token = world.guest_order.guest_token

        assert send("get", f"/api/v1/orders/{world.guest_order.pk}?token={token}").status_code == 200
        assert send("get", f"/api/v1/orders/{world.order.pk}?token={token}").status_code == 404
        assert send("get", f"/api/v1/orders?token={token}").status_code == 401

    @pytest.mark.parametrize(
        "name",
        [
            "X-User",
            "X-User-Id",
            "X-Remote-User",
            "Remote-User",
            "X-Forwarded-User",
            "X-WCPAY-Platform-Checkout-User",
            "X-Original-URL",
            "X-Rewrite-URL",
            "X-HTTP-Method-Override",
            "X-Forwarded-For",
            "X-Forwarded-Host",
            "Forwarded",
        ],
    )
    def test_a21_is_nobody_whatever_other_headers_say(self, world: World, name: str) -> None:
        for value in (str(world.manager.pk), world.manager.email, "/api/v1/markets", "GET"):
            assert send("get", "/api/v1/users", headers={name: value}).status_code == 401
            assert send("get", "/api/v1/me", headers={name: value}).status_code == 401

    def test_s17_cannot_choose_where_links_lead(self, world: World) -> None:
        plain = send("get", "/api/v1/products?size=1")
        forged = send("get", "/api/v1/products?size=1", headers={"X-Forwarded-Host": "evil.example"})
        strange = send("get", "/api/v1/markets", headers={"Host": "evil.example"})

        assert plain.content == forged.content
        assert b"evil.example" not in strange.content
        assert strange.status_code in (200, 400)


class TestAddress:
    def test_answers_alike_with_and_without_a_slash(self, world: World) -> None:
        for operation in operations():
            with undone():
                plain = world.ask(operation).status_code
            with undone():
                slashed = world.ask(operation, end="/").status_code

            assert slashed == plain, operation.name

    def test_refuses_a_stranger_with_a_slash_too(self, world: World) -> None:
        for operation in operations():
            if is_owned(operation) or operation.permissions is not None:
                answer = send(
                    operation.method,
                    f"{world.address_of(operation)}/",
                    body=world.body_of(operation),
                    form=operation.is_form,
                    headers=world.as_("stranger"),
                )

                assert answer.status_code in (403, 404), operation.name

    def test_tells_by_options_and_405_what_it_takes(self, world: World) -> None:
        for path, described in document()["paths"].items():
            methods = {name.upper() for name in described} | {"OPTIONS"}
            methods |= {"HEAD"} if "get" in described else set()
            operation = next(found for found in operations() if found.path == path)
            address = world.address_of(operation)

            allowed = send("options", address, headers=world.as_("manager"))
            wrong = send("put" if "put" not in described else "post", address, body={}, headers=world.as_("manager"))

            assert set(allowed["Allow"].split(", ")) == methods, path
            assert wrong.status_code == 405, path
            assert set(wrong["Allow"].split(", ")) == methods, path
            assert wrong.json()["code"] == "core.method_not_allowed"

    @pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PROPFIND", "G\0T", "X" * 500])
    def test_knows_no_other_method(self, world: World, method: str) -> None:
        for path in ("/api/v1/products", "/api/v1/markets", "/api/v1/me"):
            answer = Client(raise_request_exception=False).generic(method, path)

            assert answer.status_code in (400, 401, 405)

    def test_s49_is_in_the_schema_if_it_is_served(self) -> None:
        served = {_plain(path) for path in _routes(get_resolver().url_patterns) if path.startswith("api/v1/")}
        described = {_plain(path) for path in document()["paths"]}

        assert served == described

    def test_s05_has_opaque_ids(self, world: World) -> None:
        ids = [world.order.pk, world.address.pk, world.customer.pk, world.item.pk, world.notification.pk]

        assert {found.version for found in ids} == {7}
        assert send("get", f"/api/v1/orders/{uuid4()}", headers=world.as_("owner")).status_code == 404
        assert send("get", "/api/v1/orders/1", headers=world.as_("owner")).status_code == 404


def _routes(patterns: Any, prefix: str = "") -> Any:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _routes(pattern.url_patterns, prefix + str(pattern.pattern))
        elif isinstance(pattern, URLPattern):
            yield prefix + str(pattern.pattern)


def _plain(path: str) -> str:
    parts = path.strip("/").split("/")
    return "/".join("*" if part[:1] in "<{" else part for part in parts)


def test_a05_who_confirms_an_account_is_given_nothing_that_was_bought_under_its_email(world: World) -> None:
    order = make_guest_order((world.stock, 1), email="ada@example.com")
    card = make_gift_card(5000, recipient="ada@example.com")
    outbox.drain()

    begun = send("post", "/api/v1/auth/register", body={"email": "ada@example.com", "password": PASSWORD})
    ada = User.objects.latest("created_at")
    send("post", "/api/v1/auth/verify-email", body={"token": world.token(Purpose.VERIFY_EMAIL, ada)})
    outbox.drain()

    ada.refresh_from_db()
    order.refresh_from_db()
    card.card.refresh_from_db()
    assert (begun.status_code, ada.email_verified_at is None) == (201, False)
    assert (order.customer, card.card.customer) == (None, None)
    hers = {"Authorization": f"Bearer {begun.json()['access']}"}
    assert send("get", "/api/v1/orders", headers=hers).json()["results"] == []
    assert send("get", f"/api/v1/orders/{order.pk}", headers=hers).status_code == 404
    assert send("get", f"/api/v1/orders/{order.pk}", headers={"X-Order-Token": order.guest_token}).status_code == 200
