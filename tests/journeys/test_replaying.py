"""Nine months of another shop's invoices, through the services of ours."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from django.core.management import call_command

from accounts.models import User
from core.models import Delivery
from inventory.models import Movement, Reservation, Stock
from inventory.services import ensure_default_place
from markets.tests.factories import make_market
from orders.models import Order, OrderMove
from orders.services.replaying import ReplayWish, replay_invoices, running
from orders.services.replaying.planning import plan_invoice
from orders.services.replaying.reading import read_invoices
from payments.models import Posting
from products.services import importing
from products.services.importing.sales import SkuBook
from tests.journeys.real_data import INVOICES, write_invoices

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _shop() -> None:
    make_market()
    ensure_default_place()


def sums_of_file(path: Path, most: int | None = None) -> dict[str, int]:
    """Month -> pence, by pandas alone: the sum of quantity times price of all lines, whatever they are."""
    lines = pd.read_csv(path, dtype={"invoice": str, "sku": str, "customer": str})
    if most is not None:
        lines = lines[lines.invoice.isin(lines.invoice.drop_duplicates().head(most))]
    amounts = (lines.quantity * lines.unit_price).groupby(lines.invoiced_at.str[:7]).sum()
    return {month: round(amount * 100) for month, amount in amounts.items()}


def counts() -> list[int]:
    return [m.objects.count() for m in (User, Order, OrderMove, Movement, Reservation, Posting, Delivery)]


def check(wish: ReplayWish) -> None:
    done = replay_invoices(wish=wish, at=NOW)

    assert done.months == sums_of_file(wish.path, wish.most)
    call_command("verify_books")
    before = counts()
    again = replay_invoices(wish=wish, at=NOW)
    assert again.orders == again.settled == 0
    assert counts() == before


class TestReplayInvoices:
    @pytest.fixture
    def wish(self, tmp_path: Path) -> ReplayWish:
        return ReplayWish(path=write_invoices(tmp_path / "made-up.csv.gz", count=60), report=tmp_path / "report")

    def test_agrees_with_the_file_and_a_second_run_changes_nothing(self, wish: ReplayWish) -> None:
        check(wish)

        assert Order.objects.filter(customer=None).exists()
        assert Order.objects.filter(external_number__endswith="/2").exists()
        assert Movement.objects.filter(reason="returned").exists()
        assert Movement.objects.filter(reason="adjusted").exists()
        assert not Order.objects.exclude(status="delivered").exists()
        assert not Delivery.objects.exists()
        assert not Stock.objects.filter(on_hand__lt=0).exists()

    def test_goes_on_after_an_interruption(self, wish: ReplayWish) -> None:
        with pytest.raises(KeyboardInterrupt):
            replay_invoices(wish=wish, at=NOW, progress=_Stop(at=33))

        done = replay_invoices(wish=wish, at=NOW)

        assert done.done_before == 34
        assert done.months == sums_of_file(wish.path)
        call_command("verify_books")

    def test_does_nothing_of_an_invoice_by_halves(self, wish: ReplayWish, monkeypatch: pytest.MonkeyPatch) -> None:
        """An order is there with its stock and money, or not at all, wherever the process dies."""
        monkeypatch.setattr("orders.services.replaying.writing.move_through", _die)

        with pytest.raises(KeyboardInterrupt):
            replay_invoices(wish=wish, at=NOW)

        assert not Order.objects.exists()
        assert not Reservation.objects.exists()
        assert not Stock.objects.filter(reserved__gt=0).exists()


@pytest.mark.real_data
class TestReplayRealInvoices:
    def test_agrees_with_the_first_of_the_file(self, tmp_path: Path) -> None:
        check(ReplayWish(path=INVOICES, report=tmp_path / "report", most=300))

        first = Order.objects.get(external_number="536365")
        assert first.placed_at == datetime(2010, 12, 1, 8, 26, tzinfo=UTC)
        assert (first.status, first.customer.email) == ("delivered", "17850@online-retail.invalid")
        assert first.total_minor == 13912
        assert Movement.objects.filter(reason="returned", reference="invoice C536391").exists()

    def test_plans_lose_no_penny_of_nine_months(self) -> None:
        book = SkuBook(importing.known_mappings()["online-retail"])
        sums: Counter[str] = Counter()

        for invoice in read_invoices(INVOICES):
            plan = plan_invoice(invoice, is_known=book.is_product, is_sold=book.is_product)
            sold = sum(units * part.prices_minor[sku] for part in plan.parts for sku, units in part.units.items())
            sums[f"{invoice.at:%Y-%m}"] += sold - plan.returned_minor + plan.adjusted_minor

        assert sums == sums_of_file(INVOICES)

    @pytest.mark.long
    def test_agrees_over_all_nine_months(self, tmp_path: Path) -> None:
        check(ReplayWish(path=INVOICES, report=tmp_path / "report"))


class _Stop:
    """Interrupts a replay after so many invoices."""

    def __init__(self, *, at: int) -> None:
        self._left = at

    def __call__(self, invoices: int) -> None:
        self._left -= invoices
        if self._left < 0:
            raise KeyboardInterrupt


def _die(**_: object) -> None:
    raise KeyboardInterrupt


def test_sums_are_those_of_the_ledger() -> None:
    assert running.sums_per_month() == {}
