"""Writes of people: sign-in, passwords, profiles, addresses, roles."""

from __future__ import annotations

from accounts.services.account import (
    change_password,
    delete_account,
    end_session,
    erase_account,
    erase_again,
    set_avatar,
    update_profile,
)
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
from accounts.services.exporting import count_export, export_account
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
from accounts.services.second_factor import (
    Enrolment,
    begin_second_factor,
    confirm_second_factor,
    find_enrolment,
    finish_enrolment,
    forget_second_factor,
    remove_second_factor,
    reset_second_factor,
    start_enrolment,
)
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
    "Enrolment",
    "Session",
    "add_address",
    "add_user",
    "adopt_customers",
    "begin_second_factor",
    "change_password",
    "change_user",
    "check_staff_password",
    "confirm_password_reset",
    "confirm_second_factor",
    "count_export",
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
    "end_session",
    "ensure_roles",
    "erase_account",
    "erase_again",
    "export_account",
    "find_enrolment",
    "finish_enrolment",
    "forget_second_factor",
    "forget_spent_tokens",
    "lock_account",
    "make_one_time_token",
    "refresh_session",
    "register",
    "remove_second_factor",
    "rename_customer_group",
    "request_email_verification",
    "request_password_reset",
    "reset_second_factor",
    "save_role",
    "set_avatar",
    "set_password",
    "set_roles",
    "sign_in",
    "sign_out",
    "sign_out_everywhere",
    "start_enrolment",
    "update_address",
    "update_profile",
    "verify_email",
]
