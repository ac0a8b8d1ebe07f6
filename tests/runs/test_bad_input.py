"""What people get wrong is told at once, with sheet and cell, and nothing is written."""

from __future__ import annotations

import base64
import datetime as dt
import gc
import re
import shlex
import shutil
import sys
import types
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from openpyxl.comments import Comment
from openpyxl.styles import PatternFill

from tests.helpers.desk import OCTOBER, Desk
from tests.helpers.hand import LINES, MISMATCHES, NEW, Hand
from xlsync.__main__ import main
from xlsync.commands.export import refuse_overwriting
from xlsync.errors import WorkbookError
from xlsync.workbook import hidden_sheet as kept_rows
from xlsync.workbook.read import month_on_start, read_workbook

CELL = re.compile(r"(Billing Lines|Mismatches|New in ConnectWise)!([A-Z]+)(\d+)")


def assert_told(desk: Desk, *texts: str) -> str:
    """Apply stops before any write and tells all of this; without a traceback, with what to do."""
    before = desk.file.read_bytes() if desk.file.exists() else b""
    ran = desk.apply()
    assert ran.code == 1, ran.err
    assert desk.sandbox.writes == []
    assert (desk.file.read_bytes() if desk.file.exists() else b"") == before
    assert list(ran.json) == ["error"]
    assert "Traceback" not in ran.err
    for text in texts:
        assert text in ran.err
    return ran.err


Edit = Callable[[Hand], tuple[str, str, str]]
"""Spoils a cell; returns its sheet, row key and header."""


def _setting(title: str, key: str, header: str, value: object, **also: object) -> Edit:
    def edit(hand: Hand) -> tuple[str, str, str]:
        hand.set(title, key, {header: value, **also})
        return title, key, header

    return edit


def _choosing(customer: str, header: str, value: str) -> Edit:
    def edit(hand: Hand) -> tuple[str, str, str]:
        key = hand.line(customer)
        hand.set(LINES, key, {header: value})
        return LINES, key, header

    return edit


def _of_another(hand: Hand) -> tuple[str, str, str]:
    """An agreement that another customer has."""
    key = hand.line("DELTA")
    hand.set(
        LINES, key, {"ConnectWise Customer": "Delta Ltd", "ConnectWise Agreement": "Cloud Services Extra"}
    )
    return LINES, key, "ConnectWise Agreement"


BAD_CELLS: dict[str, tuple[Edit, str]] = {
    "no day to ignore until": (
        _setting(MISMATCHES, "units:55", "Until", "spring", Action="Ignore"),
        "'spring' is not a date; enter a date such as 2026-10-01, or a month such as 2026-10",
    ),
    "unknown approval": (_setting(MISMATCHES, "units:55", "Approve", "maybe"), '"maybe" is not an approval'),
    "approval as a number": (_setting(MISMATCHES, "units:1", "Approve", 1), "is not an approval"),
    "approval by formula": (_setting(MISMATCHES, "units:2", "Approve", '="Yes"'), "is not an approval"),
    "text for units": (_setting(MISMATCHES, "units:21", "New Units", "ten"), "is not a number"),
    "units with a decimal comma, as text": (
        _setting(MISMATCHES, "units:52", "New Units", "25,5"),
        "'25,5' stands here as text, not as a number",
    ),
    "units as a date": (
        _setting(MISMATCHES, "units:53", "New Units", dt.date(2026, 2, 1)),
        "2026-02-01 stands here as a date, not as a number",
    ),
    "units below zero": (_setting(MISMATCHES, "units:7", "New Units", -1), "below zero"),
    "units below zero, as text": (_setting(MISMATCHES, "units:32", "New Units", "-5"), "'-5' is below zero"),
    "units by formula": (_setting(MISMATCHES, "units:69", "New Units", "=1+1"), "formula"),
    "units as a truth": (_setting(MISMATCHES, "units:72", "New Units", True), "is not a number"),
    "an id for units": (_setting(MISMATCHES, "add:38:15", "New Units", 1_000_000_001), "is too large"),
    "too many digits": (
        _setting(MISMATCHES, "add:38:5", "New Units", 12.345678901234567),
        "has more than 15 digits",
    ),
    "next to nothing, which is no drop to zero": (
        _setting(MISMATCHES, "cost:55", "New Units", 0.0000001),
        "has more than 6 decimals",
    ),
    "a date long ago": (
        _setting(MISMATCHES, "units:32", "Effective From", "2021-09-30"),
        "more than 5 years from 2026-10",
    ),
    "an agreement's start long ago": (
        _setting(NEW, "agreement:bss:622|Monthly", "Start Date", "1899-12-31", Approve="Yes"),
        "more than 5 years from 2026-10",
    ),
    "an agreement's start far ahead": (
        _setting(NEW, "agreement:bss:622|Monthly", "Start Date", "2062-10-01", Approve="Yes"),
        "more than 5 years from 2026-10",
    ),
    "a date far ahead": (
        _setting(MISMATCHES, "units:55", "Effective From", "2206-10-01"),
        "more than 5 years from 2026-10",
    ),
    "text for cost": (_setting(MISMATCHES, "cost:54", "New Cost", "1,20 EUR"), "is not a number"),
    "text for a date": (_setting(MISMATCHES, "units:1", "Effective From", "soon"), "is not a date"),
    "unknown action": (_setting(MISMATCHES, "units:2", "Action", "Delete"), "'Delete' is not possible"),
    "action of another mismatch": (
        _setting(MISMATCHES, "units:21", "Action", "Create addition"),
        "'Create addition' is not possible where the mismatch is 'Units differ'",
    ),
    "unknown customer": (
        _choosing("DELTA", "ConnectWise Customer", "Delta AG"),
        "'Delta AG' is not in the list",
    ),
    "customer without what tells it apart": (
        _choosing("Kestrel Optics", "ConnectWise Customer", "Kestrel Optics"),
        "is not in the list; it has 'Kestrel Optics [KESTREL1]' and 'Kestrel Optics [KESTREL2]'",
    ),
    "unknown product": (_choosing("DELTA", "ConnectWise Product", "CL-9999: Nothing"), "is not in the list"),
    "customer by formula": (_choosing("DELTA", "ConnectWise Customer", "=A1"), "formula"),
    "agreement of another customer": (_of_another, "is not an agreement of Delta Ltd"),
    "agreement without a customer": (
        _choosing("DELTA", "ConnectWise Agreement", "Cloud Services"),
        "choose the customer first",
    ),
    "unknown match": (_choosing("Harbour Dentl Clinic", "Match", "yes"), "'yes' cannot be set as a match"),
    "altered units": (_setting(MISMATCHES, "units:52", "BSS Units", 99), "was altered (18 became 99)"),
    "altered customer": (_setting(MISMATCHES, "units:7", "Customer", "Me"), "was altered"),
    "altered line": (_choosing("DELTA", "Units", "7"), "was altered"),
    "name too long": (_setting(NEW, "customer:bss:622", "Name", "x" * 51, Approve="Yes"), "51 characters"),
    "product name too long": (
        _setting(NEW, "customer:bss:623", "Identifier", "x" * 26, Approve="Yes"),
        "26 characters",
    ),
    "no name": (_setting(NEW, "customer:bss:624", "Name", None, Approve="Yes"), "Name is empty"),
    "no address": (
        _setting(
            NEW,
            "customer:bss:625",
            "Address",
            None,
            City=None,
            State=None,
            Zip=None,
            Country=None,
            Approve="Yes",
        ),
        "a customer needs an address",
    ),
    "unknown type": (
        _setting(NEW, "customer:bss:622", "Type", "Friend", Approve="Yes"),
        "'Friend' is not in the list",
    ),
    "a part of a type": (
        _setting(NEW, "customer:bss:623", "Type", "clie", Approve="Yes"),
        "'clie' is not in the list; it has 'Client'",
    ),
    "agreement without a contact": (
        _setting(NEW, "agreement:bss:622|Monthly", "Contact First Name", None, Approve="Yes"),
        "needs a contact",
    ),
    "price below zero": (
        _setting(NEW, "product:bss:MQX7FE209471F:0001|Monthly|Monthly", "Price", -2, Approve="Yes"),
        "below zero",
    ),
    "no category": (
        _setting(NEW, "product:bss:MQX7FE209471F:0001|Monthly|Monthly", "Category", None, Approve="Yes"),
        "Category is empty",
    ),
    "no e-mail address": (
        _setting(
            NEW,
            "customer:bss:623",
            "Contact Email",
            "not an address",
            **{"Contact First Name": "Ada"},
            Approve="Yes",
        ),
        "is not an e-mail address",
    ),
    "an e-mail address that ConnectWise would refuse": (
        _setting(
            NEW,
            "customer:bss:625",
            "Contact Email",
            "a" * 240 + "@example.com",
            **{"Contact First Name": "Ada"},
            Approve="Yes",
        ),
        "Contact Email has 252 characters; shorten it to 250",
    ),
}


def rounds(hand: Hand) -> list[list[str]]:
    """The bad cells in as few rounds as there are on one row, which holds one of them at a time."""
    found: list[dict[tuple[str, str], str]] = []
    for name, (edit, _) in BAD_CELLS.items():
        title, key, _ = edit(hand)
        free = next((one for one in found if (title, key) not in one), None)
        if free is None:
            found.append(free := {})
        free[title, key] = name
    return [list(one.values()) for one in found]


def test_every_bad_cell_is_told_with_its_place_and_nothing_is_written(desk: Desk) -> None:
    untouched = desk.file.read_bytes()
    for names in rounds(desk.read()):
        desk.file.write_bytes(untouched)
        with desk.editing() as hand:
            hand.approve("units:53")
            if "agreement without a contact" in names:
                hand.approve("customer:bss:622")
            places = {name: hand.place(*BAD_CELLS[name][0](hand)) for name in names}
        lines = assert_told(desk, "cannot be accepted, so nothing was written").replace('"', "'").splitlines()
        for name, place in places.items():
            told = BAD_CELLS[name][1].replace('"', "'")
            assert [line for line in lines if place in line and told in line], (name, place, told)


def test_what_another_program_wrote_where_it_had_no_number_is_told(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:53", New_Units=float("nan"))
    told = assert_told(desk, "cannot be accepted, so nothing was written")
    assert "'NaN' stands here as text, not as a number" in told


def test_all_bad_cells_are_told_in_one_run(desk: Desk) -> None:
    spoiled = {
        name: edit
        for name, (edit, _) in BAD_CELLS.items()
        if name
        in {"text for cost", "agreement of another customer", "unknown match", "no name", "no category"}
    }
    with desk.editing() as hand:
        hand.approve("units:53")
        places = [hand.place(*edit(hand)) for edit in spoiled.values()]
        hand.set(MISMATCHES, "units:52", {"Approve": "maybe", "New Units": "ten", "New Cost": -1})
        places += [hand.place(MISMATCHES, "units:52", h) for h in ("Approve", "New Units", "New Cost")]
    err = assert_told(desk, *places)
    assert len(set(CELL.findall(err))) == len(places)
    assert f"{len(places)} cells cannot be accepted" in err


def test_the_place_follows_columns_and_rows_that_were_moved(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.sheet(MISMATCHES).insert_cols(1, 2)
        hand.sheet(MISMATCHES).insert_rows(3, 5)
        hand.set(MISMATCHES, "units:52", {"Approve": "maybe"})
        where = hand.place(MISMATCHES, "units:52", "Approve")
    assert_told(desk, where)


def test_a_number_under_a_format_of_dates_and_a_date_under_one_of_numbers_are_what_they_were(
    desk: Desk,
) -> None:
    """As where a program moves values and leaves the formats of the columns where they stand."""
    with desk.editing() as hand:
        hand.approve("units:52", "add:38:15")
        for key, header, form in (
            ("units:52", "New Units", "yyyy-mm-dd"),
            ("units:52", "Monthly Impact", "yyyy-mm-dd"),
            ("add:38:15", "New Cost", "yyyy-mm-dd"),
            ("add:38:15", "Effective From", "0"),
        ):
            hand.cell(MISMATCHES, key, header).number_format = form
    told = {action["key"]: action["detail"] for action in desk.apply("--dry-run").json["actions"]}
    assert told["update:52"].endswith("units 15 -> 18")
    assert told["add:38:15"].endswith("2 units")


def test_duplicate_identifiers_are_told_before_anything_is_created(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("customer:bss:622", Identifier="SAME ONE")
        hand.approve("customer:bss:623", Identifier="same  one")
    err = assert_told(desk, "'same  one'", "stands in row")
    assert len(CELL.findall(err)) == 1


def test_an_identifier_that_connectwise_has_is_skipped_with_its_owner(desk: Desk) -> None:
    taken = next(iter(desk.sandbox.connectwise.companies.values()))
    with desk.editing() as hand:
        hand.approve("customer:bss:622", Identifier=taken["identifier"])
    ran = desk.apply()
    assert (ran.code, desk.sandbox.writes) == (3, [])
    assert f"belongs to {taken['name']}" in desk.read().get(NEW, "customer:bss:622", "Result")


def test_a_doubled_row_is_refused(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52")
        sheet, row = hand.sheet(MISMATCHES), hand.rows(MISMATCHES)["units:52"]
        for cell in list(sheet[row]):
            sheet.cell(sheet.max_row + (cell.column == 1), cell.column).value = cell.value
    assert_told(desk, "the row stands twice", MISMATCHES)


def test_an_approval_on_a_row_of_ones_own_is_refused(desk: Desk) -> None:
    with desk.editing() as hand:
        sheet = hand.sheet(MISMATCHES)
        columns = hand.columns(MISMATCHES)
        last = sheet.max_row + 1
        for header, value in {
            "Customer": "Mine",
            "Action": "Update units",
            "New Units": 3,
            "Approve": "Yes",
        }.items():
            sheet.cell(last, columns[header]).value = value
    assert_told(desk, f"{MISMATCHES}!", str(last))


def test_check_tells_bad_links_and_leaves_the_workbook(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.set(LINES, hand.line("DELTA"), {"ConnectWise Customer": "Delta AG"})
        where = hand.place(LINES, hand.line("DELTA"), "ConnectWise Customer")
    before = desk.file.read_bytes()
    ran = desk.check()
    assert (ran.code, list(ran.json), desk.file.read_bytes()) == (1, ["error"], before)
    assert where in ran.err


def test_check_that_refuses_tells_every_bad_cell_of_every_sheet(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.set(LINES, hand.line("DELTA"), {"ConnectWise Customer": "Delta AG"})
        hand.set(MISMATCHES, "units:52", {"New Units": "ten"})
        hand.set(NEW, "customer:bss:622", {"Approve": "Yes", "Name": None})
        invoice = next(iter(hand.rows("Invoices")))
        hand.set("Invoices", invoice, {"Approve": "maybe"})
        places = [
            hand.place(LINES, hand.line("DELTA"), "ConnectWise Customer"),
            hand.place(MISMATCHES, "units:52", "New Units"),
            hand.place(NEW, "customer:bss:622", "Name"),
            hand.place("Invoices", invoice, "Approve"),
        ]
    ran = desk.check()
    assert ran.code == 1
    assert f"{len(places)} cells cannot be accepted" in ran.err
    assert all(where in ran.err for where in places)


def test_check_goes_on_where_rows_alone_are_bad_and_tells_them(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.set(MISMATCHES, "units:52", {"New Units": "ten"})
        hand.set("Invoices", next(iter(hand.rows("Invoices"))), {"Approve": "maybe"})
    ran = desk.check()
    assert ran.code == 0
    assert ran.err.count("(its row waits)") == 2


def test_check_tells_cells_where_they_stand_afterwards(desk: Desk) -> None:
    """An ignored row goes to the end of the sheet; what is said about it names its new place."""
    with desk.editing() as hand:
        before = hand.place(MISMATCHES, "units:69", "Approve")
        hand.set(MISMATCHES, "units:69", {"Action": "Ignore", "Approve": "Yes"})
    ran = desk.check()
    after = desk.read().place(MISMATCHES, "units:69", "Approve")
    assert before != after
    assert f"{after}: Nothing is written for this row (its Action is Ignore)" in ran.err
    assert before not in ran.err


def let_month_stand_for(file: Path, stands_for: str) -> None:
    """Redefine the name of the month's cell."""
    with zipfile.ZipFile(file) as package:
        parts = {name: package.read(name) for name in package.namelist()}
    book = parts["xl/workbook.xml"].decode()
    book, count = re.subn(r'(name="xlsync_month"[^>]*>)[^<]*', lambda found: found[1] + stands_for, book)
    assert count == 1
    parts["xl/workbook.xml"] = book.encode()
    with zipfile.ZipFile(file, "w") as package:
        for name, part in parts.items():
            package.writestr(name, part)


def test_a_name_of_the_month_that_stands_for_something_else_is_no_reason_to_stop(desk: Desk) -> None:
    for stands_for in ("Start!#REF!", "Start!Mine", '"2026-09"'):
        let_month_stand_for(desk.file, stands_for)
        assert month_on_start(read_workbook(desk.file)) == ("", "")
    let_month_stand_for(desk.file, "Start!$C$4:$D$5")
    assert desk.check().code == 0


@pytest.mark.parametrize("value", ["2026-09", dt.datetime(2026, 9, 1)])  # noqa: DTZ001 - as Excel has it
def test_another_month_on_start_is_told(desk: Desk, value: object) -> None:
    with desk.editing() as hand:
        hand.put("Start", "C5", value)
    told = "Start!C5 says 2026-09, the workbook holds 2026-10: export that month instead"
    assert told in desk.apply("--dry-run").err
    assert told in desk.check().err
    assert month_on_start(read_workbook(desk.file)) == ("Start!C5", "2026-10")  # its own month again


def test_check_mends_altered_cells_and_tells_them(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.set(MISMATCHES, "units:52", {"BSS Units": 99})
        where = hand.place(MISMATCHES, "units:52", "BSS Units")
    ran = desk.check()
    assert ran.code == 0
    assert where in ran.err
    assert desk.read().get(MISMATCHES, "units:52", "BSS Units") == 18


# The file


def test_a_missing_column_is_told_with_the_headers_found(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.sheet(MISMATCHES).delete_cols(hand.columns(MISMATCHES)["Approve"])
    assert_told(desk, "Mismatches", "Approve", "New Units")


def test_a_header_that_stands_twice_is_refused_with_both_columns(desk: Desk) -> None:
    with desk.editing() as hand:
        sheet = hand.sheet(MISMATCHES)
        sheet.insert_cols(1)
        sheet.cell(1, 1).value = "Approve"
        columns = [cell.column_letter for cell in sheet[1] if cell.value == "Approve"]
    assert_told(desk, f"Approve in {columns[0]} and {columns[1]}")
    assert desk.check().code == 1


@pytest.mark.parametrize("title", [LINES, MISMATCHES, NEW, "Lists"])
def test_a_missing_sheet_is_told_by_name(desk: Desk, title: str) -> None:
    with desk.editing() as hand:
        del hand.book[title]
    assert_told(desk, title)


def test_a_renamed_sheet_is_told_with_the_sheet_that_may_be_it(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.book[MISMATCHES].title = "Abweichungen"
    assert_told(desk, "lacks the sheet Mismatches", "(there is Abweichungen), give it back its name")


def test_a_workbook_of_another_program_is_told(desk: Desk) -> None:
    openpyxl.Workbook().save(desk.file)
    assert_told(desk, OCTOBER, "not a workbook of xlsync")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut off", b"month,units\n2026-10,3\n"])
def test_a_broken_file_is_told(desk: Desk, content: bytes) -> None:
    desk.file.write_bytes(content)
    assert_told(desk, OCTOBER)


def test_a_file_that_is_not_there_is_told(desk: Desk) -> None:
    desk.file.unlink()
    assert_told(desk, OCTOBER)


@pytest.mark.parametrize("command", ["check", "apply", "invoice", "report"])
def test_a_file_that_is_not_there_is_told_before_settings_that_are_missing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.delenv("XLSYNC_CW_URL")
    ran = desk.run(command, "nope.xlsx")
    assert (ran.code, desk.sandbox.log) == (1, [])
    assert ran.err == "Error: nope.xlsx does not exist.\nCheck the name and the folder.\n"


def test_a_folder_in_place_of_a_file_is_told(desk: Desk) -> None:
    desk.file.unlink()
    desk.file.mkdir()
    ran = desk.apply()
    assert (ran.code, desk.sandbox.writes) == (1, [])
    assert OCTOBER in ran.err


def test_a_cut_off_archive_is_told(desk: Desk) -> None:
    content = desk.file.read_bytes()
    desk.file.write_bytes(content[: len(content) // 2])
    assert_told(desk, OCTOBER)


def test_a_damaged_part_is_told(desk: Desk) -> None:
    with zipfile.ZipFile(desk.file) as package:
        parts = {name: package.read(name) for name in package.namelist()}
    parts["xl/workbook.xml"] = b"<nonsense"
    with zipfile.ZipFile(desk.file, "w") as package:
        for name, part in parts.items():
            package.writestr(name, part)
    assert_told(desk, OCTOBER)


def test_a_workbook_of_another_environment_is_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XLSYNC_CW_URL", desk.sandbox.url.replace("127.0.0.1", "localhost"))
    assert_told(desk, "belongs to 127.0.0.1", "localhost")


def test_an_altered_hidden_sheet_is_refused(desk: Desk) -> None:
    lines = desk.read().sheet("_xlsync").iter_rows()
    packed = next(line for line in lines if line[0].value == "facts of Mismatches")[1]
    rows = zlib.decompress(base64.b64decode(str(packed.value))).decode()
    assert '"quantity":"15"' in rows
    rows = rows.replace('"quantity":"15"', '"quantity":"16"')
    with desk.editing() as hand:
        hand.put("_xlsync", packed.coordinate, base64.b64encode(zlib.compress(rows.encode())).decode())
        hand.approve("units:52")
    assert_told(desk, "hidden sheet was altered")


def test_altered_ids_behind_the_dropdowns_are_refused(desk: Desk) -> None:
    lists = desk.read().sheet("Lists")
    (column,) = (cell.column_letter for cell in lists[1] if cell.value == "Company Id")
    first, second = f"{column}4", f"{column}5"
    with desk.editing() as hand:
        for place, other in ((first, second), (second, first)):
            hand.put("Lists", place, lists[other].value)
        hand.approve("units:52")
    assert_told(desk, "altered")


def test_a_newer_format_is_refused_with_what_to_do(desk: Desk) -> None:
    ours = f'"format":{kept_rows.FORMAT}'
    cells = [cell for line in desk.read().sheet("_xlsync").iter_rows() for cell in line]
    (about,) = (cell for cell in cells if isinstance(cell.value, str) and ours in cell.value)
    with desk.editing() as hand:
        hand.put("_xlsync", about.coordinate, str(about.value).replace(ours, '"format":99'))
    assert_told(desk, "newer", "Update xlsync")


@pytest.mark.parametrize("name", ["out.csv", "out.xlsm", "out", "."])
def test_only_a_workbook_can_be_written(desk: Desk, name: str) -> None:
    for words in (("export", "--month", "2026-10"), ("report", str(desk.file))):
        ran = desk.run(*words, "--output", name)
        assert (ran.code, desk.sandbox.log) == (2, [])
        assert ".xlsx" in ran.err


@pytest.mark.parametrize("name", ["links.xlsx", "links.XLS", "links.ods"])
def test_links_are_not_exported_under_the_name_of_a_workbook(desk: Desk, name: str) -> None:
    """Excel would call such a file damaged."""
    ran = desk.run("links", "export", name)
    assert (ran.code, (desk.folder / name).exists()) == (2, False)
    assert "such as links.csv" in ran.err


@pytest.mark.parametrize("name", ["nowhere/links.csv", "."])
def test_a_file_of_links_that_cannot_be_written_or_read_is_told(desk: Desk, name: str) -> None:
    for command, told in (("export", "cannot be written"), ("import", "cannot be read")):
        ran = desk.run("links", command, name)
        assert (ran.code, "Traceback" in ran.err) == (1, False)
        assert told in ran.err


def test_a_home_of_a_user_whom_nobody_knows_is_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XLSYNC_HOME", "~nobody-of-this-name/xlsync")
    for words in (["history"], ["export", "--month", "2026-10"], ["doctor"], ["check", OCTOBER, "--demo"]):
        ran = desk.run(*words)
        assert (ran.code, ran.out) == (1, "")
        assert "XLSYNC_HOME names the folder of an unknown user" in ran.err


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps a folder that somebody is in")
@pytest.mark.parametrize("words", [["export", "--month", "2026-10"], ["doctor"], ["check", OCTOBER]])
def test_a_working_folder_that_is_gone_is_told(
    empty_desk: Desk, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    gone = empty_desk.folder / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    ran = empty_desk.run(*words)
    monkeypatch.chdir(empty_desk.folder)
    assert ran.code == 1
    assert "is not there any more" in ran.err or "does not exist" in ran.err


def test_a_home_of_the_demo_that_is_a_file_is_told(empty_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    (empty_desk.folder / "file").touch()
    monkeypatch.setenv("XLSYNC_HOME", str(empty_desk.folder / "file"))
    ran = empty_desk.run("export", "--month", "2026-10", "--demo")
    assert ran.code == 1
    assert "The demo cannot begin" in ran.err
    assert "set XLSYNC_HOME" in ran.err


def test_stopped_while_it_is_loaded_it_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "xlsync.cli", _Stopping("xlsync.cli"))
    with pytest.raises(SystemExit) as raised:
        main()
    assert (raised.value.code, capsys.readouterr().err) == (1, "Stopped.\n")
    assert gc.isenabled()


class _Stopping(types.ModuleType):
    """A module in the middle of whose loading someone presses Ctrl-C."""

    def __getattr__(self, name: str) -> object:
        raise KeyboardInterrupt


# The command line and the settings


def test_all_wrong_settings_are_told_at_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XLSYNC_CW_PRIVATE_KEY")
    monkeypatch.delenv("XLSYNC_BSS_USERNAME")
    monkeypatch.setenv("XLSYNC_CW_URL", "http://cw.example.com")
    monkeypatch.setenv("XLSYNC_BSS_URL", "ftp://bss.example.com")
    (desk.folder / "xlsync.toml").write_text(
        '[limits]\nunits = "many"\n[bss]\nclient_secret = "secret"\n[colours]\nred = 1\n',
        encoding="utf-8",
    )
    ran = desk.check()
    assert (ran.code, desk.sandbox.log) == (1, [])
    for text in (
        "XLSYNC_CW_PRIVATE_KEY", "XLSYNC_BSS_USERNAME", "XLSYNC_CW_URL", "XLSYNC_BSS_URL",
        "units", "'many'", "[colours]", "client_secret is a secret",
    ):  # fmt: skip
        assert text in ran.err
    assert "xlsync login" in ran.err


@pytest.mark.parametrize("words", [
    ["history"], ["links", "list"], ["links", "rules"], ["links", "export", "team.csv"], ["report", OCTOBER],
    ["links", "ignore", "--product", "X", "--reason", "ours"], ["links", "forget", "nobody"],
    ["links", "units", "--contract", "c", "--free", "1"],
])  # fmt: skip
def test_what_sends_nothing_needs_no_key(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    for name in set(desk.sandbox.environ) - {"XLSYNC_CW_URL", "XLSYNC_CW_COMPANY"}:
        monkeypatch.delenv(name)
    ran = desk.run(*words)
    assert (ran.code, desk.sandbox.log) == (0, []), ran.err


@pytest.mark.parametrize("url", ["http://cw.example.com", "http://10.0.0.1", "ftp://127.0.0.1", "https://"])
def test_an_unencrypted_address_is_accepted_on_loopback_only(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("XLSYNC_CW_URL", url)
    ran = desk.apply()
    assert (ran.code, desk.sandbox.log) == (1, [])
    assert "XLSYNC_CW_URL" in ran.err


@pytest.mark.parametrize("words", [
    ["export", "--month", "2026-13"], ["export", "--month", "October"], ["export"], ["nonsense"],
    ["apply"], ["export", "--month", "2026-10", "--by", "weekday"], ["apply", OCTOBER, "--maybe"],
    ["links", "ignore", "--product", "Visio", "--reason", " "],
    ["links", "units", "--contract", "C", "--free", "1234567890123"], ["version"],
])  # fmt: skip
def test_a_command_that_cannot_be_understood_is_usage(desk: Desk, words: list[str]) -> None:
    ran = desk.run(*words)
    assert (ran.code, ran.out, desk.sandbox.log) == (2, "", [])
    assert ran.err


@pytest.mark.parametrize(
    "settings", ["[limits]\nunits = -1\n", "not toml", "limits = 3\n", '[creation]\nname_length = "x"\n']
)
def test_a_settings_file_that_cannot_be_used_is_told(desk: Desk, settings: str) -> None:
    (desk.folder / "xlsync.toml").write_text(settings, encoding="utf-8")
    ran = desk.apply()
    assert (ran.code, desk.sandbox.log) == (1, [])
    assert "xlsync.toml" in ran.err


@pytest.mark.parametrize(
    ("name", "value"),
    [("XLSYNC_CW_PRIVATE_KEY", "wrong"), ("XLSYNC_CW_COMPANY", "nobody"), ("XLSYNC_CW_CLIENT_ID", "none")],
)
def test_wrong_keys_are_told_without_a_secret(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    secret = desk.sandbox.environ["XLSYNC_CW_PRIVATE_KEY"]
    monkeypatch.setenv(name, value)
    desk.file.unlink()
    ran = desk.export()
    assert ran.code == 1
    assert "ConnectWise" in ran.err
    assert secret not in ran.err
    assert not desk.file.exists()


def test_wrong_bss_keys_are_told_and_not_tried_again_and_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XLSYNC_BSS_PASSWORD", "wrong-password")
    desk.file.unlink()
    ran = desk.export()
    assert ran.code == 1
    assert "BSS" in ran.err
    assert "wrong-password" not in ran.err
    logins = [r for r in desk.sandbox.log if r.path == "/oauth/token"]
    assert len(logins) == 1  # more might lock the account


# Export over what is there


def test_export_over_an_untouched_workbook_renews_it(desk: Desk) -> None:
    assert desk.export().code == 0


@pytest.mark.parametrize(
    "edit",
    ["approve", "note", "choice", "delete row", "own row", "own sheet", "own column", "comment", "colour"],
)
def test_export_never_overwrites_edits_and_names_check(desk: Desk, edit: str) -> None:
    with desk.editing() as hand:
        line = hand.line("DELTA")
        match edit:
            case "approve":
                hand.approve("units:52")
            case "note":
                hand.set(LINES, line, {"Note": "Ask Pia"})
            case "choice":
                hand.set(LINES, line, {"ConnectWise Customer": "Delta Ltd"})
            case "delete row":
                hand.sheet(LINES).delete_rows(hand.rows(LINES)[line])
            case "own sheet":
                hand.book.create_sheet("My sums")
            case "own column":
                sheet = hand.sheet(LINES)
                sheet.cell(1, sheet.max_column + 1).value = "Ticket"
            case "comment":
                hand.cell(LINES, line, "Product").comment = Comment("Ask Pia", "Ada")
            case "colour":
                hand.cell(LINES, line, "Product").fill = PatternFill("solid", "FFFFFF00")
            case _:
                hand.sheet(LINES).cell(hand.sheet(LINES).max_row + 2, 3).value = "remember the milk"
    before = desk.file.read_bytes()
    ran = desk.export()
    assert (ran.code, desk.file.read_bytes()) == (1, before)
    assert "xlsync check" in ran.err


def test_export_never_overwrites_results(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52")
    desk.apply()
    with desk.editing() as hand:
        hand.set(MISMATCHES, "units:52", {"Approve": None})
    assert desk.export().code == 1


def test_export_never_overwrites_a_file_that_it_did_not_write(desk: Desk) -> None:
    for content in (b"my thesis", None):
        if content is None:
            openpyxl.Workbook().save(desk.file)
        else:
            desk.file.write_bytes(content)
        before = desk.file.read_bytes()
        ran = desk.export()
        assert (ran.code, desk.file.read_bytes()) == (1, before)
        assert "--output" in ran.err


def test_results_whose_file_cannot_be_looked_for_are_told_with_the_run_and_exit_code_3(desk: Desk) -> None:
    """As where a server goes away; here the name of the second file beside the workbook is too long."""
    desk.file = desk.file.rename(desk.file.with_name(f"{'x' * 242}.xlsx"))
    with desk.editing() as hand:
        hand.approve("units:52")
    desk.file.with_name(f"{desk.file.stem}.results.xlsx").touch()
    edited = desk.file.read_bytes() + b" "
    desk.sandbox.fail("call", path="PATCH .*/additions/52$", call=lambda: desk.file.write_bytes(edited))
    ran = desk.run("apply", str(desk.file), "--yes", "--json")
    assert (ran.code, ran.json["done"]) == (3, 1)
    assert f"Run {ran.json['run']} wrote to ConnectWise, but its results could not be noted" in ran.err


def test_export_never_overwrites_what_another_program_has_open_and_says_so_before_it_reads(
    desk: Desk,
) -> None:
    owner = desk.file.with_name(f"~${desk.file.name}")
    owner.touch()
    desk.forget_log()
    before = desk.file.read_bytes()
    ran = desk.export()
    assert (ran.code, desk.file.read_bytes(), desk.sandbox.log) == (1, before, [])
    assert f"If nobody has it open, delete {owner.name}." in ran.err
    owner.unlink()
    assert desk.export().code == 0
    synced = desk.folder / "OneDrive" / desk.file.name
    synced.parent.mkdir()
    shutil.copy(desk.file, synced)
    assert refuse_overwriting(synced, lambda _: None)
    with pytest.raises(WorkbookError, match="is open in another program"):
        refuse_overwriting(synced, lambda path: path)
    named = desk.file.rename(desk.file.with_name("anna's october.xlsx"))
    hand = Hand(named)
    hand.approve("units:52")
    hand.save()
    ran = desk.export("--output", str(named))
    assert f"`xlsync check {shlex.quote(str(named))}`" in ran.err


@pytest.mark.parametrize("is_there", [True, False])
def test_export_never_overwrites_what_was_edited_or_made_while_it_read(desk: Desk, is_there: bool) -> None:
    theirs = desk.folder / "theirs.xlsx"
    desk.file.rename(theirs)
    hand = Hand(theirs)
    hand.approve("units:52")
    hand.save()
    if is_there:
        desk.export()
    desk.sandbox.fail("call", path="GET /procurement/catalog$", call=lambda: theirs.replace(desk.file))
    ran = desk.export("--refresh")
    assert (ran.code, list(ran.json)) == (1, ["error"])
    assert "made or changed while xlsync worked, so it is not overwritten" in ran.err
    assert desk.read().get(MISMATCHES, "units:52", "Approve") == "Yes"


def test_export_into_a_folder_that_is_not_there_is_told(desk: Desk) -> None:
    ran = desk.export("--output", str(desk.folder / "nowhere" / "x.xlsx"))
    assert (ran.code, desk.sandbox.log) == (1, [])
    assert "nowhere" in ran.err
    assert "Traceback" not in ran.err


def test_export_of_another_month_stands_beside(desk: Desk) -> None:
    ran = desk.run("export", "--month", "2026-09", "--json")
    assert ran.code == 0
    assert Path(ran.json["workbook"]).name == "xlsync-2026-09.xlsx"
    assert desk.file.exists()


def test_a_month_without_billing_is_an_empty_workbook_and_no_error(desk: Desk) -> None:
    ran = desk.run("export", "--month", "2025-03", "--json")
    assert (ran.code, ran.json["lines"], sum(ran.json["mismatches"].values())) == (0, 0, 0)
    assert desk.run("check", "xlsync-2025-03.xlsx").code == 0
    assert desk.run("apply", "xlsync-2025-03.xlsx", "--yes").code == 0


def test_a_copy_elsewhere_works_as_well(desk: Desk) -> None:
    copy = desk.folder / "Müller & Söhne (copy).xlsx"
    with desk.editing() as hand:
        hand.approve("units:52")
    shutil.copy(desk.file, copy)
    assert desk.run("apply", str(copy), "--yes").code == 0
    assert Hand(copy).get(MISMATCHES, "units:52", "Result").startswith("done")


def test_a_name_that_leaves_no_room_for_what_is_put_beside_it_is_told_before_anything_is_done(
    desk: Desk,
) -> None:
    longest = desk.folder / f"{'x' * 245}.xlsx"  # 250 letters of 255
    desk.file.rename(longest)
    for words in (
        ("check", str(longest)),
        ("apply", str(longest), "--yes"),
        ("export", "--month", "2026-10", "--output", f"{'x' * 300}.xlsx"),
        ("report", str(longest), "--output", f"{'x' * 300}.xlsx"),
    ):
        desk.forget_log()
        ran = desk.run(*words)
        assert ran.code == 1
        assert "name of a file is too long" in ran.err
        assert not desk.sandbox.writes
    assert [file.name for file in desk.folder.glob("*.xlsx")] == [longest.name]


def test_a_yes_where_nothing_can_be_written_is_named_and_stops_nothing_else(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52", "only:62")
        ignored = hand.place(MISMATCHES, "units:69", "Approve")
        hand.set(MISMATCHES, "units:69", {"Action": "Ignore", "Approve": "Yes"})
        without_action = hand.place(MISMATCHES, "only:62", "Approve")
    ran = desk.apply()
    assert (ran.code, ran.json["done"]) == (0, 1)
    assert (
        f"{without_action}: Nothing is written for this row (only in ConnectWise), as it has no Action"
        in ran.err
    )
    assert f"{ignored}: Nothing is written for this row (its Action is Ignore)" in ran.err


def test_yes_over_limit_lifts_the_limits_for_its_own_row_only(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.set(MISMATCHES, "units:52", {"New Units": 50_000, "Approve": "Yes"})
    assert (desk.apply().code, desk.sent()) == (1, [])
    with desk.editing() as hand:
        hand.set(MISMATCHES, "units:52", {"Approve": "yes, over limit"})
        hand.set(MISMATCHES, "units:69", {"New Units": 50_000, "Approve": "Yes"})
    assert (desk.apply().code, desk.sent()) == (1, [])
    with desk.editing() as hand:
        hand.set(MISMATCHES, "units:69", {"Approve": None})
    ran = desk.apply()
    assert (ran.code, ran.json["done"]) == (0, 1)
