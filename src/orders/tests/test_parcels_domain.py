from __future__ import annotations

import pytest

from orders.domain import FulfilmentStatus, fulfilment_status, tracking_link


class TestFulfilmentStatus:
    @pytest.mark.parametrize(
        ("shipped", "open_units", "expected"),
        [
            (0, 3, FulfilmentStatus.UNFULFILLED),
            (0, 0, FulfilmentStatus.UNFULFILLED),
            (1, 2, FulfilmentStatus.PARTIAL),
            (3, 0, FulfilmentStatus.FULFILLED),
        ],
    )
    def test_tells_how_far_the_sending_is(self, shipped: int, open_units: int, expected: FulfilmentStatus) -> None:
        assert fulfilment_status(shipped=shipped, open_units=open_units) is expected


class TestTrackingLink:
    @pytest.mark.parametrize(
        ("carrier", "number", "expected"),
        [
            ("Royal Mail", "AB 123 GB", "https://www.royalmail.com/track-your-item#/tracking-results/AB123GB"),
            ("royal-mail tracked 48", "A1", "https://www.royalmail.com/track-your-item#/tracking-results/A1"),
            ("DPD UK", "1", "https://track.dpd.co.uk/parcels/1"),
            ("DPD", "1", "https://www.dpdgroup.com/nl/mydpd/my-parcels/track?lang=en&parcelNumber=1"),
            ("USPS", "9", "https://tools.usps.com/go/TrackConfirmAction?tLabels=9"),
            ("UPS", '"><script>', "https://www.ups.com/track?tracknum=%22%3E%3Cscript%3E"),
            ("UPS", "1&2/3?4#5", "https://www.ups.com/track?tracknum=1%262%2F3%3F4%235"),
        ],
    )
    def test_leads_to_the_page_of_a_well_known_carrier(self, carrier: str, number: str, expected: str) -> None:
        assert tracking_link(carrier=carrier, number=number) == expected

    @pytest.mark.parametrize(
        ("carrier", "number"), [("Aunt Ada", "1"), ("", "1"), ("UPS", ""), ("UPS", "  "), ("", "")]
    )
    def test_is_empty_for_others_and_without_a_number(self, carrier: str, number: str) -> None:
        assert tracking_link(carrier=carrier, number=number) == ""
