"""What someone agreed to buy: orders with their lines as bought, their states and their history."""
