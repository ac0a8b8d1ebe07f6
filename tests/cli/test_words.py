"""What is typed and what is answered: usage errors, numbers of runs, and commands named in messages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.table import Table
from typer.testing import CliRunner

from tests.helpers.desk import OCTOBER, Desk
from xlsync.cli import app
from xlsync.cli.console import CleanConsole, print_table, say


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("check --json", "Missing argument 'FILE'."),
        ("check x.xlsx --colour --json", "No such option: --colour"),
        ("links ignore --json", "Missing option '--reason'."),
        ("colour --json", "No such command 'colour'."),
        ("--colour export --json", "No such option: --colour"),
        (
            "export --month soon --json",
            "'soon' is not a month from 1990 to 2100; write 2026-10, last or this",
        ),
        ("export --month 9999-12 --demo --json", "'9999-12' is not a month from 1990 to 2100"),
        ("doctor --profile ../other --json", "'../other' is not the name of a profile."),
        ("export --month 2026-10 --output .XLSX --json", "write one before it, such as xlsync.xlsx"),
        ("report x.xlsx --output .. --json", ".. is a folder: name a file in it"),
        ("history --month 1989-12 --demo --json", "'1989-12' is not a month from 1990 to 2100"),
    ],
)
def test_usage_errors_are_json_with_exit_code_2(empty_desk: Desk, words: str, message: str) -> None:
    ran = empty_desk.run(*words.split())
    assert ran.code == 2
    assert message in ran.json["error"]["message"]
    assert ran.json["error"]["problems"] == []


def test_usage_errors_without_json_leave_standard_output_empty(empty_desk: Desk) -> None:
    ran = empty_desk.run("check", "--colour")
    assert (ran.code, ran.out) == (2, "")


def test_a_workbook_of_the_demo_without_demo_is_told_with_the_command_to_type(
    empty_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert empty_desk.run("export", "--demo", "--month", "2026-10").code == 0
    for is_signed_in in (True, False):
        if not is_signed_in:
            for name in empty_desk.sandbox.environ:
                monkeypatch.delenv(name)
        for command in ("check", "apply", "report", "invoice"):
            ran = empty_desk.run(command, OCTOBER)
            assert ran.code == 1
            assert f"{OCTOBER} is a workbook of the demo." in ran.err
            assert f"Type: `xlsync {command} {OCTOBER} --demo`" in ran.err
    assert empty_desk.sent() == []


def test_every_command_that_a_message_of_the_demo_names_has_demo(empty_desk: Desk) -> None:
    assert empty_desk.run("export", "--demo", "--month", "2026-10").code == 0
    with empty_desk.editing() as hand:
        hand.approve("units:52")
    runs = [
        empty_desk.run("export", "--demo", "--month", "2026-10"),
        empty_desk.run("apply", OCTOBER, "--demo", "--yes"),
        empty_desk.run("undo", "1999-01-01-1", "--demo"),
        empty_desk.run("undo", "last", "--demo", "--yes"),
        empty_desk.run("doctor", "--demo", "--json"),
    ]
    told = [named for ran in runs for named in re.findall(r"`(xlsync [^`]+)`", ran.err + ran.out)]
    assert len(told) >= 5
    without = [named for named in told if not named.endswith("--demo")]
    assert {named for named in without if not named.startswith("xlsync ribbon")} == set()


@pytest.mark.parametrize("words", [[], ["links"], ["links", "units"], ["ribbon", "build"], ["undo"]])
def test_h_shows_the_help(words: list[str]) -> None:
    short, long = (CliRunner().invoke(app, [*words, option]) for option in ("-h", "--help"))
    assert (short.exit_code, short.output) == (0, long.output)


def test_the_help_of_every_command_ends_with_an_example_that_names_it() -> None:
    page = (Path(__file__).parent.parent.parent / ".github/docs/commands.md").read_text(encoding="utf-8")
    for section in page.split("\n## ")[1:]:
        name, _, text = section.partition("\n")
        if "Commands:" not in text:
            assert re.search(rf"\n  Example: {name}\b[^\n]*\n```", text), name


def test_help_is_never_cut_and_names_no_type_of_python() -> None:
    page = (Path(__file__).parent.parent.parent / ".github/docs/commands.md").read_text(encoding="utf-8")
    assert "<" not in page
    assert page.count("...") == page.count("[ARGS]...") + page.count("[NAME...]") + page.count(" NAME...")


def printed(width: int) -> str:
    table = Table("Run", "Workbook", "Reason", box=None, pad_edge=False)
    table.columns[0].no_wrap = True
    table.add_row("2026-10-28-1", "xlsync-2026-10.xlsx", "the customer bought the licences directly")
    console = CleanConsole(force_terminal=True, width=width, color_system=None)
    with console.capture() as captured:
        print_table(console, table)
    return captured.get()


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_table_never_breaks_within_a_word(width: int) -> None:
    text = printed(width)
    assert max(map(len, text.splitlines())) <= width
    for word in ("2026-10-28-1", "xlsync-2026-10.xlsx", "customer", "licences", "directly"):
        assert word in text


def test_a_table_that_cannot_fit_is_told_in_paragraphs() -> None:
    assert "Workbook: xlsync-2026-10.xlsx" in printed(30)


def said(message: str, width: int) -> list[str]:
    console = CleanConsole(force_terminal=True, width=width, color_system=None)
    with console.capture() as captured:
        say(console, message)
    return captured.get().splitlines()


@pytest.mark.parametrize("width", range(20, 60))
def test_an_amount_stays_beside_its_currency_and_a_change_in_one_line(width: int) -> None:
    lines = said("  Acme · Backup - Server: units 15 -> 18, +1,224.20 EUR", width)
    assert any("15 -> 18," in line for line in lines)
    assert any("+1,224.20 EUR" in line for line in lines)
    assert max(map(len, lines)) <= width


@pytest.mark.parametrize("width", [60, 80])
def test_messages_wrap_at_words_on_a_terminal_and_paths_stay_whole(width: int) -> None:
    path = "/home/ada/" + "a" * width + ".xlsx"
    console = CleanConsole(force_terminal=True, width=width, color_system=None)
    with console.capture() as captured:
        say(console, f"Note: the workbook could not be written, so the results are in {path} for now")
    assert path in captured.get()
    assert "workbook" in captured.get()


def test_messages_with_wide_letters_fit_the_terminal_and_lose_no_letter() -> None:
    name = "東京国際情報通信システム株式会社" * 4
    for message in (f"customer  {name} -> Rocket 🚀 Chat", f"  {name}", "🚀 " * 60 + "/a/path/" + "x" * 90):
        lines = said(message, 80)
        assert all(cell_len(line) <= 80 or "/a/path" in line for line in lines)
        assert "".join("".join(lines).split()) == "".join(message.split())
        assert len(lines) > 1


def test_every_command_that_a_message_names_has_the_profile_that_was_given(desk: Desk) -> None:
    """Runs of two profiles have the same numbers: without its profile `undo` would take back another one."""
    with desk.editing() as hand:
        hand.approve("units:52")
    runs = [
        desk.run("apply", OCTOBER, "--yes", "--profile", "second"),
        desk.run("undo", "1999-01-01-1", "--profile", "second", "--json"),
    ]
    told = [named for ran in runs for named in re.findall(r"`(xlsync [^`]*)`", ran.err + ran.out)]
    assert len(told) == 4
    assert [named for named in told if not named.endswith(" --profile second")] == []
    assert "--profile" not in desk.run("undo", "1999-01-01-1").err
