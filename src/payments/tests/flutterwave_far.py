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

_STATUS = {"taken": "successful", "pending": "pending", "failed": "failed"}


class FlutterwaveFar(FarEnd):
    """A transaction is there once the shopper tried to pay."""

    name = "flutterwave"
    secrets = ["hash-old", "hash-new"]

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
            case "GET", ["refunds"]:
                sale = self.sales[int(query["id"]) - 1]
                return _said([_refund(key, minor, sale) for key, minor in sale.refunds.items()])
            case "POST", ["transactions", number, "refund"]:
                return self._give_back(self.sales[int(number) - 1], asked)
        return _refusal("Not found")

    def _give_back(self, sale: Sale, asked: dict[str, str]) -> Answer:
        amount = to_minor(asked["amount"], sale.currency)
        if amount > sale.taken - sale.back:
            return _refusal("Refund amount exceeds what was paid")
        sale.give_back(asked["comments"], amount)
        return _said(_refund(asked["comments"], amount, sale))

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
        }


def event(kind: str, said: dict[str, Any], **more: Any) -> bytes:
    """Return a webhook's body."""
    return json.dumps({"event": kind, "data": said} | more).encode()


def _refund(key: str, minor: int, sale: Sale) -> dict[str, Any]:
    amount = to_text(minor, sale.currency)
    return {"id": 7000 + len(sale.refunds), "comments": key, "amount_refunded": amount, "status": "completed"}


def _said(data: Any) -> Answer:
    return 200, {"status": "success", "message": "ok", "data": data}


def _refusal(message: str) -> Answer:
    return 400, {"status": "error", "message": message, "data": None}
