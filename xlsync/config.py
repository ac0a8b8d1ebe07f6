"""Settings: a TOML file, environment variables over it, secrets from environment or keyring."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import platformdirs

from xlsync.errors import ConfigError
from xlsync.rest.url import check_url
from xlsync.settings import (
    PER_MINUTE,
    SIDE_BY_SIDE,
    BssSettings,
    ConnectWiseSettings,
    Creation,
    Limits,
    Settings,
)

FILE_NAME: Final = "xlsync.toml"
KEYRING: Final = "xlsync"
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
ENVIRONMENT_VARIABLES: Final = {
    name: CONNECTWISE_VARIABLES[name] for name in ("XLSYNC_CW_URL", "XLSYNC_CW_COMPANY")
}
SITE_LENGTH: Final = 50  # of a company's site (OpenAPI description, 2025.1)
API_PATH: Final = "/v4_6_release/apis/3.0"
_CHOICES: Final = {
    "bill_customer": ("Billable", "DoNotBill", "NoCharge"),
    "code_field": ("vendorSku", "integrationXRef", "manufacturerPartNumber", "none"),
}
_KNOWN: Final = {
    "bss": {*BSS_VARIABLES.values()},
    "connectwise": {*CONNECTWISE_VARIABLES.values(), "release", "requests_per_minute", "side_by_side"},
    "limits": {"creations", "percent", "units", "zero", "money"},
    "creation": {
        "identifier_length",
        "name_length",
        "bill_customer",
        "code_field",
        "mark_additions",
        "site",
    },
    "invoicing": {"enabled"},
    "report": {"headers"},
}


def home_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder of links, journal, caches and sandbox state."""
    given = environ.get("XLSYNC_HOME", "")
    return Path(given).expanduser() if given else Path(platformdirs.user_data_path("xlsync", appauthor=False))


def settings_file() -> Path:
    """The settings file: in the working directory, else in the user's configuration folder."""
    here = Path(FILE_NAME)
    return here if here.exists() else platformdirs.user_config_path("xlsync", appauthor=False) / FILE_NAME


def load_settings(
    *,
    bss: bool,
    connectwise: bool,
    environ: Mapping[str, str] = os.environ,
    environment: str = "",
) -> Settings:
    """Read and check the settings that a command needs; raises ConfigError naming all that is wrong.

    `environment` replaces the name made of site and company id (the demo's sandbox has one of its own,
    since its port changes).
    """
    problems: list[str] = []
    file = settings_file()
    table = _read_file(file, problems)
    bss_settings = connectwise_settings = None
    if bss:
        found = _collect("bss", BSS_VARIABLES, table, environ, problems)
        if found:
            bss_settings = BssSettings(**found)
    if connectwise:
        keys = _collect("connectwise", CONNECTWISE_VARIABLES, table, environ, problems)
        more = _numbers(table, "connectwise", {"requests_per_minute", "side_by_side"}, problems)
        if int(more.get("requests_per_minute", PER_MINUTE)) < 1:
            problems.append(f"{FILE_NAME}: [connectwise] requests_per_minute must be at least 1")
        if keys:
            if urlsplit(keys["url"]).path in {"", "/"}:
                keys["url"] = keys["url"].rstrip("/") + API_PATH
            release = str(_section(table, "connectwise").get("release", "2025.1"))
            connectwise_settings = ConnectWiseSettings(
                url=keys["url"],
                company=keys["company"],
                public_key=keys["public_key"],
                private_key=keys["private_key"],
                client_id=keys["client_id"],
                release=release,
                requests_per_minute=int(more.get("requests_per_minute", PER_MINUTE)),
                side_by_side=max(1, int(more.get("side_by_side", SIDE_BY_SIDE))),
            )
            environment = environment or _environment(keys)
    limits = _numbers(table, "limits", _KNOWN["limits"], problems)
    creation = _read_creation(table, problems)
    enabled = _section(table, "invoicing").get("enabled", False)
    if not isinstance(enabled, bool):
        problems.append(f"{FILE_NAME}: [invoicing] enabled must be true or false, not {enabled!r}")
    said = environ.get("XLSYNC_INVOICING", "").strip().casefold()
    invoicing = said == "enabled" if said else enabled is True
    headers = _read_headers(table, problems)
    _refuse(problems, file)
    return Settings(
        home=home_folder(environ),
        environment=environment,
        bss=bss_settings,
        connectwise=connectwise_settings,
        limits=Limits(
            creations=int(limits.get("creations", 50)),
            percent=limits.get("percent", Decimal(500)),
            units=limits.get("units", Decimal(1000)),
            zero=int(limits.get("zero", 0)),
            money=limits.get("money", Decimal(10000)),
        ),
        creation=creation,
        invoicing=invoicing,
        report_headers=headers,
    )


def load_environment(environ: Mapping[str, str] = os.environ) -> Settings:
    """Whose things are kept here, and where: all that commands need which send nothing."""
    problems: list[str] = []
    file = settings_file()
    keys = _collect("connectwise", ENVIRONMENT_VARIABLES, _read_file(file, problems), environ, problems)
    _refuse(problems, file)
    return Settings(home=home_folder(environ), environment=_environment(keys))


def _environment(keys: Mapping[str, str]) -> str:
    return f"{urlsplit(keys['url']).netloc.lower()}/{keys['company'].lower()}"


def _refuse(problems: Sequence[str], file: Path) -> None:
    if problems:
        raise ConfigError(
            "Settings are missing or cannot be used:\n  " + "\n  ".join(problems),
            f"Run `xlsync login`, or set the variables; all but the secrets may stand in {file}. "
            "`--demo` needs none.",
        )


def _read_file(file: Path, problems: list[str]) -> dict[str, Any]:
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        problems.append(f"{file}: cannot be read ({error})")
        return {}
    for section, values in table.items():
        if section not in _KNOWN or not isinstance(values, dict):
            problems.append(f"{file}: [{section}] is not a section of xlsync ({', '.join(_KNOWN)})")
            continue
        problems.extend(
            f"{file}: [{section}] {name} is not a setting ({', '.join(sorted(_KNOWN[section]))})"
            for name in values
            if name not in _KNOWN[section]
        )
        problems.extend(
            f"{file}: [{section}] {name} is a secret: keep it in the keyring (`xlsync login`) or a variable"
            for name in ("client_secret", "password", "private_key")
            if name in values
        )
    return table


def _section(table: Mapping[str, Any], name: str) -> dict[str, Any]:
    values = table.get(name, {})
    return (
        {key: value for key, value in values.items() if key in _KNOWN[name]}
        if isinstance(values, dict)
        else {}
    )


def _collect(
    section: str,
    variables: Mapping[str, str],
    table: Mapping[str, Any],
    environ: Mapping[str, str],
    problems: list[str],
) -> dict[str, str]:
    """The settings of one system, or nothing where one of them is missing or wrong."""
    found: dict[str, str] = {}
    before = len(problems)
    for variable, name in variables.items():
        value = environ.get(variable, "").strip() or str(_section(table, section).get(name, "")).strip()
        if not value:
            value = _from_keyring(variable)
        if not value:
            where = "" if variable in SECRETS else f", or {name} under [{section}] in {FILE_NAME}"
            problems.append(f"{variable} is not set{where}")
        elif name == "url":
            try:
                value = check_url(value)
            except ConfigError as error:
                problems.append(f"{variable}: {error.message}")
        elif any(ord(sign) < 32 for sign in value):
            problems.append(f"{variable} holds a line break or another control character")
        found[name] = value
    return found if len(problems) == before else {}


def _from_keyring(variable: str) -> str:
    """A value that `xlsync login` kept; nothing where the machine has no keyring."""
    import keyring  # noqa: PLC0415  (slow to import, and seldom needed)
    import keyring.errors  # noqa: PLC0415

    try:
        return keyring.get_password(KEYRING, variable) or ""
    except keyring.errors.KeyringError:
        return ""


def _read_creation(table: Mapping[str, Any], problems: list[str]) -> Creation:
    given = _section(table, "creation")
    for name, kinds in _CHOICES.items():
        if name in given and given[name] not in kinds:
            problems.append(
                f"{FILE_NAME}: [creation] {name} must be {' or '.join(kinds)}, not {given.pop(name)!r}"
            )
    for name in ("identifier_length", "name_length"):
        length = given.get(name, 1)
        if not isinstance(length, int) or isinstance(length, bool) or length < 1:
            problems.append(
                f"{FILE_NAME}: [creation] {name} must be a whole number from 1 up, not {length!r}"
            )
            del given[name]
    if not isinstance(given.get("mark_additions", True), bool):
        problems.append(
            f"{FILE_NAME}: [creation] mark_additions must be true or false, "
            f"not {given.pop('mark_additions')!r}"
        )
    site = given.get("site", "Main")
    if not isinstance(site, str) or not 1 <= len(site.strip()) <= SITE_LENGTH:
        problems.append(
            f"{FILE_NAME}: [creation] site must be a name of 1 to {SITE_LENGTH} characters, "
            f"not {given.pop('site')!r}"
        )
    return Creation(**given)


def _read_headers(table: Mapping[str, Any], problems: list[str]) -> dict[str, tuple[str, ...]]:
    """Other names of a report's columns: each one text, or a list of texts."""
    given = _section(table, "report").get("headers", {})
    found: dict[str, tuple[str, ...]] = {}
    for name, value in given.items() if isinstance(given, dict) else [("", given)]:
        texts = [value] if isinstance(value, str) else value
        if not name or not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            problems.append(f'{FILE_NAME}: [report] headers must name columns, such as Units = ["Qty"]')
        else:
            found[name] = tuple(texts)
    return found


def _numbers(
    table: Mapping[str, Any], section: str, names: set[str], problems: list[str]
) -> dict[str, Decimal]:
    numbers: dict[str, Decimal] = {}
    for name, value in _section(table, section).items():
        if name not in names:
            continue
        try:
            number = Decimal(str(value))
        except InvalidOperation:
            number = Decimal("NaN")
        if not number.is_finite() or number < 0:
            problems.append(f"{FILE_NAME}: [{section}] {name} must be a number from 0 up, not {value!r}")
        else:
            numbers[name] = number
    return numbers
