from __future__ import annotations

import ssl
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from config import certifying
from config.certifying import DAYS_LEFT, certify

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
FILES = {"ca/ca.key", "ca/ca.pem", "trusted/ca.pem", "web/certificate.pem", "web/key.pem"}


def made(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def certificate(folder: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate((folder / "web" / "certificate.pem").read_bytes())


class TestCertify:
    def test_makes_a_certificate_that_its_ca_vouches_for(self, tmp_path: Path) -> None:
        assert certify(tmp_path, names=["web"], at=NOW)

        strict = ["-x509_strict", "-purpose", "sslserver", "-attime", str(int(NOW.timestamp()))]
        for name in (["-verify_hostname", "web"], ["-verify_hostname", "localhost"], ["-verify_ip", "127.0.0.1"]):
            words = [*strict, *name, "-CAfile", str(tmp_path / "trusted" / "ca.pem")]
            subprocess.run(["openssl", "verify", *words, tmp_path / "web" / "certificate.pem"], check=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tmp_path / "web" / "certificate.pem", tmp_path / "web" / "key.pem")

    def test_gives_each_its_own_and_keeps_keys_to_who_made_them(self, tmp_path: Path) -> None:
        certify(tmp_path, names=["web"], at=NOW)

        assert made(tmp_path).keys() == FILES
        modes = {name: (tmp_path / name).stat().st_mode & 0o777 for name in FILES}
        assert {name for name, mode in modes.items() if not mode & 0o077} == {"ca/ca.key", "web/key.pem"}
        assert b"PRIVATE KEY" not in b"".join(
            content for name, content in made(tmp_path).items() if not name.endswith(("key", "key.pem"))
        )

    def test_keeps_what_is_good(self, tmp_path: Path) -> None:
        certify(tmp_path, names=["web"], at=NOW)
        before, ends = made(tmp_path), certificate(tmp_path).not_valid_after_utc

        assert not certify(tmp_path, names=["web"], at=ends - DAYS_LEFT)
        assert made(tmp_path) == before

    def test_makes_one_anew_by_the_same_ca_before_it_ends(self, tmp_path: Path) -> None:
        certify(tmp_path, names=["web"], at=NOW)
        before, ends = made(tmp_path), certificate(tmp_path).not_valid_after_utc

        assert certify(tmp_path, names=["web"], at=ends - DAYS_LEFT + timedelta(seconds=1))

        after = made(tmp_path)
        assert {name for name in FILES if after[name] != before[name]} == {"web/certificate.pem", "web/key.pem"}
        assert certificate(tmp_path).not_valid_after_utc > ends

    @pytest.mark.parametrize("broken", ["web/certificate.pem", "web/key.pem"])
    @pytest.mark.parametrize("content", [b"", b"nonsense", None])
    def test_makes_one_anew_that_is_broken_or_gone(self, tmp_path: Path, broken: str, content: bytes | None) -> None:
        certify(tmp_path, names=["web"], at=NOW)
        (tmp_path / broken).unlink()
        if content is not None:
            (tmp_path / broken).write_bytes(content)

        assert certify(tmp_path, names=["web"], at=NOW)
        assert not certify(tmp_path, names=["web"], at=NOW)

    def test_makes_one_anew_where_the_key_is_another_ones(self, tmp_path: Path) -> None:
        for name in ("ours", "theirs"):
            certify(tmp_path / name, names=["web"], at=NOW)
        (tmp_path / "theirs" / "web" / "key.pem").replace(tmp_path / "ours" / "web" / "key.pem")

        assert certify(tmp_path / "ours", names=["web"], at=NOW)

    @pytest.mark.parametrize("names", [["shop"], ["web", "10.0.0.5"]])
    def test_makes_one_for_other_names(self, tmp_path: Path, names: list[str]) -> None:
        certify(tmp_path, names=["web"], at=NOW)

        assert certify(tmp_path, names=names, at=NOW)
        assert not certify(tmp_path, names=names, at=NOW)

    def test_makes_all_anew_where_the_ca_ends_or_is_gone(self, tmp_path: Path) -> None:
        certify(tmp_path, names=["web"], at=NOW)
        before = made(tmp_path)
        (tmp_path / "ca" / "ca.key").unlink()

        assert certify(tmp_path, names=["web"], at=NOW)
        assert {name for name, content in made(tmp_path).items() if content == before[name]} == set()
        assert certify(tmp_path, names=["web"], at=NOW + timedelta(days=3650))

    def test_is_a_command_that_says_when_it_made_one(self, tmp_path: Path) -> None:
        said = [
            subprocess.run(
                [sys.executable, certifying.__file__, tmp_path, "web"], capture_output=True, text=True, check=True
            ).stderr
            for _ in range(2)
        ]

        assert said == ["nexus: a new certificate for the web processes\n", ""]
