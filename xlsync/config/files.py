"""The settings files: where they lie, which one is used, and what stands in it."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import platformdirs
from msgspec import Struct

from xlsync.config.accounts import profile_name
from xlsync.config.names import FILE_NAME, KNOWN
from xlsync.config.problems import SettingProblems
from xlsync.errors import ConfigError
from xlsync.files import read_regular

_LARGEST: Final = 1_000_000  # bytes of a settings file


def home_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder of links, journal, caches and sandbox state; raises ConfigError for one of nobody."""
    # %LOCALAPPDATA% of a scheduled task; cmd's `set` keeps quotes, and the blank before `&&`
    given = os.path.expandvars(environ.get("XLSYNC_HOME", "")).strip(' "')
    if not given:
        return _of_this_user(platformdirs.user_data_path)
    try:
        return Path(given).expanduser()
    except RuntimeError:
        raise ConfigError(f"XLSYNC_HOME names the folder of an unknown user: {given}", "Mend it.") from None


def file_name(environ: Mapping[str, str]) -> str:
    """Return the name of the settings file: each profile has its own."""
    profile = profile_name(environ)
    return f"xlsync.{profile}.toml" if profile else FILE_NAME


def own_settings_file(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the path of the settings file in the user's configuration folder, which need not exist."""
    return _of_this_user(platformdirs.user_config_path) / file_name(environ)


def _of_this_user(find: Callable[..., Path]) -> Path:
    """Find a folder of the user; raises ConfigError for a user who has none, as in a container."""
    try:
        return find("xlsync", appauthor=False)
    except RuntimeError:
        raise ConfigError("This user has no folder of their own.", "Set HOME to one.") from None


def settings_file(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the settings file in use: in the working directory, else in the user's configuration folder."""
    here = Path(file_name(environ))
    return here if here.exists() else own_settings_file(environ)


class SettingsSources(Struct, frozen=True):
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


def read_settings_sources(environ: Mapping[str, str], problems: SettingProblems) -> SettingsSources:
    """Read the settings file in use and the user's own one."""
    own_file, file = own_settings_file(environ), settings_file(environ)
    problems.file_name = file.name
    own = _read_file(own_file, problems)
    is_own = file == own_file or file.resolve() == own_file.resolve()
    table = own if is_own else _read_file(file, problems)
    return SettingsSources(environ, file, table, own, profile_name(environ))


def read_settings_text(file: Path) -> str:
    """Read the text of a settings file; raises OSError where it is no file, or too large to be one."""
    return read_regular(file, _LARGEST).decode("utf-8-sig")


def why_unread(error: OSError | ValueError) -> str:
    """Return in words why a settings file could not be read as TOML."""
    match error:
        case OSError():
            return error.strerror or str(error)
        case UnicodeDecodeError():
            return "it is no text in UTF-8"
    return str(error)


def _read_file(file: Path, problems: SettingProblems) -> dict[str, Any]:
    try:
        table = tomllib.loads(read_settings_text(file))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        problems.add(f"{file}: cannot be read ({why_unread(error)})")
        return {}
    for section, values in table.items():
        if section not in KNOWN or not isinstance(values, dict):
            problems.add(f"{file}: [{section}] is not a section of xlsync ({', '.join(KNOWN)})")
            continue
        for name in values:
            if name not in KNOWN[section]:
                known = ", ".join(sorted(KNOWN[section]))
                problems.add(f"{file}: [{section}] {name} is not a setting ({known})")
        for name in ("client_secret", "password", "private_key"):
            if name in values:
                keep = "keep it in the keyring (`xlsync login`) or a variable"
                problems.add(f"{file}: [{section}] {name} is a secret: {keep}")
    return table


def section_of(table: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the known settings of a section of a settings file; empty where it is no section."""
    values = table.get(name, {})
    return (
        {key: value for key, value in values.items() if key in KNOWN[name]}
        if isinstance(values, dict)
        else {}
    )


def name_the_file(sources: SettingsSources) -> list[str]:
    """Write a notice that names the settings file of the working directory, unless the file is empty."""
    if not sources.is_of_this_folder or not sources.table:
        return []
    return [f"The settings of this folder are used: {sources.file.resolve()}"]
