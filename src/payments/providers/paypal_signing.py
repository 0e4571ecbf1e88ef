"""PayPal's signature of a webhook, checked without a call.

Signed with RSA and SHA-256 is ``<transmission id>|<transmission time>|<webhook id>|<CRC-32 of the raw body>``
(developer.paypal.com/api/rest/webhooks/rest, "Self-verification method"). The certificates are given by the settings
and not fetched from where the webhook says that they are.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID
from django.conf import settings

from payments.errors import WebhookRefused
from payments.providers.wire import first

_TOLERANCE_SECONDS = 300
_ALGORITHM = "SHA256withRSA"
# A name that could end a field of what is signed is none.
_ID = re.compile(r"[A-Za-z0-9-]{1,50}", re.ASCII)
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?Z", re.ASCII)
_CERTIFICATE = re.compile(r"https://([a-z.-]{1,50})/v1/notifications/certs/[A-Za-z0-9-]{1,100}", re.ASCII)
# Where PayPal's certificates are, and to whom they are issued: play money is not believed where real money moves.
_LIVE = (frozenset({"api.paypal.com", "api-m.paypal.com"}), "messageverificationcerts.paypal.com")
_PLAY = (
    frozenset({"api.sandbox.paypal.com", "api-m.sandbox.paypal.com"}),
    "messageverificationcerts.sandbox.paypal.com",
)


def check_signature(*, body: bytes, headers: Mapping[str, str], at: datetime) -> str:
    """Return the id of the transmission, which nobody but PayPal can have signed at about that time.

    :raises WebhookRefused: forged, altered or stale, or signed by a certificate that we were not given
    """
    transmission, stamp = first(headers, "Paypal-Transmission-Id"), first(headers, "Paypal-Transmission-Time")
    hosts, owner = _PLAY if urlsplit(settings.PAYPAL_API_BASE).hostname in _PLAY[0] else _LIVE
    named = _CERTIFICATE.fullmatch(first(headers, "Paypal-Cert-Url"))
    is_well_formed = (
        _ID.fullmatch(transmission)
        and _TIME.fullmatch(stamp)
        and named is not None
        and named[1] in hosts
        and first(headers, "Paypal-Auth-Algo") == _ALGORITHM
    )
    if not is_well_formed or not _is_fresh(stamp, at):
        raise WebhookRefused
    try:
        signature = base64.b64decode(first(headers, "Paypal-Transmission-Sig"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise WebhookRefused from error
    checksum = zlib.crc32(body)
    for webhook_id in settings.PAYPAL_WEBHOOK_IDS:
        if _is_signed(signature, f"{transmission}|{stamp}|{webhook_id}|{checksum}".encode(), owner, at):
            return transmission
    raise WebhookRefused


def _is_fresh(stamp: str, at: datetime) -> bool:
    try:
        sent_at = datetime.fromisoformat(stamp)
    except ValueError:
        return False
    return abs((at - sent_at).total_seconds()) <= _TOLERANCE_SECONDS


def _is_signed(signature: bytes, signed: bytes, owner: str, at: datetime) -> bool:
    mine = [given for given in _load(settings.PAYPAL_WEBHOOK_CERTIFICATES) if _is_issued_to(given, owner)]
    return any(_fits(certificate, signature, signed, at) for certificate in mine)


def _is_issued_to(certificate: x509.Certificate, owner: str) -> bool:
    return owner in {name.value for name in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)}


def _fits(certificate: x509.Certificate, signature: bytes, signed: bytes, at: datetime) -> bool:
    key = certificate.public_key()
    if (
        not isinstance(key, RSAPublicKey)
        or not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc
    ):
        return False
    try:
        key.verify(signature, signed, PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


@lru_cache(maxsize=4)
def _load(bundle: str) -> tuple[x509.Certificate, ...]:
    return tuple(x509.load_pem_x509_certificates(bundle.encode())) if bundle else ()
