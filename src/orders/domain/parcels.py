"""Words and rules of parcels: how far an order is fulfilled, and where a parcel is followed."""

from __future__ import annotations

from enum import Enum
from urllib.parse import quote


class FulfilmentStatus(Enum):
    """How much of what is to be sent was sent."""

    UNFULFILLED = "unfulfilled"
    PARTIAL = "partial"
    FULFILLED = "fulfilled"


# The public tracking pages of carriers, as they link to them themselves; {} is the number. The key is how the carrier's
# name begins, letters and digits alone.
_PAGES = {
    "canadapost": "https://www.canadapost-postescanada.ca/track-reperage/en#/search?searchFor={}",
    "colissimo": "https://www.laposte.fr/outils/suivre-vos-envois?code={}",
    "dhl": "https://www.dhl.com/global-en/home/tracking.html?tracking-id={}",
    "dpd": "https://www.dpdgroup.com/nl/mydpd/my-parcels/track?lang=en&parcelNumber={}",
    "dpduk": "https://track.dpd.co.uk/parcels/{}",
    "evri": "https://www.evri.com/track/parcel/{}",
    "fedex": "https://www.fedex.com/fedextrack/?trknbr={}",
    "gls": "https://gls-group.com/GROUP/en/parcel-tracking?match={}",
    "laposte": "https://www.laposte.fr/outils/suivre-vos-envois?code={}",
    "parcelforce": "https://www.parcelforce.com/track-trace?trackNumber={}",
    "royalmail": "https://www.royalmail.com/track-your-item#/tracking-results/{}",
    "ups": "https://www.ups.com/track?tracknum={}",
    "usps": "https://tools.usps.com/go/TrackConfirmAction?tLabels={}",
}


def fulfilment_status(*, shipped: int, open_units: int) -> FulfilmentStatus:
    """Return how far an order is of which so many units were shipped, and so many are still owed."""
    if not shipped:
        return FulfilmentStatus.UNFULFILLED
    return FulfilmentStatus.PARTIAL if open_units else FulfilmentStatus.FULFILLED


def tracking_link(*, carrier: str, number: str) -> str:
    """Return where a parcel of a well-known carrier is followed; empty for others, and without a number."""
    name = "".join(sign for sign in carrier.casefold() if sign.isalnum())
    known = max((start for start in _PAGES if name.startswith(start)), key=len, default=None)
    bare = "".join(number.split())
    return _PAGES[known].format(quote(bare, safe="")) if known and bare else ""
