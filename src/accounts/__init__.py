"""People: sign-in, tokens, permissions, profiles, addresses. What people buy belongs to others."""
