"""The settings of a command: read from all sources, checked, and every problem in one error."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import urlsplit

from xlsync.config.files import SettingsSources, home_folder, name_the_file, read_settings_sources, section_of
from xlsync.config.keys import collect_keys, read_open_settings
from xlsync.config.names import BOUNDS, ENVIRONMENT_VARIABLES, VARIABLES
from xlsync.config.problems import SettingProblems
from xlsync.config.report import read_report
from xlsync.config.sections import read_creation, read_limits, read_numbers
from xlsync.config.team import STORE_PASSWORD, STORE_URL, read_store
from xlsync.errors import ConfigError
from xlsync.settings import (
    PER_MINUTE,
    RELEASE,
    SIDE_BY_SIDE,
    UNTIL_UNKNOWN,
    BssSettings,
    ConnectWiseSettings,
    Creation,
    Settings,
    StoreSettings,
)

_API_PATH: Final = "/v4_6_release/apis/3.0"
_INVOICING: Final = "XLSYNC_INVOICING"
_OFF: Final = ("disabled", "off", "no", "false", "0")  # words that turn invoicing off


def load_settings(
    *,
    bss: bool,
    connectwise: bool,
    environ: Mapping[str, str] = os.environ,
    environment: str = "",
) -> Settings:
    """Read and check the settings that a command needs; raises ConfigError naming all that is wrong.

    `bss` and `connectwise` say whether the command uses that system. `environment` replaces the name made of
    site and company id: the demo's sandbox has one of its own, since its port changes.
    """
    problems = SettingProblems()
    sources = read_settings_sources(environ, problems)
    is_demo = bool(environment)
    bss_settings = _read_bss(sources, problems) if bss else None
    connectwise_settings = _read_connectwise(sources, problems) if connectwise else None
    if connectwise_settings is not None:
        environment = environment or _environment(connectwise_settings.url, connectwise_settings.company)
    store = None if is_demo else _read_store(sources, problems)
    notices = name_the_file(sources)
    limits = read_limits(sources, problems, notices)
    creation = read_creation(sources.table, problems)
    invoicing = _read_invoicing(sources, problems, notices)
    if sources.is_of_this_folder:
        notices += _tell_of_money(sources, creation, is_invoicing=invoicing)
    report = read_report(section_of(sources.table, "report"), problems)
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


def _read_bss(sources: SettingsSources, problems: SettingProblems) -> BssSettings | None:
    """Read the BSS's address and keys; None where something of them is missing or wrong."""
    keys = collect_keys("bss", sources, problems)
    return BssSettings(**keys) if keys else None


def _read_connectwise(sources: SettingsSources, problems: SettingProblems) -> ConnectWiseSettings | None:
    """Read ConnectWise's address, keys and rates; None where an address or key is missing or wrong."""
    keys = collect_keys("connectwise", sources, problems)
    numbers = read_numbers(sources.table, "connectwise", set(BOUNDS), problems)
    release = read_release(sources, problems)
    if not keys:
        return None
    return ConnectWiseSettings(
        **keys | {"url": with_api_path(keys["url"])},
        release=release,
        requests_per_minute=int(numbers.get("requests_per_minute", PER_MINUTE)),
        side_by_side=int(numbers.get("side_by_side", SIDE_BY_SIDE)),
        seconds_until_unknown=int(numbers.get("seconds_until_unknown", UNTIL_UNKNOWN)),
    )


def read_release(sources: SettingsSources, problems: SettingProblems) -> str:
    """Read the release of ConnectWise's API to ask for; the default where none is set that can be one."""
    release = section_of(sources.table, "connectwise").get("release", RELEASE)
    if isinstance(release, str) and re.fullmatch(r"20[0-9]{2}\.[0-9]{1,3}", release):
        return release
    problems.add(
        f'{problems.file_name}: [connectwise] release must be a text such as "{RELEASE}", not {release!r}'
    )
    return RELEASE


def with_api_path(url: str) -> str:
    """Return ConnectWise's address with the path of its API, unless it names a path already."""
    return url if urlsplit(url).path not in {"", "/"} else url.rstrip("/") + _API_PATH


def _read_invoicing(sources: SettingsSources, problems: SettingProblems, notices: list[str]) -> bool:
    """Read whether invoices may be created: the variable decides, else the settings file.

    Only one word of the variable enables that; a notice names a word that neither enables nor disables it.
    """
    enabled = section_of(sources.table, "invoicing").get("enabled", False)
    if not isinstance(enabled, bool):
        problems.add(f"{problems.file_name}: [invoicing] enabled must be true or false, not {enabled!r}")
    word = sources.environ.get(_INVOICING, "").strip()
    if not word:
        return enabled is True
    if word.casefold() not in {"enabled", *_OFF}:
        notices.append(
            f"{_INVOICING} is {word!r}, so invoices are only previewed: it takes enabled or disabled"
        )
    return word.casefold() == "enabled"


def _tell_of_money(sources: SettingsSources, creation: Creation, *, is_invoicing: bool) -> Iterator[str]:
    """Name what a settings file of the working directory does to money: anybody may have put it there."""
    if creation.bill_customer != "Billable":
        yield (
            f"{sources.file.name} of this folder lets new additions not be billed: [creation] bill_customer "
            f"is {creation.bill_customer}"
        )
    if is_invoicing and not sources.environ.get(_INVOICING, "").strip():
        yield f"{sources.file.name} of this folder lets invoices be created: [invoicing] enabled is true"


def load_environment(environ: Mapping[str, str] = os.environ) -> Settings:
    """Load the settings of commands that send nothing: the environment and the folder of its stores."""
    problems = SettingProblems()
    sources = read_settings_sources(environ, problems)
    keys = read_open_settings("connectwise", ENVIRONMENT_VARIABLES, sources, problems)
    store = _read_store(sources, problems)
    notices = name_the_file(sources)
    problems.refuse(VARIABLES, sources.profile, sources.file)
    return Settings(
        home=home_folder(environ),
        environment=_environment(keys["url"], keys["company"]),
        store=store,
        notices=tuple(notices),
    )


def _read_store(sources: SettingsSources, problems: SettingProblems) -> StoreSettings | None:
    """Read the store that a team shares; None where none is set, or it cannot be used (a problem)."""
    given, password = store_url(sources), sources.environ.get(STORE_PASSWORD, "").strip()
    own = str(section_of(sources.own, "store").get("url", ""))
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
    """Return the address of the store that a team shares; empty where none is set."""
    return sources.environ.get(STORE_URL, "").strip() or str(
        section_of(sources.table, "store").get("url", "")
    )


def _environment(url: str, company: str) -> str:
    """Return the name of an environment: the site's host and the company id, in lower case."""
    return f"{urlsplit(url).netloc.lower()}/{company.lower()}"
