"""What the pages list of addresses, secrets and cryptography is what the code has: no more of it, and no less."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.documented.pages import SRC, codes, modules, section, table
from tests.test_outgoing import ALLOWED

# What a setting is called that holds a secret, or an address in which one may stand.
SECRET = re.compile(r"\w*(?:_KEYS?|_SECRETS?|_TOKEN|_IDENTITIES|_DSN|SECRET_KEY|ACCESS_KEY)")
ADDRESS = re.compile(r"\w*(?:_URLS?|_ENDPOINT|_API_BASE|_DSN)")
# Where people and browsers come, and what only the gateway for development reads.
COMING = {"PUBLIC_URL", "STOREFRONT_URL", "S3_PUBLIC_URL"}
DEVELOPMENT = re.compile(r"SANDBOX_\w+")
# What hashes, signs, encrypts, or draws what nobody should guess.
LIBRARIES = (
    "argon2", "cryptography", "hashlib", "hmac", "jwt", "pyotp", "pyrage", "secrets", "ssl", "django.core.signing",
    "django.utils.crypto.salted_hmac", "django.utils.crypto.get_random_string",
)  # fmt: skip
HASHES = re.compile(r"\b(sha1|sha256|sha384|sha512|md5|blake2b|blake2s|sha3_\d+)\b", re.IGNORECASE)
SPELT = {"sha1": "SHA-1", "sha256": "SHA-256", "blake2b": "BLAKE2b", "blake2s": "BLAKE2s"}


def named_settings() -> Iterator[str]:
    """Return the names of all that is read of the environment."""
    for path in (SRC / "config" / "settings").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("env.") and node.args:
                name = node.args[0]
                if isinstance(name, ast.Constant) and not DEVELOPMENT.fullmatch(str(name.value)):
                    yield str(name.value)


def used_by(tree: ast.Module) -> set[str]:
    """Return what of these libraries a module takes, by full names."""
    names = {
        name
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [f"{node.module}.{alias.name}" for alias in node.names]
            if isinstance(node, ast.ImportFrom)
            else ["secrets"]
            if isinstance(node, ast.Attribute) and ast.unparse(node) == "os.urandom"
            else []
        )
    }
    return {name for name in names if any(name == one or name.startswith(f"{one}.") for one in LIBRARIES)}


class TestAddresses:
    ROWS = table("security.md", "Who is talked to", first="who")

    def test_that_are_asked_are_those_of_the_page(self) -> None:
        asked = {name for name in named_settings() if ADDRESS.fullmatch(name)} - COMING

        assert asked == {code for row in self.ROWS for code in codes(row[1]) if ADDRESS.fullmatch(code)}

    def test_that_modules_ask_are_on_the_page(self) -> None:
        named = {word for why in ALLOWED.values() for word in re.findall(r"\b[A-Z][A-Z0-9]*_[A-Z_]+\b", why)}

        said = {code for row in self.ROWS for code in codes(row[1])}

        assert len(named) > 8
        assert {name for name in named if not DEVELOPMENT.fullmatch(name)} <= said | {"STORAGE_URL"}


class TestSecrets:
    def test_are_all_told_how_to_be_replaced(self) -> None:
        secrets = {name for name in named_settings() if SECRET.fullmatch(name)}
        within = {name for name in named_settings() if name.endswith("_URL")} - COMING

        told = set(codes(section("runbooks/rotating-secrets.md", "What to do")))

        assert len(secrets) > 10
        assert secrets - told == set()
        # These hold a password in their address.
        assert {"DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_READ_URL", "REDIS_URL", "BROKER_URL", "EMAIL_URL",
                "SEARCH_URL"} <= told & within  # fmt: skip

    def test_that_the_page_tells_how_to_replace_are_there(self) -> None:
        known = set(named_settings())

        told = [code for code in codes(section("runbooks/rotating-secrets.md", "What to do")) if SECRET.fullmatch(code)]

        assert [name for name in told if name not in known] == []


class TestCryptography:
    ROWS = table("security.md", "Cryptography", first="what")
    USING = sorted(name for name, tree in modules() if used_by(tree))
    SAID = {code for row in ROWS for code in codes(row[3]) if code.split(".")[0] in {p.name for p in SRC.iterdir()}}

    def test_is_used_by_the_modules_that_the_page_names(self) -> None:
        assert set(self.USING) == self.SAID

    @pytest.mark.parametrize("name", USING)
    def test_is_of_the_kind_that_the_page_says(self, name: str) -> None:
        text = (SRC / f"{name.replace('.', '/')}.py").read_text()
        rows = [row for row in self.ROWS if name in codes(row[3])]
        said = " ".join(row[1] for row in rows)

        used = {found.lower() for found in HASHES.findall(text)}

        assert rows
        assert [SPELT[one] for one in used if SPELT[one] not in said and f"HMAC-{SPELT[one]}" not in said] == []

    def test_names_the_settings_that_hold_its_keys(self) -> None:
        known = set(named_settings())

        assert [code for row in self.ROWS for code in codes(row[2]) if code.isupper() and code not in known] == []
