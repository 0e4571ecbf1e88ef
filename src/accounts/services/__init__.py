"""Writes of people: sign-in, passwords, profiles, addresses, roles."""

from __future__ import annotations

from accounts.services.account import change_password, delete_account, set_avatar, update_profile
from accounts.services.address_book import add_address, delete_address, update_address
from accounts.services.adopting import adopt_customers
from accounts.services.backoffice import (
    add_user,
    check_staff_password,
    delete_role,
    edit_user,
    save_role,
    set_password,
)
from accounts.services.cleaning import forget_spent_tokens
from accounts.services.groups import (
    change_user,
    create_customer_group,
    delete_customer_group,
    rename_customer_group,
)
from accounts.services.links import (
    confirm_password_reset,
    count_reset_request,
    make_one_time_token,
    request_email_verification,
    request_password_reset,
    verify_email,
)
from accounts.services.roles import create_staff, ensure_roles, set_roles
from accounts.services.sessions import (
    Session,
    count_registration,
    lock_account,
    refresh_session,
    register,
    sign_in,
    sign_out,
    sign_out_everywhere,
)
from accounts.services.throttling import count_guess

__all__ = [
    "Session",
    "add_address",
    "add_user",
    "adopt_customers",
    "change_password",
    "change_user",
    "check_staff_password",
    "confirm_password_reset",
    "count_guess",
    "count_registration",
    "count_reset_request",
    "create_customer_group",
    "create_staff",
    "delete_account",
    "delete_address",
    "delete_customer_group",
    "delete_role",
    "edit_user",
    "ensure_roles",
    "forget_spent_tokens",
    "lock_account",
    "make_one_time_token",
    "refresh_session",
    "register",
    "rename_customer_group",
    "request_email_verification",
    "request_password_reset",
    "save_role",
    "set_avatar",
    "set_password",
    "set_roles",
    "sign_in",
    "sign_out",
    "sign_out_everywhere",
    "update_address",
    "update_profile",
    "verify_email",
]
