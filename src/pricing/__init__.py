"""The quote of a cart: one pure function from lines to a total. Owns no tables."""
