"""Settings: a TOML file, environment variables over it, secrets from environment or keyring."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import platformdirs

from xlsync.config.accounts import account_of, holds_control, profile_name
from xlsync.config.creation_fields import read_creation_fields
from xlsync.config.problems import SettingProblems
from xlsync.config.report import read_report
from xlsync.config.team import STORE_PASSWORD, STORE_URL, read_store
from xlsync.errors import ConfigError
from xlsync.keyring_secrets import host_of, read_secret, read_unbound
from xlsync.rest.url import check_url
from xlsync.settings import (
    PER_MINUTE,
    SIDE_BY_SIDE,
    UNTIL_UNKNOWN,
    BssSettings,
    ConnectWiseSettings,
    Creation,
    Limits,
    Settings,
    StoreSettings,
)

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
_BOUNDS: Final = {
    "requests_per_minute": (1, 10_000),
    "side_by_side": (1, 100),
    "seconds_until_unknown": (0, 600),
}
_MOST_OF_ALL: Final = Decimal(10) ** 12  # a larger number in the settings is a typing error
SITE_LENGTH: Final = 50  # longest name of a company's site (OpenAPI description, 2025.1)
API_PATH: Final = "/v4_6_release/apis/3.0"
_CHOICES: Final = {
    "bill_customer": ("Billable", "DoNotBill", "NoCharge"),
    "code_field": ("vendorSku", "integrationXRef", "manufacturerPartNumber", "none"),
}
_KNOWN: Final = {
    "bss": {*BSS_VARIABLES.values()},
    "connectwise": {*CONNECTWISE_VARIABLES.values(), "release", *_BOUNDS},
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


def home_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder of links, journal, caches and sandbox state."""
    given = os.path.expandvars(environ.get("XLSYNC_HOME", ""))  # %LOCALAPPDATA% of a scheduled task
    return Path(given).expanduser() if given else Path(platformdirs.user_data_path("xlsync", appauthor=False))


def file_name(environ: Mapping[str, str] = os.environ) -> str:
    """The name of the settings file: each profile has its own."""
    profile = profile_name(environ)
    return f"xlsync.{profile}.toml" if profile else FILE_NAME


def own_settings_file(environ: Mapping[str, str] = os.environ) -> Path:
    """The settings file in the user's configuration folder."""
    return platformdirs.user_config_path("xlsync", appauthor=False) / file_name(environ)


def settings_file(environ: Mapping[str, str] = os.environ) -> Path:
    """The settings file that is used: in the working directory, else in the user's configuration folder."""
    here = Path(file_name(environ))
    return here if here.exists() else own_settings_file(environ)


class NotSent:
    """A secret that is in the keyring and belongs to another host, or to none that is known."""


@dataclass(frozen=True, slots=True)
class SettingsSources:
    """The sources of settings: variables, the settings file in use, and the user's own file."""

    environ: Mapping[str, str]
    file: Path
    table: Mapping[str, Any]
    own: Mapping[str, Any]
    profile: str

    @property
    def is_of_this_folder(self) -> bool:
        """Return whether the settings file lies in the working directory, where anybody may have put it."""
        return self.table is not self.own


def read_sources(environ: Mapping[str, str], problems: SettingProblems) -> SettingsSources:
    """Read the settings file in use and the user's own one."""
    own_file, file = own_settings_file(environ), settings_file(environ)
    problems.file_name = file.name
    own = _read_file(own_file, problems)
    is_own = file == own_file or file.resolve() == own_file.resolve()
    table = own if is_own else _read_file(file, problems)
    return SettingsSources(environ, file, table, own, profile_name(environ))


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
    problems = SettingProblems()
    sources = read_sources(environ, problems)
    table, is_demo = sources.table, bool(environment)
    bss_settings = connectwise_settings = None
    if bss:
        keys = _collect("bss", sources, problems)
        if keys:
            bss_settings = BssSettings(**keys)
    if connectwise:
        keys = _collect("connectwise", sources, problems)
        numbers = _numbers(table, "connectwise", set(_BOUNDS), problems)
        if keys:
            if urlsplit(keys["url"]).path in {"", "/"}:
                keys["url"] = keys["url"].rstrip("/") + API_PATH
            release = str(_section(table, "connectwise").get("release", "2025.1"))
            connectwise_settings = ConnectWiseSettings(
                **keys,
                release=release,
                requests_per_minute=int(numbers.get("requests_per_minute", PER_MINUTE)),
                side_by_side=int(numbers.get("side_by_side", SIDE_BY_SIDE)),
                seconds_until_unknown=int(numbers.get("seconds_until_unknown", UNTIL_UNKNOWN)),
            )
            environment = environment or _environment(keys)
    store = None if is_demo else _read_store(sources, problems)
    notices = name_the_file(sources)
    limits = _read_limits(sources, problems, notices)
    creation = _read_creation(table, problems)
    enabled = _section(table, "invoicing").get("enabled", False)
    if not isinstance(enabled, bool):
        problems.add(f"{problems.file_name}: [invoicing] enabled must be true or false, not {enabled!r}")
    word = environ.get("XLSYNC_INVOICING", "").strip().casefold()
    invoicing = word == "enabled" if word else enabled is True
    report = read_report(_section(table, "report"), problems)
    problems.refuse(VARIABLES, sources.profile, sources.file)
    return Settings(
        home=home_folder(environ),
        environment=environment,
        bss=bss_settings,
        connectwise=connectwise_settings,
        limits=limits,
        creation=creation,
        store=store,
        invoicing=invoicing,
        report=report,
        notices=tuple(notices),
    )


def load_environment(environ: Mapping[str, str] = os.environ) -> Settings:
    """Load the settings of commands that send nothing: the environment and the folder of its stores."""
    problems = SettingProblems()
    sources = read_sources(environ, problems)
    keys = _values("connectwise", ENVIRONMENT_VARIABLES, sources, problems)
    store = _read_store(sources, problems)
    notices = name_the_file(sources)
    problems.refuse(VARIABLES, sources.profile, sources.file)
    return Settings(
        home=home_folder(environ), environment=_environment(keys), store=store, notices=tuple(notices)
    )


def _read_store(sources: SettingsSources, problems: SettingProblems) -> StoreSettings | None:
    """The store that a team shares, where one is set."""
    given, password = store_url(sources), sources.environ.get(STORE_PASSWORD, "").strip()
    own = str(_section(sources.own, "store").get("url", ""))
    if password and own and given != own and not sources.environ.get(STORE_URL, "").strip():
        problems.add(
            f"{STORE_PASSWORD} is not sent to the store that only {sources.file} names: your own settings "
            f"name another; set {STORE_URL} too",
            STORE_PASSWORD,
        )
        return None
    try:
        return read_store(given, password, sources.profile) if given else None
    except ConfigError as error:
        problems.add(f"{STORE_URL}, or url under [store] in {problems.file_name}: {error.message}", STORE_URL)
        return None


def store_url(sources: SettingsSources) -> str:
    """The address of the store that a team shares; empty where none is set."""
    return sources.environ.get(STORE_URL, "").strip() or str(_section(sources.table, "store").get("url", ""))


def _environment(keys: Mapping[str, str]) -> str:
    return f"{urlsplit(keys['url']).netloc.lower()}/{keys['company'].lower()}"


def name_the_file(sources: SettingsSources) -> list[str]:
    """Write a notice that names the settings file of the working directory, unless the file is empty."""
    if not sources.is_of_this_folder or not sources.table:
        return []
    return [f"The settings of this folder are used: {sources.file.resolve()}"]


def _read_file(file: Path, problems: SettingProblems) -> dict[str, Any]:
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        problems.add(f"{file}: cannot be read ({error})")
        return {}
    for section, values in table.items():
        if section not in _KNOWN or not isinstance(values, dict):
            problems.add(f"{file}: [{section}] is not a section of xlsync ({', '.join(_KNOWN)})")
            continue
        for name in values:
            if name not in _KNOWN[section]:
                known = ", ".join(sorted(_KNOWN[section]))
                problems.add(f"{file}: [{section}] {name} is not a setting ({known})")
        for name in ("client_secret", "password", "private_key"):
            if name in values:
                keep = "keep it in the keyring (`xlsync login`) or a variable"
                problems.add(f"{file}: [{section}] {name} is a secret: {keep}")
    return table


def _section(table: Mapping[str, Any], name: str) -> dict[str, Any]:
    values = table.get(name, {})
    return (
        {key: value for key, value in values.items() if key in _KNOWN[name]}
        if isinstance(values, dict)
        else {}
    )


def _values(
    section: str, variables: Mapping[str, str], sources: SettingsSources, problems: SettingProblems
) -> dict[str, str]:
    """Read the settings of one system except its secrets, from variables, else from the settings file."""
    values: dict[str, str] = {}
    for variable, name in variables.items():
        given = sources.environ.get(variable, "").strip()
        value = given or str(_section(sources.table, section).get(name, "")).strip()
        if not value:
            problems.add_unset(
                f"{variable} is not set, or {name} under [{section}] in {problems.file_name}", variable
            )
        elif name == "url":
            try:
                value = check_url(value)
            except ConfigError as error:
                problems.add(f"{variable}: {error.message}", variable)
                value = ""
        elif holds_control(value):
            problems.add(f"{variable} holds a line break or another control character", variable)
        values[name] = value
    return values


def _collect(section: str, sources: SettingsSources, problems: SettingProblems) -> dict[str, str]:
    """Read the settings of one system; empty where one of them is missing or wrong."""
    before = len(problems)
    variables = VARIABLES[section]
    values = _values(section, {v: n for v, n in variables.items() if v not in SECRETS}, sources, problems)
    for variable in filter(SECRETS.__contains__, variables):
        name = variables[variable]
        given = sources.environ.get(variable, "").strip()
        if given and _is_of_another_host(section, sources):
            problems.add(
                f"{variable} is not sent to {host_of(values['url'])}, which only {sources.file} names: "
                f"your own settings name {_own_host(section, sources)}; set {section_url(section)} too",
                variable,
            )
        value = given or _from_keyring(variable, section, values, sources)
        if isinstance(value, NotSent):
            problems.add(
                f"{variable} is not set for {host_of(values['url'])}: the one in the keyring was stored "
                "without its host, and is not sent to a host that your own settings file does not name",
                variable,
            )
        elif not value:
            host = f" for {host_of(values['url'])}" if values["url"] else ""
            which = f", which {sources.file.resolve()} names" if host and sources.is_of_this_folder else ""
            problems.add_unset(f"{variable} is not set{host}{which}", variable)
        elif holds_control(value):
            problems.add(f"{variable} holds a line break or another control character", variable)
        secret = "" if isinstance(value, NotSent) else value
        values[name] = secret
    order = list(variables)
    problems[before:] = sorted(problems[before:], key=lambda problem: order.index(problem[0]))
    return values if len(problems) == before else {}


def section_url(section: str) -> str:
    """Return the variable of a system's address."""
    return next(variable for variable, name in VARIABLES[section].items() if name == "url")


def _own_host(section: str, sources: SettingsSources) -> str:
    """Return the host of a system in the user's own settings file; empty where there is none."""
    try:
        return host_of(check_url(str(_section(sources.own, section).get("url", ""))))
    except ConfigError:
        return ""


def _is_of_another_host(section: str, sources: SettingsSources) -> bool:
    """Return whether only the working directory names the host, and the user's own settings another."""
    if not sources.is_of_this_folder or sources.environ.get(section_url(section), "").strip():
        return False
    own = _own_host(section, sources)
    try:
        here = host_of(check_url(str(_section(sources.table, section).get("url", ""))))
    except ConfigError:
        return False
    return bool(own) and here != own


def owns_unbound(section: str, values: Mapping[str, str], sources: SettingsSources) -> bool:
    """Return whether an account is that of the user's own file, to which secrets without a host belong."""
    own = _section(sources.own, section)
    if sources.profile or not own or host_of(values["url"]) != _own_host(section, sources):
        return False
    names = ("username",) if section == "bss" else ("company", "public_key")
    return all(str(own[name]).strip() == values[name] for name in names if name in own)


def _from_keyring(
    variable: str, section: str, values: Mapping[str, str], sources: SettingsSources
) -> str | NotSent:
    """Read a secret of this account in the keyring; None where there is none."""
    import keyring.errors  # noqa: PLC0415  (slow to import, and seldom needed)

    if not values["url"]:
        return ""
    try:
        secret = read_secret(variable, account_of(section, values, sources.profile))
        unbound = "" if secret else read_unbound(variable)
    except keyring.errors.KeyringError:
        return ""
    if not unbound:
        return secret
    return unbound if owns_unbound(section, values, sources) else NotSent()


def _read_limits(sources: SettingsSources, problems: SettingProblems, notices: list[str]) -> Limits:
    """Read the limits of the user's own settings; a file of the working directory can only lower them."""
    own = _numbers(sources.own, "limits", _KNOWN["limits"], problems)
    limits = {name: Decimal(getattr(Limits(), name)) for name in _KNOWN["limits"]} | own
    if sources.is_of_this_folder:
        for name, number in _numbers(sources.table, "limits", _KNOWN["limits"], problems).items():
            if number > limits[name]:
                notices.append(
                    f"{sources.file.name} of this folder cannot raise a limit: [limits] {name} stays "
                    f"{limits[name]}; set it in {own_settings_file(sources.environ)}"
                )
            limits[name] = min(number, limits[name])
    return Limits(
        creations=int(limits["creations"]),
        percent=limits["percent"],
        units=limits["units"],
        zero=int(limits["zero"]),
        money=limits["money"],
    )


def _read_creation(table: Mapping[str, Any], problems: SettingProblems) -> Creation:
    given = _section(table, "creation")
    for name, kinds in _CHOICES.items():
        if name in given and given[name] not in kinds:
            problems.add(
                f"{problems.file_name}: [creation] {name} must be {' or '.join(kinds)}, "
                f"not {given.pop(name)!r}"
            )
    for name in ("identifier_length", "name_length"):
        length = given.get(name, 1)
        if not isinstance(length, int) or isinstance(length, bool) or length < 1:
            problems.add(
                f"{problems.file_name}: [creation] {name} must be a whole number from 1 up, not {length!r}"
            )
            del given[name]
    if not isinstance(given.get("mark_additions", True), bool):
        problems.add(
            f"{problems.file_name}: [creation] mark_additions must be true or false, "
            f"not {given.pop('mark_additions')!r}"
        )
    site = given.get("site", "Main")
    if not isinstance(site, str) or not 1 <= len(site.strip()) <= SITE_LENGTH:
        problems.add(
            f"{problems.file_name}: [creation] site must be a name of 1 to {SITE_LENGTH} characters, "
            f"not {given.pop('site')!r}"
        )
    given["fields"] = read_creation_fields(given.get("fields", {}), problems)
    return Creation(**given)


def _numbers(
    table: Mapping[str, Any], section: str, names: set[str], problems: SettingProblems
) -> dict[str, Decimal]:
    """Read the numbers of a section: each from 0 up, and within its bounds."""
    numbers: dict[str, Decimal] = {}
    for name, value in _section(table, section).items():
        if name not in names:
            continue
        try:
            number = Decimal(str(value))
        except InvalidOperation:
            number = Decimal("NaN")
        least, most = _BOUNDS.get(name, (0, _MOST_OF_ALL))
        if name in _BOUNDS and number.is_finite() and not least <= number <= most:
            problems.add(
                f"{problems.file_name}: [{section}] {name} must be at least {least} and at most {most}"
            )
        elif not number.is_finite() or not 0 <= number <= _MOST_OF_ALL:
            problems.add(
                f"{problems.file_name}: [{section}] {name} must be a number from 0 up, not {value!r}"
            )
        else:
            numbers[name] = number
    return numbers
