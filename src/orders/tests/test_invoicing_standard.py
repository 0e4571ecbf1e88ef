"""Papers of random orders under the official rules of EN 16931."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from saxonche import PySaxonProcessor

from orders.domain import Paper, VatCategory
from orders.tests.papers import random_documents

Judge = Callable[[bytes], list[str]]

_FAILED = re.compile(r"<svrl:failed-assert\b[^>]*?\bid=\"([^\"]+)\"")


@pytest.fixture(scope="module")
def judge(en16931_rules: Path) -> Iterator[Judge]:
    """What names the rules that a document breaks."""
    with PySaxonProcessor(license=False) as processor:
        rules = processor.new_xslt30_processor().compile_stylesheet(stylesheet_file=str(en16931_rules))

        def broken(document: bytes) -> list[str]:
            report = rules.transform_to_string(xdm_node=processor.parse_xml(xml_text=document.decode()))
            assert "svrl:fired-rule" in report  # else nothing was judged
            return _FAILED.findall(report)

        yield broken


def broken_by(documents: Iterator[tuple[Paper, bytes]], judge: Judge) -> dict[str, list[str]]:
    found = {f"{place}: {paper.kind.value}": judge(document) for place, (paper, document) in enumerate(documents)}
    return {name: rules for name, rules in found.items() if rules}


class TestToUbl:
    def test_breaks_no_rule_of_en_16931(self, judge: Judge) -> None:
        assert broken_by(random_documents(1000, seed=16931), judge) == {}

    @pytest.mark.long
    def test_breaks_no_rule_of_en_16931_ten_thousand_times(self, judge: Judge) -> None:
        assert broken_by(random_documents(10_000, seed=2014), judge) == {}

    def test_breaks_no_rule_where_gift_cards_stand_beside_what_is_taxed(self, judge: Judge) -> None:
        mixed = [
            (paper, document)
            for paper, document in random_documents(150, seed=30)
            if {VatCategory.EXEMPT, VatCategory.STANDARD} <= {tax.category for tax in paper.taxes}
            and b"multi-purpose vouchers" in document
        ]

        assert len(mixed) > 10
        assert broken_by(iter(mixed), judge) == {}

    def test_is_caught_where_a_gift_card_stands_outside_the_scope_beside_what_is_taxed(self, judge: Judge) -> None:
        exempt = b"<cbc:ID>E</cbc:ID>"
        document = next(
            document
            for paper, document in random_documents(150, seed=30)
            if exempt in document and VatCategory.STANDARD in {tax.category for tax in paper.taxes}
        )

        assert "BR-O-11" in judge(document.replace(exempt, b"<cbc:ID>O</cbc:ID>"))

    @pytest.mark.parametrize(
        ("element", "rule"),
        [
            ("cbc:LineExtensionAmount", "BR-CO-10"),
            ("cbc:TaxExclusiveAmount", "BR-CO-13"),
            ("cbc:TaxInclusiveAmount", "BR-CO-15"),
            ("cbc:PayableAmount", "BR-CO-16"),
        ],
    )
    def test_is_caught_where_a_sum_was_altered(self, judge: Judge, element: str, rule: str) -> None:
        [(_, document)] = random_documents(1, seed=3)
        totals = document.index(b"<cac:LegalMonetaryTotal>")
        name = element.encode()
        altered = document[:totals] + re.sub(rb"(<" + name + rb"[^>]*>)", rb"\g<1>7", document[totals:], count=1)

        assert judge(document) == []
        assert rule in judge(altered)

    def test_is_caught_where_the_tax_was_altered(self, judge: Judge) -> None:
        document = next(document for paper, document in random_documents(50, seed=3) if paper.amounts.tax)

        altered = re.sub(rb"<cbc:Percent>[^<]+", b"<cbc:Percent>55", document)

        assert "BR-CO-17" in judge(altered)

    def test_is_caught_where_goods_for_another_member_state_have_no_date(self, judge: Judge) -> None:
        dated = b"<cbc:ActualDeliveryDate>"
        document = next(document for _, document in random_documents(50, seed=3) if dated in document)

        altered = re.sub(rb"<cbc:ActualDeliveryDate>[^<]+</cbc:ActualDeliveryDate>", b"", document)

        assert judge(document) == []
        assert "BR-IC-11" in judge(altered)
