"""A workbook that somebody has open: noticed, written through its program, else beside it."""

from __future__ import annotations

import datetime as dt
import fnmatch
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.helpers.desk import Desk
from tests.helpers.file_workbook import FileWorkbook
from tests.helpers.hand import MISMATCHES
from xlsync.commands import apply as reviews
from xlsync.commands.check import check_workbook
from xlsync.config import load_settings
from xlsync.errors import WorkbookError
from xlsync.excel import window as excel
from xlsync.excel.open_file import (
    Cells,
    OpenWorkbook,
    changed_cells,
    is_locked,
    owner_file,
    reach,
    replaced_under,
    saved_through,
)
from xlsync.gather.systems import Systems
from xlsync.records import replace
from xlsync.workbook.layout import MEMORY
from xlsync.workbook.read import read_workbook
from xlsync.workbook.save import Save, backup_path, save_beside, save_in_place, save_or_beside
from xlsync.xlsx.package import Package

OWNERS = ("~$xlsync-2026-10.xlsx", ".~lock.xlsync-2026-10.xlsx#")
BESIDE = "xlsync-2026-10.results.xlsx"


class Stubborn(FileWorkbook):
    """A workbook whose program lets nobody in, as Excel while a cell is edited."""

    def write(self, cells: Cells) -> None:  # noqa: ARG002
        raise WorkbookError("Excel did not do it: the call was rejected")

    @contextmanager
    def put_away(self) -> Iterator[None]:
        raise WorkbookError("Excel did not do it: the call was rejected")
        yield


class Noting(FileWorkbook):
    """A workbook that notes down which cells are written."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, lambda _question: True)
        self.cells: dict[str, list[object]] = {}
        self.saved = 0

    def save(self) -> None:
        self.saved += 1

    def write(self, cells: Cells) -> None:
        for title, of_sheet in cells.items():
            self.cells[title] = list(of_sheet.values())
        super().write(cells)


def nobody(_path: Path) -> OpenWorkbook | None:
    return None


def yes(_question: str) -> bool:
    return True


def applied(desk: Desk, save: Save | None) -> Path:
    """Apply an approved row, and put the results where `save` says."""
    with desk.editing() as hand:
        hand.approve("units:52")
    with Systems(load_settings(bss=False, connectwise=True)) as systems:
        review = reviews.review_workbook(systems, desk.file)
        now = dt.datetime.now(dt.UTC)
        return reviews.perform_review(systems, review, now, save=save)[2]


# noticing


@pytest.mark.parametrize("name", OWNERS)
def test_the_owner_file_of_excel_and_of_libreoffice_is_noticed(tmp_path: Path, name: str) -> None:
    path = tmp_path / "xlsync-2026-10.xlsx"
    assert owner_file(path) is None
    (tmp_path / name).touch()
    assert owner_file(path) == tmp_path / name


def test_a_file_that_may_be_written_is_not_locked_and_one_that_is_not_there_neither(tmp_path: Path) -> None:
    (tmp_path / "book.xlsx").touch()
    assert not is_locked(tmp_path / "book.xlsx")
    assert not is_locked(tmp_path / "none.xlsx")
    assert is_locked(tmp_path)  # what the system refuses to open for writing


def test_a_closed_workbook_is_written_in_its_place_and_nothing_is_said(desk: Desk) -> None:
    place = reach(desk.file, nobody)
    assert (place.results, place.renewed, place.notice) == (save_or_beside, save_in_place, "")


def test_an_open_workbook_that_no_excel_answers_for_is_left_alone(desk: Desk) -> None:
    desk.file.with_name(OWNERS[0]).touch()
    place = reach(desk.file, nobody)
    assert (place.results, place.renewed) == (save_beside, save_beside)
    assert BESIDE in place.notice
    assert place.notice.endswith(f". If nobody has it open, delete {OWNERS[0]}.")


def test_the_file_beside_an_open_workbook_that_is_named_is_the_one_that_is_written(desk: Desk) -> None:
    desk.file.with_name(OWNERS[0]).touch()
    desk.file.with_name(BESIDE).touch()
    place = reach(desk.file, nobody)
    written = place.results(read_workbook(desk.file))
    assert f" and {written.name} is written instead." in place.notice


def refuse_to_open(patch: pytest.MonkeyPatch, file: Path, mode: str = "") -> None:
    """Let the system refuse to open a file, in one mode or in all: who runs the tests may be allowed to."""
    opened = Path.open

    def refuse(self: Path, *words: Any, **more: Any) -> Any:
        if self == file and (not mode or mode in words):
            raise PermissionError(13, "Permission denied")
        return opened(self, *words, **more)

    patch.setattr(Path, "open", refuse)


def test_a_locked_workbook_without_an_owner_file_is_left_alone_too(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_to_open(monkeypatch, desk.file, "r+b")
    place = reach(desk.file, nobody)
    assert place.results is save_beside
    assert "may not be written" in place.notice


def test_a_folder_is_told_and_not_taken_for_an_open_workbook(desk: Desk) -> None:
    for command in ("check", "apply", "invoice"):
        ran = desk.run(command, str(desk.folder))
        assert (ran.code, ran.out) == (1, "")
        assert "is a folder, not a workbook" in ran.err
        assert "another program" not in ran.err


def test_a_file_that_may_not_be_read_is_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_to_open(monkeypatch, desk.file)
    ran = desk.run("check", str(desk.file))
    assert ran.code == 1
    assert "cannot be read: Permission denied" in ran.err
    assert "another program" not in ran.err


def test_a_folder_that_may_not_be_written_to_is_told_but_a_dry_run_reads_there(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    with desk.editing() as hand:
        hand.approve("units:52")
    monkeypatch.setattr(os, "access", lambda _path, mode: mode != os.W_OK)
    for words in (("check",), ("apply", "--yes")):
        ran = desk.run(*words, str(desk.file))
        assert (ran.code, desk.sent()) == (1, [])
        assert "may not be written to" in ran.err
    assert desk.apply("--dry-run").code == 0
    assert desk.run("invoice", str(desk.file)).code == 0, "it only previews where it is off"


def test_a_workbook_that_excel_has_open_is_saved_before_it_is_read(desk: Desk) -> None:
    desk.file.with_name(OWNERS[0]).touch()
    workbook = Noting(desk.file)
    place = reach(desk.file, lambda path: workbook if path == desk.file else None)
    assert workbook.saved == 1
    assert "through Excel" in place.notice


def test_a_workbook_with_autosave_is_refused_before_it_is_saved_and_read_in_a_dry_run(desk: Desk) -> None:
    desk.file.with_name(OWNERS[0]).touch()
    workbook = Noting(desk.file)
    workbook.is_shared = True
    with pytest.raises(WorkbookError, match="is open in Excel with AutoSave") as told:
        reach(desk.file, lambda _: workbook)
    assert "Turn AutoSave off" in told.value.hint
    assert workbook.saved == 0
    assert "was saved" in reach(desk.file, lambda _: workbook, is_written=False).notice


def test_an_excel_that_left_no_trace_is_asked_where_a_sync_client_holds_the_workbook(desk: Desk) -> None:
    """It opened the workbook from the cloud: no owner file, no lock."""
    workbook = Noting(desk.file)
    place = reach(desk.file, lambda _: workbook, is_synced=lambda _: False)
    assert (place.results, workbook.saved) == (save_or_beside, 0)
    workbook.is_shared = True
    with pytest.raises(WorkbookError, match="others may edit it"):
        reach(desk.file, lambda _: workbook, is_synced=lambda _: True)
    place = reach(desk.file, nobody, is_synced=lambda _: True)
    assert (place.results, place.notice) == (save_or_beside, "")


class Unnamed:
    """A workbook as xlwings shows one whose file it cannot find."""

    @property
    def fullname(self) -> str:
        raise OSError("Couldn't find the local location of your OneDrive")


class Named:
    """A workbook as xlwings shows it, with the properties of its Excel."""

    def __init__(self, fullname: Path | str, **api: object) -> None:
        self.fullname, self.api = str(fullname), SimpleNamespace(**api)


def test_a_workbook_that_xlwings_cannot_name_does_not_hide_the_others(desk: Desk) -> None:
    named, elsewhere = Named(desk.file), Named("https://example.sharepoint.com/other.xlsx")
    assert list(excel.books_of_file([Unnamed(), elsewhere, named], desk.file)) == [named]


class FromCloud:
    """A workbook that Excel opened from the cloud, and xlwings finds no folder for."""

    def __init__(self, address: str, *, is_mac: bool = False) -> None:
        name = SimpleNamespace(get=lambda: address)
        self.api = SimpleNamespace(full_name=name) if is_mac else SimpleNamespace(FullName=address)
        self.app = None

    @property
    def fullname(self) -> str:
        raise OSError("Couldn't find your local OneDrive file")


@pytest.mark.parametrize("is_mac", [True, False])
def test_a_workbook_opened_from_the_cloud_is_that_of_the_folder_which_a_client_holds(
    desk: Desk, is_mac: bool
) -> None:
    address = f"https://example.sharepoint.com/sites/x/{desk.file.name.upper()}"
    cloud = FromCloud(address, is_mac=is_mac)
    other = FromCloud("https://example.sharepoint.com/sites/x/other%20month.xlsx", is_mac=is_mac)
    books = [other, cloud]
    assert list(excel.books_of_file(books, desk.file, lambda _: True)) == [cloud]
    assert list(excel.books_of_file(books, desk.file, lambda _: False)) == []
    march = FromCloud("https://example.sharepoint.com/sites/x/M%C3%A4rz.xlsx", is_mac=is_mac)
    as_macos_names_it = desk.file.with_name("Ma\N{COMBINING DIAERESIS}rz.xlsx")
    assert list(excel.books_of_file([march], as_macos_names_it, lambda _: True)) == [march]
    assert excel.is_shared(cloud)
    assert excel.ExcelWorkbook(cloud).full_name is None
    assert excel.describe_open([*books, Unnamed(), Named(desk.file)]) == (
        excel.OpenInExcel("other month.xlsx", True),
        excel.OpenInExcel(desk.file.name.upper(), True),
        excel.OpenInExcel(desk.file.name, False),
    )


@pytest.mark.parametrize(
    ("book", "shared"),
    [
        (Named("a.xlsx", AutoSaveOn=True), True),
        (Named("a.xlsx", AutoSaveOn=False, MultiUserEditing=True), True),
        (Named("https://example.sharepoint.com/a.xlsx"), True),
        (Named("a.xlsx", AutoSaveOn=False, MultiUserEditing=False), False),
        (Named("a.xlsx"), False),
        (Unnamed(), False),
    ],
)
def test_autosave_sharing_and_cloud_addresses_are_recognised(book: object, shared: bool) -> None:
    assert excel.is_shared(book) is shared


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has a dialog of its own")
def test_the_dialog_for_reports_offers_every_kind_of_file_that_is_read() -> None:
    filters: list[str] = []

    def choose(offered: str, *_: object) -> bool:
        filters.extend(offered.partition(",")[2].split(";"))
        return False

    app = SimpleNamespace(api=SimpleNamespace(GetOpenFilename=choose))
    assert excel.ExcelWorkbook(SimpleNamespace(app=app)).choose_file("The report") is None
    for name in (
        "a.xlsx",
        "a.xlsm",
        "a.xlsb",
        "a.xls",
        "a.ods",
        "a.csv",
        "a.tsv",
        "a.txt",
        "a.zip",
        "a.csv.gz",
    ):
        assert any(fnmatch.fnmatch(name, pattern) for pattern in filters), name


def test_without_desktop_excel_no_workbook_is_found_in_it(desk: Desk) -> None:
    assert excel.find_in_excel(desk.file, "linux") is None
    assert excel.find_in_excel(desk.file, "win32") is None  # xlwings refuses to look on this machine


# writing


def test_results_are_written_into_the_cells_that_changed_and_no_others(desk: Desk) -> None:
    before = read_workbook(desk.file)
    workbook = Noting(desk.file)
    assert applied(desk, saved_through(workbook)) == desk.file
    assert workbook.cells.keys() == {MISMATCHES, MEMORY}  # the hidden sheet notes the run
    (result,) = workbook.cells[MISMATCHES]
    assert str(result).startswith("done")
    assert desk.read().get(MISMATCHES, "units:52", "Result") == result
    after = read_workbook(desk.file).about  # and the checksum holds
    assert len(after.noted) == 1
    assert replace(after, noted=()) == before.about


def test_before_results_are_written_a_backup_is_left(desk: Desk) -> None:
    applied(desk, saved_through(Noting(desk.file)))
    backup = read_workbook(backup_path(desk.file))
    row = next(row for row in backup.rows[MISMATCHES] if row.key == "units:52")
    assert (row.text("Approve"), row.text("Result")) == ("Yes", "")


def test_results_that_the_program_does_not_take_go_beside_it(desk: Desk) -> None:
    written = applied(desk, saved_through(Stubborn(desk.file, yes)))
    assert written.name == BESIDE
    assert desk.addition(52)["quantity"] == 18
    assert desk.read().get(MISMATCHES, "units:52", "Result") is None
    row = next(row for row in read_workbook(written).rows[MISMATCHES] if row.key == "units:52")
    assert row.text("Result").startswith("done")


def test_results_of_a_workbook_that_was_edited_in_excel_meanwhile_go_beside_it(desk: Desk) -> None:
    """Its rows may stand elsewhere by now."""
    written = applied(desk, saved_through(FileWorkbook(desk.file, yes, is_edited=True)))
    assert written.name == BESIDE
    assert desk.read().get(MISMATCHES, "units:52", "Result") is None


def test_a_check_leaves_a_workbook_that_was_edited_in_excel_meanwhile_as_it_is(desk: Desk) -> None:
    """To close it would lose what was typed."""
    before = desk.file.read_bytes()
    save = replaced_under(FileWorkbook(desk.file, yes, is_edited=True))
    with (
        Systems(load_settings(bss=True, connectwise=True)) as systems,
        pytest.raises(WorkbookError, match="was edited in Excel while xlsync worked"),
    ):
        check_workbook(systems, desk.file, dt.datetime(2026, 11, 20, tzinfo=dt.UTC), save=save)
    assert (desk.file.read_bytes(), list(desk.folder.glob("*results*"))) == (before, [])


@pytest.mark.parametrize(
    ("api", "edited"),
    [
        (SimpleNamespace(Saved=False), True),
        (SimpleNamespace(Saved=True), False),
        (SimpleNamespace(saved=SimpleNamespace(get=lambda: False)), True),
        (SimpleNamespace(saved=SimpleNamespace(get=lambda: True)), False),
        (SimpleNamespace(), False),
    ],
)
def test_edits_that_are_not_saved_are_recognised_on_both_systems(api: SimpleNamespace, edited: bool) -> None:
    assert excel.ExcelWorkbook(SimpleNamespace(api=api, app=None)).is_edited is edited


@pytest.mark.parametrize("make", [FileWorkbook, Stubborn])
def test_a_check_replaces_the_file_while_the_program_puts_it_away_else_goes_beside_it(
    desk: Desk, make: Callable[[Path, Callable[[str], bool]], OpenWorkbook]
) -> None:
    before = desk.file.read_bytes()
    with Systems(load_settings(bss=True, connectwise=True)) as systems:
        now = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
        checked = check_workbook(systems, desk.file, now, save=replaced_under(make(desk.file, yes)))
    assert checked.path.name == (BESIDE if make is Stubborn else desk.file.name)
    assert (desk.file.read_bytes() == before) == (make is Stubborn)
    assert read_workbook(checked.path).about.exported_at == "2026-11-20 00:00"


def test_a_program_that_does_not_open_the_renewed_file_again_has_it_all_the_same(desk: Desk) -> None:
    class Reluctant(FileWorkbook):
        """It closes the workbook, and cannot open it again."""

        @contextmanager
        def put_away(self) -> Iterator[None]:
            yield
            raise WorkbookError("Excel did not do it")

    with Systems(load_settings(bss=True, connectwise=True)) as systems:
        now = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
        save = replaced_under(Reluctant(desk.file, yes))
        assert check_workbook(systems, desk.file, now, save=save).path == desk.file
    assert not desk.file.with_name(BESIDE).exists()


def test_only_cells_that_differ_are_changed_whatever_their_kind(desk: Desk) -> None:
    before, after = Package.open(desk.file), Package.open(desk.file)
    assert changed_cells(before, after) == {}
    after.change_cells(MISMATCHES, {(1, 12): Decimal("17.5"), (2, 16): "=1+1", (500, 40): "far"})
    assert changed_cells(before, after) == {
        MISMATCHES: {(1, 12): Decimal("17.5"), (2, 16): "=1+1", (500, 40): "far"}
    }


def test_there_is_nothing_to_write_into_a_workbook_that_was_never_saved() -> None:
    with pytest.raises(WorkbookError):
        FileWorkbook(None, yes).write({})


# the commands


@pytest.mark.parametrize("name", OWNERS)
def test_check_of_an_open_workbook_goes_beside_it_and_says_so(desk: Desk, name: str) -> None:
    desk.file.with_name(name).touch()
    before = desk.file.read_bytes()
    told = desk.check()
    assert told.code == 0
    assert desk.file.read_bytes() == before
    assert told.json["workbook"].endswith(BESIDE)
    assert "is open in another program" in told.err
    assert read_workbook(desk.file.with_name(BESIDE)).about.month == "2026-10"


def test_apply_of_an_open_workbook_writes_the_results_beside_it_and_says_so(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52")
    desk.file.with_name(OWNERS[0]).touch()
    before = desk.file.read_bytes()
    told = desk.apply()
    assert told.code == 0
    assert desk.addition(52)["quantity"] == 18
    assert desk.file.read_bytes() == before
    assert f"theresultsarein{desk.file.with_name(BESIDE)}" in "".join(told.err.split())


def test_a_dry_run_of_an_open_workbook_says_that_it_is_open_and_nothing_of_writing(desk: Desk) -> None:
    (desk.folder / f"~${desk.file.name}").write_bytes(b"\x04someone")
    told = desk.run("apply", str(desk.file), "--dry-run").err
    assert (
        f"{desk.file.name} is open in another program: what was not saved there is not seen. If nobody"
        in told
    )
    assert "written instead" not in told
