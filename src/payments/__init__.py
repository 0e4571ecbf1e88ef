"""How orders are paid: providers, attempts, refunds, webhooks, the double-entry ledger. It knows orders by id alone."""
