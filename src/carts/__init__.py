"""What someone is about to buy: one open cart per customer or guest token."""
