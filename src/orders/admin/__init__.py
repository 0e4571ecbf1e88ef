"""Orders and their papers, in the back office."""

from orders.admin.drafts import DraftOrderAdmin
from orders.admin.invoices import InvoiceAdmin, SellerAdmin
from orders.admin.orders import OrderAdmin, OrderResource
from orders.admin.parcels import FulfilmentAdmin
from orders.admin.returns import ReturnAdmin
from orders.admin.withdrawals import WithdrawalAdmin

__all__ = [
    "DraftOrderAdmin",
    "FulfilmentAdmin",
    "InvoiceAdmin",
    "OrderAdmin",
    "OrderResource",
    "ReturnAdmin",
    "SellerAdmin",
    "WithdrawalAdmin",
]
