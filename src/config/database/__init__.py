"""Django's PostgreSQL, for a shop that is asked for more than it has connections."""
