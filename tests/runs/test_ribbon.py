"""Every button, run for real against the sandbox from a workbook that is a file; a hand in LibreOffice."""

from __future__ import annotations

import datetime as dt
import functools
import shutil
import sys
import threading
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.desk import OCTOBER, Desk
from tests.helpers.file_workbook import FileWorkbook
from tests.helpers.hand import LINES, MISMATCHES, NEW, Hand, day
from tests.helpers.office import Office
from xlsync.config import SECRETS
from xlsync.errors import WorkbookError
from xlsync.excel import addin
from xlsync.excel.open_file import Cells
from xlsync.excel.window import ExcelWorkbook
from xlsync.ribbon import press
from xlsync.ribbon.texts import LINES as LINES_IN_A_BOX
from xlsync.workbook.read import read_workbook
from xlsync.xlsx.package import Package

NOW = dt.datetime(2026, 11, 20, 9, 30, tzinfo=dt.UTC)


def yes(_question: str) -> bool:
    return True


def no(_question: str) -> bool:
    return False


def front(desk: Desk, file: Path | None = None) -> FileWorkbook:
    """October's workbook in front of a person who agrees."""
    return FileWorkbook(file or desk.file, yes)


def log(desk: Desk) -> str:
    return (desk.home / "log" / "ribbon.log").read_text(encoding="utf-8")


# which button does what


MONTHS = [id_ for id_ in addin.IDS if id_.removeprefix("Export").isdecimal()]


@pytest.mark.parametrize("id_", [id_ for id_ in addin.IDS if id_ not in MONTHS[1:-1]])
def test_every_button_of_the_ribbon_is_known_and_ends_with_a_clear_status_bar(
    empty_desk: Desk, id_: str
) -> None:
    workbook = FileWorkbook(None, no)
    press(id_, workbook, NOW)
    assert workbook.told
    assert "There is no button" not in workbook.told[0]
    assert "mistake in xlsync" not in workbook.told[0]
    assert workbook.shown[-1] == ""
    assert empty_desk.sent() == []


def test_each_month_of_the_menu_is_known(empty_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where nobody is signed in, which each of them says."""
    assert len(MONTHS) == 13
    for name in empty_desk.sandbox.environ:
        monkeypatch.delenv(name)
    for id_ in MONTHS:
        workbook = FileWorkbook(None, no)
        press(id_, workbook, NOW)
        assert workbook.told == ["Not signed in yet. Click Sign in, or Demo to try made-up data."], id_
        assert workbook.shown[-1] == ""


@pytest.mark.parametrize("id_", ["Bogus", "Export13", "Export", "Export-1", ""])
def test_an_unknown_button_says_to_renew_the_add_in(empty_desk: Desk, id_: str) -> None:
    workbook = FileWorkbook(None, no)
    press(id_, workbook, NOW)
    assert f"There is no button {id_}." in workbook.told[0]
    assert "xlsync ribbon install" in workbook.told[0]
    assert empty_desk.sent() == []


def test_the_first_box_of_a_button_begins_with_what_a_command_says_of_the_settings(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52")
    (desk.folder / "xlsync.toml").write_text("[limits]\nzero = 99\n", encoding="utf-8")
    for button in ("Check", "Apply", "Undo", "Remembered"):
        workbook = front(desk)
        press(button, workbook, NOW)
        boxes = [*workbook.asked, *workbook.told]
        assert boxes[0].startswith("• The settings of this folder are used: "), button
        assert ("cannot raise a limit: [limits] zero" in boxes[0]) == (button != "Remembered"), button
        assert ["The settings of this folder" in box for box in boxes[1:]].count(True) == 0, button


def test_help_names_every_step_and_where_things_are_kept(empty_desk: Desk) -> None:
    workbook = FileWorkbook(None, no)
    press("Help", workbook, NOW)
    for word in ("Export", "Check", "Apply", "Invoices", "Report", "Undo", "Demo", str(empty_desk.home)):
        assert word in workbook.told[0]


# Export


@pytest.mark.parametrize(("id_", "name"), [("Export1", OCTOBER), ("Export2", "xlsync-2026-09.xlsx")])
def test_export_makes_the_months_workbook_beside_the_one_in_front_and_opens_it(
    empty_desk: Desk, id_: str, name: str
) -> None:
    workbook = FileWorkbook(empty_desk.folder / "Book1.xlsx", yes)
    press(id_, workbook, NOW)
    assert workbook.opened == [empty_desk.folder / name]
    assert read_workbook(empty_desk.folder / name).about.month == name[7:14]
    assert f"{name[7:14]} · " in workbook.told[0]
    assert any(text.startswith("xlsync: Reading additions") for text in workbook.shown)


def made_at(file: Path) -> dt.datetime:
    """When a command made a workbook: at another time other months would be offered in it."""
    return dt.datetime.fromisoformat(read_workbook(file).about.exported_at).astimezone()


def test_export_gives_the_same_workbook_as_the_command(empty_desk: Desk) -> None:
    command = empty_desk.folder / "command.xlsx"
    assert empty_desk.run("export", "--month", "2026-10", "--output", command.name).code == 0
    press("Export1", FileWorkbook(empty_desk.folder / "Book1.xlsx", yes), made_at(command), NOW.date())
    by_button, by_command = Package.open(empty_desk.file), Package.open(command)
    assert by_button.sheets == by_command.sheets
    for title in (LINES, MISMATCHES, NEW, "Lists"):
        assert by_button.grid(title) == by_command.grid(title)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows names its documents folder otherwise")
def test_export_without_a_saved_workbook_goes_to_the_documents(
    empty_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(empty_desk.folder))
    monkeypatch.setenv("XDG_DOCUMENTS_DIR", str(empty_desk.folder / "Documents"))
    workbook = FileWorkbook(None, yes)
    press("Export1", workbook, NOW)
    assert workbook.opened == [empty_desk.folder / "Documents" / OCTOBER]


def test_export_never_overwrites_edits_and_says_it_in_the_words_of_the_terminal(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52")
    before = desk.file.read_bytes()
    workbook = FileWorkbook(desk.folder / "Book1.xlsx", yes)
    press("Export1", workbook, NOW)
    assert desk.file.read_bytes() == before
    assert workbook.opened == []
    told = desk.run("export", "--month", "2026-10", "--output", str(desk.file)).err.splitlines()
    assert told[0].removeprefix("Error: ") in workbook.told[0]
    assert told[1] in workbook.told[0]


def test_choose_exports_the_month_that_was_chosen_on_start(desk: Desk) -> None:
    """Excel takes what is typed as a date; a text is read in the tests below."""
    with desk.editing() as hand:
        hand.put("Start", "C5", day("2026-09-01"))
    workbook = front(desk)
    press("ExportChosen", workbook, NOW)
    assert workbook.opened == [desk.folder / "xlsync-2026-09.xlsx"]


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ("2026-10", "is what this workbook holds"),
        ("soon", "'soon' on the sheet Start is not a month"),
        ("", "Choose"),
    ],
)
def test_choose_without_another_month_says_where_to_choose_it(desk: Desk, cell: str, told: str) -> None:
    with desk.editing() as hand:
        hand.put("Start", "C5", cell)
    workbook = front(desk)
    press("ExportChosen", workbook, NOW)
    assert told in workbook.told[0]
    assert "click The month on Start again" in workbook.told[0]
    assert workbook.opened == []


def test_choose_without_the_sheet_start_points_to_the_menu(desk: Desk) -> None:
    hand = Hand(desk.file)
    del hand.book["Start"]
    del hand.book.defined_names["xlsync_month"]
    hand.save()
    workbook = front(desk)
    press("ExportChosen", workbook, NOW)
    assert "no month on its sheet Start" in workbook.told[0]


# Check


def test_check_does_what_the_command_does(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    with desk.editing() as hand:
        hand.set(LINES, hand.line("Harbour Dentl Clinic"), {"Match": "confirmed", "Note": "mine"})
    other = desk.folder / "command.xlsx"
    shutil.copy(desk.file, other)
    shutil.copytree(desk.home, desk.folder / "home of the button")
    assert desk.run("check", str(other)).code == 0
    workbook = front(desk)
    monkeypatch.setenv("XLSYNC_HOME", str(desk.folder / "home of the button"))
    press("Check", workbook, made_at(other))
    by_button, by_command = Package.open(desk.file), Package.open(other)
    for title in (LINES, MISMATCHES, NEW, "Lists"):
        assert by_button.grid(title) == by_command.grid(title)
    hand = desk.read()
    assert hand.get(LINES, hand.line("Harbour Dentl Clinic"), "Note") == "mine"
    assert "2026-10 · " in workbook.told[0]


def test_a_workbook_of_another_kind_is_told_so_by_every_button(desk: Desk) -> None:
    book = Hand(desk.file).book
    del book["_xlsync"]
    book.save(desk.folder / "Book1.xlsx")
    for id_ in ("Check", "Apply", "Undo", "Invoices", "Report"):
        workbook = FileWorkbook(desk.folder / "Book1.xlsx", yes)
        press(id_, workbook, NOW)
        assert "Book1.xlsx is not a workbook of xlsync." in workbook.told[0], id_


@pytest.mark.parametrize("id_", ["Check", "Apply", "Undo", "Invoices", "Report", "ExportChosen"])
def test_a_workbook_that_was_never_saved_is_told_so(empty_desk: Desk, id_: str) -> None:
    workbook = FileWorkbook(None, yes)
    press(id_, workbook, NOW)
    assert "not saved in a folder of this machine" in workbook.told[0]
    assert str(empty_desk.home) in workbook.told[0]  # where the log is


# Apply


def test_apply_shows_the_plan_asks_writes_and_puts_the_results_into_the_rows(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52", "cost:54")
    workbook = front(desk)
    press("Apply", workbook, NOW)
    (question,) = workbook.asked
    assert "units 15 -> 18" in question
    assert question.endswith("Write 2 changes to ConnectWise?")
    assert desk.changes == {
        ("additions", 52): {"quantity": 18},
        ("additions", 54): {"unitCost": Decimal("5.05")},
    }
    hand = desk.read()
    assert hand.get(MISMATCHES, "units:52", "Result").startswith("done")
    assert hand.get(MISMATCHES, "cost:54", "Result").startswith("done")
    assert "2 done" in workbook.told[0]
    assert "Undo takes it back." in workbook.told[0]
    assert "xlsync: Writing to ConnectWise 2 of 2 …" in workbook.shown


def test_who_says_no_has_nothing_written(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52")
    before = desk.file.read_bytes()
    workbook = FileWorkbook(desk.file, no)
    press("Apply", workbook, NOW)
    assert workbook.told == ["Nothing was written."]
    assert desk.sent() == []
    assert desk.file.read_bytes() == before


def test_apply_without_an_approval_has_nothing_to_ask(desk: Desk) -> None:
    workbook = front(desk)
    press("Apply", workbook, NOW)
    assert workbook.asked == []
    assert workbook.told == ["Nothing to do: no row is approved."]
    assert desk.sent() == []


def test_what_changed_meanwhile_is_skipped_and_the_row_says_so_without_a_question(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52")
    desk.addition(52)["quantity"] = Decimal(16)
    workbook = front(desk)
    press("Apply", workbook, NOW)
    assert workbook.asked == []
    assert "1 skipped" in workbook.told[0]
    assert desk.read().get(MISMATCHES, "units:52", "Result").startswith("skipped: changed since export")


def test_apply_tells_the_notices_that_the_command_tells_before_it_asks(desk: Desk) -> None:
    """No price, another month on Start, links that check has not seen: each as a whole."""
    with desk.editing() as hand:
        hand.put("Start", "C5", "2026-09")
        hand.set(LINES, hand.line("", "Dark Web Watch"), {"ConnectWise Product": "(create new)"})
        (key,) = (key for key, name in hand.column(NEW, "Name").items() if name == "Dark Web Watch")
        hand.approve(key)
    workbook = FileWorkbook(desk.file, no)
    press("Apply", workbook, NOW)
    (question,) = workbook.asked
    told = desk.run("apply", OCTOBER, "--dry-run").err
    notices = [line.removeprefix("Note: ") for line in told.splitlines() if line.startswith("Note: ")]
    assert ["Start!C5 says" in notices[0], "no price" in notices[1], "not seen" in notices[2]] == [True] * 3
    assert notices[2].startswith("1 billing line has links")
    assert all(f"• {notice.removesuffix('.')}" in question for notice in notices)  # a box lists them
    assert desk.sent() == []


def test_apply_tells_notices_also_where_nothing_is_to_be_asked(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52")
        hand.put("Start", "C5", "2026-09")
    desk.addition(52)["quantity"] = 18
    workbook = front(desk)
    press("Apply", workbook, NOW)
    assert workbook.asked == []
    assert "1 no change needed" in workbook.told[0]
    assert "Start!C5 says 2026-09" in workbook.told[0]


def test_why_a_row_is_skipped_is_told_to_its_end_where_it_says_what_to_do(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:72", Effective_From=dt.datetime(2026, 10, 20))  # noqa: DTZ001 - as Excel has it
    workbook = front(desk)
    press("Apply", workbook, NOW)
    assert "or clear it to change the addition in place" in workbook.told[0]


def test_many_notices_are_cut_for_the_box_and_whole_in_the_log(desk: Desk) -> None:
    with desk.editing() as hand:
        for row in list(hand.rows(MISMATCHES))[:9]:
            hand.set(MISMATCHES, row, {"Action": "Ignore", "Approve": "Yes"})
    workbook = front(desk)
    press("Check", workbook, NOW)
    assert workbook.told[0].count("its Yes is left aside") == 6
    assert "more: the log holds them" in workbook.told[0]
    assert log(desk).count("note: Mismatches!") >= 9


def test_every_bad_cell_is_in_the_box_and_nothing_is_written(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52", "units:53", New_Units="many")
    workbook = front(desk)
    press("Apply", workbook, NOW)
    assert workbook.asked == []
    assert workbook.told[0].count("many") == 2
    assert desk.sent() == []
    terminal = desk.apply()
    assert terminal.code == 1
    assert all(line in terminal.err for line in workbook.told[0].splitlines()[:3] if line)


def test_a_plan_over_the_limits_is_stopped_in_the_words_of_the_terminal(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52", New_Units=50000)
    workbook = FileWorkbook(desk.file, no)
    press("Apply", workbook, NOW)
    assert desk.sent() == []
    (asked,) = workbook.asked
    assert asked.endswith("Go over the limits, this once?")
    assert workbook.told == ["Nothing was written."]
    assert asked.split("\n\n", maxsplit=1)[0] in desk.apply().err


def test_the_box_of_a_plan_does_not_tell_a_fall_as_a_rise(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:2")  # 6 -> 4: a limit counts its money without a sign
    workbook = front(desk)
    press("Apply", workbook, NOW)
    assert "units 6 -> 4" in workbook.asked[0]
    assert "+" not in workbook.asked[0]


def test_a_person_may_go_over_the_limits_and_is_then_asked_about_the_plan(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52", New_Units=50_000)
    workbook = front(desk)
    press("Apply", workbook, NOW)
    assert ["units, the limit is" in workbook.asked[0], "Write 1 change" in workbook.asked[1]] == [True, True]
    assert desk.addition(52)["quantity"] == 50_000


def test_results_that_excel_does_not_take_lie_beside_the_workbook_and_the_box_says_where(desk: Desk) -> None:
    class Editing(FileWorkbook):
        """A workbook in which a cell is being edited."""

        def write(self, cells: Cells) -> None:  # noqa: ARG002
            raise WorkbookError("Excel did not do it: the call was rejected")

    with desk.editing() as hand:
        hand.approve("units:52")
    workbook = Editing(desk.file, yes)
    press("Apply", workbook, NOW)
    assert desk.addition(52)["quantity"] == 18
    beside = desk.folder / "xlsync-2026-10.results.xlsx"
    assert f"the results are in {beside}" in workbook.told[0]
    assert Hand(beside).get(MISMATCHES, "units:52", "Result").startswith("done")


def test_a_long_plan_is_cut_for_the_box_and_whole_in_the_log(desk: Desk) -> None:
    with desk.editing() as hand:
        keys = [key for key in hand.rows(MISMATCHES) if key.startswith(("units:", "cost:", "add:"))]
        hand.approve(*keys)
    workbook = front(desk)
    workbook.answer = no
    press("Apply", workbook, NOW)
    (question,) = workbook.asked
    assert "… and " in question
    assert len(question.splitlines()) < 40
    assert log(desk).count("planned: ") > LINES_IN_A_BOX


# Undo


def test_undo_shows_what_it_takes_back_asks_and_takes_it_back(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52", "cost:54")
    press("Apply", front(desk), NOW)
    assert desk.changes
    workbook = front(desk)
    press("Undo", workbook, NOW + dt.timedelta(minutes=1))
    assert workbook.asked[0].endswith("Write 2 changes to ConnectWise?")
    assert desk.changes == {}
    result = Hand(desk.file).get(MISMATCHES, "units:52", "Result")
    assert result.endswith("-2")  # the number of the undo, which stays where another has nothing to do
    again = front(desk)
    press("Undo", again, NOW + dt.timedelta(minutes=2))
    assert again.asked == []
    assert "2 no change needed" in again.told[0]
    assert Hand(desk.file).get(MISMATCHES, "units:52", "Result") == result


def test_undo_takes_back_runs_of_this_workbook_only(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52")
    press("Apply", front(desk), NOW)
    other = desk.folder / "other.xlsx"
    shutil.copy(desk.file, other)
    workbook = front(desk, other)
    press("Undo", workbook, NOW)
    assert workbook.told == ["Nothing was written from other.xlsx yet, so there is nothing to take back."]
    assert desk.addition(52)["quantity"] == 18


def test_a_run_from_the_terminal_is_taken_back_too(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52")
    assert desk.run("apply", OCTOBER, "--yes").code == 0
    workbook = front(desk)
    press("Undo", workbook, NOW)
    assert desk.changes == {}


# Invoices


def test_invoices_only_previews_until_invoicing_is_enabled(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    with desk.editing() as hand:
        key = next(iter(hand.rows("Invoices")))
        hand.set("Invoices", key, {"Approve": "Yes"})
    workbook = front(desk)
    press("Invoices", workbook, NOW)
    assert "XLSYNC_INVOICING" in workbook.told[0]
    assert desk.sent() == []
    monkeypatch.setenv("XLSYNC_INVOICING", "enabled")
    press("Invoices", workbook, NOW)
    assert workbook.asked[0].endswith("Create 1 invoice?")
    assert [method for method, _ in desk.sent()] == ["POST"]
    assert desk.read().get("Invoices", key, "Result").startswith("done")


# Report


def test_report_makes_the_months_report_beside_the_workbook_and_opens_it(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52")
    workbook = front(desk)
    press("Apply", workbook, NOW)
    press("Report", workbook, NOW)
    file = desk.folder / "xlsync-2026-10-report.xlsx"
    assert workbook.opened == [file]
    assert workbook.told[1].startswith("Report of 2026-10\nEUR billed ")
    by_command = desk.folder / "command.xlsx"
    assert desk.run("report", str(desk.file), "--output", str(by_command)).code == 0
    assert Package.open(file).sheets == Package.open(by_command).sheets
    title = Package.open(file).sheets[1]
    assert Package.open(file).grid(title) == Package.open(by_command).grid(title)


# Demo


def test_the_demo_needs_no_settings_and_its_workbook_stays_the_demos(
    empty_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in empty_desk.sandbox.environ:
        monkeypatch.delenv(name)
    workbook = FileWorkbook(empty_desk.folder / "Book1.xlsx", yes)
    press("Demo", workbook, NOW)
    file = empty_desk.folder / "xlsync-demo-2026-10.xlsx"
    assert workbook.opened == [file]
    hand = Hand(file)
    hand.approve("units:52")
    hand.save()
    demo = FileWorkbook(file, yes)
    for id_ in ("Check", "Apply", "Undo"):
        press(id_, demo, NOW)
    assert len(demo.asked) == 2
    assert "1 done" in demo.told[1]
    assert "1 done" in demo.told[2]
    assert empty_desk.sent() == []


# what goes wrong


@pytest.mark.parametrize("id_", ["Export1", "FromReport", "Check", "Apply", "Remembered"])
def test_a_click_without_settings_offers_sign_in_or_the_demo_and_names_no_variable(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, id_: str
) -> None:
    for name in desk.sandbox.environ:
        monkeypatch.delenv(name)
    workbook = FileWorkbook(desk.file, no)
    press(id_, workbook, NOW)
    assert [question.partition("\n")[0] for question in workbook.asked] == [
        "Not signed in yet.", "Try xlsync with made-up data instead? No account is needed.",
    ]  # fmt: skip
    assert workbook.told == ["Not signed in yet. Click Sign in, or Demo to try made-up data."]
    assert "XLSYNC" not in "".join([*workbook.asked, *workbook.told])


def test_a_mistake_of_our_own_is_no_traceback_in_the_box_but_one_in_the_log(desk: Desk) -> None:
    class Broken(FileWorkbook):
        """A workbook that fails in a way that nobody thought of."""

        def save(self) -> None:
            raise RuntimeError("nobody thought of this")

    workbook = Broken(desk.file, yes)
    press("Check", workbook, NOW)
    (told,) = workbook.told
    assert "Traceback" not in told
    assert str(desk.home / "log" / "ribbon.log") in told
    assert "RuntimeError: nobody thought of this" in log(desk)
    assert workbook.shown == [""]


def test_the_log_tells_what_was_done_and_holds_no_secret(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    with desk.editing() as hand:
        hand.approve("units:52")
    press("Apply", front(desk), NOW)
    monkeypatch.setenv("XLSYNC_CW_PRIVATE_KEY", "wrong-for-sure")
    press("Check", front(desk), NOW)
    text = log(desk)
    assert "planned: update" in text
    assert "units:52" not in text
    subject = (
        f"{hand.get(MISMATCHES, 'units:52', 'Product')} for {hand.get(MISMATCHES, 'units:52', 'Customer')}"
    )
    assert f"{subject}: done" in text
    assert "1 done" in text
    assert f"Run {desk.run('history', '--json').json['runs'][0]['number']}. Undo takes it back." in text
    assert "wrong-for-sure" not in text
    assert not any(desk.sandbox.environ[name] in text for name in SECRETS)


def test_the_workbook_is_asked_by_the_one_thread_that_it_belongs_to(desk: Desk) -> None:
    asked_by: set[int] = set()

    class Watching(FileWorkbook):
        """A workbook that notes down who asks."""

        def __getattribute__(self, name: str) -> Any:
            found = super().__getattribute__(name)

            def noted(*of: Any) -> Any:
                asked_by.add(threading.get_ident())
                return found(*of)

            return noted if callable(found) else found

    with desk.editing() as hand:
        hand.approve("units:52", "cost:54")
    workbook = Watching(desk.file, yes)
    for id_ in ("Check", "Apply", "Undo", "Help"):
        press(id_, workbook, NOW)
    assert asked_by == {threading.get_ident()}


# what desktop Excel is asked for, with a stand-in that notes it down


class Cell:
    """One cell of the stand-in: what it is formatted as, and where what is set is noted down."""

    def __init__(self, cells: dict[tuple[int, int], object], place: tuple[int, int]) -> None:
        self.number_format = "@" if place[1] == 3 else "General"
        self.put = functools.partial(cells.__setitem__, place)

    def __setattr__(self, name: str, value: object) -> None:
        if name == "value":
            self.put(value)
        else:
            super().__setattr__(name, value)


class StandIn:
    """The few of xlwings' objects that are used: app, book and sheet in one."""

    def __init__(self, file: Path) -> None:
        self.fullname = str(file)
        self.cells: dict[tuple[int, int], object] = {}
        self.did: list[str] = []
        self.status_bar: object = None

    @property
    def app(self) -> StandIn:
        return self

    books = app

    @property
    def sheets(self) -> dict[str, StandIn]:
        return {MISMATCHES: self, "_xlsync": StandIn(Path(self.fullname))}

    def range(self, place: tuple[int, int]) -> Cell:
        return Cell(self.cells, place)

    def save(self) -> None:
        self.did.append("save")

    def close(self) -> None:
        self.did.append("close")

    def open(self, path: str) -> StandIn:
        self.did.append(f"open {path}")
        return self

    def alert(self, _prompt: str, _title: str, buttons: str = "ok") -> str:
        return "yes" if buttons == "yes_no" else "ok"


def test_texts_reach_excel_as_texts_and_numbers_as_numbers(desk: Desk) -> None:
    book = StandIn(desk.file)
    first = {(0, 0): "=1+1", (0, 1): "2-3", (0, 2): "=in a text cell"}
    second = {(1, 0): Decimal("1.5"), (1, 1): None, (1, 2): dt.date(2026, 10, 1)}
    ExcelWorkbook(book).write({MISMATCHES: {**first, **second}})
    assert book.cells == {
        (1, 1): "'=1+1",
        (1, 2): "'2-3",
        (1, 3): "=in a text cell",
        (2, 1): 1.5,
        (2, 2): None,
        (2, 3): dt.datetime(2026, 10, 1),  # noqa: DTZ001
    }
    assert book.did == ["save"]


def test_excel_closes_the_workbook_and_opens_it_again_even_after_an_error(desk: Desk) -> None:
    book = StandIn(desk.file)
    put_away = ExcelWorkbook(book).put_away()
    put_away.__enter__()
    assert book.did == ["close"]
    assert not put_away.__exit__(KeyError, KeyError(), None)
    assert book.did == ["close", f"open {desk.file}"]


def test_a_refusal_of_excel_is_an_error_in_words(desk: Desk) -> None:
    with pytest.raises(WorkbookError, match="Excel did not do it") as told:
        ExcelWorkbook(StandIn(desk.file)).write({"No such sheet": {(0, 0): 1}})
    assert "cell you are editing" in told.value.hint


def test_a_workbook_without_a_file_has_no_full_name(desk: Desk, tmp_path: Path) -> None:
    assert ExcelWorkbook(StandIn(desk.file)).full_name == desk.file
    assert ExcelWorkbook(StandIn(Path("Book1"))).full_name is None
    assert ExcelWorkbook(StandIn(tmp_path)).full_name is None


def test_a_button_runs_through_the_stand_in_of_excel(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52")
    book = StandIn(desk.file)
    press("Apply", ExcelWorkbook(book), NOW)
    assert [str(value)[:5] for value in book.cells.values()] == ["'done"]
    assert book.status_bar is False
    press("Check", ExcelWorkbook(book), NOW)
    assert book.did == ["save", "save", "save", "close", f"open {desk.file}"]


# a person's hand, as near as this machine allows


def test_a_hand_links_and_approves_in_libreoffice_and_the_buttons_go_on_from_there(
    empty_desk: Desk, office: Office
) -> None:
    desk = empty_desk
    press("Export1", FileWorkbook(desk.folder / "Book1.xlsx", yes), NOW)
    hand = desk.read()
    delta, harbour = hand.line("DELTA"), hand.line("Harbour Dentl Clinic")

    picked = office.pick(
        desk.file,
        (LINES, delta, "ConnectWise Customer", "Delta Ltd"),
        (LINES, delta, "ConnectWise Agreement", "Cloud"),
        (LINES, harbour, "Match", "confirmed"),
    )
    assert picked[1]["offered"] == ["(create new)", "Cloud Services"]  # Delta Ltd's own agreements
    workbook = front(desk)
    press("Check", workbook, NOW)
    hand = desk.read()
    assert hand.get(LINES, delta, "Match") == "chosen"
    assert hand.get(LINES, delta, "ConnectWise Agreement") == "Cloud Services"
    assert hand.get(LINES, harbour, "Status") == "OK"
    kinds = hand.column(MISMATCHES, "Customer")
    (row,) = [key for key, customer in kinds.items() if customer == "Delta Ltd"]
    assert hand.get(MISMATCHES, row, "Mismatch") == "Not in ConnectWise"

    picked = office.pick(
        desk.file, (MISMATCHES, row, "Approve", "Yes"), (MISMATCHES, "units:52", "Approve", "Yes")
    )
    assert picked[0]["offered"] == ["Yes", "No", "Yes, over limit"]
    press("Apply", workbook, NOW)
    assert workbook.asked[0].endswith("Write 2 changes to ConnectWise?")
    assert sorted(method for method, _ in desk.sent()) == ["PATCH", "POST"]
    hand = desk.read()
    assert hand.get(MISMATCHES, row, "Result").startswith("done")
    assert hand.get(MISMATCHES, "units:52", "Result").startswith("done")

    press("Check", workbook, NOW)
    assert desk.read().get(LINES, delta, "Status") == "OK"
