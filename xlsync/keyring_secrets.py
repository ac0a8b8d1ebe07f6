"""Secrets in the operating system's keyring: each belongs to one host and account, and goes to no other."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote, urlsplit

from msgspec import Struct

SERVICE: Final = "xlsync"


class KeyringAccount(Struct, frozen=True):
    """The host that a secret belongs to, the names that identify an account there, and the profile."""

    host: str
    names: tuple[str, ...]
    profile: str = ""

    @property
    def service(self) -> str:
        """The keyring's service: each profile has its own."""
        return f"{SERVICE}.{self.profile}" if self.profile else SERVICE

    def entry(self, variable: str) -> str:
        """Return the keyring's user name for one secret of this account."""
        names = "/".join(quote(name, safe="@") for name in self.names)
        return f"{variable} {self.host}/{names}"


def host_of(url: str) -> str:
    """Return the host and port of an address, in lower case, without the port that its scheme implies."""
    parts = urlsplit(url)
    port = {"https": 443, "http": 80}.get(parts.scheme)
    return parts.netloc.lower().removesuffix(f":{port}")


def read_secret(variable: str, account: KeyringAccount) -> str:
    """Return the secret that `xlsync login` stored for an account; empty where there is none.

    Raises keyring.errors.KeyringError where the keyring cannot be read.
    """
    import keyring  # noqa: PLC0415  (slow to import, and seldom needed)

    return keyring.get_password(account.service, account.entry(variable)) or ""


def store_secret(variable: str, account: KeyringAccount, secret: str) -> None:
    """Store a secret for an account; raises keyring.errors.KeyringError where the keyring refuses."""
    import keyring  # noqa: PLC0415

    keyring.set_password(account.service, account.entry(variable), secret)
