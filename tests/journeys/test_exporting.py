"""What the shop hands out of a person is all that it holds of them, nothing of others, and nothing that lets one in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.apps import apps
from django.db import connection
from django.db.models import Model
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts.domain import Purpose
from accounts.models import User
from accounts.tests.factories import client_of, make_session, make_user
from core.ids import new_id
from core.models import AuditEntry
from core.pagination import WALKED_AT_ONCE, walk
from inventory.tests.factories import make_stock
from notifications.domain import Channel, Kind
from notifications.models import Notification, Preference
from notifications.selectors import address_digest
from notifications.tests.factories import make_mail, make_notification, make_suppression
from orders.models import Order, OrderNote
from orders.services import add_note
from orders.tests.drafting import item, make_draft
from orders.tests.factories import make_order
from payments.models import Balance, Payment, SavedMethod
from payments.tests.factories import make_saved_method, make_store_credit
from pricing.domain import percent_text
from promotions.models import Buyer, PromotionUse
from promotions.tests.factories import make_coupon
from tests.journeys.back_office import browser_of, url_of
from tests.journeys.test_forgetting import WORDS, found, person  # noqa: F401 - a fixture
from tests.journeys.world import World

OWN, STAFF = "/api/v1/me/export", "/api/v1/users/{}/export"

# What is shown of each table, and which of its rows are the person's.
SHOWN: dict[str, tuple[Callable[[User], dict[str, Any]], str]] = {
    "accounts.User": (
        lambda u: {"pk": u.pk},
        (
            "id created_at updated_at email is_active is_staff last_login email_verified_at second_factor_at "
            "customer_group_id"
        ),
    ),
    "accounts.Profile": (
        lambda u: {"user": u},
        "user_id first_name last_name display_name phone avatar visibility",
    ),
    "accounts.Address": (
        lambda u: {"user": u},
        "id user_id name line1 line2 city region postal_code country phone is_default",
    ),
    "accounts.TokenFamily": (lambda u: {"user": u}, "created_at user_id revoked_at expires_at client"),
    "accounts.RefreshToken": (lambda u: {"family__user": u}, "spent_at"),
    "accounts.RecoveryCode": (lambda u: {"user": u}, "created_at user_id used_at"),
    "accounts.OneTimeToken": (lambda u: {"user": u}, "created_at user_id purpose expires_at used_at"),
    "carts.Cart": (
        lambda u: {"owner": u},
        "id created_at owner_id market_id state used_at coupon shipping_method country region postal_code vat_id",
    ),
    "carts.CartItem": (lambda u: {"cart__owner": u}, "id created_at cart_id variant_id quantity seen_price_minor"),
    "notifications.Mail": (lambda u: {"user": u}, "id created_at user_id kind to subject state sent_at"),
    "notifications.Notification": (
        lambda u: {"user": u},
        "id created_at user_id kind title body data read_at",
    ),
    "notifications.Preference": (lambda u: {"user": u}, "user_id kind channel is_wanted"),
    "notifications.Suppression": (
        lambda u: {"address_digest": address_digest(u.email)},
        "created_at address report reason lifted_at"),
    "orders.Order": (
        lambda u: {"customer": u},
        (
            "id updated_at number cart_id external_number customer_id email market_id status currency subtotal_minor "
            "discount_minor shipping_minor tax_minor total_minor contained_minor shipping_address billing_address "
            "shipping_method coupon vat_id note placed_at expires_at"
        ),
    ),
    "orders.OrderLine": (
        lambda u: {"order__customer": u},
        (
            "id order_id product_id variant_id sku name options quantity unit_price_minor subtotal_minor "
            "discount_minor tax_minor contained_minor tax_ppm shipped cancelled returned"
        ),
    ),
    "orders.OrderMove": (lambda u: {"order__customer": u}, "order_id from_status to_status at by reason"),
    "orders.OrderReceipt": (lambda u: {"order__customer": u}, "order_id revision steps"),
    "orders.OrderEdit": (
        lambda u: {"order__customer": u},
        "id order_id at reason total_before_minor total_after_minor changes",
    ),
    "orders.DraftOrder": (
        lambda u: {"customer": u},
        (
            "id created_at updated_at status name market_id customer_id email items shipping_address billing_address "
            "shipping_method coupon vat_id note order_id"
        ),
    ),
    "orders.Fulfilment": (
        lambda u: {"order__customer": u},
        "id order_id carrier tracking_number tracking_url shipped_at delivered_at",
    ),
    "orders.FulfilmentLine": (lambda u: {"fulfilment__order__customer": u}, "fulfilment_id line_id quantity"),
    "orders.Invoice": (
        lambda u: {"order__customer": u},
        "id order_id kind number issued_at currency total_minor document of_id reason",
    ),
    "orders.InvoiceParties": (lambda u: {"invoice__order__customer": u}, "invoice_id known"),
    "orders.Return": (
        lambda u: {"order__customer": u},
        (
            "id order_id status wanted note requested_at approved_at received_at closed_at answer settled_as "
            "worth_minor deduction_minor delivery_minor refund_id exchange_order_id"
        ),
    ),
    "orders.ReturnLine": (
        lambda u: {"back__order__customer": u},
        "back_id line_id quantity reason received accepted restocked condition wanted_variant_id",
    ),
    "orders.ReturnPicture": (lambda u: {"back__order__customer": u}, "id back_id width height"),
    "orders.Withdrawal": (
        lambda u: {"order__customer": u},
        "id order_id status name email items statement declared_at confirmed_at is_late back_id",
    ),
    "payments.Payment": (
        lambda u: {"order_id__in": Order.objects.filter(customer=u).values("pk")},
        "id created_at order_id currency amount_minor status captured_minor refunded_minor",
    ),
    "payments.Attempt": (
        lambda u: {"payment__order_id__in": Order.objects.filter(customer=u).values("pk")},
        (
            "id created_at payment_id provider provider_reference status amount_minor method failure captured_minor "
            "refunded_minor"
        ),
    ),
    "payments.Refund": (
        lambda u: {"payment__order_id__in": Order.objects.filter(customer=u).values("pk")},
        "id created_at payment_id amount_minor reason status to failure",
    ),
    "payments.Balance": (
        lambda u: {"customer": u},
        "id created_at kind currency left_minor customer_id code_end expires_at is_active recipient note",
    ),
    "payments.Posting": (lambda u: {"account": f"store_credit:{u.pk}"}, "currency amount_minor"),
    "payments.LedgerEntry": (lambda u: {"postings__account": f"store_credit:{u.pk}"}, "kind at"),
    "payments.SavedMethod": (
        lambda u: {"customer": u},
        "id created_at customer_id provider brand last4 expires_month expires_year is_default",
    ),
    "promotions.Buyer": (lambda u: {"key": str(u.pk)}, "key orders"),
    "promotions.PromotionUse": (
        lambda u: {"buyer": str(u.pk)},
        "buyer order_id amount_minor currency used_at returned_at",
    ),
}  # fmt: skip
# Of a table that is shown, what is not.
UNTOLD = {
    "*": {
        "updated_at": "when the row was last written",
        "created_at": "its id says it, or what is around it",
        "id": "what is around it has one",
        "actor_id": "somebody of the staff, or the person",
        "request_key": "by which a repetition is known",
        "source": "the same",
        "idempotency_key": "the same, at a provider",
        "ask_at": "when a provider is asked next",
        "token": "lets one in, or pays",
        "token_digest": "by which a token is known",
        "digest": "the same",
    },
    "accounts.User": {
        "password": "lets one in",
        "email_key": "the e-mail, as it is compared",
        "is_superuser": "staff: the roles and permissions are told",
        "token_version": "by which tokens are known",
        "deleted_at": "who is erased asks for nothing",
    },
    "accounts.RefreshToken": {"family_id": "that of the sign-in", "expires_at": "that of the sign-in, at last"},
    "accounts.OneTimeToken": {"bound_to": "by which a link is known"},
    "notifications.Mail": {
        "text": "may hold a link that signs one in", "html": "the same", "unsubscribe_url": "holds a token",
        "recipient_digest": "of `to`", "attempts": "of mail servers", "due_at": "the same", "last_error": "the same",
    },
    "notifications.Suppression": {"address_digest": "of the address", "mail_id": "which mail was reported"},
    "orders.Order": {
        "guest_token": "lets one in", "email_key": "the e-mail, as it is compared",
        "has_gift_cards": "its lines say it",
    },
    "orders.OrderLine": {
        "position": "they stand in it", "is_gift_card": "the cards are shown", "returning": "the returns say it",
    },
    "orders.OrderReceipt": {"facts": "the shop's prices and rules, from which the steps follow"},
    "orders.DraftOrder": {"author_id": "somebody of the staff"},
    "orders.Invoice": {
        "series": "the number begins with it", "sequence": "the number ends with it", "parts": "the paper says it",
        "reference": "the refund, which is shown",
    },
    "orders.ReturnPicture": {"file": "its name in the storage: the picture has an address"},
    "orders.Withdrawal": {"token_expires_at": "of the token"},
    "payments.Payment": {"closed_at": "the order's history says it"},
    "payments.Attempt": {
        "balance_id": "the provider says it", "saved_method_id": "by which it was charged", "is_saving": "the same",
        "saver_id": "the person", "return_url": "an address of the storefront", "next_action": "may hold a token",
        "authorised_minor": "at the provider", "promised_minor": "the refunds", "disputed_minor": "at the provider",
        "fee_minor": "what the provider kept", "is_surplus": "the shop's work", "unknown_since": "the same",
        "unwanted_at": "the same", "triers": "digests, by which testers of cards are known",
    },
    "payments.Refund": {
        "attempt_id": "the means say it", "provider_reference": "at the provider", "account": "of the shop's books",
        "credited": "the same", "items": "the return or the order's lines say it", "group": "made together",
    },
    "payments.Balance": {
        "account": "of the shop's books", "code_digest": "by which a code is known", "taken_back_at": "the movements",
    },
    "payments.Posting": {"entry_id": "its kind and time are told", "account": "of the shop's books"},
    "payments.LedgerEntry": {"reference": "of the shop's books"},
    "payments.SavedMethod": {"payer": "at the provider", "removed_at": "what was removed is forgotten"},
    "promotions.PromotionUse": {
        "promotion_id": "its name is told", "coupon_id": "its code is told", "turn": "how uses are counted",
        "turns": "the same", "coupon_turn": "the same", "coupon_turns": "the same",
    },
}  # fmt: skip
# Tables that lead to an account and are not shown.
NOT_SHOWN = {
    "accounts.Authenticator": "lets one in; that and since when it is there is told of the account",
    "admin.LogEntry": "what staff did",
    "inventory.Movement": "what staff did; of goods",
    "orders.OrderNote": "what staff tell each other, of others too",
    "orders.PaymentLink": "an address that pays: it was mailed",
    "payments.Settlement": "what staff did: a provider's file",
    "payments.SettlementLine": "a provider's file, in its own words",
}
# Tables that hold something of people and do not lead to an account.
BESIDE = {
    "core.AuditEntry": "what staff did",
    "core.IdempotencyRecord": "an answer that was given, for a day, sealed",
    "core.OutboxEvent": "facts of ids and numbers, for a week",
    "inventory.Reservation": "goods of an order",
    "accounts.Attempt": "keyed digests, for an hour",
    "payments.Decline": "keyed digests, for a day",
    "payments.ProviderEvent": "what providers said, sealed; it names no account",
}
_NOT_SOUGHT = {"market_id", "customer_group_id", "user_id", "steps", "avatar"}


def document_of(user: User) -> Any:
    """Return what the person gets who asks."""
    return read(client_of(user).get(OWN))


def read(answer: Any) -> Any:
    """Return a document that is written while it is read."""
    assert answer.status_code == 200, answer.content
    return orjson.loads(b"".join(answer.streaming_content))


def leaves(value: Any, *, with_names: bool = True) -> Iterator[str]:
    """Return every value within, and the names that they have, as text."""
    if isinstance(value, dict):
        yield from value if with_names else ()
        value = list(value.values())
    if isinstance(value, list):
        for held in value:
            yield from leaves(held, with_names=with_names)
    elif value is not None:
        yield str(value)


def forms(name: str, value: str) -> set[str]:
    """Return how a value of a column may be shown."""
    if name.endswith("_ppm"):
        return {percent_text(int(value))}
    is_number = value.lstrip("-").isdigit()
    return {value, *([f"{Decimal(value) / 100:.2f}", f"{-Decimal(value) / 100:.2f}"] if is_number else [])}


def tables() -> list[type[Model]]:
    return [model for model in apps.get_models() if ".tests." not in model.__module__]


def leading_to_people() -> set[str]:
    """Return the tables that lead to an account, by however many keys."""
    known: set[type[Model]] = {User}
    while more := {model for model in tables() if model not in known and _parents(model) & known}:
        known |= more
    return {model._meta.label for model in known}


def _parents(model: type[Model]) -> set[Any]:
    return {field.related_model for field in model._meta.concrete_fields if field.is_relation}


@pytest.fixture
def world(db: None, settings: Settings, tmp_path: Path) -> World:
    """A shop, in which the owner did even more."""
    settings.THROTTLES = False
    settings.MEDIA_ROOT = tmp_path
    world = World()
    owner = world.customer
    make_store_credit(owner)
    make_suppression(address=owner.email, address_digest=address_digest(owner.email))
    make_mail(user=owner, to=owner.email, subject="Dear Ada")
    world.token(Purpose.VERIFY_EMAIL)
    make_draft(item(world.stock), customer=owner.pk, note="Rang twice", name="For Ada")
    Preference.objects.create(user=owner, kind=Kind.NEW_PRODUCT.value, channel=Channel.EMAIL.value, is_wanted=True)
    PromotionUse.objects.create(
        promotion=make_coupon("ADA").promotion, order_id=world.order.pk, buyer=str(owner.pk), amount_minor=250,
        currency="GBP", used_at=world.order.placed_at,
    )  # fmt: skip
    return world


class TestEveryTable:
    def test_s51_is_shown_or_left_out_for_a_reason(self) -> None:
        beside = {label for label in SHOWN if label not in leading_to_people()}

        assert leading_to_people() == (SHOWN.keys() - beside) | NOT_SHOWN.keys()
        assert beside == {
            "payments.Payment", "payments.Posting", "payments.LedgerEntry", "promotions.Buyer",
            "promotions.PromotionUse",
        }  # fmt: skip
        assert not BESIDE.keys() & (SHOWN.keys() | NOT_SHOWN.keys())
        assert BESIDE.keys() <= {model._meta.label for model in tables()}

    @pytest.mark.parametrize("label", SHOWN)
    def test_s51_has_no_column_of_which_nobody_thought(self, label: str) -> None:
        columns = {field.attname for field in apps.get_model(label)._meta.concrete_fields}
        shown, own = set(SHOWN[label][1].split()), UNTOLD.get(label, {}).keys()

        assert columns == shown | own | (columns & UNTOLD["*"].keys())
        assert not shown & own


class TestExport:
    def test_s51_holds_every_value_of_every_column_that_is_shown(self, world: World) -> None:
        said = set(leaves(document_of(world.customer)))
        missing, empty = set(), []
        for label, (whose, columns) in SHOWN.items():
            rows = list(apps.get_model(label)._base_manager.filter(**whose(world.customer)))
            if not rows:
                empty.append(label)
            for row in rows:
                for name in set(columns.split()) - _NOT_SOUGHT:
                    value = orjson.loads(orjson.dumps(getattr(row, name), default=str, option=orjson.OPT_UTC_Z))
                    if any(text and not forms(name, text) & said for text in leaves(value, with_names=False)):
                        missing.add((label, name, str(value)))

        assert missing == set()
        assert set(empty) <= {"orders.OrderEdit", "accounts.RecoveryCode"}

    def test_s51_holds_every_word_that_is_found_anywhere(self, person: Any) -> None:  # noqa: F811
        document = document_of(person)
        text = orjson.dumps(document).decode().lower()

        assert {label for label, _ in found(WORDS)} >= {
            "accounts.Profile",
            "orders.InvoiceParties",
            "orders.DraftOrder",
        }
        assert [word for word in WORDS if word not in text] == []
        assert document["accounts"]["account"]["profile"]["phone"] == "+442079460042"
        assert document["orders"]["orders"][0]["shipping_address"]["name"] == "Zaphod Beeblebrox"
        assert [len(order["invoices"]) for order in document["orders"]["orders"]] == [1, 1, 0]

    def test_s51_holds_nothing_that_lets_one_in_or_pays(self, world: World) -> None:
        text = orjson.dumps(document_of(world.customer)).decode()
        secrets = [
            (model._meta.label, field.attname, str(getattr(row, field.attname)))
            for model in tables()
            for field in model._meta.concrete_fields
            if any(word in field.attname for word in ("password", "token", "digest", "secret", "payer", "return_url"))
            for row in model._base_manager.all()
        ]

        assert len({label for label, _, value in secrets if len(value) > 5}) > 5
        assert [where for *where, value in secrets if len(value) > 5 and value in text] == []
        assert world.sessions["owner"].refresh not in text
        assert '"text"' not in text

    def test_s51_holds_nothing_of_others(self, world: World) -> None:
        make_order((world.stock, 1), customer=world.stranger)
        make_notification(world.stranger, title="To the stranger")
        make_mail(user=world.stranger, to=world.stranger.email)
        make_saved_method(world.stranger, brand="strange")
        add_note(order_id=world.order.pk, author=world.manager, text="Ask Marvin, who knows the stranger.")

        text = orjson.dumps(document_of(world.customer)).decode()

        others = [world.stranger, world.manager, world.clerk, world.target]
        assert [user.email for user in others if user.email in text or str(user.pk) in text] == []
        assert "tranger" not in text
        assert "Marvin" not in text
        notes = OrderNote.objects.filter(order__customer=world.customer).values_list("text", flat=True)
        assert any("Marvin" in note for note in notes)

    def test_s51_of_nobody_much_is_whole(self, db: None) -> None:
        user = make_user()

        document = document_of(user)

        assert document["person"] == str(user.pk)
        assert document["orders"] == {"orders": [], "orders_counted": 0, "drafts": []}
        assert document["carts"] == {"carts": []}

    def test_s51_is_a_file_that_is_kept_nowhere(self, db: None) -> None:
        answer = client_of(make_user()).get(OWN)

        assert answer["Content-Type"] == "application/json"
        assert answer["Content-Disposition"] == 'attachment; filename="personal-data.json"'
        assert answer["Cache-Control"] == "private, no-store"


@pytest.mark.django_db
class TestManyOrders:
    def test_s51_cost_no_more_statements_within_a_part(self) -> None:
        user = make_user()
        client = client_of(user)
        stock = make_stock(on_hand=50)

        def cost(orders: int) -> int:
            for _ in range(orders):
                make_order((stock, 1), customer=user)
            with CaptureQueriesContext(connection) as captured:
                read(client.get(OWN))
            return len(captured)

        assert cost(2) == cost(20)

    def test_s51_are_read_in_parts_and_each_once(self) -> None:
        user = make_user()
        Notification.objects.bulk_create(
            Notification(user=user, kind=Kind.WELCOME.value, title=str(number), source=str(new_id()))
            for number in range(7)
        )
        rows = Notification.objects.filter(user=user)

        parts = list(walk(rows, order=("-created_at", "pk"), size=3))

        assert [len(part) for part in parts] == [3, 3, 1]
        assert len({row.pk for part in parts for row in part}) == 7
        assert WALKED_AT_ONCE <= 500

    def test_s51_are_not_held_in_memory(self, monkeypatch: pytest.MonkeyPatch) -> None:
        user = make_user()
        stock = make_stock(on_hand=50)
        for _ in range(5):
            make_order((stock, 1), customer=user)
        monkeypatch.setattr("orders.selectors.personal.walk", partial(walk, size=2))
        monkeypatch.setattr("core.api.streams._PIECE", 1)
        with CaptureQueriesContext(connection) as captured:
            pieces = iter(client_of(user).get(OWN).streaming_content)
            while b'"number":' not in next(pieces):
                pass
            before = len(captured)
            for _ in pieces:
                pass

        assert len([query for query in captured.captured_queries if 'FROM "orders_order" ' in query["sql"]]) > 1
        assert len(captured) > before


@pytest.mark.django_db
class TestWhoMayExport:
    def test_s51_nobody_is_asked_to_sign_in(self, client: Any) -> None:
        user = make_user()

        assert client.get(OWN).status_code == 401
        assert client.post(STAFF.format(user.pk)).status_code == 401

    def test_s51_another_customer_or_staff_without_it_is_refused(self) -> None:
        user, clerk = make_user(), make_user(permissions=["accounts.view_user", "accounts.change_user"])

        assert client_of(make_user()).post(STAFF.format(user.pk)).status_code == 403
        assert client_of(clerk).post(STAFF.format(user.pk)).status_code == 403
        assert not AuditEntry.objects.exists()

    def test_s51_staff_with_it_get_what_the_person_gets_and_it_is_noted(self) -> None:
        user, clerk = make_user(), make_user(permissions=["accounts.export_person"])
        session = make_session(user)

        shown = read(client_of(clerk).post(STAFF.format(user.pk)))

        assert session
        assert shown["person"] == str(user.pk)
        assert shown["accounts"]["account"]["email"] == user.email
        [noted] = AuditEntry.objects.all()
        assert (noted.actor_id, noted.action) == (clerk.pk, "accounts.services.exporting.export_account")
        assert str(user.pk) in noted.details

    def test_s51_nobody_above_and_nobody_who_is_gone(self) -> None:
        boss, clerk = make_user(is_superuser=True), make_user(permissions=["accounts.export_person"])
        gone = make_user(deleted_at=boss.created_at)

        above = client_of(clerk).post(STAFF.format(boss.pk))

        assert above.json()["code"] == "accounts.above_your_role"
        assert client_of(clerk).post(STAFF.format(gone.pk)).status_code == 404
        assert client_of(clerk).post(STAFF.format(new_id())).status_code == 404
        assert not AuditEntry.objects.exists()

    def test_s51_ten_times_in_an_hour(self) -> None:
        client = client_of(make_user())

        left = [client.get(OWN)["RateLimit"] for _ in range(10)]
        refused = client.get(OWN)

        assert [text.split(";")[1] for text in left] == [f"r={number}" for number in range(9, -1, -1)]
        assert left[0].startswith('"export";')
        assert refused.status_code == 429
        assert int(refused["Retry-After"]) > 0

    def test_s51_from_the_page_of_the_person(self) -> None:
        user = make_user("zaphod@example.com")
        clerk = make_user(is_staff=True, permissions=["accounts.view_user", "accounts.export_person"])
        address = url_of(User, "change", user.pk)
        page = browser_of(clerk).get(address)

        assert b"Export personal data" in page.content
        action = url_of(User, "export_person", user.pk)
        assert browser_of(clerk).get(action).status_code == 200
        file = browser_of(clerk).post(action, {"_confirmed": "yes"})

        assert read(file)["accounts"]["account"]["email"] == user.email
        assert AuditEntry.objects.get().via == "admin"

    def test_s51_not_from_the_page_without_the_permission(self) -> None:
        user = make_user()
        clerk = make_user(is_staff=True, permissions=["accounts.view_user", "accounts.change_user"])

        page = browser_of(clerk).get(url_of(User, "change", user.pk))
        answer = browser_of(clerk).post(url_of(User, "export_person", user.pk), {"_confirmed": "yes"})

        assert b"Export personal data" not in page.content
        assert answer.status_code == 403
        assert not AuditEntry.objects.exists()


def test_nothing_is_shown_that_is_not_the_persons_own(world: World) -> None:
    """The rows of ``SHOWN`` are theirs: whoever is a stranger has none of them."""
    assert not Balance.objects.filter(customer=world.stranger).exists()
    assert not SavedMethod.objects.filter(customer=world.stranger).exists()
    assert not Buyer.objects.filter(key=str(world.stranger.pk)).exists()
    assert Payment.objects.exists()
