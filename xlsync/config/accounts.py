"""The profile that was chosen, and the accounts that secrets belong to."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Final

from xlsync.errors import ConfigError
from xlsync.keyring_secrets import KeyringAccount, host_of

_PROFILE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


def profile_name(environ: Mapping[str, str] = os.environ) -> str:
    """The profile that was chosen, or nothing; raises ConfigError where it is no name of a file."""
    name = environ.get("XLSYNC_PROFILE", "").strip()
    if name and not _PROFILE.fullmatch(name):
        raise ConfigError(
            f"{name!r} is not the name of a profile.",
            "Use letters, digits, - and _, such as `--profile sandbox`.",
        )
    return name


def account_of(section: str, values: Mapping[str, str], profile: str) -> KeyringAccount:
    """The account that a system's secrets belong to."""
    host = host_of(values["url"])
    if section == "bss":
        return KeyringAccount(host, (values["username"],), profile)
    return KeyringAccount(host, (values["company"].lower(), values["public_key"]), profile)


def holds_control(text: str) -> bool:
    """Whether a line break or another control character stands in a value."""
    return any(ord(sign) < 32 or ord(sign) == 127 for sign in text)
