"""Tables of orders, by activity."""

from orders.models.editing import DraftOrder, OrderEdit, PaymentLink
from orders.models.fulfilling import Fulfilment, FulfilmentLine
from orders.models.invoicing import Invoice, InvoiceParties, InvoiceSeries, Seller
from orders.models.ordering import Order, OrderLine, OrderMove, OrderNote, OrderReceipt
from orders.models.returning import Return, ReturnLine, ReturnPicture, Withdrawal

__all__ = [
    "DraftOrder",
    "Fulfilment",
    "FulfilmentLine",
    "Invoice",
    "InvoiceParties",
    "InvoiceSeries",
    "Order",
    "OrderEdit",
    "OrderLine",
    "OrderMove",
    "OrderNote",
    "OrderReceipt",
    "PaymentLink",
    "Return",
    "ReturnLine",
    "ReturnPicture",
    "Seller",
    "Withdrawal",
]
