"""Orders and their papers, in the back office."""

from orders.admin.invoices import InvoiceAdmin, SellerAdmin
from orders.admin.orders import OrderAdmin, OrderResource

__all__ = ["InvoiceAdmin", "OrderAdmin", "OrderResource", "SellerAdmin"]
