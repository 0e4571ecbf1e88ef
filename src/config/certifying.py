"""A certificate for the web processes, and the CA that their proxy believes: ``python certifying.py FOLDER NAME…``.

For where nobody else makes them (Docker Compose). In the folder, each place for who needs it and for nobody else:
``ca`` keeps the key of the CA, ``web`` the certificate and its key, ``trusted`` the CA's certificate.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAYS_LEFT = timedelta(days=30)
_DAYS = timedelta(days=730)
_DAYS_OF_CA = timedelta(days=3650)
# As what looks after a process asks it, from beside it.
_HERE = ("localhost", "127.0.0.1")
_USAGES = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
    "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip


class _Held:
    """A certificate with its key, as two files."""

    def __init__(self, certificate: Path, key: Path) -> None:
        self._certificate, self._key = certificate, key
        self.certificate: x509.Certificate | None = None
        self.key: ec.EllipticCurvePrivateKey | None = None
        with suppress(FileNotFoundError, ValueError):
            self.certificate = x509.load_pem_x509_certificate(certificate.read_bytes())
            found = load_pem_private_key(key.read_bytes(), None)
            self.key = found if isinstance(found, ec.EllipticCurvePrivateKey) else None

    def is_good(self, *, at: datetime) -> bool:
        """Tell whether both are there, belong together, and last for a while."""
        return (
            self.certificate is not None
            and self.key is not None
            and self.certificate.public_key() == self.key.public_key()
            and self.certificate.not_valid_after_utc - at >= DAYS_LEFT
        )

    def keep(self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey, *, with_it: bytes = b"") -> None:
        self.certificate, self.key = certificate, key
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        _write(self._key, secret, mode=0o400)
        _write(self._certificate, certificate.public_bytes(Encoding.PEM) + with_it, mode=0o444)


def certify(folder: Path, *, names: Sequence[str], at: datetime) -> bool:
    """Make what is missing, and anew what has fewer than 30 days left; tell whether there is another certificate."""
    ca = _Held(folder / "ca" / "ca.pem", folder / "ca" / "ca.key")
    if not ca.is_good(at=at):
        key = ec.generate_private_key(ec.SECP256R1())
        ca.keep(_made("Nexus web processes", key, None, names=(), at=at), key)
    assert ca.certificate is not None
    trusted = ca.certificate.public_bytes(Encoding.PEM)
    _write(folder / "trusted" / "ca.pem", trusted, mode=0o444)
    web = _Held(folder / "web" / "certificate.pem", folder / "web" / "key.pem")
    if web.is_good(at=at) and _is_of(web.certificate, ca.certificate, names):
        return False
    key = ec.generate_private_key(ec.SECP256R1())
    web.keep(_made(names[0], key, ca, names=names, at=at), key, with_it=trusted)
    return True


def _is_of(certificate: x509.Certificate | None, ca: x509.Certificate, names: Sequence[str]) -> bool:
    assert certificate is not None
    with suppress(InvalidSignature, ValueError):
        certificate.verify_directly_issued_by(ca)
        said = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return list(said) == _alternatives(names)
    return False


def _alternatives(names: Sequence[str]) -> list[x509.GeneralName]:
    found: list[x509.GeneralName] = []
    for name in (*names, *_HERE):
        try:
            found.append(x509.IPAddress(ip_address(name)))
        except ValueError:
            found.append(x509.DNSName(name))
    return found


def _made(
    subject: str, key: ec.EllipticCurvePrivateKey, ca: _Held | None, *, names: Sequence[str], at: datetime
) -> x509.Certificate:
    """Return a certificate by the CA; a CA's own where there is none."""
    name = _named(subject)
    signer, issuer = key, name
    if ca is not None:
        assert ca.key is not None
        assert ca.certificate is not None
        signer, issuer = ca.key, ca.certificate.subject
    used = {"key_cert_sign", "crl_sign"} if ca is None else {"digital_signature"}
    usage = x509.KeyUsage(**{each: each in used for each in _USAGES})
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - timedelta(hours=1))
        .not_valid_after(at + (_DAYS_OF_CA if ca is None else _DAYS))
        .add_extension(x509.BasicConstraints(ca=ca is None, path_length=0 if ca is None else None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if ca is not None:
        builder = (
            builder.add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
            )
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectAlternativeName(_alternatives(names)), critical=False)
        )
    return builder.sign(signer, SHA256())


def _named(subject: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])


def _write(file: Path, content: bytes, *, mode: int) -> None:
    """Write it whole or not at all, and for nobody else before its mode says so."""
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_name(f".{file.name}")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
        opened.write(content)
    new.chmod(mode)
    new.replace(file)


if __name__ == "__main__":
    if certify(Path(sys.argv[1]), names=sys.argv[2:], at=datetime.now(UTC)):
        sys.stderr.write("nexus: a new certificate for the web processes\n")
