from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from payments.domain import SettledKind
from payments.errors import SettlementUnreadable
from payments.settlements import READERS, Settled
from payments.tests.files import ACTIVITY, FLUTTERWAVE, PAYPAL, SANDBOX, STRIPE, stripe_row, table

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def read(provider: str, content: bytes) -> list[Settled]:
    return list(READERS[provider](content))


def told(lines: list[Settled]) -> list[tuple[str, int, int]]:
    return [(line.kind.value, line.gross_minor, line.fee_minor) for line in lines]


class TestStripe:
    def test_reads_the_itemised_report(self) -> None:
        rows = [
            stripe_row("charge", "25.00", fee="0.70", payment_intent_id="pi_1", charge_id="ch_1"),
            stripe_row("refund", "-5.00", source_id="re_1", payment_intent_id="pi_1"),
            stripe_row("dispute", "-25.00", fee="15.00", balance_transaction_id="txn_3", payment_intent_id="pi_1"),
            stripe_row("fee", "-2.00", balance_transaction_id="txn_4"),
            stripe_row("payout", "-20.00", balance_transaction_id="txn_5"),
            stripe_row("transfer", "-1.00", balance_transaction_id="txn_6"),
        ]

        lines = read("stripe", table(STRIPE, rows))

        assert told(lines) == [
            ("charge", 2500, 70),
            ("refund", -500, 0),
            ("charge_back", -2500, 1500),
            ("fee", -200, 0),
            ("payout", -2000, 0),
            ("other", -100, 0),
        ]
        assert [line.reference for line in lines] == ["pi_1", "re_1", "txn_3", "txn_4", "txn_5", "txn_6"]
        assert {line.at for line in lines} == {NOON}

    @pytest.mark.parametrize(("currency", "text", "minor"), [("jpy", "5000.00", 5000), ("kwd", "1.250", 1250)])
    def test_knows_the_digits_of_each_currency(self, currency: str, text: str, minor: int) -> None:
        [line] = read("stripe", table(STRIPE, [stripe_row("charge", text, currency=currency)]))

        assert line.gross_minor == minor

    def test_rounds_a_fee_that_has_more_digits_than_the_currency(self) -> None:
        [line] = read("stripe", table(STRIPE, [stripe_row("charge", "500.00", fee="14.75", currency="isk")]))

        assert (line.gross_minor, line.fee_minor) == (500, 15)

    @pytest.mark.parametrize("delimiter", [",", ";", "\t"])
    def test_reads_any_order_of_columns_and_any_delimiter_behind_a_byte_order_mark(self, delimiter: str) -> None:
        heads = [f" {head.upper()} " for head in reversed(STRIPE)]
        row = stripe_row("charge", "1,250.00", payment_intent_id="pi_1")

        content = table(heads, [[row.get(head, "") for head in reversed(STRIPE)]], delimiter=delimiter)

        assert told(read("stripe", b"\xef\xbb\xbf" + content)) == [("charge", 125_000, 0)]


def paypal_row(code: str, direction: str, amount: str, **cells: str) -> dict[str, str]:
    usual = {
        "CH": "SB",
        "Transaction Event Code": code,
        "Transaction  Debit or Credit": direction,
        "Gross Transaction Amount": amount,
        "Gross Transaction Currency": "EUR",
        "Transaction Completion Date": "2026/06/01 05:00:00 -0700",
    }
    return usual | cells


class TestPayPal:
    def test_reads_the_settlement_report_within_its_sections(self) -> None:
        fee = {"Fee Debit or Credit": "DR", "Fee Amount": "88", "Custom Field": "pay-1"}
        body = table(
            PAYPAL,
            [
                paypal_row("T0006", "CR", "2500", **{"Transaction ID": "CAP1"}, **fee),
                paypal_row("T1107", "DR", "500", **{"Transaction ID": "REF1", "PayPal Reference ID": "CAP1"}),
                paypal_row("T1201", "DR", "2500", **{"Transaction ID": "CB1"}),
                paypal_row("T0106", "DR", "1600", **{"Transaction ID": "FEE1"}),
                paypal_row("T0400", "DR", "9900", **{"Transaction ID": "OUT1"}),
                paypal_row("T0006", "DR", "100", **{"Transaction ID": "SPENT1"}),
                paypal_row("T0200", "CR", "100", **{"Transaction ID": "FX1"}),
            ],
        )
        content = b'"RH","2026/06/02 00:00:00 -0700","A","X","009"\n"FH","01"\n"SH","...","..."\n' + body
        content += b'"SF","EUR","2500"\n"SC","7"\n"RF","..."\n'

        lines = read("paypal", content)

        assert told(lines) == [
            ("charge", 2500, 88),
            ("refund", -500, 0),
            ("charge_back", -2500, 0),
            ("fee", -1600, 0),
            ("payout", -9900, 0),
            ("other", -100, 0),
            ("other", 100, 0),
        ]
        assert lines[0].keys == ("pay-1", "CAP1")
        assert lines[1].keys == ("CAP1", "REF1")
        assert lines[0].at == NOON

    def test_counts_whole_units_where_paypal_knows_no_decimals(self) -> None:
        cells = {"Gross Transaction Currency": "HUF", "Transaction ID": "CAP1"}

        [line] = read("paypal", table(PAYPAL, [paypal_row("T0006", "CR", "2500", **cells)]))

        assert line.gross_minor == 250_000

    @pytest.mark.parametrize("amount", ["12.50", "-1", "x", "9" * 16, "\u0661"])
    def test_refuses_an_amount_with_a_sign_or_point(self, amount: str) -> None:
        with pytest.raises(SettlementUnreadable) as refusal:
            read("paypal", table(PAYPAL, [paypal_row("T0006", "CR", amount)]))

        assert refusal.value.facts["line"] == 2

    def test_reads_the_activity_download(self) -> None:
        def row(kind: str, gross: str, fee: str, name: str, **cells: str) -> dict[str, str]:
            usual = {"Date": "2026-06-01", "Type": kind, "Status": "Completed", "Currency": "GBP", "Gross": gross}
            return usual | {"Fee": fee, "Transaction ID": name} | cells

        rows = [
            row("Express Checkout Payment", "1,025.00", "-0.95", "CAP1", **{"Custom Number": "pay-1"}),
            row("Payment Refund", "-5.00", "0.00", "REF1", **{"Reference Txn ID": "CAP1"}),
            row("User Initiated Withdrawal", "-20.00", "0.00", "OUT1", Date="06/01/2026"),
            row("Express Checkout Payment", "9.00", "0.00", "CAP2", Status="Pending"),
        ]

        lines = read("paypal", table(ACTIVITY, rows))

        assert told(lines) == [("charge", 102_500, 95), ("refund", -500, 0), ("payout", -2000, 0)]
        assert lines[0].keys == ("pay-1", "CAP1")
        assert [line.at is None for line in lines] == [False, False, True]


class TestFlutterwave:
    def test_reads_the_transactions_that_were_paid(self) -> None:
        def row(**cells: str) -> dict[str, str]:
            usual = {"id": "1", "tx_ref": "pay-1", "status": "successful", "currency": "NGN", "amount": "1000"}
            return usual | {"created_at": "2026-06-01T12:00:00.000Z"} | cells

        rows = [
            row(app_fee="14.0025"),
            row(id="2", type="refund", amount="250.50"),
            row(id="3", type="chargeback"),
            row(id="4", status="failed", tx_ref="pay-2"),
        ]

        lines = read("flutterwave", table(FLUTTERWAVE, rows))

        assert told(lines) == [("charge", 100_000, 1400), ("refund", -25_050, 0), ("charge_back", -100_000, 0)]
        assert [(line.reference, line.keys) for line in lines] == [
            ("pay-1", ("pay-1",)),
            ("2", ("pay-1",)),
            ("3", ("pay-1",)),
        ]
        assert lines[0].at == NOON


class TestReaders:
    @pytest.mark.parametrize("provider", sorted(READERS))
    @pytest.mark.parametrize(
        "heads", [STRIPE, PAYPAL, ACTIVITY, FLUTTERWAVE, SANDBOX], ids=lambda heads: "-".join(heads[:3])
    )
    def test_refuse_the_files_of_others(self, provider: str, heads: tuple[str, ...]) -> None:
        own: dict[str, Any] = {
            "stripe": (STRIPE,),
            "paypal": (PAYPAL, ACTIVITY),
            "flutterwave": (FLUTTERWAVE,),
            "sandbox": (SANDBOX,),
        }
        if heads in own[provider]:
            assert read(provider, table(heads, [])) == []
        else:
            with pytest.raises(SettlementUnreadable):
                read(provider, table(heads, [["x"] * len(heads)]))

    def test_pass_over_empty_lines_and_short_ones(self) -> None:
        content = table(STRIPE, [stripe_row("charge", "1.00")]) + b"\n,,,\n\n"

        assert [line.kind for line in read("stripe", content)] == [SettledKind.CHARGE]
