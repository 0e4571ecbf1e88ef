"""Flutterwave's wire, version 3: Standard, transactions, refunds. Without keys: what is asked twice is done twice."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pytest_django import Settings

from core.money import to_minor, to_text
from payments.tests.far_end import Answer, FarEnd, Sale

_EMAIL = "shop@localhost"
_STATUS = {"taken": "successful", "pending": "pending", "failed": "failed"}


class FlutterwaveFar(FarEnd):
    """A transaction is there once the shopper tried to pay."""

    name = "flutterwave"
    secrets = ["hash-old", "hash-new"]
    refund_words = {"done": "completed", "pending": "pending-momo", "failed": "failed"}
    #: How many refunds are on a page of the list.
    page_size = 2

    def configure(self, settings: Settings, url: str = "") -> None:
        path = "payments.providers.flutterwave.Flutterwave"
        settings.PAYMENT_PROVIDERS = settings.PAYMENT_PROVIDERS | {"flutterwave": path}
        settings.FLUTTERWAVE_SECRET_KEY = "FLWSECK_TEST-1"
        settings.FLUTTERWAVE_API_BASE = url or self.url
        settings.FLUTTERWAVE_WEBHOOK_SECRETS = self.secrets

    def answer(self, method: str, path: str, query: dict[str, str], headers: Mapping[str, str], body: bytes) -> Answer:
        asked = json.loads(body or b"{}")
        match method, path.removeprefix("/v3/").split("/"):
            case "POST", ["payments"]:
                currency = asked["currency"]
                sale = self.add(asked["tx_ref"], to_minor(asked["amount"], currency), currency)
                return _said({"link": f"https://checkout.flutterwave.com/v3/hosted/pay/{sale.number}"})
            case "GET", ["transactions", "verify_by_reference"]:
                tried = [sale for sale in self.sales if sale.key == query["tx_ref"] and sale.state != "open"]
                return _said(self.transaction(tried[-1])) if tried else _refusal("No transaction was found for this id")
            case "POST", ["tokenized-charges"]:
                return self._charge(asked)
            case "GET", ["refunds", number]:
                return _said({"id": int(number), "status": self.refund_word()})
            case "GET", ["refunds"]:
                sale = self.sales[int(query["id"]) - 1]
                begin = (int(query["page"]) - 1) * self.page_size
                refunds = list(sale.refunds.items())[begin : begin + self.page_size]
                return _said([self._refund(key, minor, sale) for key, minor in refunds])
            case "POST", ["transactions", number, "refund"]:
                return self._give_back(self.sales[int(number) - 1], asked)
        return _refusal("Not found")

    def _charge(self, asked: dict[str, str]) -> Answer:
        if asked["token"] not in self.kept or asked["email"] != _EMAIL:
            return _refusal("Card was declined")
        sale = self.add(asked["tx_ref"], to_minor(asked["amount"], asked["currency"]), asked["currency"])
        sale.take()
        return _said(self.transaction(sale))

    def _give_back(self, sale: Sale, asked: dict[str, str]) -> Answer:
        amount = to_minor(asked["amount"], sale.currency)
        if amount > sale.taken - sale.back:
            return _refusal("Refund amount exceeds what was paid")
        sale.give_back(asked["comments"], amount)
        return _said(self._refund(asked["comments"], amount, sale))

    def _refund(self, key: str, minor: int, sale: Sale) -> dict[str, Any]:
        number = 7001 + list(sale.refunds).index(key)
        amount = to_text(minor, sale.currency)
        return {"id": number, "comments": key, "amount_refunded": amount, "status": self.refund_word()}

    def approve(self, sale: Sale) -> None:
        sale.take()

    def story(self, sale: Sale) -> list[bytes]:
        first, second, third = (self.transaction(sale) | {"id": sale.number * 10 + number} for number in range(3))
        sale.take()
        sale.give_back("somebody", 400)
        told = [("charge.completed", tried | {"status": s}) for tried in (first, second) for s in ("pending", "failed")]
        told.append(("charge.completed", third | {"status": "successful"}))
        return [event(kind, said) for kind, said in told]

    def sign(self, body: bytes, *, at: datetime, secret: str) -> dict[str, str]:
        mac = hmac.new(secret.encode(), body, hashlib.sha256).digest()
        return {"Flutterwave-Signature": base64.b64encode(mac).decode()}

    def transaction(self, sale: Sale) -> dict[str, Any]:
        """Return a transaction, numbers as numbers."""
        return {
            "id": sale.number,
            "tx_ref": sale.key,
            "amount": float(to_text(sale.amount, sale.currency)),
            "charged_amount": float(to_text(sale.amount, sale.currency)),
            "app_fee": 0.451,
            "currency": sale.currency,
            "status": _STATUS.get(sale.state, "pending"),
            "customer": {"email": _EMAIL},
            "card": self._card(sale),
        }

    def _card(self, sale: Sale) -> dict[str, str]:
        # Flutterwave makes a token of every card that paid.
        sale.saves = bool(sale.taken)
        told = {"first_6digits": "553188", "last_4digits": "2950", "type": "MASTERCARD", "expiry": "09/32"}
        return told | {"token": self.keep(sale)} if sale.taken else {}


def event(kind: str, said: dict[str, Any], **more: Any) -> bytes:
    """Return a webhook's body."""
    return json.dumps({"event": kind, "data": said} | more).encode()


def _said(data: Any) -> Answer:
    return 200, {"status": "success", "message": "ok", "data": data}


def _refusal(message: str) -> Answer:
    return 400, {"status": "error", "message": message, "data": None}
