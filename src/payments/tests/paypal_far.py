"""PayPal's wire: tokens, Orders v2, captures, authorisations, refunds, and webhooks signed by a certificate."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID
from pytest_django import Settings

from core.money import to_minor, to_text
from payments.tests.far_end import Answer, FarEnd, Sale

#: To whom PayPal's certificates are issued, where real money moves and where play money does.
LIVE, PLAY = "messageverificationcerts.paypal.com", "messageverificationcerts.sandbox.paypal.com"
CERTIFICATE_URL = "https://api.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-ad47cb8d"
_STATUS = {"open": "PAYER_ACTION_REQUIRED", "approved": "APPROVED", "held": "COMPLETED", "taken": "COMPLETED"}


class PayPalFar(FarEnd):
    """Tokens expire on demand; keys are remembered."""

    name = "paypal"
    secrets = ["WH0OLD", "WH0NEW"]
    refund_words = {"done": "COMPLETED", "pending": "PENDING", "failed": "FAILED"}

    def __init__(self) -> None:
        super().__init__()
        self.tokens = 0
        self.declines = False
        # The token is told by the vault alone, a while after the order.
        self.vaults_late = False
        self._by_key: dict[str, Answer] = {}

    def configure(self, settings: Settings, url: str = "") -> None:
        settings.PAYMENT_PROVIDERS = settings.PAYMENT_PROVIDERS | {"paypal": "payments.providers.paypal.PayPal"}
        settings.PAYPAL_CLIENT_ID, settings.PAYPAL_CLIENT_SECRET = "id", "secret"
        settings.PAYPAL_API_BASE = url or self.url
        settings.PAYPAL_WEBHOOK_IDS = self.secrets
        settings.PAYPAL_WEBHOOK_CERTIFICATES = certificate(LIVE)[1]

    def answer(self, method: str, path: str, query: dict[str, str], headers: Mapping[str, str], body: bytes) -> Answer:
        if path == "/v1/oauth2/token":
            self.tokens += 1
            return 200, {"access_token": f"token{self.tokens}", "expires_in": 32400}
        if headers.get("Authorization") != f"Bearer token{self.tokens}":
            return 401, {"name": "AUTHENTICATION_FAILURE"}
        key = headers.get("PayPal-Request-Id") or ""
        if method == "POST" and not key:
            return 400, {"name": "MISSING_KEY"}
        if key in self._by_key:
            return self._by_key[key]
        said = self._do(method, path.split("/")[2:], json.loads(body or b"{}"))
        if method == "POST":
            self._by_key[key] = said
        return said

    def _do(self, method: str, path: list[str], asked: dict[str, Any]) -> Answer:
        match method, path:
            case "POST", ["checkout", "orders"]:
                unit = asked["purchase_units"][0]
                currency = unit["amount"]["currency_code"]
                amount = to_minor(unit["amount"]["value"], currency)
                at_once = asked["intent"] == "CAPTURE"
                sale = self.add(unit["custom_id"], amount, currency, is_captured_at_once=at_once)
                wallet = asked.get("payment_source", {}).get("paypal", {})
                sale.saves = wallet.get("attributes", {}).get("vault", {}).get("store_in_vault") == "ON_SUCCESS"
                return 201, self._order(sale)
            case _, ["checkout", "orders", order, *verb] if self._is_there(order):
                self._pay_from_vault(self._of(order), asked)
                return self._move(self._of(order), verb)
            case "GET", ["vault", "payment-tokens"]:
                return 200, {"payment_tokens": [{"id": token} for token in sorted(self.kept)]}
            case "DELETE", ["vault", "payment-tokens", token] if token in self.kept:
                self.kept.remove(token)
                return 204, {}
            case "GET", ["payments", "refunds", refund]:
                return 200, {"id": refund, "status": self.refund_word()}
            case "POST", ["payments", "authorizations", hold, verb]:
                return self._settle(self._of(hold), verb, asked)
            case "POST", ["payments", "captures", capture, "refund"]:
                return self._give_back(self._of(capture), asked)
        return 404, {"name": "RESOURCE_NOT_FOUND", "details": []}

    def _pay_from_vault(self, sale: Sale, asked: dict[str, Any]) -> None:
        if asked.get("payment_source", {}).get("paypal", {}).get("vault_id") in self.kept and sale.state == "open":
            sale.state = "approved"

    def _move(self, sale: Sale, verb: list[str]) -> Answer:
        if verb and sale.state == "taken":
            return _refusal("ORDER_ALREADY_CAPTURED")
        if verb and sale.state != "approved":
            return _refusal("ORDER_NOT_APPROVED")
        if verb and self.declines:
            return _refusal("INSTRUMENT_DECLINED")
        if verb == ["capture"]:
            sale.take()
        elif verb == ["authorize"]:
            sale.state = "held"
        return 200, self._order(sale)

    def _settle(self, sale: Sale, verb: str, asked: dict[str, Any]) -> Answer:
        if sale.state != "held":
            return _refusal("AUTHORIZATION_VOIDED")
        if verb == "capture":
            sale.take(to_minor(asked["amount"]["value"], asked["amount"]["currency_code"]))
            return 201, self._capture(sale)
        sale.state = "gone"
        return 200, {"id": f"AUTH-{sale.number}", "status": "VOIDED"}

    def _give_back(self, sale: Sale, asked: dict[str, Any]) -> Answer:
        amount = to_minor(asked["amount"]["value"], sale.currency)
        if amount > sale.taken - sale.back:
            return _refusal("REFUND_AMOUNT_EXCEEDED")
        sale.give_back(f"{len(sale.refunds)}", amount)
        return 201, {"id": f"R-{sale.number}-{len(sale.refunds)}", "status": self.refund_word()}

    def approve(self, sale: Sale) -> None:
        sale.state = "approved"

    def story(self, sale: Sale) -> list[bytes]:
        told = []
        sale.state = "approved"
        told.append(("CHECKOUT.ORDER.APPROVED", self._order(sale)))
        sale.take()
        capture = self._capture(sale) | _related(sale)
        told.append(("PAYMENT.CAPTURE.PENDING", capture | {"status": "PENDING"}))
        told.append(("PAYMENT.CAPTURE.COMPLETED", capture))
        told += [
            ("PAYMENT.CAPTURE.REFUNDED", _refund(sale, amount, total)) for amount, total in ((150, 150), (250, 400))
        ]
        sale.give_back("somebody", 400)
        return [event(kind, said, f"WH-{sale.number}-{at}") for at, (kind, said) in enumerate(told)]

    def sign(self, body: bytes, *, at: datetime, secret: str, owner: str = LIVE) -> dict[str, str]:
        transmission = f"wh-{zlib.crc32(body):x}"
        stamp = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        signed = f"{transmission}|{stamp}|{secret}|{zlib.crc32(body)}".encode()
        signature = certificate(owner)[0].sign(signed, padding.PKCS1v15(), hashes.SHA256())
        return {
            "Paypal-Transmission-Id": transmission,
            "Paypal-Transmission-Time": stamp,
            "Paypal-Transmission-Sig": base64.b64encode(signature).decode(),
            "Paypal-Cert-Url": CERTIFICATE_URL,
            "Paypal-Auth-Algo": "SHA256withRSA",
        }

    def _is_there(self, name: str) -> bool:
        return any(name == f"ORDER-{sale.number}" for sale in self.sales)

    def _of(self, name: str) -> Sale:
        return self.sales[int(name.rpartition("-")[2]) - 1]

    def _capture(self, sale: Sale) -> dict[str, Any]:
        return {
            "id": f"CAP-{sale.number}",
            "status": "COMPLETED",
            "amount": _amount(sale.taken, sale.currency),
            "custom_id": sale.key,
            "seller_receivable_breakdown": {"paypal_fee": _amount(45, sale.currency)},
        }

    def _vault(self, sale: Sale) -> dict[str, Any]:
        if not (token := self.keep(sale)):
            return {}
        told = {"status": "APPROVED"} if self.vaults_late else {"status": "VAULTED", "id": token}
        return told | {"customer": {"id": "payer-1"}}

    def _order(self, sale: Sale) -> dict[str, Any]:
        captures = [self._capture(sale)] if sale.taken else []
        word = self.refund_word()
        refunds = [{"status": word, "amount": _amount(minor, sale.currency)} for minor in sale.refunds.values()]
        holds = [{"id": f"AUTH-{sale.number}", "status": "CREATED" if sale.state == "held" else "VOIDED"}]
        is_held = not sale.is_captured_at_once and sale.state in ("held", "gone")
        paid = {"captures": captures, "refunds": refunds, "authorizations": holds if is_held else []}
        unit = {"custom_id": sale.key, "amount": _amount(sale.amount, sale.currency), "payments": paid}
        return {
            "id": f"ORDER-{sale.number}",
            "status": _STATUS.get(sale.state, "COMPLETED"),
            "intent": "CAPTURE" if sale.is_captured_at_once else "AUTHORIZE",
            "purchase_units": [unit],
            "payment_source": {"paypal": {"attributes": {"vault": self._vault(sale)}}},
            "links": [{"rel": "payer-action", "href": f"https://www.paypal.com/checkoutnow?token=ORDER-{sale.number}"}],
        }


@cache
def certificate(owner: str) -> tuple[rsa.RSAPrivateKey, str]:
    """Return a key and its certificate, as PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, owner)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=30))
        .not_valid_after(now + timedelta(days=30))
        .sign(key, hashes.SHA256())
    )
    return key, made.public_bytes(serialization.Encoding.PEM).decode()


def event(kind: str, said: dict[str, Any], event_id: str) -> bytes:
    """Return a webhook's body."""
    return json.dumps({"id": event_id, "event_type": kind, "resource": said}).encode()


def _refund(sale: Sale, amount: int, total: int) -> dict[str, Any]:
    breakdown = {"total_refunded_amount": _amount(total, sale.currency)}
    said = {"id": f"R-{total}", "amount": _amount(amount, sale.currency), "custom_id": f"ORDER-{sale.number}"}
    return said | {"seller_payable_breakdown": breakdown}


def _related(sale: Sale) -> dict[str, Any]:
    return {"supplementary_data": {"related_ids": {"order_id": f"ORDER-{sale.number}"}}}


def _amount(minor: int, currency: str) -> dict[str, str]:
    return {"currency_code": currency, "value": to_text(minor, currency)}


def _refusal(issue: str) -> Answer:
    return 422, {"name": "UNPROCESSABLE_ENTITY", "details": [{"issue": issue}]}
