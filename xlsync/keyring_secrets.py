"""Secrets in the operating system's keyring: each belongs to one host and account, and goes to no other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
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

    with _keyring_errors():
        return keyring.get_password(account.service, account.entry(variable)) or ""


def store_secret(variable: str, account: KeyringAccount, secret: str) -> None:
    """Store a secret for an account; raises keyring.errors.KeyringError where the keyring refuses."""
    import keyring  # noqa: PLC0415

    with _keyring_errors():
        keyring.set_password(account.service, account.entry(variable), secret)


@contextmanager
def _keyring_errors() -> Iterator[None]:
    """Turn whatever a keyring raises into KeyringError.

    That of Windows has errors of its own, as where nobody is logged on: in a scheduled task, or over SSH.
    """
    from keyring.errors import KeyringError  # noqa: PLC0415

    try:
        yield
    except KeyringError:
        raise
    except Exception as error:
        raise KeyringError(str(error)) from error
