"""A payment gateway for development: its own books, a payment page, signed webhooks and faults to switch on.

Nexus talks to it as to any provider, over its wire. It knows nothing of the shop, and refuses to run in production.
"""
