"""The names of settings: sections and keys of the file, the variables over them, which are secret."""

from __future__ import annotations

from typing import Final

FILE_NAME: Final = "xlsync.toml"
SECRETS: Final = ("XLSYNC_BSS_CLIENT_SECRET", "XLSYNC_BSS_PASSWORD", "XLSYNC_CW_PRIVATE_KEY")
BSS_VARIABLES: Final = {
    "XLSYNC_BSS_URL": "url",
    "XLSYNC_BSS_CLIENT_KEY": "client_key",
    "XLSYNC_BSS_CLIENT_SECRET": "client_secret",
    "XLSYNC_BSS_USERNAME": "username",
    "XLSYNC_BSS_PASSWORD": "password",
}
CONNECTWISE_VARIABLES: Final = {
    "XLSYNC_CW_URL": "url",
    "XLSYNC_CW_COMPANY": "company",
    "XLSYNC_CW_PUBLIC_KEY": "public_key",
    "XLSYNC_CW_PRIVATE_KEY": "private_key",
    "XLSYNC_CW_CLIENT_ID": "client_id",
}
VARIABLES: Final = {"bss": BSS_VARIABLES, "connectwise": CONNECTWISE_VARIABLES}
ENVIRONMENT_VARIABLES: Final = {
    name: CONNECTWISE_VARIABLES[name] for name in ("XLSYNC_CW_URL", "XLSYNC_CW_COMPANY")
}
BOUNDS: Final = {
    "requests_per_minute": (1, 10_000),
    "side_by_side": (1, 100),
    "seconds_until_unknown": (0, 600),
}
KNOWN: Final = {
    "bss": {*BSS_VARIABLES.values()},
    "connectwise": {*CONNECTWISE_VARIABLES.values(), "release", *BOUNDS},
    "limits": {"creations", "percent", "units", "zero", "money"},
    "creation": {
        "identifier_length",
        "name_length",
        "bill_customer",
        "code_field",
        "mark_additions",
        "site",
        "fields",
    },
    "store": {"url"},
    "invoicing": {"enabled"},
    "report": {"headers", "types", "dates", "ignore"},
}


def section_url(section: str) -> str:
    """Return the variable of a system's address."""
    return next(variable for variable, name in VARIABLES[section].items() if name == "url")
