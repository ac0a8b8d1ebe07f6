"""Keys asked for one by one, tried at once, and kept: secrets in the keyring only."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Callable
from pathlib import Path

import keyring
import keyring.backend
import keyring.errors
import pytest
from keyring.backends import chainer, fail, null
from typer.testing import CliRunner

from tests.helpers.desk import Desk
from tests.helpers.drawer import LOCKED, NOBODY_LOGGED_ON, Drawer
from tests.helpers.postgres import PASSWORD, Postgres, why_not
from tests.helpers.remote import Remote
from xlsync.cli import app
from xlsync.commands.login import (
    BSS_QUESTIONS,
    CONNECTWISE_QUESTIONS,
    KEPT,
    Question,
    is_address,
    log_in,
    trusted_backend,
)
from xlsync.config import SECRETS, load_settings, own_settings_file
from xlsync.config.team import STORE_PASSWORD
from xlsync.errors import ConfigError, XlsyncError
from xlsync.settings import ConnectWiseSettings

QUESTIONS = (*BSS_QUESTIONS, *CONNECTWISE_QUESTIONS)


@pytest.fixture
def keys(
    empty_desk: Desk,
    drawer: Drawer,  # noqa: ARG001 - in which they are kept
    monkeypatch: pytest.MonkeyPatch,
) -> dict[str, str]:
    """The right answers, in a place where no variable gives them."""
    found = empty_desk.sandbox.environ
    for name in found:
        monkeypatch.delenv(name)
    Path("xlsync.toml").touch()
    return found


def from_table(answers: dict[str, str]) -> Callable[[Question, str], str]:
    return lambda question, _kept: answers[question.variable]


def never(error: XlsyncError) -> bool:
    raise AssertionError(error.message)


def test_every_setting_is_asked_for_once_with_what_it_is_and_where_to_find_it() -> None:
    names = [question.variable for question in QUESTIONS]
    assert len(names) == len(set(names)) == 10
    assert {question.variable for question in QUESTIONS if question.is_secret} == set(SECRETS)
    for question in QUESTIONS:
        assert question.title
        assert question.explanation.endswith((".", "com"))


def test_right_keys_are_kept_and_every_command_finds_them(keys: dict[str, str], drawer: Drawer) -> None:
    stored = log_in(from_table(keys), never)
    assert stored.tried == ("bss", "connectwise")
    settings = load_settings(bss=True, connectwise=True, environ={})
    assert settings.bss
    assert settings.connectwise
    assert settings.bss.password == keys["XLSYNC_BSS_PASSWORD"]
    assert settings.connectwise.private_key == keys["XLSYNC_CW_PRIVATE_KEY"]
    assert settings.connectwise.client_id == keys["XLSYNC_CW_CLIENT_ID"]
    assert drawer.secrets() == {name: keys[name] for name in SECRETS}
    host = keys["XLSYNC_BSS_URL"].removeprefix("http://")
    assert all(f" {host}/" in name for _, name in drawer.kept)


def test_secrets_stand_in_the_keyring_and_in_no_file(keys: dict[str, str]) -> None:
    stored = log_in(from_table(keys), never)
    for file in Path.cwd().rglob("*"):
        if file.is_file():
            data = file.read_bytes()
            assert not any(keys[name].encode() in data for name in SECRETS), file
    assert stored.file.exists()
    bss = tomllib.loads(stored.file.read_text())["bss"]
    assert bss.keys() == {"url", "client_key", "username"}


def test_other_lines_of_the_settings_file_stay(keys: dict[str, str]) -> None:
    file = Path("xlsync.toml")
    file.write_text('# mine\n[limits]\nmoney = 5  # low\n\n[bss]\nurl = "https://old.example.com" # old\n')
    log_in(from_table(keys), never)
    text = file.read_text()
    assert "# mine\n[limits]\nmoney = 5  # low\n" in text
    assert tomllib.loads(text)["bss"]["url"] == keys["XLSYNC_BSS_URL"]
    assert tomllib.loads(text)["connectwise"]["company"] == keys["XLSYNC_CW_COMPANY"]
    assert load_settings(bss=True, connectwise=True, environ={}).limits.money == 5


def test_a_site_may_be_given_with_its_whole_path(keys: dict[str, str]) -> None:
    url = f"{keys['XLSYNC_CW_URL']}/v4_6_release/apis/3.0"
    log_in(from_table({**keys, "XLSYNC_CW_URL": url}), never)
    settings = load_settings(bss=False, connectwise=True, environ={})
    assert settings.connectwise
    assert settings.connectwise.url == url


def test_the_release_that_a_refusal_asks_for_is_taken_from_the_settings_file_at_once(
    keys: dict[str, str], empty_desk: Desk
) -> None:
    empty_desk.sandbox.connectwise.releases = ("2019.1", "2024.2")

    def set_it(error: XlsyncError) -> bool:
        assert "set [connectwise] release in xlsync.toml" in error.hint
        Path("xlsync.toml").write_text('[connectwise]\nrelease = "2024.1"\n', encoding="utf-8")
        return True

    log_in(from_table(keys), set_it)
    assert tomllib.loads(Path("xlsync.toml").read_text())["connectwise"]["release"] == "2024.1"


def test_an_empty_answer_keeps_what_is_there_and_a_secret_is_never_told(keys: dict[str, str]) -> None:
    log_in(from_table(keys), never)
    told: dict[str, str] = {}

    def just_enter(question: Question, kept: str) -> str:
        told[question.variable] = kept
        return "" if question.is_secret else kept

    log_in(just_enter, never)
    assert {told[name] for name in SECRETS} == {KEPT}
    assert told["XLSYNC_CW_COMPANY"] == keys["XLSYNC_CW_COMPANY"]
    settings = load_settings(bss=True, connectwise=False, environ={})
    assert settings.bss
    assert settings.bss.password == keys["XLSYNC_BSS_PASSWORD"]


@pytest.mark.parametrize(
    "wrong", ["XLSYNC_BSS_PASSWORD", "XLSYNC_BSS_CLIENT_SECRET", "XLSYNC_CW_PRIVATE_KEY"]
)
def test_wrong_keys_are_told_at_once_and_asked_for_again(
    keys: dict[str, str], drawer: Drawer, wrong: str
) -> None:
    attempts = iter(["wrong-for-sure", keys[wrong]])
    errors: list[XlsyncError] = []

    def ask(question: Question, _kept: str) -> str:
        return next(attempts) if question.variable == wrong else keys[question.variable]

    def again(error: XlsyncError) -> bool:
        errors.append(error)
        return True

    log_in(ask, again)
    assert len(errors) == 1
    assert ("BSS" if "BSS" in wrong else "ConnectWise") in errors[0].message
    assert "wrong-for-sure" not in errors[0].message + errors[0].hint
    assert drawer.secrets()[wrong] == keys[wrong]


def test_who_gives_up_after_wrong_keys_leaves_nothing_behind(keys: dict[str, str], drawer: Drawer) -> None:
    with pytest.raises(XlsyncError):
        log_in(from_table({**keys, "XLSYNC_CW_PRIVATE_KEY": "wrong"}), lambda _error: False)
    assert drawer.kept == {}
    assert Path("xlsync.toml").read_text() == ""


@pytest.mark.parametrize(
    ("variable", "answer", "message"),
    [
        ("XLSYNC_BSS_URL", "http://bss.example.com", "http"),
        ("XLSYNC_BSS_USERNAME", " ", "BSS user name is needed"),
        ("XLSYNC_CW_COMPANY", "a\nb", "control character"),
    ],
)
def test_an_answer_that_cannot_be_is_told_before_anything_is_sent(
    keys: dict[str, str], empty_desk: Desk, variable: str, answer: str, message: str
) -> None:
    empty_desk.forget_log()
    with pytest.raises(ConfigError) as told:
        log_in(from_table({**keys, variable: answer}), lambda _error: False)
    assert message in told.value.message
    assert not [
        r for r in empty_desk.sandbox.log if r.service == ("bss" if "BSS" in variable else "connectwise")
    ]


def test_a_locked_keyring_is_told_and_no_setting_is_written(keys: dict[str, str], drawer: Drawer) -> None:
    drawer.lock = NOBODY_LOGGED_ON
    with pytest.raises(ConfigError, match=r"The keyring did not keep the secrets: .*logon session"):
        log_in(from_table(keys), never)
    assert Path("xlsync.toml").read_text() == ""


def test_a_keyring_that_cannot_be_read_is_told_while_asking(keys: dict[str, str], drawer: Drawer) -> None:
    drawer.seal = LOCKED
    with pytest.raises(ConfigError, match="The keyring cannot be read: nobody is here to unlock it"):
        log_in(from_table(keys), lambda _error: False)


def test_a_keyring_that_keeps_nothing_is_told_and_no_setting_is_written(
    keys: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that was asked for by name, and forgets what it is given."""
    use(null.Keyring())
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    with pytest.raises(ConfigError, match="took the secrets and did not keep them"):
        log_in(from_table(keys), never)
    assert Path("xlsync.toml").read_text() == ""


@pytest.mark.parametrize("text", ["[bss", "bss = 3\n"])
def test_a_settings_file_that_cannot_be_read_is_left_as_it_is(keys: dict[str, str], text: str) -> None:
    Path("xlsync.toml").write_text(text)
    with pytest.raises(ConfigError, match=r"xlsync\.toml cannot be"):
        log_in(from_table(keys), never)
    assert Path("xlsync.toml").read_text() == text


# to whom a secret belongs


def read_connectwise(environ: dict[str, str] | None = None) -> ConnectWiseSettings:
    settings = load_settings(bss=False, connectwise=True, environ=environ or {}).connectwise
    assert settings
    return settings


@pytest.mark.usefixtures("drawer")
def test_a_settings_file_that_names_another_host_gets_no_secret(keys: dict[str, str], remote: Remote) -> None:
    log_in(from_table(keys), never)
    assert read_connectwise().private_key == keys["XLSYNC_CW_PRIVATE_KEY"]
    text = Path("xlsync.toml").read_text()
    Path("xlsync.toml").write_text(text.replace(keys["XLSYNC_CW_URL"], remote.url))
    for words in (["export", "--month", "2026-10"], ["doctor"]):
        result = CliRunner().invoke(app, words)
        assert result.exit_code == 1
        assert "XLSYNC_BSS_PASSWORD is not set" in result.output
        host, file = remote.url.removeprefix("http://"), Path("xlsync.toml").resolve()
        wanted = f"XLSYNC_CW_PRIVATE_KEY is not set for {host}, which {file} names"
        assert "".join(wanted.split()) in "".join(result.output.split())
    assert remote.requests == []


@pytest.mark.parametrize("other", ["XLSYNC_CW_COMPANY", "XLSYNC_CW_PUBLIC_KEY"])
def test_another_account_on_one_host_has_its_own_secret(keys: dict[str, str], other: str) -> None:
    log_in(from_table(keys), never)
    with pytest.raises(ConfigError, match="XLSYNC_CW_PRIVATE_KEY is not set"):
        read_connectwise({other: "another"})


def test_a_secret_is_not_offered_for_another_host(keys: dict[str, str]) -> None:
    log_in(from_table(keys), never)
    offered: dict[str, str] = {}

    def ask(question: Question, stored: str) -> str:
        offered[question.variable] = stored
        if question.variable == "XLSYNC_BSS_PASSWORD":
            raise KeyboardInterrupt  # before the other host would be asked
        return "https://bss.example.com" if question.variable == "XLSYNC_BSS_URL" else "n"

    with pytest.raises(KeyboardInterrupt):
        log_in(ask, lambda _error: False)
    assert offered["XLSYNC_BSS_CLIENT_SECRET"] == offered["XLSYNC_BSS_PASSWORD"] == ""


def test_each_profile_has_its_own_file_and_secrets(keys: dict[str, str]) -> None:
    log_in(from_table(keys), never, {**os.environ, "XLSYNC_PROFILE": "trial"})
    profile = {"XLSYNC_PROFILE": "trial"}
    assert read_connectwise(profile).private_key == keys["XLSYNC_CW_PRIVATE_KEY"]
    assert own_settings_file(profile).name == "xlsync.trial.toml"
    Path("xlsync.toml").write_text(own_settings_file(profile).read_text())
    with pytest.raises(ConfigError, match="XLSYNC_CW_PRIVATE_KEY is not set"):
        read_connectwise()
    with pytest.raises(ConfigError, match=r"The profile other has no settings file: .*xlsync\.other\.toml"):
        read_connectwise({"XLSYNC_PROFILE": "other"})


@pytest.mark.parametrize("name", ["../other", "a/b", "a b", ".."])
def test_a_profile_is_named_like_a_file_and_nothing_else(name: str) -> None:
    with pytest.raises(ConfigError, match="is not the name of a profile"):
        load_settings(bss=False, connectwise=False, environ={"XLSYNC_PROFILE": name})


# the store that a team shares


@pytest.mark.skipif(bool(why_not()), reason=why_not() or "it can")
def test_the_password_of_the_teams_store_is_asked_for_tried_and_stored_for_its_host_and_account(
    keys: dict[str, str], drawer: Drawer, postgres: Postgres
) -> None:
    Path("xlsync.toml").write_text(f'[store]\nurl = "{postgres.url()}"\n')
    words = iter(["wrong", PASSWORD])
    refused: list[XlsyncError] = []

    def ask(question: Question, _kept: str) -> str:
        return next(words) if question.variable == STORE_PASSWORD else keys[question.variable]

    def again(error: XlsyncError) -> bool:
        refused.append(error)
        return True

    working: list[str] = []
    stored = log_in(ask, again, works=working.append)
    assert (stored.tried, working[-1]) == (("bss", "connectwise", "store"), "The team's store")
    assert [error.message.startswith("The team's store at 127.0.0.1") for error in refused] == [True]
    assert "wrong" not in refused[0].message + refused[0].hint
    name = f"XLSYNC_STORE_PASSWORD 127.0.0.1:{postgres.port}/team/postgres"
    assert drawer.kept["xlsync", name] == PASSWORD
    settings = load_settings(bss=False, connectwise=False, environ={}).store
    assert settings
    assert settings.password == PASSWORD
    log_in(from_table(keys), never)  # what is stored opens it, so nothing more is asked
    Path("xlsync.toml").write_text(f'[store]\nurl = "{postgres.url("other")}"\n')
    other = load_settings(bss=False, connectwise=False, environ={}).store
    assert other
    assert other.password == ""
    assert "`xlsync login` asks for it" in other.hint


def test_without_a_keyring_the_store_says_so_and_what_to_set(keys: dict[str, str], drawer: Drawer) -> None:
    assert keys
    drawer.seal = LOCKED
    Path("xlsync.toml").write_text('[store]\nurl = "postgresql://team@127.0.0.1:1/none"\n')
    settings = load_settings(bss=False, connectwise=False, environ={}).store
    assert settings
    assert "the keyring cannot be read (nobody is here to unlock it): set XLSYNC_STORE_PASSWORD" in (
        settings.hint
    )


def test_the_stores_password_does_not_follow_a_folders_file_to_another_store(empty_desk: Desk) -> None:
    own_settings_file().write_text('[store]\nurl = "postgresql://team@db.example.com/xlsync"\n')
    password = {"XLSYNC_STORE_PASSWORD": "made-up"}
    settings = load_settings(bss=False, connectwise=False, environ=password).store
    assert settings
    (empty_desk.folder / "xlsync.toml").write_text('[store]\nurl = "postgresql://x@other.example.com/y"\n')
    with pytest.raises(ConfigError, match="XLSYNC_STORE_PASSWORD is not sent to the store that only"):
        load_settings(bss=False, connectwise=False, environ=password)


# which keyring


def use(backend: keyring.backend.KeyringBackend) -> None:
    keyring.set_keyring(backend)


@pytest.mark.usefixtures("drawer")
def test_a_machine_without_a_keyring_is_refused_with_what_to_do_instead() -> None:
    use(fail.Keyring())
    with pytest.raises(ConfigError) as told:
        trusted_backend({})
    assert "no keyring" in told.value.message
    assert "XLSYNC_" in told.value.hint
    with pytest.raises(ConfigError):
        trusted_backend({"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"})


@pytest.mark.usefixtures("drawer")
def test_a_fallback_is_used_only_when_asked_for_by_name() -> None:
    use(null.Keyring())
    with pytest.raises(ConfigError, match=r"keyring\.backends\.null"):
        trusted_backend({})
    by_name = {"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
    assert trusted_backend(by_name) == "keyring.backends.null.Keyring"


def test_of_several_keyrings_the_one_that_would_keep_counts(drawer: Drawer) -> None:
    class Several(chainer.ChainerBackend):
        """Two keyrings at once, as keyring itself puts them together."""

        backends = (drawer, fail.Keyring())

    use(Several())
    with pytest.raises(ConfigError):
        trusted_backend({})
    assert (
        trusted_backend({"PYTHON_KEYRING_BACKEND": f"{Drawer.__module__}.Drawer"})
        == f"{Drawer.__module__}.Drawer"
    )


# the command


def test_the_token_url_of_the_marketplace_is_understood(keys: dict[str, str]) -> None:
    log_in(from_table({**keys, "XLSYNC_BSS_URL": f"{keys['XLSYNC_BSS_URL']}/oauth/token"}), never)
    assert tomllib.loads(Path("xlsync.toml").read_text())["bss"]["url"] == keys["XLSYNC_BSS_URL"]


def test_the_right_address_may_be_typed_where_it_is_asked_whether_to_ask_again(keys: dict[str, str]) -> None:
    asked: list[str] = []

    def ask(question: Question, stored: str) -> str:
        if question.variable == "XLSYNC_BSS_URL":
            asked.append(stored)
            return stored or "http://bss.example.com"
        return keys[question.variable]

    log_in(ask, lambda _error: f"{keys['XLSYNC_BSS_URL']}/oauth/token")
    assert asked == ["", keys["XLSYNC_BSS_URL"]]


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("https://bss.example.com", True),
        ("api-eu.myconnectwise.net", True),
        ("hunter2", False),
        ("Abc.d3f.GHI", False),
        ("yes please", False),
    ],
)
def test_what_might_be_a_password_is_no_address(text: str, is_one: bool) -> None:
    assert is_address(text) is is_one


def test_each_half_says_that_it_works_and_no_hint_sends_people_to_login(keys: dict[str, str]) -> None:
    wrong = [{**keys, "XLSYNC_BSS_PASSWORD": "wrong"}[question.variable] for question in BSS_QUESTIONS]
    typed = "".join(f"{line}\n" for line in [*wrong, "s3cret-by-mistake", "y"])
    again = "".join(f"{keys[question.variable]}\n" for question in QUESTIONS)
    result = CliRunner().invoke(app, ["login"], input=typed + again)
    assert result.exit_code == 0, result.output
    assert result.output.index("The BSS works.") < result.output.index("ConnectWise works.")
    assert "xlsync login" not in result.output
    assert "s3cret-by-mistake" not in result.output
    assert "Check client key, client secret, user name and password." in result.output


def lines(answers: dict[str, str]) -> str:
    return "".join(f"{answers[question.variable]}\n" for question in QUESTIONS)


def test_the_command_asks_tries_and_never_shows_a_secret(keys: dict[str, str]) -> None:
    result = CliRunner().invoke(app, ["login", "--json"], input=lines(keys))
    assert result.exit_code == 0, result.stderr
    assert '"tried": ["bss", "connectwise"]' in result.stdout
    assert "Settings > API Credentials" in " ".join(result.stderr.split())
    assert not any(keys[name] in result.output for name in SECRETS)


def test_the_command_names_a_settings_file_of_the_folder_before_it_asks(keys: dict[str, str]) -> None:
    Path("xlsync.toml").write_text('[bss]\nurl = "https://elsewhere.example.com"\n')
    result = CliRunner().invoke(app, ["login"], input="\x03")
    told = "".join(result.stderr.split())
    notice = f"Thesettingsofthisfolderareused:{Path('xlsync.toml').resolve()}"
    assert 0 <= told.find(notice) < told.find("BSSaddress:")
    assert keys


def test_the_command_ends_with_1_where_the_keys_are_wrong_and_nobody_asks_again(keys: dict[str, str]) -> None:
    wrong = [{**keys, "XLSYNC_BSS_PASSWORD": "wrong"}[question.variable] for question in BSS_QUESTIONS]
    result = CliRunner().invoke(app, ["login"], input="\n".join([*wrong, "n", ""]))
    assert result.exit_code == 1
    assert "Traceback" not in result.output


def test_the_demo_needs_no_keys() -> None:
    result = CliRunner().invoke(app, ["login", "--demo"])
    assert (result.exit_code, result.stdout) == (0, "")
    assert "needs no keys" in result.stderr
    result = CliRunner().invoke(app, ["login", "--demo", "--json"])
    assert json.loads(result.stdout) == {"settings": None, "keyring": None, "tried": []}
