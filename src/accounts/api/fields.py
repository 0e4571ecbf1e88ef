"""Fields of what people say about themselves."""

from __future__ import annotations

import unicodedata
from typing import Any

import pycountry
from django.core.validators import EmailValidator
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.domain import phone_number
from core.api.fields import TextField


@extend_schema_field({"type": "string", "format": "email", "maxLength": 254})
class EmailField(TextField):
    """An e-mail address in NFKC form, at most 254 characters (RFC 5321, section 4.5.3.1.3)."""

    default_error_messages = {"invalid": "This is not an e-mail address."}

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=254, **options)
        self.validators.append(EmailValidator(self.error_messages["invalid"], code="invalid"))

    def to_internal_value(self, data: Any) -> str:
        return unicodedata.normalize("NFKC", super().to_internal_value(data))


class PasswordField(TextField):
    """A password: any text of 1 to 256 characters, spaces at its ends included."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=256, trim_whitespace=False, **options)


class SecretField(TextField):
    """A token that we gave out."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=2000, **options)


@extend_schema_field({"type": "string", "pattern": "^[A-Z]{2}$", "example": "GB"})
class CountryField(TextField):
    """A country code of ISO 3166-1 alpha-2."""

    default_error_messages = {"unknown": "This is not a country code of ISO 3166-1 alpha-2."}

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=2, **options)

    def to_internal_value(self, data: Any) -> str:
        code = super().to_internal_value(data)
        if not code.isupper() or pycountry.countries.get(alpha_2=code) is None:
            self.fail("unknown")
        return code


class PhoneField(TextField):
    """A telephone number in international form, kept as E.164; or empty."""

    default_error_messages = {"phone": "This is not a telephone number in international form, such as +442079460958."}

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=40, allow_blank=True, **options)

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        try:
            return phone_number(text) if text else ""
        except ValueError:
            self.fail("phone")


def check_phone(text: str, *, country: str | None) -> str:
    """Return a number, as dialled in that country, in E.164 form; the empty text stays.

    :raises ValidationError: it is not a telephone number
    """
    try:
        return phone_number(text, country=country) if text else ""
    except ValueError as error:
        message = "This is not a telephone number of that country, nor in international form."
        raise serializers.ValidationError({"phone": [serializers.ErrorDetail(message, code="phone")]}) from error
