"""The address and the password of the store that a team shares."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl, urlsplit

from xlsync.errors import ConfigError
from xlsync.keyring_secrets import KeyringAccount, read_secret
from xlsync.rest.url import is_this_machine
from xlsync.settings import StoreSettings

STORE_URL: Final = "XLSYNC_STORE_URL"
STORE_PASSWORD: Final = "XLSYNC_STORE_PASSWORD"  # noqa: S105 - the variable's name
_ENCRYPTED: Final = ("require", "verify-ca", "verify-full")
# What may stand behind the ? of an address. Of the others some lead to another host, which the password's
# account does not name.
_PARAMETERS: Final = (
    "sslmode", "sslrootcert", "sslcert", "sslkey", "sslcrl", "channel_binding", "application_name",
    "connect_timeout",
)  # fmt: skip


def read_store(url: str, password: str, profile: str) -> StoreSettings:
    """Read the settings of a store; a password that is not given is taken from the keyring.

    Raises ConfigError, without repeating an address that may hold a password.
    """
    problem = problem_of_store(url)
    if problem:
        raise ConfigError(problem)
    account = store_account(url, profile)
    hint = f"Check its address, the network, and the password: `xlsync login`, or {STORE_PASSWORD}."
    if not password:
        password, hint = _stored_password(account)
    parts = urlsplit(url)
    if not is_this_machine(parts.hostname or "localhost") and "sslmode" not in _parameters(parts.query):
        url += f"{'&' if parts.query else '?'}sslmode=require"
    return StoreSettings(url=url, password=password, place=f"{account.host}{parts.path}", hint=hint)


def _stored_password(account: KeyringAccount) -> tuple[str, str]:
    """Read the password in the keyring (empty: none), and say what to do where the store refuses it."""
    import keyring.errors  # noqa: PLC0415  (slow to import, and seldom needed)

    try:
        password = read_secret(STORE_PASSWORD, account)
    except keyring.errors.KeyringError as error:
        return "", f"No password is set, and the keyring cannot be read ({error}): set {STORE_PASSWORD}."
    if not password:
        return "", f"No password is stored for it: `xlsync login` asks for it, or set {STORE_PASSWORD}."
    return password, "Check its address and the network; `xlsync login` asks for another password."


def store_account(url: str, profile: str) -> KeyringAccount:
    """Return the keyring account of a team's store: host, user and database."""
    parts = urlsplit(url)
    host = f"{parts.hostname or 'localhost'}:{parts.port or 5432}"
    return KeyringAccount(host, (parts.username or "", parts.path.strip("/")), profile)


def problem_of_store(url: str) -> str:
    """Return the problem of a team store's address; empty where the address can be used."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "localhost", parts.port
    except ValueError:
        return "it cannot be read"
    is_one_host = parts.netloc.count("@") <= 1 and "," not in parts.netloc and "#" not in url
    is_postgresql = parts.scheme in {"postgresql", "postgres"} and parts.path.strip("/") and url.isprintable()
    if not is_postgresql or not is_one_host:
        return "write it like postgresql://user@db.example.com/xlsync"
    parameters = _parameters(parts.query)
    if parts.password is not None or "password" in parameters:
        return f"it holds a password: set {STORE_PASSWORD} instead"
    if others := [name for name in parameters if name not in _PARAMETERS]:
        return f"it holds {', '.join(others)}; behind the ? may stand {', '.join(_PARAMETERS)}"
    if parameters.get("sslmode", "require") not in _ENCRYPTED and not is_this_machine(host):
        return "it is not encrypted; leave sslmode out, or set it to verify-full"
    return ""


def _parameters(query: str) -> dict[str, str]:
    """Return the parameters behind the ? of an address, of equal names the last, as PostgreSQL reads them."""
    return dict(parse_qsl(query, keep_blank_values=True))
