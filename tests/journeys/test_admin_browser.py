"""The back office and the API's pages in a real Chromium, clicked through.

Playwright runs in a thread of its own: its loop is none of Django's business. With ``NEXUS_SCREENSHOTS=1`` pictures of
the demo shop are written to ``docs/screenshots``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from django.core.management import call_command
from django.utils import timezone
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from config.demo import load_demo
from config.sign_ins import SignIns, draft_sign_ins
from core import outbox
from core.money import to_text
from orders.models import Order, OrderLine, Return
from payments.models import Refund
from products.models import Product, ProductDocument

PICTURES = Path(__file__).parents[2] / "docs" / "screenshots"
TAKES_PICTURES = os.environ.get("NEXUS_SCREENSHOTS") == "1"


@dataclass
class Visit:
    """A browser's page on the shop, and what it complained about."""

    page: Page
    home: str
    complaints: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def picture(self, name: str) -> None:
        """Keep what the page shows, where that was asked for."""
        if TAKES_PICTURES:
            PICTURES.mkdir(parents=True, exist_ok=True)
            self.page.wait_for_timeout(400)
            self.page.screenshot(path=PICTURES / f"{name}.png")


def visit(browser: Browser, home: str) -> Visit:
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.set_default_timeout(15_000)
    seen = Visit(page, home)

    def complain(message: ConsoleMessage) -> None:
        if message.type == "error":
            seen.complaints.append(f"{message.text} {message.location.get('url', '')}")

    page.on("console", complain)
    page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    page.on("request", lambda request: seen.hosts.add(request.url.split("/")[2] if "//" in request.url else ""))
    return seen


def sign_in(seen: Visit, sign_ins: SignIns) -> None:
    seen.page.goto(f"{seen.home}/admin/")
    seen.page.fill("input[name=username]", sign_ins.admin.email)
    seen.page.fill("input[name=password]", sign_ins.admin.password)
    seen.page.click("button[type=submit]")
    expect(seen.page.locator("#nav-sidebar, nav").first).to_be_visible()


def click_through(home: str, chromium: str, sign_ins: SignIns, product: str, order: str) -> Visit:
    """Sign in, edit a product, take an order from pending to shipped, and look at the API's page."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        seen = visit(browser, home)
        page = seen.page
        sign_in(seen, sign_ins)
        seen.picture("admin-home")

        page.goto(f"{home}/admin/products/product/")
        seen.picture("admin-products")
        page.goto(f"{home}/admin/products/product/{product}/change/")
        seen.picture("admin-product")
        page.fill("input[name=name]", "A chair by another name")
        page.fill("input[name=variants-0-price]", "7.25")
        page.click("button[name=_save]")
        expect(page.get_by_text("was changed successfully")).to_be_visible()

        page.goto(f"{home}/admin/orders/order/{order}/change/")
        seen.picture("admin-order")
        page.get_by_role("link", name="Mark paid").click()
        page.locator("#ask button[type=submit]").click()
        expect(page.get_by_text("is paid.")).to_be_visible()
        page.locator(f"a[href*='{order}/ship']").first.click()
        page.fill("input[name=carrier]", "Royal Mail")
        page.fill("input[name=tracking_number]", "RM123456785GB")
        seen.picture("admin-ship")
        page.locator("#ask button[type=submit]").click()
        expect(page.get_by_text("The parcel is on its way.")).to_be_visible()
        expect(page.get_by_text("RM123456785GB").first).to_be_visible()
        for name in ("categories", "stock"):
            app, model = {"categories": ("products", "category"), "stock": ("inventory", "stock")}[name]
            page.goto(f"{home}/admin/{app}/{model}/")
            seen.picture(f"admin-{name}")

        page.goto(f"{home}/docs/")
        # The first request makes the document; operations further down are drawn when they are scrolled to.
        page.locator(".opblock-summary").first.click(timeout=60_000)
        expect(page.locator(".opblock.is-open").first).to_be_visible()
        seen.picture("docs")
        browser.close()
    return seen


def follow_up(home: str, chromium: str, sign_ins: SignIns, line: OrderLine, back: Return) -> Visit:
    """Send a unit of a line, pay another unit of it back, and settle a return."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        seen = visit(browser, home)
        page, order = seen.page, f"{home}/admin/orders/order/{line.order_id}"
        sign_in(seen, sign_ins)

        page.goto(f"{order}/ship/")
        page.fill("input[name=carrier]", "UPS")
        page.fill(f"input[name=units_{line.pk.hex}]", "1")
        page.locator("#ask button[type=submit]").click()
        expect(page.get_by_text("The parcel is on its way.")).to_be_visible()

        page.get_by_role("link", name="Give money back").click()
        page.fill(f"input[name=units_{line.pk.hex}]", "1")
        page.fill("input[name=reason]", "The bag was open.")
        page.locator("#ask button[type=submit]").click()
        refunded = f"{to_text(line.unit_price_minor, line.order.currency)} {line.order.currency}: succeeded."
        expect(page.get_by_text(refunded)).to_be_visible()

        page.goto(f"{home}/admin/orders/return/{back.pk}/change/")
        page.locator(f"a[href*='{back.pk}/settle']").first.click()
        page.locator("#ask button[type=submit]").click()
        expect(page.get_by_text("Return: completed").first).to_be_visible()

        page.goto(f"{home}/admin/orders/invoice/tax/")
        expect(page.locator("#rows th", has_text="Tax").first).to_be_visible()
        browser.close()
    return seen


@pytest.fixture
def home(transactional_db: None) -> Iterator[str]:
    server = LiveServer("127.0.0.1:0")
    yield server.url
    server.stop()


@pytest.fixture
def sign_ins(home: str, tmp_path: Path) -> SignIns:
    """Those of the demo shop, which is there."""
    made = draft_sign_ins(tmp_path)
    load_demo(sign_ins=made, at=timezone.now())
    outbox.drain()
    return made


def in_a_thread(run: Callable[..., Visit], *words: object) -> Visit:
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(run, *words).result(timeout=180)


class TestTheBackOfficeInABrowser:
    @pytest.mark.django_db(transaction=True)
    def test_edits_a_product_and_moves_an_order_on(self, home: str, chromium_path: str, sign_ins: SignIns) -> None:
        product = Product.objects.order_by("pk")[3]
        order = Order.objects.get(external_number="demo-6")

        seen = in_a_thread(click_through, home, chromium_path, sign_ins, str(product.pk), str(order.pk))

        document = ProductDocument.objects.get(product=product).document
        assert '"A chair by another name"' in document
        assert '"7.25"' in document
        order.refresh_from_db()
        assert order.status == "shipped"
        assert seen.complaints == []
        assert seen.hosts <= {home.removeprefix("http://"), ""}

    @pytest.mark.django_db(transaction=True)
    def test_ships_a_part_refunds_a_line_and_settles_a_return(
        self, home: str, chromium_path: str, sign_ins: SignIns
    ) -> None:
        line = OrderLine.objects.select_related("order").get(order__external_number="demo-7", position=2)
        back = Return.objects.get(order__external_number="demo-8")

        seen = in_a_thread(follow_up, home, chromium_path, sign_ins, line, back)

        line.refresh_from_db()
        back.refresh_from_db()
        assert (line.shipped, line.open) == (1, 1)
        assert Refund.objects.get(payment__order_id=line.order_id).amount_minor == line.unit_price_minor
        assert (back.status, Refund.objects.get(pk=back.refund_id).amount_minor) == ("completed", back.worth_minor)
        assert seen.complaints == []
        call_command("verify_books")
