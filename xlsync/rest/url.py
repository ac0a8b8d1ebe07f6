"""Addresses of the two systems: checking what people write, and composing."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit, urlunsplit

from xlsync.errors import ConfigError


def check_url(text: str) -> str:
    """Normalise a service's root: https (http for this machine only), without a slash at its end.

    Raises ConfigError, without repeating an address that holds a password.
    """
    text = text.strip()
    whole = text if "://" in text else f"https://{text}"
    hint = "Write it like https://bss.example.com."
    try:
        parts = urlsplit(whole)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ConfigError("A service's address cannot be read.", hint) from None
    if "@" in parts.netloc:
        raise ConfigError("A service's address holds a user name or password.", "Leave out all before the @.")
    if not re.fullmatch(r"[^\s\\?#<>\"']+", whole) or not re.fullmatch(r"[\w.:-]+", host):
        raise ConfigError(f"{text!r} is not the address of a service.", hint)
    if parts.scheme not in ("http", "https"):
        raise ConfigError(f"{text!r} does not begin with https://.", hint)
    if parts.scheme == "http" and not is_this_machine(host):
        raise ConfigError(f"{text!r} is not encrypted.", "Use https://; http:// is for this machine only.")
    shown = f"[{host}]" if ":" in host else host
    shown += f":{port}" if port is not None else ""
    return urlunsplit((parts.scheme, shown, parts.path.rstrip("/"), "", ""))


def within(root: str, path: str) -> str:
    """Return the address of a path under a service's root.

    Only path and query of a complete address are used, so that keys never go to another host.
    """
    if "://" not in path:
        return f"{root}/{path.lstrip('/')}"
    here, there = urlsplit(root), urlsplit(path)
    return urlunsplit((here.scheme, here.netloc, there.path, there.query, ""))


def is_this_machine(host: str) -> bool:
    """Return whether a host is this machine, to which encryption is not needed."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
