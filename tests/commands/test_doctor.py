"""Each check, what it says when something is wrong, and that nothing is ever written."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path

import pytest

from tests.helpers.desk import Desk
from xlsync.commands import doctor
from xlsync.commands.doctor import Finding, State
from xlsync.excel import addin


def findings(desk: Desk, *words: str) -> dict[str, dict[str, str]]:
    told = desk.run("doctor", "--json", *words)
    assert told.err == ""
    return {check["name"]: check for check in told.json["checks"]}


def test_where_all_is_well_nothing_is_bad_and_the_exit_code_is_0(empty_desk: Desk) -> None:
    told = empty_desk.run("doctor", "--json")
    assert told.code == 0
    checks = {check["name"]: check["state"] for check in told.json["checks"]}
    assert "bad" not in checks.values()
    for name in (
        "Versions",
        "Settings file",
        "Folder",
        "Keyring",
        "BSS: token and invoices",
        "ConnectWise: keys",
        "Clock",
        "export: read additions",
        "invoice: read /finance/invoices",
    ):
        assert checks[name] == "good"


def test_doctor_only_reads(empty_desk: Desk) -> None:
    empty_desk.run("doctor")
    assert empty_desk.sent() == []
    assert {request.method for request in empty_desk.sandbox.log if request.service == "connectwise"} == {
        "GET"
    }
    assert empty_desk.changes == {}


@pytest.mark.parametrize("words", [(), ("--demo",)])
def test_every_check_that_is_not_good_says_what_to_do_next(
    empty_desk: Desk, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setenv("PATH", "")  # LibreOffice is not found there
    checks = findings(empty_desk, *words).values()
    assert {"LibreOffice", "Rights to write", "Invoicing"} <= {
        c["name"] for c in checks if c["state"] != "good"
    }
    assert [check["name"] for check in checks if check["state"] != "good" and not check["next_step"]] == []


def test_without_settings_both_systems_are_bad_and_login_is_the_next_step(
    empty_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in empty_desk.sandbox.environ:
        monkeypatch.delenv(name)
    told = empty_desk.run("doctor", "--json")
    assert told.code == 1
    bad = [check for check in told.json["checks"] if check["state"] == "bad"]
    assert [check["name"] for check in bad] == ["BSS settings", "ConnectWise settings"]
    assert all("xlsync login" in check["next_step"] for check in bad)


def test_a_terminal_gets_a_mark_a_line_and_the_next_step(empty_desk: Desk) -> None:
    told = empty_desk.run("doctor")
    assert "✓ BSS: token and invoices: works" in told.out
    assert "? Rights to write: not tried" in told.out
    assert "\n  Only a write shows the right to write." in told.out


@pytest.mark.parametrize(
    ("variable", "name"),
    [
        ("XLSYNC_BSS_PASSWORD", "BSS: token and invoices"),
        ("XLSYNC_CW_PRIVATE_KEY", "ConnectWise: keys"),
        ("XLSYNC_CW_COMPANY", "ConnectWise: keys"),
    ],
)
def test_wrong_keys_are_bad_and_never_shown(
    empty_desk: Desk, monkeypatch: pytest.MonkeyPatch, variable: str, name: str
) -> None:
    monkeypatch.setenv(variable, "wrong-for-sure")
    told = empty_desk.run("doctor", "--json")
    assert told.code == 1
    check = next(check for check in told.json["checks"] if check["name"] == name)
    assert check["state"] == "bad"
    assert check["next_step"]
    if variable != "XLSYNC_CW_COMPANY":
        assert "wrong-for-sure" not in told.out


def test_the_demo_is_looked_at_without_any_settings(
    empty_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in empty_desk.sandbox.environ:
        monkeypatch.delenv(name)
    checks = findings(empty_desk, "--demo")
    assert checks["ConnectWise: keys"]["state"] == "good"
    assert not {"Keyring", "Settings file"} & checks.keys()


def test_enabled_invoicing_is_told(empty_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    assert findings(empty_desk)["Invoicing"]["state"] == "unsure"
    monkeypatch.setenv("XLSYNC_INVOICING", "enabled")
    assert findings(empty_desk)["Invoicing"]["state"] == "good"


def test_each_right_that_a_command_needs_is_tried_by_reading(empty_desk: Desk) -> None:
    empty_desk.forget_log()
    findings(empty_desk)
    read = {request.path for request in empty_desk.sandbox.log}
    assert {path for _, path, _ in doctor.RIGHTS} <= read
    assert {command for command, _, _ in doctor.RIGHTS} == {"export", "apply", "invoice"}


@pytest.mark.parametrize(("minutes", "state"), [(0, "good"), (5, "good"), (6, "bad"), (-6, "bad")])
def test_a_clock_more_than_five_minutes_off_is_bad(minutes: int, state: str) -> None:
    now = dt.datetime(2026, 11, 2, 9, 0, tzinfo=dt.UTC)
    found = doctor.clock_check("Mon, 02 Nov 2026 09:00:00 GMT", now + dt.timedelta(minutes=minutes))
    assert found.state == state


@pytest.mark.parametrize("date", ["", "yesterday"])
def test_a_server_that_does_not_tell_its_time_leaves_the_clock_open(date: str) -> None:
    assert doctor.clock_check(date, dt.datetime.now(dt.UTC)).state is State.UNSURE


def test_a_home_that_cannot_be_made_is_bad(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    found = doctor.writable(tmp_path / "file" / "home")
    assert found.state is State.BAD
    assert "XLSYNC_HOME" in found.next_step


def test_a_machine_without_keyring_is_told_but_not_bad() -> None:
    found = doctor.keyring_check({})
    assert found.state is State.UNSURE
    assert "XLSYNC_" in found.next_step


def test_a_missing_settings_file_is_told_but_not_bad(tmp_path: Path) -> None:
    found = doctor.folder_check("Settings file", tmp_path / "xlsync.toml", "Run `xlsync login`.")
    assert (found.state, found.next_step) == (State.UNSURE, "Run `xlsync login`.")


def test_a_missing_libreoffice_is_told_but_not_bad() -> None:
    assert doctor.libreoffice_check(None).state is State.UNSURE
    assert doctor.libreoffice_check("/usr/bin/soffice").state is State.GOOD


@pytest.mark.parametrize("system", ["win32", "darwin", "linux"])
def test_excel_that_is_not_at_its_usual_place_is_left_open(system: str) -> None:
    found = doctor.excel_check(system)
    assert found.state is State.UNSURE or sys.platform == system


@pytest.mark.parametrize("system", ["win32", "darwin"])
def test_the_add_in_is_missing_then_good_then_of_another_version(tmp_path: Path, system: str) -> None:
    pytest.importorskip("xlwings", reason="xlwings, whose add-in it is made from, is not installed")

    def look() -> Finding:
        return doctor.addin_check(system, tmp_path)

    assert look().state is State.UNSURE
    (folder,) = addin.startup_folders(system, tmp_path)
    folder.mkdir(parents=True)
    addin.write_addin(folder / addin.NAME)
    assert look().state is State.GOOD
    (folder / addin.NAME).write_bytes(addin.build("/elsewhere/python"))
    assert look().state is State.BAD
    assert "ribbon install" in look().next_step
    assert "export" not in look().next_step  # no command changes what starts another Python
    (folder / addin.NAME).write_bytes(b"no add-in")
    assert look().state is State.BAD
