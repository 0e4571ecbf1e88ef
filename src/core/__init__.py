"""What every app stands on: money, ids, errors, transactions, the outbox, idempotency, pages, the API's manners.

Owns the outbox and the idempotency records. Knows nothing of what a shop sells.
"""
