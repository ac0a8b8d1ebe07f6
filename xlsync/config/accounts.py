"""The chosen profile, and the keyring accounts of secrets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from xlsync.errors import ConfigError
from xlsync.keyring_secrets import KeyringAccount, host_of

_PROFILE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


def profile_name(environ: Mapping[str, str]) -> str:
    """Return the chosen profile, or an empty text; raises ConfigError where it cannot be a file's name."""
    name = environ.get("XLSYNC_PROFILE", "").strip()
    if name and not _PROFILE.fullmatch(name):
        raise ConfigError(
            f"{name!r} is not the name of a profile.",
            "Use letters, digits, - and _, such as `--profile sandbox`.",
        )
    return name


def account_of(section: str, values: Mapping[str, str], profile: str) -> KeyringAccount:
    """Return the keyring account of a system's secrets."""
    host = host_of(values["url"])
    if section == "bss":
        return KeyringAccount(host, (values["username"],), profile)
    return KeyringAccount(host, (values["company"].lower(), values["public_key"]), profile)


def holds_control(text: str) -> bool:
    """Return whether a text holds a line break or another control character."""
    return any(ord(sign) < 32 or ord(sign) == 127 for sign in text)
