"""Stripe's wire: Payment Intents, Checkout Sessions, refunds."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

import stripe
from pytest_django import Settings

from payments.tests.far_end import Answer, FarEnd, Sale

_STATUS = {
    "open": "requires_action",
    "page": "requires_payment_method",
    # On a page a card was declined, or is to be confirmed; the page is open for another.
    "declined": "requires_payment_method",
    "asked": "requires_action",
    # What was to come from a bank after the page was closed did not.
    "bounced": "requires_payment_method",
    "pending": "processing",
    "held": "requires_capture",
    "taken": "succeeded",
    "gone": "canceled",
}


_OPEN_PAGES = ("page", "declined", "asked")
_DECLINED = {"type": "card_error", "code": "card_declined"}
_CARD = {"brand": "visa", "last4": "4242", "exp_month": 12, "exp_year": 2034, "fingerprint": "Xt5EWLLDS7FJjR1c"}


class StripeFar(FarEnd):
    """Keys are remembered, as Stripe does, until ``forget_keys``, as Stripe does after a day."""

    name = "stripe"
    secrets = ["whsec_old", "whsec_new"]
    method = "pm_card_threeDSecure2Required"
    refund_words = {"done": "succeeded", "pending": "pending", "failed": "failed"}

    def __init__(self) -> None:
        super().__init__()
        self._by_key: dict[str, Answer] = {}
        self._pages: set[int] = set()

    def configure(self, settings: Settings, url: str = "") -> None:
        settings.PAYMENT_PROVIDERS = settings.PAYMENT_PROVIDERS | {"stripe": "payments.providers.stripe.Stripe"}
        settings.STRIPE_SECRET_KEY = "sk_test_1"
        settings.STRIPE_API_BASE = url or self.url
        settings.STRIPE_WEBHOOK_SECRETS = self.secrets

    def forget_keys(self) -> None:
        """Forget idempotency keys."""
        self._by_key.clear()

    def answer(self, method: str, path: str, query: dict[str, str], headers: Mapping[str, str], body: bytes) -> Answer:
        key = headers.get("Idempotency-Key") or ""
        if method == "POST" and not key:
            return 400, {"error": {"type": "invalid_request_error", "message": "no key"}}
        if key in self._by_key:
            return self._by_key[key]
        said = self._do(method, path.removeprefix("/v1/").split("/"), query | dict(parse_qsl(body.decode())))
        if method == "POST":
            self._by_key[key] = said
        return said

    def _do(self, method: str, path: list[str], asked: dict[str, str]) -> Answer:
        match method, path:
            case "POST", ["payment_intents"]:
                return self._charge(asked)
            case "GET", ["payment_intents" | "sessions"]:
                return _list(self._intent(sale) for sale in self.sales)
            case "POST", ["checkout", "sessions"]:
                return self._open_page(asked)
            case "GET", ["checkout", "sessions"]:
                now = time.time()
                is_now = int(asked["created[gte]"]) < now < int(asked["created[lte]"])
                return _list(self._session(sale) for sale in self.sales if sale.number in self._pages and is_now)
            case "POST", ["checkout", "sessions", page, "expire"]:
                sale = self._of(page)
                sale.state = "gone"
                return 200, self._session(sale)
            case _, ["payment_intents", intent, *verb] if self._is_there(intent):
                return self._move(self._of(intent), verb, asked)
        return self._do_more(method, path, asked)

    def _do_more(self, method: str, path: list[str], asked: dict[str, str]) -> Answer:
        match method, path:
            case "POST", ["customers"]:
                return 200, {"id": "cus_1", "object": "customer"}
            case "POST", ["payment_methods", token, "detach"] if token in self.kept:
                self.kept.remove(token)
                return 200, {"id": token, "object": "payment_method"}
            case "GET", ["refunds", refund]:
                return 200, self._refund(refund.removeprefix("re_"), 0)
            case "GET", ["refunds"]:
                paid = self._of(asked["payment_intent"])
                return _list(self._refund(key, amount) for key, amount in paid.refunds.items())
            case "POST", ["refunds"]:
                return self._give_back(asked)
        return 404, {"error": {"type": "invalid_request_error", "code": "resource_missing", "message": "no such thing"}}

    def _charge(self, asked: dict[str, str]) -> Answer:
        if asked["payment_method"] == "pm_card_chargeDeclined":
            return 402, {"error": {"type": "card_error", "code": "card_declined", "message": "no"}}
        at_once = asked["capture_method"] == "automatic"
        sale = self.add(
            asked["metadata[reference]"], int(asked["amount"]), asked["currency"], is_captured_at_once=at_once
        )
        sale.saves = "setup_future_usage" in asked and asked["customer"] == "cus_1"
        is_kept = asked["payment_method"] in self.kept and asked.get("customer") == "cus_1"
        if asked["payment_method"] == "pm_card_visa" or is_kept:
            self.approve(sale)
        return 200, self._intent(sale)

    def _open_page(self, asked: dict[str, str]) -> Answer:
        amount, currency = asked["line_items[0][price_data][unit_amount]"], asked["line_items[0][price_data][currency]"]
        sale = self.add(asked["client_reference_id"], int(amount), currency)
        sale.state = "page"
        sale.saves = "payment_intent_data[setup_future_usage]" in asked and "customer_creation" in asked
        self._pages.add(sale.number)
        return 200, self._session(sale)

    def _move(self, sale: Sale, verb: list[str], asked: dict[str, str]) -> Answer:
        if verb == ["capture"] and sale.state == "held":
            sale.take(int(asked["amount_to_capture"]))
        elif verb == ["cancel"] and sale.state != "taken" and (sale.number not in self._pages or sale.state == "held"):
            sale.state = "gone"
        elif verb:
            return 400, {"error": {"type": "invalid_request_error", "code": "payment_intent_unexpected_state"}}
        return 200, self._intent(sale)

    def _give_back(self, asked: dict[str, str]) -> Answer:
        sale, amount = self._of(asked["payment_intent"]), int(asked["amount"])
        if amount > sale.taken - sale.back:
            return 400, {"error": {"type": "invalid_request_error", "code": "charge_already_refunded"}}
        key = asked["metadata[reference]"]
        sale.give_back(key, amount)
        return 200, self._refund(key, amount)

    def _refund(self, key: str, amount: int) -> dict[str, Any]:
        said = {"id": f"re_{key}", "object": "refund", "amount": amount, "status": self.refund_word()}
        return said | {"metadata": {"reference": key}}

    def approve(self, sale: Sale) -> None:
        if sale.is_captured_at_once:
            sale.take()
        else:
            sale.state = "held"

    def story(self, sale: Sale) -> list[bytes]:
        told = [("payment_intent.requires_action", self._intent(sale))]
        sale.state = "pending"
        told.append(("payment_intent.processing", self._intent(sale)))
        sale.take()
        told.append(("payment_intent.succeeded", self._intent(sale)))
        sale.give_back("somebody", 400)
        charge = self._charge_of(sale) | {"payment_intent": f"pi_{sale.number}", "metadata": {"reference": sale.key}}
        told.append(("charge.refunded", charge))
        dispute = {"object": "dispute", "payment_intent": f"pi_{sale.number}", "amount": 600, "currency": sale.currency}
        told.append(("charge.dispute.created", dispute))
        return [self.event(kind, said, f"{sale.number}_{at}") for at, (kind, said) in enumerate(told)]

    def event(self, kind: str, said: dict[str, Any], event_id: str) -> bytes:
        """Return a webhook's body."""
        event = {"id": f"evt_{event_id}", "object": "event", "type": kind, "data": {"object": said}}
        return json.dumps(event).encode()

    def page_paid(self, sale: Sale) -> bytes:
        """Return the webhook of a page that was paid."""
        session = self._session(sale) | {"payment_intent": f"pi_{sale.number}", "payment_status": "paid"}
        return self.event("checkout.session.completed", session, f"page_{sale.number}")

    def intent_told(self, kind: str, sale: Sale) -> bytes:
        """Return a webhook of the Payment Intent."""
        return self.event(f"payment_intent.{kind}", self._intent(sale), f"{kind}_{sale.number}")

    def sign(self, body: bytes, *, at: datetime, secret: str) -> dict[str, str]:
        signed = stripe.WebhookSignature.generate_signature_header(body.decode(), secret, int(at.timestamp()))
        return {"Stripe-Signature": signed}

    def _is_there(self, name: str) -> bool:
        return any(name == f"pi_{sale.number}" for sale in self.sales)

    def _of(self, name: str) -> Sale:
        return self.sales[int(name.rpartition("_")[2]) - 1]

    def _charge_of(self, sale: Sale) -> dict[str, Any]:
        fee = {"object": "balance_transaction", "id": "txn_1", "fee": 45, "currency": sale.currency}
        return {
            "id": f"ch_{sale.number}",
            "object": "charge",
            "amount": sale.amount,
            "amount_captured": sale.taken,
            "amount_refunded": sale.back,
            "captured": bool(sale.taken),
            "currency": sale.currency,
            "balance_transaction": fee,
            "payment_method_details": {"type": "card", "card": _CARD},
        }

    def _intent(self, sale: Sale) -> dict[str, Any]:
        action = {"type": "redirect_to_url", "redirect_to_url": {"url": f"https://hooks.stripe.com/3ds/{sale.number}"}}
        return {
            "id": f"pi_{sale.number}",
            "object": "payment_intent",
            "status": _STATUS[sale.state],
            "amount": sale.amount,
            "amount_received": sale.taken,
            "currency": sale.currency,
            "metadata": {"reference": sale.key} | ({"page": "1"} if sale.number in self._pages else {}),
            "next_action": action if sale.state in ("open", "asked") else None,
            "last_payment_error": _DECLINED if sale.state in ("declined", "bounced") else None,
            "latest_charge": self._charge_of(sale) if sale.taken else None,
            "setup_future_usage": "off_session" if sale.saves else None,
            "customer": "cus_1" if sale.saves else None,
            "payment_method": self.keep(sale) or "pm_other",
        }

    def _session(self, sale: Sale) -> dict[str, Any]:
        is_open, has_intent = sale.state in _OPEN_PAGES, sale.state not in ("page", "gone")
        return {
            "id": f"cs_{sale.number}",
            "object": "checkout.session",
            "status": "open" if is_open else "expired" if sale.state == "gone" else "complete",
            "client_reference_id": sale.key,
            "amount_total": sale.amount,
            "currency": sale.currency,
            "url": f"https://checkout.stripe.com/c/{sale.number}" if is_open else None,
            "payment_intent": self._intent(sale) if has_intent else None,
        }


def _list(rows: Any) -> Answer:
    return 200, {"object": "list", "data": list(rows), "has_more": False, "url": "/v1/x"}
