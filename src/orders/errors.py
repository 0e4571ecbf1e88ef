from __future__ import annotations

from typing import Any

from core.errors import Conflict, Invalid, NotFound


class OrderNotFound(NotFound):
    """There is no such order, or it is someone else's."""

    code = "orders.order_not_found"
    title = "There is no such order."


class ReceiptNotFound(NotFound):
    """The order's prices were agreed elsewhere: nothing was calculated here."""

    code = "orders.receipt_not_found"
    title = "This order has no receipt: its prices were agreed elsewhere."


class MoveRefused(Conflict):
    """The order cannot go there from where it stands."""

    code = "orders.move_refused"
    title = "The order cannot do that in its present state."
    example = {"from_status": "shipped", "wanted": "cancelled", "order": "N-7K3-Q9XW"}


class CancelRefused(Conflict):
    """The order cannot be cancelled like that; ``reason`` says why.

    ``pending_in_part``: while it is not paid its lines are edited instead. ``only_as_a_whole``: customers cancel all or
    nothing. ``partly_shipped``: a part of it is on its way, and what comes back is a return.
    """

    code = "orders.cancel_refused"
    title = "The order cannot be cancelled like that."
    example = {"reason": "partly_shipped", "order": "N-7K3-Q9XW"}


class UnitsRefused(Conflict):
    """More units than a line still owes."""

    code = "orders.units_refused"
    title = "That is more than what is still to be sent."
    example = {"left": {"0192f3c4-7bd9-7cc2-8b5d-e0a6f0a3b1f4": 1}}


class FulfilmentNotFound(NotFound):
    """There is no such parcel, or it is someone else's."""

    code = "orders.fulfilment_not_found"
    title = "There is no such fulfilment."


class TotalChanged(Conflict):
    """The total is not the expected one any more; the new quote stands in the answer."""

    code = "orders.total_changed"
    title = "The price has changed since you last saw it."
    example = {
        "expected_total": {"amount": "12.50", "currency": "GBP"},
        "quote": {
            "items": [
                {
                    "variant": "0192f3c4-7bd9-7cc2-8b5d-e0a6f0a3b1f4",
                    "sku": "MUG-BLUE",
                    "quantity": 1,
                    "unit_price": {"amount": "14.00", "currency": "GBP"},
                }
            ],
            "subtotal": {"amount": "14.00", "currency": "GBP"},
            "discount": {"amount": "0.00", "currency": "GBP"},
            "shipping": {"amount": "0.00", "currency": "GBP"},
            "tax": {"amount": "0.00", "currency": "GBP"},
            "total": {"amount": "14.00", "currency": "GBP"},
        },
    }

    def __init__(self, *, expected: dict[str, str], quote: dict[str, Any]) -> None:
        super().__init__(expected_total=expected, quote=quote)


class ItemsUnavailable(Conflict):
    """Something in the cart is not sold any more."""

    code = "orders.items_unavailable"
    title = "Some items are no longer sold."
    example = {"variants": ["0192f3c4-7bd9-7cc2-8b5d-e0a6f0a3b1f4"]}


class AddressMissing(Invalid):
    """There is no address to ship to."""

    code = "orders.address_missing"
    title = "Where should it go? Give a shipping address."


class EmailMissing(Invalid):
    """A guest has to say where to reach them."""

    code = "orders.email_missing"
    title = "Guests have to give an e-mail address."


class ShippingMethodUnknown(Invalid):
    """No such shipping method is offered."""

    code = "orders.shipping_method_unknown"
    title = "There is no such shipping method."
    example = {"shipping_method": "by-balloon"}


class CouponUnknown(Invalid):
    """No such coupon is offered."""

    code = "orders.coupon_unknown"
    title = "There is no such coupon."
    example = {"coupon": "SPRING"}


class CouponRefused(Conflict):
    """The coupon does not apply to this cart, or not any more; ``reason`` says why."""

    code = "orders.coupon_refused"
    title = "This coupon does not apply."
    example = {"coupon": "SPRING", "reason": "below_minimum_spend"}


class NotDelivered(Invalid):
    """Nothing that the shop has goes there."""

    code = "orders.not_delivered"
    title = "We do not deliver there."
    example = {"country": "AQ"}


class ItemsUnknown(Invalid):
    """There are no such variants."""

    code = "orders.items_unknown"
    title = "Some of these items do not exist."
    example = {"skus": ["MUG-BLEU"], "variants": []}


class DraftNotFound(NotFound):
    """There is no such draft."""

    code = "orders.draft_not_found"
    title = "There is no such draft order."


class DraftClosed(Conflict):
    """It was placed or given up, and does not change any more."""

    code = "orders.draft_closed"
    title = "This draft was placed or cancelled already."
    example = {"draft_status": "placed"}


class NothingOrdered(Invalid):
    """An order is of something."""

    code = "orders.nothing_ordered"
    title = "There is nothing in this order."


class EditRefused(Conflict):
    """Only orders that wait for their payment are edited."""

    code = "orders.edit_refused"
    title = "The order cannot be edited any more."
    example = {"order_status": "paid"}


class PaymentLinkNotFound(NotFound):
    """There is no such payment link."""

    code = "orders.payment_link_not_found"
    title = "There is no such payment link."


class InvoicesUnreadable(Invalid):
    """The file of invoices to replay is not one."""

    code = "orders.invoices_unreadable"
    title = "The invoices cannot be read."


class InvoiceNotFound(NotFound):
    """There is no such invoice or credit note, or it is someone else's."""

    code = "orders.invoice_not_found"
    title = "There is no such invoice."


class InvoiceRefused(Conflict):
    """The order cannot be invoiced, or not yet; ``reason`` says why."""

    code = "orders.invoice_refused"
    title = "This order cannot be invoiced now."
    example = {"reason": "no_seller"}


class CreditTooLarge(Conflict):
    """More than what is left of the invoice."""

    code = "orders.credit_too_large"
    title = "That is more than what is left of the invoice."
    example = {"left": {"amount": "12.50", "currency": "GBP"}, "position": 1}


class SellerInvalid(Invalid):
    """The seller cannot stand on an invoice like that."""

    code = "orders.seller_invalid"
    title = "The seller's data are not enough for an invoice."
    example = {"errors": [{"field": "vat_id", "code": "invalid", "message": "A VAT id begins with its country."}]}


class ReturnNotFound(NotFound):
    """There is no such return, or it is someone else's."""

    code = "orders.return_not_found"
    title = "There is no such return."


class ReturnMoveRefused(Conflict):
    """The return cannot go there from where it stands."""

    code = "orders.return_move_refused"
    title = "The return cannot do that in its present state."
    example = {"from_status": "completed", "wanted": "cancelled"}


class NotReturnable(Conflict):
    """More units than can come back: not shipped, back already, or on their way; ``left`` names what is, by line."""

    code = "orders.not_returnable"
    title = "These units cannot be sent back, or not any more."
    example = {"left": {"01937f5e-7c3a-7b60-9a57-0d6a4bd3c005": 1}}


class UnitsDisagree(Conflict):
    """More units than there are of a line of the return; ``most`` names how many there are, by line."""

    code = "orders.units_disagree"
    title = "That is more than the return holds."
    example = {"most": {"01937f5e-7c3a-7b60-9a57-0d6a4bd3c005": 1}}


class ExchangeRefused(Invalid):
    """It cannot be exchanged like that; ``reason`` is ``no_variant`` or ``not_sold``."""

    code = "orders.exchange_refused"
    title = "It cannot be exchanged for that."
    example = {"reason": "not_sold", "variants": ["0192f3c4-7bd9-7cc2-8b5d-e0a6f0a3b1f4"]}


class GiftCardForGiftCard(Conflict):
    """Gift cards are not bought with a gift card: that would make a new one of one that ends."""

    code = "orders.gift_card_for_gift_card"
    title = "A gift card cannot pay for a gift card."


class GiftCardsOut(Conflict):
    """Gift cards of this order were spent, or are not made yet: their price is not given back.

    With a ``line``: so many units of it are ``wanted``, and so many of its cards are ``unspent``. Else ``left`` is what
    may be given back beside the cards.
    """

    code = "orders.gift_cards_out"
    title = "Gift cards of this order were spent, or are not made yet."
    example = {
        "line": "0192f3c4-7bd9-7cc2-8b5d-e0a6f0a3b1f4",
        "wanted": 2,
        "unspent": 1,
        "left": {"amount": "12.50", "currency": "GBP"},
    }


class DeductionTooLarge(Conflict):
    """More is kept than what the goods are worth."""

    code = "orders.deduction_too_large"
    title = "That is more than the goods are worth."
    example = {"worth": {"amount": "12.50", "currency": "GBP"}}


class PictureNotFound(NotFound):
    """The return has no such picture."""

    code = "orders.picture_not_found"
    title = "There is no such picture."


class TooManyPictures(Conflict):
    """The return would have more pictures than are looked at."""

    code = "orders.too_many_pictures"
    title = "These are more pictures than a return takes."
    example = {"max_pictures": 6, "pictures": 5}


class WithdrawalNotFound(NotFound):
    """There is no such withdrawal, or it is someone else's, or its link is not good any more."""

    code = "orders.withdrawal_not_found"
    title = "There is no such withdrawal."


class NothingToWithdraw(Conflict):
    """Nothing of the order, or of the lines named, is left to withdraw from; ``left`` names the units that are."""

    code = "orders.nothing_to_withdraw"
    title = "There is nothing left of this to withdraw from."
    example = {"left": {}}
