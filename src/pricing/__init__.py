"""What a cart costs, with the rules of shipping and tax behind it. Prices are of products, discounts of promotions."""
