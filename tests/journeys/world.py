"""A small shop with one of everything, and the operations of its schema with a request for each that succeeds."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import orjson
import pyotp
from django.conf import settings
from django.contrib.auth.models import Permission
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from django.urls import resolve
from django.utils import timezone

from accounts.domain import Purpose
from accounts.models import Profile, User
from accounts.services import ensure_roles, make_one_time_token, start_enrolment
from accounts.tests.factories import PASSWORD, make_address, make_group, make_second_factor, make_session, make_user
from carts.tests.factories import make_cart, make_guest_cart
from config.describing import generate
from core import uploads
from core.tests.factories import make_delivery
from inventory.tests.factories import make_stock
from notifications import selectors as notification_reads
from notifications.domain import Kind
from notifications.tests.factories import make_notification
from orders.tests.drafting import item, make_draft, place_draft
from orders.tests.factories import ADDRESS, make_guest_order, make_order
from orders.tests.gateway import make_failed_refund, make_refund_by_hand, pay, signature_of
from orders.tests.parcels import make_parcel
from orders.tests.returned import (
    make_approved_return,
    make_picture,
    make_received_return,
    make_return,
    make_sent_order,
    make_withdrawal,
)
from orders.tests.sellers import COMPANY, make_invoice
from payments.tests.factories import make_gift_card, make_saved_method
from payments.tests.files import settlement_file, take
from pricing.tests.factories import make_method, make_tax_rate, make_zone
from products.models import ProductImage
from products.tests.factories import make_category, make_price_list, make_product, make_variant
from products.tests.pictures import picture_bytes, upload
from promotions.tests.factories import make_coupon

SAFE = ("get", "head", "options")


@cache
def document() -> dict[str, Any]:
    """Return the OpenAPI document as the code describes it now."""
    return generate()


@dataclass(frozen=True)
class Operation:
    """A method of a path of the schema."""

    name: str
    method: str
    path: str
    described: dict[str, Any] = field(hash=False, compare=False)

    @property
    def is_write(self) -> bool:
        return self.method not in SAFE

    @property
    def view(self) -> Any:
        path = re.sub(r"\{\w+_id\}", "0192f3c4-7bd9-7cc2-8b5d-e0a6f0a3b1f4", self.path)
        return resolve(re.sub(r"\{\w+\}", "x", path)).func.cls  # type: ignore[attr-defined]

    @property
    def permissions(self) -> tuple[str, ...] | None:
        needed: tuple[str, ...] | None = self.view.permissions.get(self.method.upper())
        return needed

    @property
    def needs_sign_in(self) -> bool:
        """What the schema says."""
        return {} not in self.described.get("security", [{}])

    @property
    def content_types(self) -> list[str]:
        return list(self.described.get("requestBody", {}).get("content", {}))

    @property
    def is_form(self) -> bool:
        return self.content_types == ["multipart/form-data"]

    @property
    def kind(self) -> str:
        """What a body of it is sent as."""
        return next(iter(self.content_types), "application/json")

    def parameters(self, place: str) -> list[dict[str, Any]]:
        return [found for found in self.described.get("parameters", []) if found["in"] == place]

    @property
    def body_schema(self) -> dict[str, Any]:
        content = self.described.get("requestBody", {}).get("content", {})
        return resolved(content[self.content_types[0]]["schema"]) if content else {}


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """Follow a reference within the document."""
    while "$ref" in schema:
        schema = document()["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
    return schema


@cache
def operations() -> tuple[Operation, ...]:
    """Return every operation of the schema."""
    return tuple(
        Operation(described["operationId"], method, path, described)
        for path, methods in document()["paths"].items()
        for method, described in methods.items()
    )


def writes() -> list[Operation]:
    """Return the unsafe operations of the schema."""
    return [operation for operation in operations() if operation.is_write]


@contextmanager
def undone() -> Iterator[None]:
    """Undo what the block writes. As a test case's own transaction, it does not count as one."""
    block: Any = transaction.atomic()
    block._from_testcase = True
    with block:
        yield
        transaction.set_rollback(True)


def no_limits() -> None:
    """Hostile users are many; what is counted per address is tested elsewhere."""
    settings.THROTTLES = False


class World:
    """One of everything: people of each kind, and what each may touch. Make it inside a test's transaction."""

    def __init__(self) -> None:
        ensure_roles()
        self.customer, self.stranger = make_user("owner@example.com"), make_user("stranger@example.com")
        self.target = make_user("target@example.com", permissions=["orders.view_order"])
        self.clerk = make_user("clerk@example.com", is_staff=True)
        self.manager = make_user("manager@example.com", is_staff=True)
        self.manager.user_permissions.set(Permission.objects.all())
        Profile.objects.filter(user=self.customer).update(visibility="public", display_name="Ada")
        self.category = make_category("Lamps")
        self.attic = make_category("Attic")
        wood = {"name": "Wood", "values": ["Oak", "Ash", "Elm"]}
        self.product = make_product("Lamp", category=self.category, with_variant=False, options=[wood])
        self.variant = make_variant(self.product, sku="LAMP-OAK", options={"Wood": "Oak"})
        self.other_variant = make_variant(self.product, sku="LAMP-ASH", options={"Wood": "Ash"})
        self.stock = make_stock(on_hand=50, variant=self.variant)
        self.other_stock = make_stock(on_hand=50, variant=self.other_variant)
        self.image = ProductImage.objects.create(
            product=self.product, file=ContentFile(picture_bytes(), "world.jpg"), alt="A lamp"
        )
        self.gone = make_product("Gone", category=self.category, sku="GONE", deleted_at=timezone.now())
        self.address = make_address(self.customer, is_default=True)
        self.notification = make_notification(self.customer)
        self.order = make_order((self.stock, 1), customer=self.customer)
        self.guest_order = make_guest_order((self.stock, 1))
        self.saved_method = make_saved_method(self.customer)
        self.payment = pay(make_order((self.stock, 1), customer=self.customer))
        self.draft = make_draft(item(self.stock), author=self.manager)
        unpaid = make_draft(item(self.stock), customer=self.customer.pk, author=self.manager)
        self.unpaid = place_draft(unpaid, at=timezone.now())
        # One of its units was sent, and more are owed.
        self.parcel = make_parcel((self.stock, 3), customer=self.customer)
        self.sent = make_sent_order((self.stock, 4), customer=self.customer)
        self.returned, self.approved = make_return(self.sent), make_approved_return(self.sent)
        self.received = make_received_return(self.sent)
        self.picture = make_picture(self.returned)
        self.withdrawal = make_withdrawal(self.sent)
        self.gift_card = make_gift_card(5000)
        self.refund = make_refund_by_hand(make_order((self.stock, 1), customer=self.customer), self.manager)
        self.failed = make_failed_refund(make_order((self.stock, 1), customer=self.customer), self.manager)
        self.invoice = make_invoice(make_order((self.stock, 1), customer=self.customer))
        self.cart = make_cart((self.stock, 2), owner=self.customer)
        self.item = self.cart.items.get()
        self.guest_cart = make_guest_cart((self.stock, 1))
        self.zone = make_zone("British Isles", countries=["GB", "IM"])
        self.method = make_method(self.zone)
        self.tax_rate = make_tax_rate("IM")
        self.coupon = make_coupon("LAMPS")
        self.group = make_group()
        self.price_list = make_price_list((self.variant, 3900), code="trade", group=make_group("trade"))
        self.settlement = take(settlement_file("ch_2"), "sandbox")
        self.delivery = make_delivery(dead_at=timezone.now(), attempts=12)
        self.enrolling, self.enrolled = make_user("enrolling@example.com"), make_user("enrolled@example.com")
        self.secret = start_enrolment(user_id=self.enrolling.pk, at=timezone.now()).secret
        self.recovery_codes = make_second_factor(self.enrolled).recovery_codes
        make_session(self.customer)
        self.elsewhere = self.customer.token_families.get()
        self.sessions = {
            "owner": make_session(self.customer),
            "stranger": make_session(self.stranger),
            "clerk": make_session(self.clerk),
            "manager": make_session(self.manager),
        }

    @property
    def signature(self) -> str:
        """That of the webhook."""
        return signature_of(orjson.dumps(_WEBHOOK))

    def as_(self, who: str, **more: str) -> dict[str, str]:
        """Return the headers of someone: nobody, stranger, owner, clerk (staff who may nothing), manager (all)."""
        return more if who == "nobody" else {"Authorization": f"Bearer {self.sessions[who].access}"} | more

    def token(self, purpose: Purpose, user: User | None = None) -> str:
        """Return a link's token."""
        with transaction.atomic():
            return make_one_time_token(user_id=(user or self.customer).pk, purpose=purpose, now=timezone.now())

    def path_values(self, operation: Operation) -> dict[str, str]:
        """Return what stands in the path: the owner's things, or the shop's."""
        if operation.path.startswith("/api/v1/notifications"):
            key = str(self.notification.pk)
        else:
            key = str(self.gone.pk if operation.name == "restore_product" else self.product.pk)
        codes = {"/customer-groups": self.group.code, "/price-lists": self.price_list.code}
        code = next((code for start, code in codes.items() if start in operation.path), "uk")
        user = self.target if "/users/" in operation.path else self.customer
        known = {
            "item_id": self.item.pk,
            "slug": (self.attic if operation.name == "delete_category" else self.category).slug,
            "code": code,
            "address_id": self.address.pk,
            "session_id": self.elsewhere.pk,
            "key": key,
            "order_id": self.order_for(operation).pk,
            "draft_id": self.draft.pk,
            "fulfilment_id": self.parcel.pk,
            "return_id": self.return_for(operation).pk,
            "picture_id": self.picture.pk,
            "withdrawal_id": self.withdrawal.pk,
            "invoice_id": self.invoice.pk,
            "market": "default",
            "payment_id": self.payment.pk,
            "refund_id": (self.failed if operation.name == "refunds_retry" else self.refund).pk,
            "balance_id": self.gift_card.card.pk,
            "customer_id": self.customer.pk,
            "provider": "mailgun" if operation.name == "mail_reports_receive" else "sandbox",
            "ticket": _ticket(self) if operation.name == "put_upload" else "",
            "saved_method_id": self.saved_method.pk,
            "delivery_id": self.delivery.pk,
            "variant_id": self.other_variant.pk,
            "image_id": self.image.pk,
            "user_id": user.pk,
            "zone_id": self.zone.pk,
            "method_id": self.method.pk,
            "rate_id": self.tax_rate.pk,
            "promotion_id": self.coupon.promotion_id,
            "settlement_id": self.settlement.pk,
        }
        return {found["name"]: str(known[found["name"]]) for found in operation.parameters("path")}

    def order_for(self, operation: Operation) -> Any:
        """Return the owner's order that is in the state that the operation is about."""
        if "fulfilments" in operation.name:
            return self.parcel.order
        if operation.name == "orders_returns_create":
            return self.sent
        if operation.name in ("orders_edit", "orders_edits_list", "orders_payment_link"):
            return self.unpaid
        return self.invoice.order if operation.name == "orders_invoices_create" else self.order

    def return_for(self, operation: Operation) -> Any:
        """Return the owner's return that is in the state that the operation is about."""
        return {"returns_receive": self.approved, "returns_settle": self.received}.get(operation.name, self.returned)

    def address_of(self, operation: Operation) -> str:
        """Return the operation's path, filled."""
        return operation.path.format(**self.path_values(operation))

    def body_of(self, operation: Operation) -> Any:
        """Return a body that is accepted: an object, or the bytes of a file. ``None`` where none is taken."""
        return BODIES[operation.name](self) if operation.is_write else None

    def who_may(self, operation: Operation) -> str:
        """Return who succeeds with it."""
        if operation.permissions is not None:
            return "manager"
        return "nobody" if operation.name in AS_NOBODY else "owner"

    def ask(
        self, operation: Operation, *, who: str | None = None, body: Any = ..., end: str = "", **headers: str
    ) -> Any:
        """Send a request that is accepted, or the same with another body, by someone else, with more headers.

        :param end: what stands behind the path
        """
        who = who or self.who_may(operation)
        if operation.name in ("orders_create", "cart_items_update", "cart_items_delete") and who == "nobody":
            headers.setdefault("X-Cart-Token", self.guest_cart)
        if operation.name == "webhooks_receive":
            headers.setdefault("Sandbox-Signature", self.signature)
        return send(
            operation.method,
            self.address_of(operation) + end,
            body=self.body_of(operation) if body is ... else body,
            form=operation.is_form,
            headers=self.as_(who, **headers),
            kind=operation.kind,
        )


def _ticket(world: World) -> str:
    asked = uploads.ask_upload(owner=str(world.customer.pk), content_type="image/jpeg", size=len(_FILE))
    return asked.request.url.rpartition("/")[2]


def _mail_report() -> dict[str, Any]:
    stamp = str(int(timezone.now().timestamp()))
    signature = hmac.new(b"key-new", f"{stamp}a-token".encode(), hashlib.sha256).hexdigest()
    return {
        "signature": {"timestamp": stamp, "token": "a-token", "signature": signature},
        "event-data": {"event": "delivered", "recipient": "ada@example.com"},
    }


def send(
    method: str,
    address: str,
    *,
    body: Any = None,
    form: bool = False,
    headers: dict[str, str] | None = None,
    kind: str = "application/json",
) -> Any:
    """Send one request. A defect is a 500, as it would be over the wire."""
    client = Client(raise_request_exception=False)
    if method in SAFE or body is None:
        return client.generic(method.upper(), address, headers=headers)
    if form:
        return client.generic(
            method.upper(), address, encode_multipart(BOUNDARY, body), MULTIPART_CONTENT, headers=headers
        )
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    return client.generic(method.upper(), address, content, kind, headers=headers)


_FILE = b"a file"
# What bears a signature is taken as it is, by whoever sends it.
SIGNED = {"webhooks_receive", "mail_reports_receive", "put_upload"}
# Signed out, these succeed.
AS_NOBODY = {
    "put_upload",
    "mail_reports_receive",
    "login",
    "logout",
    "refresh",
    "register",
    "request_password_reset",
    "confirm_password_reset",
    "verify_email",
    "notifications_unsubscribe",
    "webhooks_receive",
    "gift_cards_check",
    "begin_second_factor",
    "confirm_second_factor",
    "remove_second_factor",
}
_WEBHOOK = {
    "id": "evt_1",
    "type": "charge.captured",
    "created": 1795262400,
    "data": {
        "charge": {
            "id": "ch_1",
            "status": "captured",
            "amount": 1250,
            "currency": "GBP",
            "captured": 1250,
            "refunded": 0,
            "reference": "pay-1",
        }
    },
}
_BOOK = {key: value for key, value in ADDRESS.as_dict().items() if value} | {"phone": "+442079460958"}


def _no_body(_: World) -> dict[str, Any] | None:
    return None


def _unsubscribe_token(world: World) -> str:
    url: str = notification_reads.unsubscribe_url(user_id=world.customer.pk, kind=Kind.NEW_PRODUCT)
    return url.rsplit("/", 1)[-1]


# For each unsafe operation a body that is accepted. ``TestWorld`` fails when one is missing.
BODIES: dict[str, Callable[[World], dict[str, Any] | bytes | None]] = {
    "login": lambda w: {"email": w.customer.email, "password": PASSWORD},
    "logout": lambda w: {"refresh": w.sessions["owner"].refresh},
    "logout_all": _no_body,
    "change_password": lambda _: {"current_password": PASSWORD, "new_password": "another horse battery"},
    "request_password_reset": lambda w: {"email": w.customer.email},
    "confirm_password_reset": lambda w: {
        "token": w.token(Purpose.RESET_PASSWORD),
        "password": "another horse battery",
    },
    "refresh": lambda w: {"refresh": w.sessions["owner"].refresh},
    "register": lambda _: {"email": "new@example.com", "password": PASSWORD},
    "verify_email": lambda w: {"token": w.token(Purpose.VERIFY_EMAIL)},
    "resend_verification": _no_body,
    "cart_update": lambda _: {"shipping_address": {"country": "GB"}, "vat_id": ""},
    "cart_clear": _no_body,
    "cart_items_create": lambda w: {"sku": w.variant.sku, "quantity": 1},
    "cart_items_update": lambda _: {"quantity": 3},
    "cart_items_delete": _no_body,
    "cart_merge": lambda w: {"token": w.guest_cart},
    "cart_quote": lambda w: {"items": [{"sku": w.variant.sku, "quantity": 1}]},
    "create_category": lambda _: {"name": "Table lamps"},
    "update_category": lambda _: {"name": "Lights"},
    "delete_category": _no_body,
    "set_category_image": lambda _: {"image": upload()},
    "remove_category_image": _no_body,
    "inventory_adjust": lambda w: {"items": [{"sku": w.variant.sku, "difference": 2}], "reason": "stocktake"},
    "create_market": lambda _: {
        "code": "de",
        "name": "Germany",
        "countries": ["DE"],
        "currency": "EUR",
        "language": "de",
    },
    "update_market": lambda _: {"name": "Britain"},
    "create_shipping_zone": lambda _: {"name": "Benelux", "countries": ["BE", "NL", "LU"]},
    "update_shipping_zone": lambda _: {"name": "The Isles"},
    "delete_shipping_zone": _no_body,
    "create_shipping_method": lambda w: {
        "zone": str(w.zone.pk),
        "code": "parcel",
        "name": "Parcel",
        "kind": "weight",
        "rates": [{"price": {"amount": "3.95", "currency": "GBP"}, "from_weight_grams": 0}],
    },
    "update_shipping_method": lambda _: {"max_days": 9},
    "delete_shipping_method": _no_body,
    "create_tax_rate": lambda _: {"country": "GG", "name": "VAT", "percent": "17.5", "valid_from": "2026-01-01"},
    "update_tax_rate": lambda _: {"valid_until": "2026-12-31"},
    "delete_tax_rate": _no_body,
    "create_promotion": lambda _: {"name": "Spring", "benefit": "percent", "percent": "10", "needs_code": True},
    "update_promotion": lambda _: {"percent": "15"},
    "delete_promotion": _no_body,
    "promotions_rehearse": lambda _: {"last": 10},
    "create_customer_group": lambda _: {"code": "friends", "name": "Friends"},
    "rename_customer_group": lambda _: {"name": "Resellers"},
    "delete_customer_group": _no_body,
    "create_price_list": lambda _: {"code": "summer", "name": "Summer", "currency": "GBP"},
    "update_price_list": lambda _: {"priority": 5},
    "delete_price_list": _no_body,
    "set_list_prices": lambda w: {"items": [{"sku": w.variant.sku, "price": "35.00"}]},
    "create_coupons": lambda _: {"code": "SPRING"},
    "delete_me": lambda _: {"password": PASSWORD},
    "add_address": lambda _: dict(_BOOK),
    "update_address": lambda _: {"city": "Leeds"},
    "delete_address": _no_body,
    "end_session": lambda _: {"password": PASSWORD},
    "update_profile": lambda _: {"first_name": "Ada"},
    "set_avatar": lambda _: {"avatar": upload()},
    "remove_avatar": _no_body,
    "notifications_delete": _no_body,
    "notifications_mark_read": _no_body,
    "notifications_delete_many": lambda w: {"ids": [str(w.notification.pk)]},
    "notifications_replace_preferences": lambda _: {"preferences": {"new_product": {"in_app": True}}},
    "notifications_change_preferences": lambda _: {"preferences": {"new_product": {"in_app": True}}},
    "notifications_mark_many_read": lambda w: {"ids": [str(w.notification.pk)]},
    "notifications_unsubscribe": lambda w: {"token": _unsubscribe_token(w)},
    "orders_create": lambda _: {"email": "guest@example.com", "shipping_address": ADDRESS.as_dict(), "note": "Ring"},
    "orders_cancel": lambda _: {"reason": "Found it elsewhere."},
    "orders_edit": lambda w: {"items": [{"sku": w.variant.sku, "quantity": 2}], "reason": "Rang for one more."},
    "orders_payment_link": lambda _: {"send": True},
    "draft_orders_create": lambda w: {
        "email": "guest@example.com",
        "items": [{"sku": w.variant.sku, "quantity": 1, "unit_price": "9.00"}],
        "shipping_address": ADDRESS.as_dict(),
    },
    "draft_orders_update": lambda _: {"note": "Ring twice"},
    "draft_orders_delete": _no_body,
    "draft_orders_place": lambda _: {},
    "orders_fulfilments_create": lambda w: {
        "items": [{"line": str(w.parcel.lines.get().line_id), "quantity": 1}],
        "carrier": "UPS",
    },
    "fulfilments_update": lambda _: {"tracking_number": "1Z999AA10123456784"},
    "fulfilments_deliver": _no_body,
    "orders_returns_create": lambda w: {
        "items": [{"line": str(w.sent.lines.get().pk), "quantity": 1, "reason": "damaged"}]
    },
    "returns_cancel": _no_body,
    "returns_approve": lambda _: {"answer": "To 1 Dock Road, Hull."},
    "returns_reject": lambda _: {"answer": "It was worn."},
    "returns_receive": lambda w: {"items": [{"line": str(w.sent.lines.get().pk), "quantity": 1}]},
    "returns_settle": lambda _: {"restock": True, "deduction": "1.00"},
    "returns_pictures_create": lambda _: {"images": [upload()]},
    "withdrawals_create": lambda w: {"order": w.sent.number},
    "withdrawals_confirm": lambda _: {},
    "orders_invoices_create": _no_body,
    "sellers_update": lambda _: dict(COMPANY),
    "orders_move": lambda _: {"to": "paid", "reason": "In cash"},
    "orders_notes_create": lambda _: {"text": "Rang about the colour."},
    "payments_create": lambda w: {"order": str(w.order.pk), "provider": "sandbox", "card": "success"},
    "payment_methods_update": lambda _: {"is_default": True},
    "payment_methods_delete": _no_body,
    "settlements_create": lambda _: {"provider": "sandbox", "file": SimpleUploadedFile("june.csv", settlement_file())},
    "payments_refund": lambda _: {"amount": "1.00", "reason": "A scratch."},
    "refunds_confirm": _no_body,
    "refunds_retry": _no_body,
    "gift_cards_create": lambda _: {"amount": {"amount": "50.00", "currency": "GBP"}, "note": "Prize draw"},
    "gift_cards_update": lambda _: {"note": "Lost"},
    "gift_cards_check": lambda w: {"code": w.gift_card.code},
    "customers_store_credit_grant": lambda _: {"amount": {"amount": "5.00", "currency": "GBP"}, "note": "Sorry."},
    "webhooks_receive": lambda _: dict(_WEBHOOK),
    "mail_reports_receive": lambda _: _mail_report(),
    "ask_upload": lambda _: {"content_type": "image/jpeg", "size": 5},
    "put_upload": lambda _: _FILE,
    "retry_delivery": _no_body,
    "create_product": lambda w: {"name": "Pan", "category": w.category.slug, "price": "9.00", "sku": "PAN", "stock": 3},
    "update_product": lambda _: {"name": "Oak lamp"},
    "delete_product": _no_body,
    "add_product_images": lambda _: {"images": [upload()]},
    "update_product_image": lambda _: {"alt": "A lamp from the side"},
    "remove_product_image": _no_body,
    "restore_product": lambda _: {},
    "add_variant": lambda _: {"sku": "LAMP-ELM", "options": {"Wood": "Elm"}, "price": "45.00", "stock": 3},
    "update_variant": lambda _: {"price": "39.00"},
    "remove_variant": _no_body,
    "set_prices": lambda w: {"items": [{"sku": w.variant.sku, "price": "52.00"}]},
    "begin_second_factor": lambda w: {"email": w.customer.email, "password": PASSWORD},
    "confirm_second_factor": lambda w: {
        "email": w.enrolling.email,
        "password": PASSWORD,
        "code": pyotp.TOTP(w.secret).now(),
    },
    "remove_second_factor": lambda w: {"email": w.enrolled.email, "password": PASSWORD, "code": w.recovery_codes[0]},
    "reset_second_factor": _no_body,
    "erase_user": _no_body,
    "export_user": _no_body,
    "set_user_active": lambda _: {"is_active": True},
    "set_user_roles": lambda _: {"roles": ["order manager"]},
}
