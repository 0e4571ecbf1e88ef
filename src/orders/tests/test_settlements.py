from __future__ import annotations

from decimal import Decimal

import httpx
import pytest
from django.conf import settings
from django.utils import timezone

from accounts.tests.factories import make_user
from inventory.tests.factories import make_stock
from orders import services
from orders.models import Order
from orders.tests.factories import make_order
from orders.tests.gateway import agree, ask_gateway, catch_up, deliver, pay, webhook_bodies
from payments import services as payments
from payments.models import Attempt, Settlement, SettlementLine
from sandbox.api.inside import application


def exported() -> bytes:
    """Return the settlement file of the gateway, as a merchant fetches it."""
    today = timezone.now().date()
    with httpx.Client(transport=httpx.WSGITransport(app=application), base_url=settings.SANDBOX_URL) as client:
        answer = client.get(
            f"/sandbox/v1/settlement?from={today}&to={today}",
            headers={"Authorization": f"Bearer {settings.SANDBOX_SECRET_KEY}"},
        )
    assert answer.status_code == 200
    return answer.content


def take(content: bytes) -> Settlement:
    file = payments.SettlementFile(provider="sandbox", name="today.csv", content=content)
    return payments.import_settlement(file=file, actor=None, at=timezone.now())


def refund(order: Order, amount: str) -> None:
    clerk = make_user(is_staff=True, is_superuser=True)
    wish = services.RefundOrder(amount=Decimal(amount))
    services.refund_order(order_id=order.pk, wish=wish, actor=clerk, at=timezone.now())


def verdicts() -> list[tuple[str, str]]:
    return list(SettlementLine.objects.order_by("settlement", "position").values_list("kind", "verdict"))


@pytest.mark.django_db
class TestGatewaysFile:
    def test_agrees_with_our_books_to_the_line(self) -> None:
        paid, returned = (make_order((make_stock(price_minor=1250), 2)) for _ in range(2))
        for order in (paid, returned):
            pay(order)
        refund(returned, "5.00")
        disputed = make_order()
        pay(disputed)
        ask_gateway("POST", f"charges/{_reference(disputed)}/dispute")
        deliver(webhook_bodies()[-1])
        catch_up()

        take(exported())

        kinds = ["charge", "charge", "refund", "charge", "charge_back"]
        assert verdicts() == [(kind, "matched") for kind in kinds]
        agree()

    def test_tells_what_was_charged_and_never_booked_here(self) -> None:
        pay(make_order())
        charge = {
            "amount": 999,
            "currency": "GBP",
            "reference": "other",
            "return_url": "https://x.example",
            "card": "success",
        }
        ask_gateway("POST", "charges", charge)

        take(exported())

        assert verdicts() == [("charge", "matched"), ("charge", "unknown")]

    def test_lacks_what_our_books_have_too_much(self) -> None:
        order, lost = make_order(), make_order()
        pay(order)
        pay(lost)
        first, *rows = exported().decode().splitlines(keepends=True)
        others = [row for row in rows if _reference(lost) not in row]
        # A line that is later than all, so that the time of the file spans both.
        content = first + "".join(others) + f"payout,po_1,,,GBP,-1.00,{timezone.now().isoformat()}\n"

        take(content.encode())

        assert verdicts() == [("charge", "matched"), ("other", "not_compared"), ("charge", "missing")]


def _reference(order: Order) -> str:
    return str(Attempt.objects.get(payment__order_id=order.pk).provider_reference)
