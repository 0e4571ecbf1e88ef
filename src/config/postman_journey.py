"""The journey of the Postman collection: a stranger registers, orders, is told so, and cancels."""

from __future__ import annotations

from config.postman_steps import Step, expect, keep, until

_LOGIN_BODY = '{"email": "{{email}}", "password": "{{password}}"}'
_ORDER_BODY = """\
{
  "shipping_address": {
    "name": "Ada Lovelace", "line1": "12 St James's Square",
    "city": "London", "postal_code": "SW1Y 4JH", "country": "GB"
  },
  "expected_total": {{total}}
}"""


def _units(what: str, expected: str) -> str:
    return expect(
        200,
        'const units = body.stock.variants[pm.collectionVariables.get("variant")];',
        'const before = Number(pm.collectionVariables.get("units"));',
        f'pm.test("{what}", () => pm.expect(units).to.equal({expected}));',
    )


JOURNEY = [
    Step(
        name="The shop is ready",
        path="/readyz",
        after=expect(200),
    ),
    Step(
        name="Register",
        method="POST",
        path="/api/v1/auth/register",
        body=_LOGIN_BODY,
        before="""\
const run = `${Date.now()}${Math.floor(Math.random() * 1000)}`;
pm.collectionVariables.set("email", `postman-${run}@example.com`);
pm.collectionVariables.set("order_key", `postman-${run}`);""",
        after=expect(201, *keep({"access": "body.access", "refresh": "body.refresh"})),
    ),
    Step(
        name="Find the verification mail",
        path="/dev/mail.json?to={{email}}",
        after=until(
            "body.results.map((mail) => mail.text.match(/verify-email\\S*?token=([A-Za-z0-9_.:-]+)/)).find(Boolean)",
            "the verification mail came",
            'pm.collectionVariables.set("mail_token", found ? found[1] : "");',
        ),
    ),
    Step(
        name="Verify the address",
        method="POST",
        path="/api/v1/auth/verify-email",
        body='{"token": "{{mail_token}}"}',
        after='pm.test("is verified", () => pm.response.to.be.success);',
    ),
    Step(
        name="List the categories",
        path="/api/v1/categories",
        after=expect(
            200,
            'pm.test("there are some", () => pm.expect(body.results).to.be.not.empty);',
            *keep({"category": "body.results[0].slug"}),
        ),
    ),
    Step(
        name="Browse by category and price",
        path="/api/v1/products?category={{category}}&min_price=1&max_price=500&in_stock=true&sort=price&size=5",
        after=expect(
            200,
            "const prices = body.results.map((product) => Number(product.price.amount));",
            'pm.test("has goods", () => pm.expect(prices).to.be.not.empty);',
            'pm.test("within the range", () => prices.forEach((price) => pm.expect(price).to.be.within(1, 500)));',
            'pm.test("cheapest first", () => pm.expect(prices).to.eql([...prices].sort((a, b) => a - b)));',
            *keep({"product": "body.results[0].id", "word": 'encodeURIComponent(body.results[0].name.split(" ")[0])'}),
        ),
    ),
    Step(
        name="Search by name",
        path="/api/v1/products?search={{word}}",
        after=expect(
            200,
            "const ids = body.results.map((product) => product.id);",
            'pm.test("finds it", () => pm.expect(ids).to.include(pm.collectionVariables.get("product")));',
        ),
    ),
    Step(
        name="Show the product",
        path="/api/v1/products/{{product}}",
        after=expect(
            200,
            "const [variant, units] = Object.entries(body.stock.variants).sort((a, b) => b[1] - a[1])[0];",
            'pm.test("is in stock", () => pm.expect(units).to.be.above(0));',
            *keep({"variant": "variant", "units": "units"}),
        ),
    ),
    Step(
        name="Put it into a guest's cart",
        method="POST",
        path="/api/v1/cart/items",
        body='{"variant": "{{variant}}", "quantity": 1}',
        after=expect(201, *keep({"cart_token": "body.token", "total": "JSON.stringify(body.total)"})),
    ),
    Step(
        name="Sign in and bring the cart along",
        method="POST",
        path="/api/v1/auth/login",
        body=_LOGIN_BODY,
        headers={"X-Cart-Token": "{{cart_token}}"},
        after=expect(200, *keep({"access": "body.access", "refresh": "body.refresh"})),
    ),
    Step(
        name="Show the merged cart",
        path="/api/v1/cart",
        signed_in=True,
        after=expect(
            200,
            "const variants = body.items.map((item) => item.variant);",
            'pm.test("holds the goods", () => pm.expect(variants).to.eql([pm.collectionVariables.get("variant")]));',
        ),
    ),
    Step(
        name="Place the order",
        method="POST",
        path="/api/v1/orders",
        body=_ORDER_BODY,
        headers={"Idempotency-Key": "{{order_key}}"},
        signed_in=True,
        after=expect(
            201,
            'pm.test("is pending", () => pm.expect(body.status).to.equal("pending"));',
            *keep({"order": "body.id", "number": "body.number", "first_answer": "pm.response.text()"}),
        ),
    ),
    Step(
        name="Send the same order again",
        method="POST",
        path="/api/v1/orders",
        body=_ORDER_BODY,
        headers={"Idempotency-Key": "{{order_key}}"},
        signed_in=True,
        after=expect(
            201,
            'pm.test("is the first answer", () => '
            'pm.expect(pm.response.text()).to.equal(pm.collectionVariables.get("first_answer")));',
            'pm.test("says so", () => pm.response.to.have.header("Idempotent-Replayed", "true"));',
            'pm.test("is the same order", () => pm.expect(body.id).to.equal(pm.collectionVariables.get("order")));',
        ),
    ),
    Step(
        name="There is one order",
        path="/api/v1/orders",
        signed_in=True,
        after=expect(200, 'pm.test("one", () => pm.expect(body.count).to.equal(1));'),
    ),
    Step(
        name="Stock is down",
        path="/api/v1/products/{{product}}",
        after=_units("one unit less", "before - 1"),
    ),
    Step(
        name="The notification is there",
        path="/api/v1/notifications?unread=true",
        signed_in=True,
        after=until('JSON.stringify(body).includes(pm.collectionVariables.get("order"))', "the notification came"),
    ),
    Step(
        name="The mail is there",
        path="/dev/mail.json?to={{email}}",
        after=until('JSON.stringify(body).includes(pm.collectionVariables.get("number"))', "the mail came"),
    ),
    Step(
        name="Cancel the order",
        method="POST",
        path="/api/v1/orders/{{order}}/cancel",
        body='{"reason": "only a journey"}',
        signed_in=True,
        after=expect(200, 'pm.test("is cancelled", () => pm.expect(body.status).to.equal("cancelled"));'),
    ),
    Step(
        name="Stock is up again",
        path="/api/v1/products/{{product}}",
        after=_units("as many as before", "before"),
    ),
    Step(
        name="A stranger sees no order",
        path="/api/v1/orders/{{order}}",
        after=expect(404, 'pm.test("is a problem", () => pm.expect(body.code).to.equal("orders.order_not_found"));'),
    ),
]
