"""What is wished beside the goods: a coupon, a shipping method, and where it goes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from carts import selectors
from carts.domain import CartView, Holder, refused_coupon
from carts.errors import CouponRefused, ShippingMethodRefused, VatIdRefused
from carts.services.filling import open_cart
from core.sql import update_together
from core.transactions import command
from pricing.domain import UNKNOWN_METHOD, vat_id_is_wrong
from promotions.domain import Reason

if TYPE_CHECKING:
    from markets.models import Market

# What no change of the cart would cure. A coupon that does not apply for another reason is kept, and warned of.
_HOPELESS = {
    reason.value
    for reason in (Reason.UNKNOWN_CODE, Reason.USED_UP, Reason.USED_BEFORE, Reason.ENDED, Reason.OTHER_MARKET)
}


@command
def set_terms(*, holder: Holder, changes: Mapping[str, str], market: Market | None, at: datetime) -> CartView:
    """Change some of the cart's terms (names as in ``Terms``; empty takes one back) and return it, priced on them.

    Opens a cart where there is none. Locks the cart.

    :raises CouponRefused: the code is unknown, used up, over, or of another market
    :raises ShippingMethodRefused: the method is not offered for this cart
    :raises VatIdRefused: the VAT id is none
    """
    if vat_id_is_wrong(changes.get("vat_id", "")):
        raise VatIdRefused(vat_id=changes["vat_id"])
    cart, holder, is_new = open_cart(holder=holder, market=market, at=at)
    for name, value in {**changes, "used_at": at, "updated_at": at}.items():
        setattr(cart, name, value)
    update_together((cart, (*changes, "used_at", "updated_at")))
    view = selectors.show(cart=cart, holder=holder, items=[] if is_new else selectors.items_of(cart=cart), at=at)
    refused = refused_coupon(view.quote)
    if changes.get("coupon") and refused in _HOPELESS:
        raise CouponRefused(coupon=changes["coupon"], reason=refused)
    if changes.get("shipping_method") and view.quote.lines and view.quote.priced.refusal == UNKNOWN_METHOD:
        raise ShippingMethodRefused(shipping_method=changes["shipping_method"])
    return view
