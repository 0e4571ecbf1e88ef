"""The second journey of the Postman collection: a guest pays, staff send a part, and some of it comes back.

Staff's steps sign in with the variables ``admin_email`` and ``admin_password``.
"""

from __future__ import annotations

from config.postman_steps import Step, expect, keep, until

_GUEST = {"X-Order-Token": "{{guest_token}}"}
_STAFF = {"Authorization": "Bearer {{staff_access}}"}
_ORDER_BODY = """\
{
  "email": "alan@example.com",
  "shipping_address": {
    "name": "Alan Turing", "line1": "3 Stonegate", "city": "York", "postal_code": "YO1 8AW", "country": "GB"
  }
}"""
_LINE = '"line": "{{line}}", "quantity": '
_PAYMENT = "/api/v1/payments/{{payment}}"
_SHOW_REFUNDED = 'body.refunded.amount !== pm.collectionVariables.get("refunded")'


def _is(what: str, found: str, wanted: object) -> str:
    value = f'"{wanted}"' if isinstance(wanted, str) else wanted
    return f'pm.test("{what}", () => pm.expect({found}).to.equal({value}));'


def _pay(card: str, status: str) -> Step:
    return Step(
        name=f"Pay with the card {card}",
        method="POST",
        path="/api/v1/payments",
        body=f'{{"order": "{{{{paid_order}}}}", "provider": "sandbox", "card": "{card}"}}',
        headers=_GUEST,
        after=expect(201, _is(f"is {status}", "body.status", status), *keep({"payment": "body.id"})),
    )


def _handle(verb: str, body: str, status: str) -> Step:
    return Step(
        name=f"Staff: {verb} the return",
        method="POST",
        path=f"/api/v1/returns/{{{{return}}}}/{verb}",
        body=body,
        headers=_STAFF,
        after=expect(200, _is(f"is {status}", "body.status", status)),
    )


def _given_back(name: str) -> Step:
    return Step(
        name=name,
        path=_PAYMENT,
        headers=_GUEST,
        after=until(_SHOW_REFUNDED, "money went back", 'pm.collectionVariables.set("refunded", body.refunded.amount);'),
    )


AFTER = [
    Step(
        name="Find something in stock",
        path="/api/v1/products?in_stock=true&min_price=1&sort=price&size=1",
        after=expect(200, *keep({"product": "body.results[0].id"})),
    ),
    Step(
        name="Show what is in stock",
        path="/api/v1/products/{{product}}",
        after=expect(
            200,
            "const [variant] = Object.entries(body.stock.variants).sort((a, b) => b[1] - a[1])[0];",
            *keep({"variant": "variant"}),
        ),
    ),
    Step(
        name="Put three into a guest's cart",
        method="POST",
        path="/api/v1/cart/items",
        body='{"variant": "{{variant}}", "quantity": 3}',
        after=expect(201, *keep({"cart_token": "body.token"})),
    ),
    Step(
        name="Order as a guest",
        method="POST",
        path="/api/v1/orders",
        body=_ORDER_BODY,
        headers={"X-Cart-Token": "{{cart_token}}"},
        after=expect(201, *keep({"paid_order": "body.id", "guest_token": "body.token", "line": "body.items[0].id"})),
    ),
    _pay("declined", "failed"),
    _pay("success", "captured"),
    Step(
        name="The order is paid",
        path="/api/v1/orders/{{paid_order}}",
        headers=_GUEST,
        after=expect(200, _is("is paid", "body.status", "paid")),
    ),
    Step(
        name="Staff: sign in",
        method="POST",
        path="/api/v1/auth/login",
        body='{"email": "{{admin_email}}", "password": "{{admin_password}}"}',
        after=expect(200, *keep({"staff_access": "body.access", "refunded": '"0.00"'})),
    ),
    Step(
        name="Staff: send two of the three",
        method="POST",
        path="/api/v1/orders/{{paid_order}}/fulfilments",
        body=f'{{"items": [{{{_LINE}2}}], "carrier": "Royal Mail", "tracking_number": "AB123456789GB"}}',
        headers=_STAFF,
        after=expect(201, _is("two are in it", "body.items[0].quantity", 2)),
    ),
    Step(
        name="Staff: cancel the third",
        method="POST",
        path="/api/v1/orders/{{paid_order}}/cancel",
        body=f'{{"items": [{{{_LINE}1}}], "reason": "One broke here."}}',
        headers=_STAFF,
        after=expect(200, _is("all that is left was sent", "body.status", "shipped")),
    ),
    _given_back("What was cancelled is paid back"),
    Step(
        name="Staff: refund a little",
        method="POST",
        path=f"{_PAYMENT}/refunds",
        body='{"amount": "0.50", "reason": "A scratch."}',
        headers=_STAFF,
        after=expect(201, _is("is that much", "body.amount.amount", "0.50")),
    ),
    _given_back("What was refunded is paid back"),
    Step(
        name="Staff: refund too much",
        method="POST",
        path=f"{_PAYMENT}/refunds",
        body='{"amount": "9999.00", "reason": "Too much."}',
        headers=_STAFF,
        after=expect(409, _is("is refused", "body.code", "payments.refund_too_large")),
    ),
    Step(
        name="Send one back",
        method="POST",
        path="/api/v1/orders/{{paid_order}}/returns",
        body=f'{{"items": [{{{_LINE}1, "reason": "damaged"}}]}}',
        headers=_GUEST,
        after=expect(201, _is("waits for an answer", "body.status", "requested"), *keep({"return": "body.id"})),
    ),
    _handle("approve", '{"answer": "To 1 Dock Road, Hull."}', "approved"),
    _handle("receive", "{}", "received"),
    _handle("settle", '{"restock": true}', "completed"),
    _given_back("What came back is paid back"),
    Step(
        name="The order says what came back",
        path="/api/v1/orders/{{paid_order}}",
        headers=_GUEST,
        after=expect(200, _is("one came back", "body.items[0].returned", 1)),
    ),
]
