"""The first screen, on a real terminal: what stands there when export and check have ended."""

from __future__ import annotations

import sys
from decimal import Decimal

import pytest

from tests.helpers.desk import OCTOBER, Desk
from tests.helpers.hand import MISMATCHES

if sys.platform == "win32":
    pytest.skip("Windows has no pseudo-terminals", allow_module_level=True)

from tests.helpers.screen import Shown, run_on_terminal


def assert_is_clean(shown: Shown) -> None:
    assert shown.code == 0, shown.lines
    text = "\n".join(shown.lines)
    assert "0/?" not in text
    assert not set("━╸╺⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏") & set(text), "a progress bar was left on the screen"


@pytest.mark.parametrize(("columns", "colour"), [(80, {}), (120, {"NO_COLOR": "1"})])
def test_export_leaves_its_whole_summary_on_the_screen(
    empty_desk: Desk, columns: int, colour: dict[str, str]
) -> None:
    shown = run_on_terminal(["export", "--month", "2026-10"], columns, colour)
    assert_is_clean(shown)
    heading = [line for line in shown.lines if line.startswith("2026-10")]
    assert len(heading) == 1, shown.lines
    assert any(line == f"Workbook: {OCTOBER}" for line in shown.lines)
    assert "Start" in shown.lines[-1]
    assert ("\x1b[3" in shown.sent) is (not colour)
    assert empty_desk.file.exists()


def test_check_leaves_its_whole_summary_on_the_screen(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52")
    shown = run_on_terminal(["check", OCTOBER], 80)
    assert_is_clean(shown)
    assert any(line == f"Workbook: {OCTOBER}" for line in shown.lines)


@pytest.mark.parametrize("columns", [80, 120])
def test_why_a_write_is_skipped_never_breaks_within_a_word(desk: Desk, columns: int) -> None:
    with desk.editing() as hand:
        hand.approve("units:52")
    desk.addition(52)["quantity"] = Decimal(16)
    shown = run_on_terminal(["apply", OCTOBER, "--yes"], columns)
    assert shown.code == 3
    reason = str(desk.read().get(MISMATCHES, "units:52", "Result"))
    text = " ".join(line.strip() for line in shown.lines)
    assert reason.removeprefix("skipped: ") in text


@pytest.mark.parametrize("columns", [80, 120])
def test_remembered_links_and_a_run_are_told_without_a_broken_word(desk: Desk, columns: int) -> None:
    with desk.editing() as hand:
        hand.approve("units:52", "cost:54")
    assert desk.apply().code == 0
    links = desk.run("links", "list", "bss:601", "--json").json["links"]
    (name,) = {one["names"]["customer"] for one in links if one["kind"] == "customer"}
    shown = run_on_terminal(["links", "list", "bss:601"], columns)
    assert_is_clean(shown)
    assert name in "\n".join(shown.lines)
    shown = run_on_terminal(["history", "last"], columns)
    assert_is_clean(shown)
    number = desk.run("history", "--json").json["runs"][0]["number"]
    assert shown.lines[0].startswith(f"Run {number} · apply by ")
    assert any(line.endswith("done") for line in shown.lines), shown.lines


@pytest.mark.parametrize("columns", [40, 61, 80])
def test_what_is_wrong_with_the_words_typed_is_told_without_a_broken_word(
    empty_desk: Desk, columns: int
) -> None:
    words = ["export", "--month", "2026-10", "--output", "month.csv"]
    message = empty_desk.run(*words, "--json").json["error"]["message"]
    shown = run_on_terminal(words, columns)
    assert shown.code == 2
    assert f"Error: {message}" in " ".join(shown.lines)


def test_apply_shows_its_plan_and_what_became_of_it_on_the_screen(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52")
    shown = run_on_terminal(["apply", OCTOBER, "--yes"], 80)
    assert_is_clean(shown)
    assert any("1 done" in line for line in shown.lines)


def test_doctor_breaks_no_word(empty_desk: Desk) -> None:
    told = empty_desk.run("doctor", "--json").json["checks"]
    for columns in (80, 120):
        shown = run_on_terminal(["doctor"], columns)
        text = " ".join(line.strip() for line in shown.lines)
        for check in told:
            may_change = check["name"] in {"Folder", "Clock"}
            has_long_path = max(map(len, check["detail"].split())) >= columns  # which has to break
            if not may_change and not has_long_path:
                assert f"{check['name']}: {check['detail']}" in text


def test_the_help_without_a_command_keeps_its_lines_on_a_terminal() -> None:
    shown = run_on_terminal([], 80)
    assert shown.code == 2
    assert "  check    Read both systems anew and renew the workbook; edits are kept." in shown.lines


def test_a_usage_line_names_an_argument_without_braces() -> None:
    shown = run_on_terminal(["check", "-h"], 80)
    assert shown.lines[0] == "Usage: xlsync check [OPTIONS] FILE"


def test_a_dry_run_says_that_nothing_was_written_and_every_note_ends_like_a_sentence(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52")
        hand.set(MISMATCHES, "units:69", {"Action": "Ignore", "Approve": "Yes"})
    shown = run_on_terminal(["apply", OCTOBER, "--dry-run"], 80)
    assert shown.lines[-1] == "Nothing was written: this only shows what would be."
    assert "its Yes is left aside." in " ".join(shown.lines)
