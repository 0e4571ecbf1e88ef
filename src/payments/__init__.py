"""The money ledger: double entries for what was paid and given back. Providers come to live here."""
