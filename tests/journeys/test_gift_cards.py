"""A gift card from the shelf to the till: bought, paid, mailed, and spent on something else."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import orjson
import pytest
from django.test import Client

from inventory.tests.factories import make_stock
from notifications.models import Mail
from orders.tests.factories import ADDRESS
from orders.tests.gateway import agree, catch_up
from orders.tests.gift_cards import make_card_stock
from payments.models import Balance

_CODE = re.compile(r"\b(?:[0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}\b")


class Guest:
    """Somebody without an account."""

    def __init__(self, email: str) -> None:
        self.email = email
        self.headers: dict[str, str] = {}

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        client = Client()
        return client.generic(
            method, f"/api/v1/{path}", b"" if body is None else _json(body), "application/json", headers=self.headers
        )

    def order(self, sku: str, quantity: int = 1) -> Any:
        """Put something into a fresh cart, and order it."""
        cart = self.ask("POST", "cart/items", {"sku": sku, "quantity": quantity}).json()
        self.headers = {"X-Cart-Token": cart["token"]}
        placed = self.ask("POST", "orders", {"email": self.email, "shipping_address": ADDRESS.as_dict()}).json()
        self.headers = {"X-Order-Token": placed["token"]}
        return placed

    def pay(self, order: Any, **means: str) -> Any:
        answer = self.ask("POST", "payments", {"order": order["id"], **means})
        catch_up(after=timedelta(minutes=1))
        return answer


def _json(body: Any) -> bytes:
    return orjson.dumps(body)


@pytest.mark.django_db(transaction=True)
def test_a_gift_card_is_bought_mailed_and_spent() -> None:
    card, goods = make_card_stock(5000), make_stock(on_hand=3, price_minor=3000)
    giver, friend = Guest("giver@example.com"), Guest("friend@example.com")

    bought = giver.order(card.variant.sku, 2)
    giver.pay(bought, provider="sandbox", card="success", return_url="https://shop.example/thanks")
    mails = Mail.objects.filter(kind="gift_card_sent").order_by("pk")
    codes = [match.group() for mail in mails if (match := _CODE.search(mail.text))]
    wanted = friend.order(goods.variant.sku)
    paid = friend.pay(wanted, provider="gift_card", gift_card=codes[0])
    again = giver.order(card.variant.sku)
    refused = giver.pay(again, provider="gift_card", gift_card=codes[1])

    assert [mail.to for mail in mails] == ["giver@example.com"] * 2
    assert len(set(codes)) == 2
    assert (paid.status_code, paid.json()["status"]) == (201, "captured")
    assert friend.ask("GET", f"orders/{wanted['id']}").json()["status"] == "paid"
    assert (refused.status_code, refused.json()["code"]) == (409, "orders.gift_card_for_gift_card")
    assert sorted(Balance.objects.values_list("left_minor", flat=True)) == [2000, 5000]
    told = [mail.kind for mail in Mail.objects.all() if mail.to == giver.email]
    # Its confirmations, that it is paid, and the cards: of parcels there is nothing to tell.
    assert sorted(told) == ["gift_card_sent"] * 2 + ["order_moved"] + ["order_placed"] * 2
    agree()
