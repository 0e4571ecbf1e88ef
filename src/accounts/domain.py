"""Rules about people that need no database."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import Enum
from uuid import UUID

import phonenumbers

from core.quotas import Quota

ADDRESS_BOOK_LIMIT = 50
GROUP_CODE = re.compile(r"[A-Za-z0-9_-]{1,50}")
# Two refreshes of one token this close together are one client's tabs, not a thief.
REFRESH_GRACE = timedelta(seconds=5)
# Clocks of telephones are a little off: a code is taken half a minute early and late (RFC 6238, section 5.2).
CODE_SECONDS = 30
CODE_DRIFT = 1
RECOVERY_CODES = 10
CLIENT_LENGTH = 200


class Visibility(Enum):
    """Who sees a profile: nobody else, or other customers (display name and avatar only)."""

    PRIVATE = "private"
    PUBLIC = "public"


class Purpose(Enum):
    """What a one-time token is good for."""

    RESET_PASSWORD = "reset_password"  # noqa: S105 - a purpose, not a password
    VERIFY_EMAIL = "verify_email"


class Role(Enum):
    """The groups that come ready-made."""

    CUSTOMER_SUPPORT = "customer support"
    CATALOGUE_MANAGER = "catalogue manager"
    ORDER_MANAGER = "order manager"
    ADMINISTRATOR = "administrator"


# What a role may do: "app.codename"; ``*`` stands for all of that app. Unions of these make the groups.
ROLE_PERMISSIONS: dict[Role, tuple[str, ...]] = {
    Role.CUSTOMER_SUPPORT: (
        "accounts.view_user",
        "accounts.view_profile",
        "accounts.view_address",
        "carts.view_cart",
        "carts.view_cartitem",
        "orders.view_order",
        "orders.view_orderline",
        "orders.view_ordermove",
        "orders.view_fulfilment",
        "orders.view_fulfilmentline",
        "orders.view_return",
        "orders.handle_return",
        "orders.view_withdrawal",
        "orders.view_draftorder",
        "orders.view_ordernote",
        "orders.add_ordernote",
        "products.view_category",
        "products.view_product",
        "products.view_variant",
        "products.view_price",
        "products.view_productimage",
        "inventory.view_stock",
        "notifications.view_notification",
        "notifications.view_mail",
        "notifications.view_suppression",
        "notifications.change_suppression",
        "accounts.receive_registration_alerts",
    ),
    Role.CATALOGUE_MANAGER: (
        "products.*",
        "inventory.*",
        "promotions.*",
        "markets.view_market",
        "accounts.view_customergroup",
    ),
    Role.ORDER_MANAGER: (
        "orders.*",
        "accounts.view_customergroup",
        "accounts.view_user",
        "accounts.view_profile",
        "accounts.view_address",
        "carts.view_cart",
        "carts.view_cartitem",
        "inventory.view_place",
        "inventory.view_stock",
        "inventory.view_movement",
        "inventory.view_reservation",
        "payments.view_payment",
        "payments.view_attempt",
        "payments.view_refund",
        "payments.add_refund",
        "payments.view_balance",
        "payments.issue_balance",
        "payments.view_savedmethod",
        "payments.view_settlement",
        "payments.add_settlement",
        "payments.view_settlementline",
        "payments.receive_payment_alerts",
        "payments.view_ledgerentry",
        "payments.view_posting",
        "pricing.*",
        "products.view_category",
        "products.view_product",
        "products.view_variant",
        "products.view_price",
        "products.view_productimage",
        "markets.view_market",
    ),
    Role.ADMINISTRATOR: (
        "accounts.*",
        "auth.*",
        "carts.*",
        "core.*",
        "inventory.*",
        "markets.*",
        "notifications.*",
        "orders.*",
        "payments.*",
        "pricing.*",
        "products.*",
        "promotions.*",
    ),
}


@dataclass(frozen=True, kw_only=True)
class AddressData:
    """Where someone lives or receives things. ``country`` is ISO 3166-1 alpha-2, ``phone`` E.164 or empty."""

    name: str
    line1: str
    city: str
    country: str
    line2: str = ""
    region: str = ""
    postal_code: str = ""
    phone: str = ""

    def as_dict(self) -> dict[str, str]:
        """Return the eight fields, as snapshots keep them."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Limit:
    """At most so many in that time. The name is what askers are told."""

    most: int
    within: timedelta
    name: str = ""

    def wait_seconds(self, times: Sequence[datetime], *, at: datetime) -> int:
        """Return how long to wait before one more is allowed; 0 is now.

        :param times: when the counted ones happened, oldest first
        """
        counted = [time for time in times if time > at - self.within]
        if len(counted) < self.most:
            return 0
        return max(1, int((counted[-self.most] + self.within - at).total_seconds()) + 1)

    def quota(self, times: Sequence[datetime], *, at: datetime) -> Quota:
        """Return what is left of it, and when the oldest counted one stops counting.

        :param times: when the counted ones happened, oldest first
        """
        window = int(self.within.total_seconds())
        counted = [time for time in times if time > at - self.within]
        reset = int((counted[0] + self.within - at).total_seconds()) + 1 if counted else window
        return Quota(self.name, self.most, window, max(0, self.most - len(counted)), min(window, reset))


# HARD-CASES S15: per account and address, and per address alone.
SIGN_IN_PER_ACCOUNT = Limit(5, timedelta(minutes=15), "sign-in-account")
SIGN_IN_PER_ADDRESS = Limit(20, timedelta(minutes=15), "sign-in")
REGISTRATIONS_PER_ADDRESS = Limit(100, timedelta(hours=1), "register")
GUESSES_PER_ADDRESS = Limit(20, timedelta(minutes=15), "guess")
RESETS_PER_ADDRESS = Limit(30, timedelta(hours=1), "reset")
# Wherever they come from: whoever is refused here knows the password.
CODES_PER_ACCOUNT = Limit(10, timedelta(minutes=15), "second-factor")
EXPORTS_PER_ACCOUNT = Limit(10, timedelta(hours=1), "export")
MAILS_PER_ACCOUNT = Limit(5, timedelta(hours=1), "mail")


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token of ours says: whose, which state of the account, and which sign-in."""

    user_id: UUID
    token_version: int
    family_id: UUID


def email_key(email: str) -> str:
    """Return the form in which e-mails are compared: NFKC, case-folded (Unicode, section 3.13)."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", email).casefold()).strip()


def client_name(said: str) -> str:
    """Return what a program calls itself (``User-Agent``; RFC 9110, section 10.1.5) as it can be kept and shown.

    Without control characters and others that are not printed; at most 200 characters.
    """
    return "".join(filter(str.isprintable, said))[:CLIENT_LENGTH].strip()


def phone_number(text: str, *, country: str | None = None) -> str:
    """Return a telephone number in E.164 form.

    Its country and length are checked, not whether its range is in use: ranges open faster than libraries are updated.

    :param country: where a number without ``+`` is dialled, ISO 3166-1 alpha-2
    :raises ValueError: it is not a possible number
    """
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException as error:
        raise ValueError("not a telephone number") from error
    if not phonenumbers.is_possible_number(number) or number.extension:
        raise ValueError("not a possible telephone number")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
