"""What people are told: in the app and by mail, by kind and channel as they prefer."""
