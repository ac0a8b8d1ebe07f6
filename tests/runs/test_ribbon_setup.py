"""The other buttons: sign in, check connection, what is remembered, a report file, a choice of runs."""

from __future__ import annotations

import datetime as dt
import shutil
import sys
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest

from tests.helpers.closed_port import closed_port
from tests.helpers.desk import OCTOBER, Desk
from tests.helpers.drawer import Drawer
from tests.helpers.file_workbook import FileWorkbook
from tests.helpers.hand import MISMATCHES
from xlsync.config import SECRETS
from xlsync.ribbon import press
from xlsync.workbook.read import read_workbook
from xlsync.xlsx.package import Package

NOW = dt.datetime(2026, 11, 20, 9, 30, tzinfo=dt.UTC)
SHEET = "What I remember"


def yes(_question: str) -> bool:
    return True


def no(_question: str) -> bool:
    return False


@pytest.fixture
def keys(empty_desk: Desk, drawer: Drawer, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:  # noqa: ARG001
    """The right answers, in the order of the questions, and no variable that gives them."""
    found = dict(empty_desk.sandbox.environ)
    for name in found:
        monkeypatch.delenv(name)
    (empty_desk.folder / "xlsync.toml").touch()
    return {name: value for name, value in found.items() if name != "XLSYNC_HOME"}


def typist(answers: list[str | None]) -> FileWorkbook:
    rest = iter(answers)
    return FileWorkbook(None, yes, typed=lambda _question: next(rest))


ORDER = (
    "XLSYNC_BSS_URL", "XLSYNC_BSS_CLIENT_KEY", "XLSYNC_BSS_CLIENT_SECRET", "XLSYNC_BSS_USERNAME",
    "XLSYNC_BSS_PASSWORD", "XLSYNC_CW_URL", "XLSYNC_CW_COMPANY", "XLSYNC_CW_PUBLIC_KEY",
    "XLSYNC_CW_PRIVATE_KEY", "XLSYNC_CW_CLIENT_ID",
)  # fmt: skip


def test_sign_in_asks_in_boxes_what_login_asks_and_shows_no_secret(
    empty_desk: Desk, keys: dict[str, str], drawer: Drawer
) -> None:
    workbook = typist([keys[name] for name in ORDER])
    press("SignIn", workbook, NOW)
    assert workbook.told[0].startswith("Signed in: The BSS and ConnectWise answered.")
    assert [is_secret for *_, is_secret in workbook.prompts] == [name in SECRETS for name in ORDER]
    assert set(drawer.secrets()) == set(SECRETS)
    again = typist([""] * 10)
    press("SignIn", again, NOW)
    assert again.told[0].startswith("Signed in")
    assert again.prompts[0][1] == keys["XLSYNC_BSS_URL"]
    log = (empty_desk.home / "log" / "ribbon.log").read_text(encoding="utf-8")
    shown = "".join([*workbook.told, *again.told, *(text + default for text, default, _ in again.prompts)])
    for name in SECRETS:
        assert keys[name] not in shown + log


def test_a_cancelled_box_stores_nothing(keys: dict[str, str], drawer: Drawer) -> None:
    workbook = typist([keys["XLSYNC_BSS_URL"], None])
    press("SignIn", workbook, NOW)
    assert workbook.told[0].startswith("Stopped: nothing was stored.")
    assert (workbook.asked, drawer.kept) == ([], {})


def test_a_first_click_leads_to_signing_in(empty_desk: Desk, keys: dict[str, str]) -> None:
    (empty_desk.folder / "xlsync.toml").unlink()
    workbook = typist([keys[name] for name in ORDER])
    press("Export1", workbook, NOW)
    assert workbook.asked[0].startswith("Not signed in yet.")
    assert workbook.told[0].startswith("Signed in")


def test_check_connection_tells_what_works_and_what_to_do(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    workbook = FileWorkbook(desk.file, no)
    press("CheckConnection", workbook, dt.datetime.now(dt.UTC))
    assert workbook.told[0].startswith("Both systems answer.")
    monkeypatch.setenv("XLSYNC_CW_PRIVATE_KEY", "wrong")
    press("CheckConnection", workbook, dt.datetime.now(dt.UTC))
    assert workbook.told[1].startswith("Something does not work:\n\nConnectWise")
    assert desk.sent() == []


def test_what_is_remembered_is_a_sheet_that_is_read_back(desk: Desk) -> None:
    assert desk.check().code == 0
    contract = "--contract", "CO-1001", "--reason", "our own licence"
    assert desk.run("links", "ignore", *contract).code == 0
    before = desk.run("links", "list", "--json").json["links"]
    workbook = FileWorkbook(desk.file, yes)
    press("Remembered", workbook, NOW)
    (file,) = workbook.opened
    assert workbook.told[0].startswith(f"{SHEET}: {len(before)} links and 1 rule.")
    sheet = FileWorkbook(file, yes)
    press("Remembered", sheet, NOW)
    assert sheet.told[0].startswith("Nothing was changed on this sheet.")
    package = Package.open(file)
    grid = package.grid(SHEET)
    headers = list(grid[0])
    rule = next(number for number, line in enumerate(grid) if line[headers.index("Rule")] == "ignore")
    package.change_cells(
        SHEET,
        {(rule, headers.index("Reason")): "sold", **{(1, column): None for column in range(len(headers))}},
    )
    package.save(file)
    press("Remembered", sheet, NOW)
    assert sheet.asked == ["From this sheet: keep 1 rule, forget 1 link.\n\nRemember it so?"]
    assert [one["reason"] for one in desk.run("links", "rules", "--json").json["rules"]] == ["sold"]
    assert len(desk.run("links", "list", "--json").json["links"]) == len(before) - 1


def sheet_of(desk: Desk) -> FileWorkbook:
    """What is remembered, as a sheet that is open."""
    workbook = FileWorkbook(desk.file, yes)
    press("Remembered", workbook, NOW)
    return FileWorkbook(workbook.opened[0], yes)


def delete_row(file: Path) -> None:
    package = Package.open(file)
    width = len(package.grid(SHEET)[0])
    package.change_cells(SHEET, {(1, column): None for column in range(width)})
    package.save(file)


def test_what_is_remembered_after_the_sheet_was_made_is_not_forgotten_with_a_row_of_it(desk: Desk) -> None:
    """A check, or a colleague, remembers more while the sheet is open."""
    assert desk.run("links", "ignore", "--product", "Visio", "--reason", "ours").code == 0
    sheet = sheet_of(desk)
    assert desk.check().code == 0
    assert desk.run("links", "ignore", "--product", "Teams", "--reason", "ours").code == 0
    press("Remembered", sheet, NOW)
    assert sheet.told[0].startswith("Nothing was changed on this sheet.")
    before = desk.links()
    assert before
    assert sheet.full_name
    delete_row(sheet.full_name)
    press("Remembered", sheet, NOW)
    assert sheet.asked == ["From this sheet: forget 1 rule.\n\nRemember it so?"]
    rules = desk.run("links", "rules", "--json").json["rules"]
    assert ([rule["about"] for rule in rules], desk.links()) == (["Teams"], before)
    press("Remembered", sheet, NOW)
    assert sheet.told[-1].startswith("Nothing was changed on this sheet.")


def test_changes_that_were_not_kept_are_not_written_over(desk: Desk) -> None:
    assert desk.check().code == 0
    file = sheet_of(desk).full_name
    assert file
    delete_row(file)
    before = file.read_bytes()
    workbook = FileWorkbook(desk.file, yes)
    press("Remembered", workbook, NOW)
    assert "has changes that were not kept" in workbook.told[0]
    assert (file.read_bytes(), workbook.opened) == (before, [])
    press("Remembered", FileWorkbook(file, yes), NOW)
    press("Remembered", workbook, NOW)
    assert workbook.opened == [file]


def as_older(file: Path) -> None:
    """Take away the sheet with the rows as they were, which an older version did not write."""
    book = openpyxl.load_workbook(file)
    del book["_before"]
    book.save(file)


def test_a_sheet_of_an_older_version_is_read_renewed_and_not_written_over_with_changes(desk: Desk) -> None:
    assert desk.run("links", "ignore", "--product", "Visio", "--reason", "ours").code == 0
    assert desk.run("links", "ignore", "--product", "Teams", "--reason", "ours").code == 0
    workbook = FileWorkbook(desk.file, yes)
    sheet = sheet_of(desk)
    file = sheet.full_name
    assert file
    as_older(file)
    press("Remembered", workbook, NOW)
    assert (workbook.opened, Package.open(file).sheets) == ([file], (SHEET, "_before"))
    delete_row(file)
    as_older(file)
    press("Remembered", workbook, NOW)
    assert "has changes that were not kept" in workbook.told[-1]
    package = Package.open(file)
    headers = list(package.grid(SHEET)[0])
    package.change_cells(SHEET, {(2, headers.index("Reason")): "sold"})
    package.save(file)
    press("Remembered", sheet, NOW)
    assert sheet.asked[0].startswith(
        "• This sheet is of an older version of xlsync: what was deleted on it is"
    )
    assert sheet.asked[0].endswith("From this sheet: keep 1 rule.\n\nRemember it so?")
    reasons = sorted(rule["reason"] for rule in desk.run("links", "rules", "--json").json["rules"])
    assert reasons == ["ours", "sold"]


def test_a_teams_store_that_is_not_reached_is_told_with_what_is_remembered(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert desk.run("links", "ignore", "--product", "Visio", "--reason", "ours").code == 0
    monkeypatch.setenv("XLSYNC_STORE_URL", f"postgresql://team@127.0.0.1:{closed_port()}/none")
    workbook = FileWorkbook(desk.file, yes)
    press("Remembered", workbook, NOW)
    assert "cannot be reached" in workbook.told[0]
    file = workbook.opened[0]
    delete_row(file)
    sheet = FileWorkbook(file, yes)
    press("Remembered", sheet, NOW)
    assert sheet.told[0].startswith("Remembered.")
    assert "cannot be reached" in sheet.told[0]


def test_a_wrong_cell_of_what_is_remembered_is_named_and_changes_nothing(desk: Desk) -> None:
    assert desk.check().code == 0
    workbook = FileWorkbook(desk.file, yes)
    press("Remembered", workbook, NOW)
    (file,) = workbook.opened
    package = Package.open(file)
    headers = list(package.grid(SHEET)[0])
    package.change_cells(SHEET, {(1, headers.index("ConnectWise Customer Id")): "many"})
    package.save(file)
    before = desk.run("links", "list", "--json").json
    sheet = FileWorkbook(file, yes)
    press("Remembered", sheet, NOW)
    assert "line 2: ConnectWise Customer Id is “many”, not a whole number" in sheet.told[0]
    assert desk.run("links", "list", "--json").json == before


def test_a_month_from_a_report_file_is_chosen_in_boxes(empty_desk: Desk) -> None:
    report = empty_desk.folder / "billing.csv"
    report.write_text(
        "End Customer,Subscription ID,Product,Billing Plan,Quantity,Unit Cost,Amount,Charge Type,"
        "Start Date,End Date\n"
        "Contoso,S-1,Backup,Monthly,5,2.00,10.00,Cycle charge,2026-10-01,2026-10-31\n",
        encoding="utf-8",
    )
    workbook = FileWorkbook(empty_desk.folder / "Book1.xlsx", yes, typed=lambda _: "2026-10", chosen=report)
    press("FromReport", workbook, NOW)
    assert workbook.opened == [empty_desk.folder / OCTOBER]
    assert read_workbook(empty_desk.folder / OCTOBER).about.reports
    cancelled = FileWorkbook(None, yes)
    press("FromReport", cancelled, NOW)
    assert cancelled.told == ["Stopped: no workbook was made."]


def test_undo_lets_a_person_choose_the_run_and_the_rows_say_so(desk: Desk) -> None:
    for key in ("units:52", "units:53"):
        with desk.editing() as hand:
            hand.approve(key)
        assert desk.apply().code == 0
    workbook = FileWorkbook(desk.file, yes, typed=lambda _: "2")
    press("Undo", workbook, NOW)
    assert "\n1: " in workbook.prompts[0][0]
    assert (desk.addition(52)["quantity"], desk.addition(53)["quantity"]) == (Decimal(15), Decimal(18))
    assert desk.read().get(MISMATCHES, "units:52", "Result").startswith("taken back on 2026-11-20 by run")
    wrong = FileWorkbook(desk.file, yes, typed=lambda _: "7")
    press("Undo", wrong, NOW)
    assert wrong.told[0].startswith("'7' is not a number of the list.")


@pytest.mark.skipif(sys.platform == "win32", reason="a link takes rights there")
def test_undo_knows_the_runs_of_a_workbook_by_whatever_way_its_folder_was_named(desk: Desk) -> None:
    """Excel names the share, and the terminal the drive that is connected to it."""
    with desk.editing() as hand:
        hand.approve("units:52")
    assert desk.apply().code == 0
    other = desk.folder.with_name(f"{desk.folder.name}-link")
    other.symlink_to(desk.folder)
    press("Undo", FileWorkbook(other / OCTOBER, yes), NOW)
    assert desk.changes == {}
    copy = desk.folder / "copy" / OCTOBER
    copy.parent.mkdir()
    shutil.copy(desk.file, copy)
    workbook = FileWorkbook(copy, yes)
    press("Undo", workbook, NOW)
    assert workbook.told[0].startswith(f"Nothing was written from {OCTOBER} yet")


def test_the_menu_exports_the_month_that_it_shows(empty_desk: Desk) -> None:
    """Excel may have been open since last month."""
    workbook = FileWorkbook(empty_desk.folder / "Book1.xlsx", yes)
    press("Export0", workbook, NOW, dt.date(2026, 10, 31))
    assert workbook.opened == [empty_desk.folder / OCTOBER]


def test_report_is_saved_as_pdf_by_excel_itself(desk: Desk) -> None:
    workbook = FileWorkbook(desk.file, yes)
    own = desk.folder / "xlsync-2026-10-report.pdf"
    own.write_bytes(b"a person's own file")
    press("Report", workbook, NOW)
    assert own.read_bytes() == b"a person's own file"
    pdf = own.with_stem(f"{own.stem}-2")
    assert pdf.read_bytes() == b"%PDF of " + workbook.opened[0].name.encode()
    assert f"PDF: {pdf}" in workbook.told[0]


def test_the_question_of_the_ribbon_is_the_plan_of_the_dry_run(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52", "units:53")
    shutil.copy(desk.file, desk.folder / "copy.xlsx")
    workbook = FileWorkbook(desk.file, no)
    press("Apply", workbook, NOW)
    *plan, end = desk.run("apply", str(desk.file), "--dry-run").err.splitlines()
    assert "\n".join(plan) in workbook.asked[0]
    assert end.startswith("Nothing was written")
