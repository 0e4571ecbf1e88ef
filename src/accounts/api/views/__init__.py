"""The endpoints of people: sign-in, passwords and links, one's own account, and the staff's view of accounts."""
