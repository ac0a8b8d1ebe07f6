"""Settings: a TOML file, environment variables over it, secrets from environment or keyring.

`load_settings` reads and checks what a command needs, and names every problem in one error.
"""

from xlsync.config.files import (
    SettingsSources,
    home_folder,
    name_the_file,
    own_settings_file,
    read_settings_sources,
    read_settings_text,
    settings_file,
)
from xlsync.config.load import load_environment, load_settings, read_release, store_url, with_api_path
from xlsync.config.names import (
    BSS_VARIABLES,
    CONNECTWISE_VARIABLES,
    FILE_NAME,
    SECRETS,
    VARIABLES,
    section_url,
)

__all__ = [
    "BSS_VARIABLES",
    "CONNECTWISE_VARIABLES",
    "FILE_NAME",
    "SECRETS",
    "VARIABLES",
    "SettingsSources",
    "home_folder",
    "load_environment",
    "load_settings",
    "name_the_file",
    "own_settings_file",
    "read_release",
    "read_settings_sources",
    "read_settings_text",
    "section_url",
    "settings_file",
    "store_url",
    "with_api_path",
]
