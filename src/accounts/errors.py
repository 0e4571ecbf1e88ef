from __future__ import annotations

from core.errors import Conflict, Forbidden, Invalid, NotFound, TooManyRequests, Unauthenticated


class AddressNotFound(NotFound):
    """There is no such address in this person's book."""

    code = "accounts.address_not_found"
    title = "There is no such address in your book."


class AddressBookFull(Conflict):
    """The book holds as many addresses as it may."""

    code = "accounts.address_book_full"
    title = "Your address book is full."
    example = {"limit": 50}


class UserNotFound(NotFound):
    """There is no such account."""

    code = "accounts.user_not_found"
    title = "There is no such account."


class ProfileNotFound(NotFound):
    """There is no such profile, or it is private."""

    code = "accounts.profile_not_found"
    title = "There is no such profile."


class EmailTaken(Conflict):
    """Someone registered that e-mail."""

    code = "accounts.email_taken"
    title = "There is an account with this e-mail."


class PasswordTooWeak(Invalid):
    """The password is refused by the validators; ``errors`` says why."""

    code = "accounts.password_too_weak"
    title = "This password is too weak."
    example = {"errors": [{"field": "password", "code": "password_too_common", "message": "It is too common."}]}

    def __init__(self, *, errors: list[dict[str, str]]) -> None:
        """:param errors: ``[{"field", "code", "message"}]``"""
        super().__init__(errors=errors)


class WrongPassword(Invalid):
    """The current password, asked for again, is another one."""

    code = "accounts.wrong_password"
    title = "This is not your current password."


class SignInRefused(Unauthenticated):
    """The e-mail and password do not belong to an account that may sign in; which of them is wrong is not told."""

    code = "accounts.sign_in_refused"
    title = "The e-mail or the password is wrong."


class SecondFactorNeeded(Unauthenticated):
    """The password is right, and the account wants a code of its authenticator app, too."""

    code = "accounts.second_factor_needed"
    title = "Give the code of your authenticator app, too."


class SecondFactorRefused(Unauthenticated):
    """The code of the authenticator app or the recovery code is wrong, too old, or was used before."""

    code = "accounts.second_factor_refused"
    title = "This code is wrong, or was used before."


class SecondFactorMissing(Forbidden):
    """Whoever works here signs in with a second factor, and this account has none yet."""

    code = "accounts.second_factor_missing"
    title = "Set up an authenticator app first."


class SecondFactorExists(Conflict):
    """There is one already; it has to be removed first."""

    code = "accounts.second_factor_exists"
    title = "This account has an authenticator app."


class TokenRefused(Unauthenticated):
    """The access or refresh token is forged, expired, ended, or of another kind."""

    code = "accounts.token_refused"
    title = "This token is no longer good. Sign in again."


class TokenReused(TokenRefused):
    """A spent refresh token came again, so that two hold it: its family has ended."""

    code = "accounts.token_reused"
    title = "This token was used before. Sign in again."


class SessionNotFound(NotFound):
    """None of the person's sign-ins has that id, or it has ended."""

    code = "accounts.session_not_found"
    title = "You have no such sign-in."


class LinkRefused(Invalid):
    """The token of a mailed link is unknown, used, expired, or the account changed since."""

    code = "accounts.link_refused"
    title = "This link is not good any more. Ask for a new one."


class TooManyAttempts(TooManyRequests):
    """Tried too often; ``retry_after`` is in seconds."""

    code = "accounts.too_many_attempts"
    title = "Too many attempts. Wait a while."
    example = {"retry_after": 900}


class AboveYourRole(Forbidden):
    """Nobody grants, takes or touches more than they hold themselves."""

    code = "accounts.above_your_role"
    title = "You cannot grant or take what you do not hold."


class OwnAccess(Conflict):
    """Nobody changes their own roles or shuts their own account: the shop could be left with nobody to let them in."""

    code = "accounts.own_access"
    title = "You cannot change your own access. Ask another administrator."


class UnknownRole(Invalid):
    """A role of that name does not exist."""

    code = "accounts.unknown_role"
    title = "There is no such role."
    example = {"unknown": ["Photographer"]}


class RoleTaken(Conflict):
    """Another role has the name."""

    code = "accounts.role_taken"
    title = "There is a role of that name."
    example = {"role": "Photographer"}


class RoleInUse(Conflict):
    """Someone has the role."""

    code = "accounts.role_in_use"
    title = "Someone has this role; take it from them first."
    example = {"holders": 2}


class CustomerGroupNotFound(NotFound):
    """There is no customer group of that code."""

    code = "accounts.customer_group_not_found"
    title = "There is no such customer group."


class CustomerGroupInvalid(Invalid):
    """The code of a customer group is no slug, or names none."""

    code = "accounts.customer_group_invalid"
    title = "This is not a customer group."
    example = {"field": "customer_group"}


class CustomerGroupTaken(Conflict):
    """There is a customer group of that code."""

    code = "accounts.customer_group_taken"
    title = "Another customer group has this code."
    example = {"group": "wholesale"}


class CustomerGroupInUse(Conflict):
    """Something is for that customer group alone, such as a price list."""

    code = "accounts.customer_group_in_use"
    title = "The customer group is in use."
    example = {"group": "wholesale"}
