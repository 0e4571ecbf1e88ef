"""Reads of people, their addresses, and whom a token belongs to."""

from __future__ import annotations

from accounts.selectors.addresses import default_address, get_address, list_addresses
from accounts.selectors.groups import get_customer_group, list_customer_groups
from accounts.selectors.people import (
    erased_since,
    find_user,
    get_profile,
    get_public_profile,
    get_user,
    list_users,
    roles_of,
    users_by_ids,
    users_with_permission,
)
from accounts.selectors.personal import list_links, list_recovery_codes, list_sign_ins, permissions_of
from accounts.selectors.sessions import list_sessions
from accounts.selectors.tokens import lacks_second_factor, read_token, user_of_token

__all__ = [
    "default_address",
    "erased_since",
    "find_user",
    "get_address",
    "get_customer_group",
    "get_profile",
    "get_public_profile",
    "get_user",
    "lacks_second_factor",
    "list_addresses",
    "list_customer_groups",
    "list_links",
    "list_recovery_codes",
    "list_sessions",
    "list_sign_ins",
    "list_users",
    "permissions_of",
    "read_token",
    "roles_of",
    "user_of_token",
    "users_by_ids",
    "users_with_permission",
]
