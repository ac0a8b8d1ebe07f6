"""Login: ask for the settings of both systems, try them, and store them, secrets in the keyring.

Nothing here prints: callbacks ask and show, so that no secret is ever shown or logged.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import keyring
import keyring.backend
import keyring.errors
import tomlkit
import tomlkit.exceptions
from msgspec import Struct

from xlsync.billing.bss import Bss
from xlsync.config import (
    FILE_NAME,
    SECRETS,
    VARIABLES,
    SettingsSources,
    name_the_file,
    read_release,
    read_settings_sources,
    read_settings_text,
    section_url,
    settings_file,
    store_url,
    with_api_path,
)
from xlsync.config.accounts import account_of, holds_control
from xlsync.config.files import why_unread
from xlsync.config.problems import SettingProblems
from xlsync.config.team import STORE_PASSWORD, read_store, store_account
from xlsync.connectwise.client import ConnectWise
from xlsync.errors import ApiError, ConfigError, XlsyncError
from xlsync.files import write_file
from xlsync.keyring_secrets import (
    KeyringAccount,
    host_of,
    read_secret,
    store_secret,
)
from xlsync.rest.url import check_url
from xlsync.settings import BssSettings, ConnectWiseSettings
from xlsync.team_store import StoreUnreachable, TeamStore

BACKEND: Final = "PYTHON_KEYRING_BACKEND"  # the variable by which keyring chooses its backend
# The operating systems' keyrings, which a person's login protects; another one has to be named.
_OF_THE_SYSTEM: Final = (
    "keyring.backends.macOS",
    "keyring.backends.Windows",
    "keyring.backends.SecretService",
    "keyring.backends.libsecret",
    "keyring.backends.kwallet",
)


class Question(Struct, frozen=True):
    """One setting to ask for: its variable and name, and where a person finds it."""

    variable: str
    title: str
    explanation: str

    @property
    def is_secret(self) -> bool:
        """Return whether the setting is a secret, which is never shown and goes into the keyring."""
        return self.variable in SECRETS or self.variable == STORE_PASSWORD


BSS_QUESTIONS: Final = (
    Question(
        "XLSYNC_BSS_URL",
        "BSS address",
        "In the marketplace under Settings > API Credentials: the Request Token URL up to /oauth, such as "
        "https://bss.example.com",
    ),
    Question(
        "XLSYNC_BSS_CLIENT_KEY",
        "BSS client key",
        "In the marketplace under Settings > API Credentials. Where it shows --, or there is no such page, "
        "the distributor has yet to make keys for resellers.",
    ),
    Question("XLSYNC_BSS_CLIENT_SECRET", "BSS client secret", "On the same page, beside the client key."),
    Question(
        "XLSYNC_BSS_USERNAME",
        "BSS user name",
        "An API user, made on the same page; some distributors hand it out themselves.",
    ),
    Question("XLSYNC_BSS_PASSWORD", "BSS password", "The password of that user."),
)
CONNECTWISE_QUESTIONS: Final = (
    Question(
        "XLSYNC_CW_URL",
        "ConnectWise site",
        "In the cloud https://api-eu.myconnectwise.net, or api-na, api-au, api-za; else your own server's "
        "address.",
    ),
    Question("XLSYNC_CW_COMPANY", "ConnectWise company id", "What you type as company when you log in."),
    Question(
        "XLSYNC_CW_PUBLIC_KEY",
        "Public key",
        "In ConnectWise under System > Members > API Members: open the member, then API Keys.",
    ),
    Question(
        "XLSYNC_CW_PRIVATE_KEY", "Private key", "Shown once, when the key is made; a lost one is made anew."
    ),
    Question(
        "XLSYNC_CW_CLIENT_ID",
        "Client id",
        "From https://developer.connectwise.com/ClientID: a private one of your own, not to be shared.",
    ),
)

STORE_QUESTION: Final = Question(
    STORE_PASSWORD, "Password of the team's store", "That of the user whom [store] url names."
)

Ask = Callable[[Question, str], str]  # called with the question and the stored value (never a secret)
# Called with an error: whether to ask again; a text is the system's address, typed instead of a yes.
AskAgain = Callable[[XlsyncError], bool | str]
Works = Callable[[str], None]  # called with the name of each system that works
KEPT: Final = "(kept)"  # shown in place of a secret that is in the keyring
NAMES: Final = {"bss": "The BSS", "connectwise": "ConnectWise", "store": "The team's store"}


class Stored(Struct, frozen=True):
    """The places where the settings were stored."""

    file: Path
    backend: str
    tried: tuple[str, ...]


def folder_notices() -> list[str]:
    """Return the notice that names a settings file of the working folder, whose addresses are offered."""
    return name_the_file(read_settings_sources(os.environ, SettingProblems()))


def log_in(
    ask: Ask,
    ask_again: AskAgain,
    environ: Mapping[str, str] = os.environ,
    works: Works = lambda _system: None,
) -> Stored:
    """Ask for all settings, try the connections, and store the settings once they work.

    Raises XlsyncError where a connection fails and nobody wants to try again: then nothing is stored.
    """
    backend = trusted_backend(environ)
    file = settings_file(environ)
    written = _settings_of(file)
    sources = read_settings_sources(environ, SettingProblems())
    answers: dict[str, str] = {}

    def try_connectwise_here(values: Mapping[str, str]) -> None:
        now = read_settings_sources(environ, SettingProblems())  # a refusal names the release to set there
        try_connectwise(values, read_release(now, SettingProblems()))

    systems = (("bss", BSS_QUESTIONS, try_bss), ("connectwise", CONNECTWISE_QUESTIONS, try_connectwise_here))
    for section, questions, try_keys in systems:
        known = {v: str(written.get(section, {}).get(name, "")) for v, name in VARIABLES[section].items()}
        answers |= _ask_until_it_works(section, questions, try_keys, known, ask, ask_again, sources)
        works(NAMES[section])
    url = store_url(sources)
    password = _ask_for_store(url, ask, ask_again, sources) if url else ""
    if url:
        works(NAMES["store"])
    store(answers, sources)
    if password:
        _store_and_read_back(store_account(url, sources.profile), {STORE_PASSWORD: password})
    tried = tuple(section for section, *_ in systems)
    return Stored(file, backend, (*tried, "store") if url else tried)


def _ask_until_it_works(
    section: str,
    questions: tuple[Question, ...],
    try_keys: Callable[[Mapping[str, str]], None],
    known: Mapping[str, str],
    ask: Ask,
    ask_again: AskAgain,
    sources: SettingsSources,
) -> dict[str, str]:
    """Ask for the settings of one system until they work, or nobody wants to try again (XlsyncError).

    `known` are the settings of the file, by variable; the answer to `ask_again` may be a new address.
    """
    values = dict(known)
    while True:
        try:
            values |= dict(_answers(section, questions, values, ask, sources))
            try_keys({name: values[variable] for variable, name in VARIABLES[section].items()})
        except XlsyncError as error:
            answer = ask_again(error)
            if not answer:
                raise
            if isinstance(answer, str):
                with suppress(ConfigError):  # named when the address is asked for again
                    answer = address_of(answer, section)
                values[section_url(section)] = answer
        else:
            return values


def _ask_for_store(url: str, ask: Ask, ask_again: AskAgain, sources: SettingsSources) -> str:
    """Ask for the password of the team's store until it opens; empty where the stored one opens it."""
    password = ""
    while True:
        settings = read_store(
            url, password or sources.environ.get(STORE_PASSWORD, "").strip(), sources.profile
        )
        try:
            TeamStore(settings, "").close()
        except StoreUnreachable as error:
            if settings.password and not ask_again(error):
                raise
        else:
            return password
        password = ask(STORE_QUESTION, "").strip()
        if not password:
            raise ConfigError(f"{STORE_QUESTION.title} is needed.", STORE_QUESTION.explanation)


def _answers(
    section: str,
    questions: tuple[Question, ...],
    known: Mapping[str, str],
    ask: Ask,
    sources: SettingsSources,
) -> Iterator[tuple[str, str]]:
    """Ask the questions of a system; yields the variable and value of each.

    An empty answer keeps the known or stored value. Another host needs secrets of its own.
    """
    given = dict(known)
    for question in questions:
        before = given[question.variable]
        if question.is_secret and not before:
            before = _stored(question.variable, section, given, sources)
        answer = ask(question, KEPT if before and question.is_secret else before).strip()
        value = before if answer in {"", KEPT} else answer
        if not value:
            raise ConfigError(f"{question.title} is needed.", question.explanation)
        if holds_control(value):
            raise ConfigError(f"{question.title} holds a line break or another control character.")
        if question.variable == section_url(section):
            value = address_of(value, section)
            if given[question.variable] and host_of(given[question.variable]) != host_of(value):
                given |= {variable: "" for variable in VARIABLES[section] if variable in SECRETS}
        given[question.variable] = value
        yield question.variable, value


def is_address(text: str) -> bool:
    """Return whether a text can only be an address, and not a key or password pasted by mistake."""
    return re.fullmatch(r"https?://\S+|[a-z0-9-]+(\.[a-z0-9-]+){2,}(/\S*)?", text) is not None


def address_of(text: str, section: str) -> str:
    """Read the address of a system from what a person typed or pasted.

    The marketplace shows a Request Token URL; everything from /oauth on is removed.
    """
    url = check_url(text)
    if section != "bss":
        return url
    head, oauth, _ = url.partition("/oauth")
    return head if oauth else url


def _stored(variable: str, section: str, given: Mapping[str, str], sources: SettingsSources) -> str:
    """Read the account's secret in the keyring; empty where there is none."""
    values = {name: given[other] for other, name in VARIABLES[section].items()}
    try:
        return read_secret(variable, account_of(section, values, sources.profile))
    except keyring.errors.KeyringError as error:
        raise ConfigError(f"The keyring cannot be read: {error}", "Unlock it, and try again.") from None


def try_bss(values: Mapping[str, str]) -> None:
    """Get a token from the BSS and read one invoice; raises XlsyncError where that fails."""
    bss = Bss(BssSettings(**values), plans={})
    with bss.service:
        try:
            bss.check()
        except ApiError as error:
            if error.status not in {400, 401, 403}:
                raise
            hint = "Check client key, client secret, user name and password."
            raise ConfigError(error.message, hint) from error


def try_connectwise(values: Mapping[str, str], release: str) -> None:
    """Read one company of ConnectWise with the keys; raises XlsyncError where that fails."""
    connectwise = ConnectWise(
        ConnectWiseSettings(
            url=with_api_path(values["url"]),
            company=values["company"],
            public_key=values["public_key"],
            private_key=values["private_key"],
            client_id=values["client_id"],
            release=release,
        )
    )
    try:
        connectwise.check()
    except ApiError as error:
        if error.status not in {401, 403}:
            raise
        hint = "Check company id, public key, private key and client id; the member must be active."
        raise ConfigError(error.message, hint) from error
    finally:
        connectwise.service.close()


def trusted_backend(environ: Mapping[str, str]) -> str:
    """Return the name of the keyring; raises ConfigError where it does not protect secrets.

    A keyring that is not the operating system's is used only where somebody asked for it by name.
    """
    backend = keyring.get_keyring()
    members = getattr(backend, "backends", None)  # a chain of keyrings: the first one stores
    first = next(iter(members), backend) if members is not None else backend
    name = f"{type(first).__module__}.{type(first).__qualname__}"
    by_name = environ.get(BACKEND, "") == name
    if type(first).__module__ == "keyring.backends.fail" or (
        not by_name and not type(first).__module__.startswith(_OF_THE_SYSTEM)
    ):
        raise ConfigError(
            f"This machine has no keyring of its own to keep secrets in (found: {name}).",
            "On a server, set the XLSYNC_ variables instead. Another keyring is used only by name: "
            f"{BACKEND}=module.Class",
        )
    return name


def store(answers: Mapping[str, str], sources: SettingsSources) -> None:
    """Store secrets in the keyring and the rest in the settings file, whose other lines stay as they are."""
    file = sources.file
    text = _file_text(file)
    try:
        document = tomlkit.parse(text)
        for section, variables in VARIABLES.items():
            if section not in document:
                document[section] = tomlkit.table()
            table: Any = document[section]
            for variable, name in variables.items():
                if variable not in SECRETS:
                    table[name] = answers[variable]
    except tomlkit.exceptions.TOMLKitError as error:
        raise ConfigError(f"{file} cannot be changed: {error}", "Mend or remove it, and try again.") from None
    for section, variables in VARIABLES.items():
        _store_secrets(section, {name: answers[variable] for variable, name in variables.items()}, sources)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_file(file, tomlkit.dumps(document).encode(), None)


def _store_secrets(section: str, values: Mapping[str, str], sources: SettingsSources) -> None:
    """Store a system's secrets for its account, and read each back."""
    account = account_of(section, values, sources.profile)
    secrets = {v: values[name] for v, name in VARIABLES[section].items() if v in SECRETS}
    _store_and_read_back(account, secrets)


def _store_and_read_back(account: KeyringAccount, secrets: Mapping[str, str]) -> None:
    """Store secrets in the keyring; raises ConfigError where it does not keep them."""
    try:
        for variable, secret in secrets.items():
            store_secret(variable, account, secret)
        is_stored = all(read_secret(variable, account) == secret for variable, secret in secrets.items())
    except keyring.errors.KeyringError as error:
        raise ConfigError(
            f"The keyring did not keep the secrets: {error}", "Unlock it, and try again."
        ) from None
    if not is_stored:
        name = type(keyring.get_keyring()).__qualname__
        raise ConfigError(f"{name} took the secrets and did not keep them.", "Use another keyring.")


def _file_text(file: Path) -> str:
    try:
        return read_settings_text(file)
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{file} cannot be read: {why_unread(error)}", f"Mend or remove {FILE_NAME}."
        ) from None


def _settings_of(file: Path) -> dict[str, Any]:
    try:
        table = tomllib.loads(_file_text(file))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file} cannot be read: {error}", f"Mend or remove {FILE_NAME}.") from None
    for section in ("bss", "connectwise"):
        if not isinstance(table.get(section, {}), dict):
            raise ConfigError(f"{file} cannot be used: {section} must be a section.", f"Mend {FILE_NAME}.")
    return table
