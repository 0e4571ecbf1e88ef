"""The page that a payment link opens. It needs no sign-in, no script and no cookie; the address is the key to it."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from core import money
from core.api.html import html_page
from core.errors import DomainError
from orders import services
from orders.errors import PaymentLinkNotFound
from payments.domain import GIFT_CARD, Wish

if TYPE_CHECKING:
    from orders.models import Order
    from orders.services import LinkPage

_NAMES = {
    "manual": "Bank transfer",
    "sandbox": "Test card",
    "stripe": "Card",
    "paypal": "PayPal",
    "flutterwave": "Card, bank or mobile money",
}
_FAILED = "That did not work. Nothing was charged; try again or choose another way."
_SEE_OTHER = HTTPStatus.SEE_OTHER


@require_http_methods(["GET", "HEAD", "POST"])
def pay(request: HttpRequest, *, token: str) -> HttpResponse:
    """Show what is to be paid and how; or begin to pay, and lead to the provider's page."""
    try:
        if request.method == "POST":
            return _begin(request, token)
        return _show(request, token)
    except PaymentLinkNotFound:
        return html_page(request, "orders/pay.html", {"state": "unknown"}, HTTPStatus.NOT_FOUND)


def _begin(request: HttpRequest, token: str) -> HttpResponse:
    back = f"{settings.PUBLIC_URL.rstrip('/')}/pay/{token}"
    provider, code = request.POST.get("provider", "")[:30], request.POST.get("gift_card", "")[:40]
    wish = Wish(provider=provider, return_url=back, code=code if provider == GIFT_CARD else "")
    try:
        payment = services.pay_by_link(
            token=token, wish=wish, address=request.META.get("REMOTE_ADDR", ""), at=timezone.now()
        )
    except PaymentLinkNotFound:
        raise
    except DomainError as refusal:
        return _show(request, token, refusal)
    return HttpResponseRedirect(_next_of(payment) or back, status=_SEE_OTHER)


def _next_of(payment: Any) -> str:
    """Return where the newest attempt leads its shopper; empty where there is nothing to do."""
    newest = max(payment.attempts.all(), key=lambda attempt: attempt.pk)
    return str((newest.next_action or {}).get("url", ""))


def _show(request: HttpRequest, token: str, refusal: DomainError | None = None) -> HttpResponse:
    page = services.open_payment_link(token=token, at=timezone.now())
    context = {"state": page.state.value, "refusal": refusal.title if refusal else _failure_of(page)}
    status = refusal.status if refusal else HTTPStatus.OK
    response = html_page(request, "orders/pay.html", context | _order(page.order) | _ways(page), status)
    # The form's answer leads to the provider, and browsers ask the form's policy about that, too.
    policy = response.headers["Content-Security-Policy"]
    response.headers["Content-Security-Policy"] = policy.replace("form-action 'self'", "form-action 'self' https:")
    return response


def _failure_of(page: LinkPage) -> str:
    newest = max(page.payment.attempts.all(), key=lambda attempt: attempt.pk, default=None) if page.payment else None
    return _FAILED if newest is not None and newest.failure else ""


def _ways(page: LinkPage) -> dict[str, Any]:
    """Return how it can be paid, and what of it is still to pay."""
    paid = page.payment.captured_minor if page.payment is not None else 0
    shown = _amount(page.order, page.order.total_minor - paid)
    return {
        "ways": [(name, _NAMES.get(name, name.capitalize())) for name in settings.PAYMENT_PROVIDERS],
        "to_pay": shown,
        "paid": _amount(page.order, paid) if paid else "",
    }


def _order(order: Order) -> dict[str, Any]:
    sums = [
        ("Subtotal", order.subtotal_minor),
        ("Discount", -order.discount_minor),
        ("Delivery", order.shipping_minor),
        ("Tax", order.tax_minor),
    ]
    return {
        "number": order.number,
        "lines": [
            {
                "name": line.name,
                "options": ", ".join(map(str, line.options.values())),
                "quantity": line.quantity,
                "subtotal": _amount(order, line.subtotal_minor),
            }
            for line in sorted(order.lines.all(), key=lambda line: line.position)
        ],
        "sums": [(label, _amount(order, minor)) for label, minor in sums if minor],
        "total": _amount(order, order.total_minor),
        "expires_at": order.expires_at,
    }


def _amount(order: Order, minor: int) -> str:
    return f"{money.to_text(minor, order.currency)} {order.currency}"
