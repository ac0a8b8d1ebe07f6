"""The addresses and keys of both systems, secrets from a variable or the keyring.

A secret belongs to one host and account, and is never sent to another that only the working folder names.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from xlsync.config.accounts import account_of, holds_control
from xlsync.config.files import SettingsSources, section_of
from xlsync.config.names import SECRETS, VARIABLES, section_url
from xlsync.config.problems import SettingProblems
from xlsync.errors import ConfigError
from xlsync.keyring_secrets import host_of, read_secret
from xlsync.rest.url import check_url


class Withheld(Struct, frozen=True):
    """A secret that may be in the keyring and is not used; `why` is the sentence that says so."""

    why: str


def read_open_settings(
    section: str, variables: Mapping[str, str], sources: SettingsSources, problems: SettingProblems
) -> dict[str, str]:
    """Read the settings of one system except its secrets, from variables, else from the settings file."""
    values: dict[str, str] = {}
    for variable, name in variables.items():
        own = section_of(sources.table, section).get(name, "")
        value = sources.environ.get(variable, "").strip() or str(own).strip()
        if not isinstance(own, str | int) or isinstance(own, bool):
            problems.add(f"{problems.file_name}: [{section}] {name} must be a text, not {own!r}", variable)
            value = ""
        elif not value:
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


def collect_keys(section: str, sources: SettingsSources, problems: SettingProblems) -> dict[str, str]:
    """Read the settings of one system; empty where one of them is missing or wrong."""
    before = len(problems)
    variables = VARIABLES[section]
    not_secret = {variable: name for variable, name in variables.items() if variable not in SECRETS}
    values = read_open_settings(section, not_secret, sources, problems)
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
        if isinstance(value, Withheld):
            problems.add(value.why, variable)
            value = ""
        elif not value:
            host = f" for {host_of(values['url'])}" if values["url"] else ""
            which = f", which {sources.file.resolve()} names" if host and sources.is_of_this_folder else ""
            problems.add_unset(f"{variable} is not set{host}{which}", variable)
        elif holds_control(value):
            problems.add(f"{variable} holds a line break or another control character", variable)
        values[name] = value
    order = list(variables)
    problems[before:] = sorted(problems[before:], key=lambda problem: order.index(problem[0]))
    return values if len(problems) == before else {}


def _own_host(section: str, sources: SettingsSources) -> str:
    """Return the host of a system in the user's own settings file; empty where there is none."""
    try:
        return host_of(check_url(str(section_of(sources.own, section).get("url", ""))))
    except ConfigError:
        return ""


def _is_of_another_host(section: str, sources: SettingsSources) -> bool:
    """Return whether only the working directory names the host, and the user's own settings another."""
    if not sources.is_of_this_folder or sources.environ.get(section_url(section), "").strip():
        return False
    own = _own_host(section, sources)
    try:
        here = host_of(check_url(str(section_of(sources.table, section).get("url", ""))))
    except ConfigError:
        return False
    return bool(own) and here != own


def _from_keyring(
    variable: str, section: str, values: Mapping[str, str], sources: SettingsSources
) -> str | Withheld:
    """Read a secret of this account in the keyring; empty where there is none."""
    import keyring.errors  # noqa: PLC0415  (slow to import, and seldom needed)

    if not values["url"]:
        return ""
    try:
        return read_secret(variable, account_of(section, values, sources.profile))
    except keyring.errors.NoKeyringError:
        return ""
    except keyring.errors.KeyringError as error:
        return Withheld(
            f"{variable} is not set for {host_of(values['url'])}, and the keyring cannot be read ({error}): "
            "unlock it"
        )
