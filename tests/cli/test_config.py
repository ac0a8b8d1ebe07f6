"""Settings: a file, the environment over it, secrets from environment or keyring, all checked at once."""

from __future__ import annotations

import datetime as dt
import math
import socket
import sys
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import keyring
import keyring.backends.fail
import pytest
import tomlkit
from hypothesis import example, given
from hypothesis import strategies as st

from tests.helpers.drawer import LOCKED, NOBODY_LOGGED_ON, Drawer
from xlsync.config import (
    BSS_VARIABLES,
    home_folder,
    load_environment,
    load_settings,
    own_settings_file,
    settings_file,
)
from xlsync.config.names import KNOWN
from xlsync.config.team import store_account
from xlsync.errors import ConfigError, NotSignedInError
from xlsync.excel import addin
from xlsync.keyring_secrets import KeyringAccount, host_of, store_secret
from xlsync.settings import Creation, Limits, Settings

pytestmark = pytest.mark.usefixtures("drawer")

KEYS = {
    "XLSYNC_BSS_URL": "https://bss.example.com",
    "XLSYNC_BSS_CLIENT_KEY": "key",
    "XLSYNC_BSS_CLIENT_SECRET": "secret-one",
    "XLSYNC_BSS_USERNAME": "ada",
    "XLSYNC_BSS_PASSWORD": "secret-two",
    "XLSYNC_CW_URL": "https://api-eu.myconnectwise.net",
    "XLSYNC_CW_COMPANY": "Maple",
    "XLSYNC_CW_PUBLIC_KEY": "public",
    "XLSYNC_CW_PRIVATE_KEY": "secret-three",
    "XLSYNC_CW_CLIENT_ID": "client",
}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, and no settings in the user's own folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path


def write(text: str, encoding: str = "utf-8") -> None:
    Path("xlsync.toml").write_text(text, encoding=encoding)


def load_own(text: str) -> Settings:
    """The settings by the user's own file."""
    own = own_settings_file()
    own.parent.mkdir(parents=True, exist_ok=True)
    own.write_text(text, encoding="utf-8")
    return load()


def load(text: str = "", without: str = "", **environ: str) -> Settings:
    if text:
        write(text)
    keys = {name: value for name, value in KEYS.items() if name != without}
    return load_settings(bss=True, connectwise=True, environ={**keys, **environ})


def refused(text: str = "", without: str = "", **environ: str) -> str:
    with pytest.raises(ConfigError) as raised:
        load(text, without, **environ)
    return raised.value.message


@pytest.mark.parametrize(
    ("text", "environ", "hint"),
    [
        ("", {"XLSYNC_BSS_URL": "http://bss.example.com"}, "Run `xlsync login`"),
        ("[limits]\nmoney = -1\n", {"XLSYNC_CW_COMPANY": "a\nb"}, "Run `xlsync login`"),
        ("[limits]\nmoney = -1\n", {}, "Mend what is named"),
    ],
)
def test_login_is_named_only_where_it_asks_for_what_is_wrong(
    text: str, environ: dict[str, str], hint: str
) -> None:
    with pytest.raises(ConfigError) as raised:
        load(text, **environ)
    assert raised.value.hint.startswith(hint)


# --- where settings come from


def test_the_environment_alone_is_enough() -> None:
    settings = load()
    assert settings.bss is not None
    assert settings.connectwise is not None
    assert (settings.bss.url, settings.bss.password) == ("https://bss.example.com", "secret-two")
    assert (settings.connectwise.company, settings.connectwise.private_key) == ("Maple", "secret-three")
    assert settings.environment == "api-eu.myconnectwise.net/maple"
    assert (settings.limits, settings.creation, settings.invoicing) == (Limits(), Creation(), False)


def test_what_a_command_does_not_need_is_not_asked_for() -> None:
    settings = load_settings(bss=False, connectwise=False, environ={})
    assert (settings.bss, settings.connectwise, settings.environment) == (None, None, "")
    only_bss = load_settings(bss=True, connectwise=False, environ=KEYS)
    assert (only_bss.bss is None, only_bss.connectwise is None) == (False, True)


def test_whose_things_are_kept_here_is_told_without_any_key() -> None:
    site = {name: KEYS[name] for name in ("XLSYNC_CW_URL", "XLSYNC_CW_COMPANY")}
    settings = load_environment({**site, "XLSYNC_HOME": "/kept"})
    assert (settings.home, settings.environment) == (Path("/kept"), load().environment)
    assert (settings.bss, settings.connectwise) == (None, None)


def test_only_site_and_company_are_missed_where_nothing_is_sent() -> None:
    with pytest.raises(ConfigError) as raised:
        load_environment({"XLSYNC_CW_URL": "http://cw.example.com"})
    told = raised.value.message
    assert "XLSYNC_CW_URL" in told
    assert "XLSYNC_CW_COMPANY is not set" in told
    assert not [name for name in KEYS.keys() - {"XLSYNC_CW_URL", "XLSYNC_CW_COMPANY"} if name in told]


def test_the_file_gives_what_the_environment_does_not() -> None:
    settings = load('[connectwise]\ncompany = "Birch"\nrelease = "2026.4"\n', without="XLSYNC_CW_COMPANY")
    assert settings.connectwise is not None
    assert (settings.connectwise.company, settings.connectwise.release) == ("Birch", "2026.4")


def test_the_environment_stands_over_the_file() -> None:
    settings = load('[connectwise]\ncompany = "Birch"\n')
    assert settings.connectwise is not None
    assert settings.connectwise.company == "Maple"


def test_an_empty_variable_is_not_set() -> None:
    settings = load('[connectwise]\ncompany = "Birch"\n', XLSYNC_CW_COMPANY="  ")
    assert settings.connectwise is not None
    assert settings.connectwise.company == "Birch"


def test_the_file_of_the_working_directory_comes_before_the_users_own(here: Path) -> None:
    own = here / "config" / "xlsync" / "xlsync.toml"
    write_own("[limits]\ncreations = 7\n")
    if settings_file() != own:
        pytest.skip("this system keeps its configuration elsewhere")
    assert load().limits.creations == 7
    assert load("[limits]\ncreations = 6\n").limits.creations == 6


def test_a_byte_order_mark_as_windows_editors_write_it_is_no_trouble() -> None:
    write("[limits]\ncreations = 9\n", encoding="utf-8-sig")
    assert load().limits.creations == 9


def test_the_home_folder_is_the_one_that_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORK", str(tmp_path))
    assert home_folder({"XLSYNC_HOME": "$WORK/x"}) == tmp_path / "x"
    assert load(XLSYNC_HOME=str(tmp_path / "home")).home == tmp_path / "home"
    assert home_folder({"XLSYNC_HOME": "~/x"}) == Path.home() / "x"
    assert home_folder({"XLSYNC_HOME": f'"{tmp_path}" '}) == tmp_path  # as `set` of Windows' cmd leaves it
    assert home_folder({}).name == "xlsync"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows the folders of every user")
def test_a_user_without_a_folder_is_told_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container whose user has no name."""
    for variable in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr("pwd.getpwuid", {}.__getitem__)  # knows nobody
    assert addin.renew("linux") == ""
    for find in (home_folder, own_settings_file):
        with pytest.raises(ConfigError, match="no folder of their own"):
            find({})


def test_the_environments_name_may_be_given() -> None:
    settings = load_settings(bss=False, connectwise=True, environ=KEYS, environment="demo")
    assert settings.environment == "demo"


# --- secrets


BSS = KeyringAccount("bss.example.com", ("ada",))
CONNECTWISE = KeyringAccount("api-eu.myconnectwise.net", ("maple", "public"))


@pytest.mark.parametrize(
    ("variable", "account"),
    [
        ("XLSYNC_BSS_CLIENT_SECRET", BSS),
        ("XLSYNC_BSS_PASSWORD", BSS),
        ("XLSYNC_CW_PRIVATE_KEY", CONNECTWISE),
    ],
)
def test_a_secret_comes_from_the_keyring(variable: str, account: KeyringAccount) -> None:
    assert f"{variable} is not set" in refused(without=variable)
    store_secret(variable, account, "from the ring")
    settings = load(without=variable)
    assert settings.bss is not None
    assert settings.connectwise is not None
    found = (settings.bss.client_secret, settings.bss.password, settings.connectwise.private_key)
    assert "from the ring" in found


def test_the_environment_stands_over_the_keyring() -> None:
    store_secret("XLSYNC_BSS_PASSWORD", BSS, "from the ring")
    settings = load()
    assert settings.bss is not None
    assert settings.bss.password == "secret-two"


@given(st.lists(st.tuples(st.text(min_size=1), st.text()), min_size=2, max_size=2, unique=True))
def test_two_accounts_never_share_an_entry_of_the_keyring(names: list[tuple[str, str]]) -> None:
    one, other = (KeyringAccount("cw.example.com", pair).entry("XLSYNC_CW_PRIVATE_KEY") for pair in names)
    assert one != other


def test_the_host_of_an_address_is_its_name_and_port_however_it_is_written() -> None:
    assert host_of("https://CW.example.com:443/path") == host_of("https://cw.example.com") == "cw.example.com"
    assert host_of("http://127.0.0.1:8080") == "127.0.0.1:8080"


def write_own(text: str) -> None:
    own_settings_file().parent.mkdir(parents=True)
    own_settings_file().write_text(text)


def test_a_secret_of_the_environment_is_not_sent_where_only_the_working_folder_points_to() -> None:
    write_own('[bss]\nurl = "https://bss.example.com"\n')
    message = refused('[bss]\nurl = "https://evil.example.com"\n', without="XLSYNC_BSS_URL")
    assert "XLSYNC_BSS_PASSWORD is not sent to evil.example.com" in message
    assert "your own settings name bss.example.com" in message


def test_a_file_of_the_working_folder_is_named_and_can_lower_a_limit_but_raise_none() -> None:
    write_own("[limits]\ncreations = 7\nzero = 2\n")
    settings = load("[limits]\ncreations = 6\nzero = 3\nmoney = 20000\n")
    assert (settings.limits.creations, settings.limits.zero, settings.limits.money) == (6, 2, 10000)
    assert settings.notices[0] == f"The settings of this folder are used: {Path('xlsync.toml').resolve()}"
    assert [notice for notice in settings.notices if "cannot raise a limit: [limits] zero stays 2" in notice]
    assert load("[creation]\nname_length = 9\n").limits.creations == 7


def test_what_a_file_of_the_working_folder_does_to_money_is_told() -> None:
    here = '[creation]\nbill_customer = "DoNotBill"\n[invoicing]\nenabled = true\n'
    assert [notice.partition(" of this folder ")[2] for notice in load(here).notices[1:]] == [
        "lets new additions not be billed: [creation] bill_customer is DoNotBill",
        "lets invoices be created: [invoicing] enabled is true",
    ]
    write_own(here)
    assert len(load("[creation]\nname_length = 9\n").notices) == 1
    Path("xlsync.toml").unlink()
    assert load().notices == ()


def test_an_empty_file_of_the_working_folder_is_not_worth_a_word() -> None:
    write("")
    assert load().notices == ()


@pytest.mark.parametrize("line", ["requests_per_minute = 10001", "side_by_side = 101", "side_by_side = 0"])
def test_numbers_of_the_settings_have_bounds(line: str) -> None:
    assert f"[connectwise] {line.partition(' ')[0]} must be at least 1" in refused(f"[connectwise]\n{line}\n")


@pytest.mark.parametrize(("seal", "why"), [(LOCKED, "nobody is here"), (NOBODY_LOGGED_ON, "(1312")])
def test_a_keyring_that_cannot_be_read_is_told_beside_what_is_not_set(
    drawer: Drawer, seal: Exception, why: str
) -> None:
    drawer.seal = seal
    told = f"XLSYNC_BSS_PASSWORD is not set for bss.example.com, and the keyring cannot be read ({why}"
    assert told in refused(without="XLSYNC_BSS_PASSWORD")


def test_where_there_is_no_keyring_the_setting_is_unset_and_no_more_is_said() -> None:
    keyring.set_keyring(keyring.backends.fail.Keyring())
    message = refused(without="XLSYNC_BSS_PASSWORD")
    assert message.endswith("XLSYNC_BSS_PASSWORD is not set for bss.example.com")


@pytest.mark.parametrize(
    ("section", "name"), [("bss", "client_secret"), ("bss", "password"), ("connectwise", "private_key")]
)
def test_a_secret_in_the_file_is_refused_and_not_repeated(section: str, name: str) -> None:
    message = refused(f'[{section}]\n{name} = "hush-hush"\n')
    assert f"[{section}] {name} is a secret: keep it in the keyring" in message
    assert "hush-hush" not in message


def test_no_secret_is_shown_by_printing_settings() -> None:
    text = repr(load()) + str(load())
    assert not [value for value in KEYS.values() if value.startswith("secret") and value in text]


# --- what is wrong is told at once


def test_all_that_is_missing_is_named_at_once() -> None:
    with pytest.raises(NotSignedInError) as raised:
        load_settings(bss=True, connectwise=True, environ={})
    assert raised.value.message == "Not signed in yet."
    assert raised.value.hint.startswith("Run `xlsync login`, or add --demo to try sample data.")
    problems = dict(raised.value.problems)
    for variable in KEYS:
        assert f"{variable} is not set" in problems[variable]
        assert variable in raised.value.hint
    told = "XLSYNC_CW_COMPANY is not set, or company under [connectwise] in xlsync.toml"
    assert problems["XLSYNC_CW_COMPANY"] == told
    assert problems["XLSYNC_CW_PRIVATE_KEY"] == "XLSYNC_CW_PRIVATE_KEY is not set"  # never: into the file


def test_whoever_has_set_some_of_a_systems_settings_is_told_which_are_missing() -> None:
    message = refused("", without="XLSYNC_BSS_PASSWORD")
    assert message.startswith("Settings are missing or cannot be used:\n  XLSYNC_BSS_PASSWORD is not set")


def test_whoever_has_signed_in_to_connectwise_alone_is_told_that_the_bss_is_missing() -> None:
    environ = {name: value for name, value in KEYS.items() if name not in BSS_VARIABLES}
    with pytest.raises(NotSignedInError) as raised:
        load_settings(bss=True, connectwise=True, environ=environ)
    assert raised.value.message == "Not signed in to the BSS yet."


def test_problems_name_the_settings_file_of_the_profile() -> None:
    Path("xlsync.trial.toml").write_text("[limits]\nmoney = -1\n[creation.fields.addition]\nquantity = 5\n")
    message = refused(without="XLSYNC_BSS_USERNAME", XLSYNC_PROFILE="trial")
    assert "XLSYNC_BSS_USERNAME is not set, or username under [bss] in xlsync.trial.toml" in message
    assert "xlsync.trial.toml: [limits] money must be a number" in message
    assert "xlsync.trial.toml: [creation.fields.addition] quantity is given" in message


def test_problems_of_every_kind_are_told_together() -> None:
    message = refused(
        '[connectwise]\nrequests_per_minute = "fast"\ncolour = "red"\n[limits]\nmoney = -1\n[colours]\n'
        "[invoicing]\nenabled = 'no'\n",
        without="XLSYNC_BSS_USERNAME",
        XLSYNC_BSS_URL="http://bss.example.com",
        XLSYNC_CW_PUBLIC_KEY="a\nb",
    )
    for told in (
        "XLSYNC_BSS_USERNAME is not set",
        "XLSYNC_BSS_URL: 'http://bss.example.com' is not encrypted.",
        "XLSYNC_CW_PUBLIC_KEY holds a line break",
        "[connectwise] requests_per_minute must be a number from 0 up, not 'fast'",
        "[connectwise] colour is not a setting",
        "[limits] money must be a number from 0 up, not -1",
        "[colours] is not a section of xlsync",
        "[invoicing] enabled must be true or false, not 'no'",
    ):
        assert told in message


@pytest.mark.parametrize(
    ("section", "name"), [("limits", "creations"), ("limits", "zero"), ("connectwise", "side_by_side")]
)
def test_a_part_of_what_is_counted_is_refused(section: str, name: str) -> None:
    told = f"xlsync.toml: [{section}] {name} must be a whole number, not 2.5"
    assert told in refused(f"[{section}]\n{name} = 2.5\n")


@pytest.mark.parametrize("value", ['["maple"]', "true", "{ id = 1 }"])
def test_an_address_or_key_that_is_no_text_is_named(value: str) -> None:
    told = "xlsync.toml: [connectwise] company must be a text, not "
    assert told in refused(f"[connectwise]\ncompany = {value}\n", without="XLSYNC_CW_COMPANY")


def test_an_unknown_section_or_setting_is_named_with_those_that_are_known() -> None:
    assert (
        "[limit] is not a section of xlsync (bss, connectwise, limits, creation, store, invoicing, report)"
        in refused("[limit]\ncreations = 1\n")
    )
    assert "[limits] creation is not a setting (creations, money, percent, units, zero)" in refused(
        "[limits]\ncreation = 1\n"
    )
    assert "[limits] is not a section" in refused("limits = 5\n")


@pytest.mark.parametrize("text", ["[limits\n", "x = \n", "[connectwise]\nclient_id = 'a'\nclient_id = 'b'\n"])
def test_a_file_that_is_no_toml_is_named(text: str) -> None:
    assert "xlsync.toml: cannot be read" in refused(text)


def test_a_file_in_another_encoding_is_named() -> None:
    Path("xlsync.toml").write_bytes("[bss]\nusername = 'Jürgen'\n".encode("latin-1"))
    assert "xlsync.toml: cannot be read (it is no text in UTF-8)" in refused()


def test_a_folder_in_place_of_the_file_is_named() -> None:
    Path("xlsync.toml").mkdir()
    assert "xlsync.toml: cannot be read (it is a folder)" in refused()


VALUES = st.recursive(
    st.sampled_from(
        ["", "x", "-5", "a\nb", "http://[::1", "https://h:99999/", "postgresql://u:p@h/x", "sNaN"]
    )
    | st.sampled_from([True, 0, -1, 10**30, 2.5, math.inf, math.nan, dt.date(2026, 1, 1), dt.time(1, 2)]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["addition", "product", "custom", "id", "Units", "a b"]), inner, max_size=2
        )
    ),
    max_leaves=4,
)


@given(
    table=st.dictionaries(
        st.sampled_from(list(KNOWN)),
        st.dictionaries(st.sampled_from(sorted(set().union(*KNOWN.values()))), VALUES, max_size=3) | VALUES,
        max_size=3,
    ),
    environ=st.dictionaries(
        st.sampled_from([*KEYS, "XLSYNC_STORE_URL", "XLSYNC_INVOICING"]), VALUES.map(str)
    ),
)
@example(
    table={"bss": {"url": dt.date(2026, 1, 1)}},
    environ={"XLSYNC_BSS_URL": "http://[::1", "XLSYNC_BSS_PASSWORD": ""},
)
def test_whatever_stands_in_the_settings_is_used_or_told(table: Any, environ: dict[str, str]) -> None:
    with suppress(ConfigError):
        assert load(tomlkit.dumps(table), **environ).home


# --- addresses


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("https://api-eu.myconnectwise.net", "https://api-eu.myconnectwise.net/v4_6_release/apis/3.0"),
        ("https://api-eu.myconnectwise.net/", "https://api-eu.myconnectwise.net/v4_6_release/apis/3.0"),
        ("api-eu.myconnectwise.net", "https://api-eu.myconnectwise.net/v4_6_release/apis/3.0"),
        ("https://cw.example.com/v2025_1/apis/3.0", "https://cw.example.com/v2025_1/apis/3.0"),
        ("https://cw.example.com/v2025_1/apis/3.0/", "https://cw.example.com/v2025_1/apis/3.0"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/v4_6_release/apis/3.0"),
        ("http://[::1]:8080", "http://[::1]:8080/v4_6_release/apis/3.0"),
        ("http://localhost:8080", "http://localhost:8080/v4_6_release/apis/3.0"),
    ],
)
def test_the_api_path_is_added_only_where_there_is_none(given: str, used: str) -> None:
    settings = load(XLSYNC_CW_URL=given)
    assert settings.connectwise is not None
    assert settings.connectwise.url == used


def test_the_bss_address_is_used_as_it_is() -> None:
    settings = load(XLSYNC_BSS_URL="https://bss.example.com/market/")
    assert settings.bss is not None
    assert settings.bss.url == "https://bss.example.com/market"


@pytest.mark.parametrize("variable", ["XLSYNC_CW_URL", "XLSYNC_BSS_URL"])
@pytest.mark.parametrize(
    "url",
    [
        "http://cw.example.com",
        "http://10.0.0.7",
        "http://0.0.0.0:80",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "http://[fe80::1]",
        "ftp://cw.example.com",
        "https://",
        "https://ada:hush@cw.example.com",
    ],
)
def test_an_address_that_is_not_safe_is_refused(variable: str, url: str) -> None:
    message = refused(**{variable: url})
    assert message.count("\n") == 1
    assert f"{variable}: " in message
    assert "hush" not in message


def test_two_sites_or_companies_are_two_environments_in_any_case_of_letters() -> None:
    def environment(**environ: str) -> str:
        return load(**environ).environment

    assert environment() == environment(
        XLSYNC_CW_COMPANY="MAPLE", XLSYNC_CW_URL="https://API-EU.myconnectwise.net"
    )
    assert environment() != environment(XLSYNC_CW_COMPANY="Birch")
    assert environment() != environment(XLSYNC_CW_URL="https://api-na.myconnectwise.net")


# --- limits, creation, invoicing, report


def test_limits_come_from_the_file_and_the_others_stay() -> None:
    settings = load_own('[limits]\ncreations = 5\npercent = 12.5\nmoney = "0.10"\n')
    assert settings.limits == Limits(
        creations=5, percent=Decimal("12.5"), units=Decimal(1000), money=Decimal("0.10")
    )


def test_a_limit_of_zero_is_zero_not_the_default() -> None:
    zero = load_own("[limits]\ncreations = 0\npercent = 0\nunits = 0\nzero = 3\nmoney = 0\n").limits
    assert zero == Limits(creations=0, percent=Decimal(0), units=Decimal(0), zero=3, money=Decimal(0))


@pytest.mark.parametrize("value", ["-1", '"many"', "true", "nan", "inf", "[1]", "''"])
def test_a_limit_that_is_no_number_from_zero_up_is_refused(value: str) -> None:
    assert "[limits] units must be a number from 0 up" in refused(f"[limits]\nunits = {value}\n")


def test_creation_follows_the_file() -> None:
    lengths = "[creation]\nidentifier_length = 30\nname_length = 99\n"
    assert load(
        lengths + 'bill_customer = "DoNotBill"\ncode_field = "integrationXRef"\n'
    ).creation == Creation(
        identifier_length=30, name_length=99, bill_customer="DoNotBill", code_field="integrationXRef"
    )


def test_a_site_is_named_without_the_blanks_around_it() -> None:
    assert load('[creation]\nsite = " Head Office "\n').creation.site == "Head Office"


@pytest.mark.parametrize(
    "line",
    [
        "identifier_length = 'x'",
        "name_length = 0",
        "name_length = 99999999999999999999",
        'site = "Main\\u001b[2J"',
        "bill_customer = 'Maybe'",
        "code_field = 'price'",
        "site = ''",
        "site = 5",
    ],
)
def test_creation_that_cannot_be_is_refused(line: str) -> None:
    assert f"[creation] {line.partition(' ')[0]} must be" in refused(f"[creation]\n{line}\n")


@pytest.mark.parametrize(
    "field", ["unitPrice = 0.01", "lessIncluded = 5", 'cancelledDate = "2026-10-01T00:00:00Z"']
)
def test_no_settings_file_decides_what_an_addition_bills(field: str) -> None:
    name = field.partition(" ")[0]
    assert f"{name} is given by xlsync itself" in refused(f"[creation.fields.addition]\n{field}\n")


@pytest.mark.parametrize("release", ["5", "[1]", '"2025.1\\r\\nX: y"', '"latest"'])
def test_a_release_that_is_none_is_refused(release: str) -> None:
    assert "[connectwise] release must be a text such as" in refused(f"[connectwise]\nrelease = {release}\n")


@pytest.mark.parametrize(
    ("file", "variable", "is_enabled"),
    [
        ("", "", False),
        ("", "enabled", True),
        ("", "Enabled ", True),
        ("", "no", False),
        ("", "0", False),
        ("true", "", True),
        ("false", "", False),
        ("false", "enabled", True),
        ("true", "disabled", False),  # the environment stands over the file
    ],
)
def test_invoicing_is_enabled_by_that_word_alone(file: str, variable: str, is_enabled: bool) -> None:
    text = f"[invoicing]\nenabled = {file}\n" if file else ""
    assert load(text, XLSYNC_INVOICING=variable).invoicing is is_enabled


@pytest.mark.parametrize("word", ["perhaps", "yes", "true", "1", "enable"])
def test_a_word_that_neither_enables_nor_disables_invoicing_is_named_and_only_previews(word: str) -> None:
    settings = load("[invoicing]\nenabled = true\n", XLSYNC_INVOICING=word)
    assert not settings.invoicing
    assert any(f"XLSYNC_INVOICING is {word!r}" in notice for notice in settings.notices)


def test_names_of_report_columns_come_from_the_file() -> None:
    settings = load('[report]\nheaders = { Units = ["Qty", "Seats"], Customer = "Client" }\n')
    assert dict(settings.report.headers) == {"Units": ("Qty", "Seats"), "Customer": ("Client",)}


@pytest.mark.parametrize("value", ["5", "['Qty']", "{ Units = 5 }", "{ Units = [5] }"])
def test_names_of_report_columns_that_are_none_are_refused(value: str) -> None:
    assert "[report] headers must name columns" in refused(f"[report]\nheaders = {value}\n")


def test_how_fast_connectwise_is_asked_follows_the_file() -> None:
    settings: Any = load("[connectwise]\nrequests_per_minute = 300\nside_by_side = 2\n").connectwise
    assert (settings.requests_per_minute, settings.side_by_side) == (300, 2)
    assert "requests_per_minute must be at least 1" in refused("[connectwise]\nrequests_per_minute = 0\n")


# --- the store of a team


def test_a_teams_store_takes_its_password_from_the_keyring_or_a_variable() -> None:
    url = "postgresql://ada@db.example.com/xlsync"
    store = load(f'[store]\nurl = "{url}"\n').store
    assert store is not None
    assert (store.password, store.place) == ("", "db.example.com:5432/xlsync")
    store_secret("XLSYNC_STORE_PASSWORD", store_account(url, ""), "from the ring")
    store = load().store
    assert store is not None
    assert store.password == "from the ring"
    assert "from the ring" not in repr(store)
    elsewhere = load(XLSYNC_STORE_URL="postgresql://ada@evil.example.com/xlsync").store
    assert elsewhere is not None
    assert elsewhere.password == ""
    given = load(XLSYNC_STORE_PASSWORD="given").store
    assert given is not None
    assert given.password == "given"


def test_a_file_that_sends_a_stores_address_elsewhere_gets_no_secret(here: Path) -> None:
    """What stands behind the ? of such an address would lead PostgreSQL's library to another host."""
    mine = "postgresql://ada@db.example.com/xlsync"
    store_secret("XLSYNC_STORE_PASSWORD", store_account(mine, ""), "from the ring")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0)
        port = listener.getsockname()[1]
        write(f'[store]\nurl = "{mine}?hostaddr=127.0.0.1&port={port}&sslmode=require"\n')
        with pytest.raises(ConfigError, match="it holds hostaddr, port"):
            load()
        with pytest.raises(BlockingIOError):
            listener.accept()
    assert list(here.rglob("*.toml")) == [here / "xlsync.toml"]


def test_a_teams_store_is_reached_encrypted_but_on_this_machine() -> None:
    def url(text: str) -> str:
        store = load(XLSYNC_STORE_URL=text).store
        assert store is not None
        return store.url

    assert url("postgresql://db.example.com/x").endswith("/x?sslmode=require")
    assert url("postgresql://db.example.com/x?sslmode=verify-full").endswith("?sslmode=verify-full")
    assert url("postgresql://db.example.com/x?application_name=sslmode").endswith("&sslmode=require")
    assert url("postgresql://127.0.0.1:5433/x").endswith(":5433/x")


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("postgresql://ada:hush@db.example.com/x", "it holds a password"),
        ("postgresql://db.example.com/x?password=hush", "it holds a password"),
        ("postgresql://db.example.com/x?sslmode=disable", "it is not encrypted"),
        ("mysql://db.example.com/x", "write it like postgresql://"),
        ("postgresql://db.example.com", "write it like postgresql://"),
        ("postgresql://db.example.com:port/x", "it cannot be read"),
        ("postgresql://db.example.com/x?host=evil.example.com", "it holds host"),
        ("postgresql://db.example.com/x?hostaddr=192.0.2.1", "it holds hostaddr"),
        ("postgresql://db.example.com/x?%68ost=evil.example.com", "it holds host"),
        ("postgresql://db.example.com/x?sslmode=require;host=evil.example.com", "it is not encrypted"),
        ("postgresql://db.example.com/x#?host=evil.example.com", "write it like postgresql://"),
        ("postgresql://ada@evil.example.com,@db.example.com/x", "write it like postgresql://"),
        ("postgresql://db.example.com/x?service=other&port=1", "it holds service, port"),
        ("postgresql://db.example.com/x?application_name=sslmode=&sslmode=prefer", "it is not encrypted"),
        ("postgresql://db.example.com/x?pass%77ord=hush", "it holds a password"),
    ],
)
def test_an_address_of_a_teams_store_that_cannot_be_is_refused(url: str, problem: str) -> None:
    message = refused(XLSYNC_STORE_URL=url)
    assert f"XLSYNC_STORE_URL, or url under [store] in xlsync.toml: {problem}" in message
    assert "hush" not in message


def test_a_problem_names_its_variable_to_programs_or_else_the_file_that_holds_it() -> None:
    with pytest.raises(ConfigError) as raised:
        load("[invoicing]\nenabled = 3\n", "XLSYNC_BSS_USERNAME", XLSYNC_STORE_URL="mysql://db.example.com/x")
    places = [str(problem[0]) for problem in raised.value.problems if isinstance(problem, tuple)]
    assert places[:2] == ["XLSYNC_BSS_USERNAME", "XLSYNC_STORE_URL"]
    assert places[2].endswith("xlsync.toml")
