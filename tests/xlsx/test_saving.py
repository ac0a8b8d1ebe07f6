"""Workbooks are saved in one step, with a backup."""

from __future__ import annotations

import base64
import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import python_calamine

from tests.helpers.workbooks import BUSY, SHEET, loaded, parts, reordered
from xlsync.errors import WorkbookError
from xlsync.files import write_file
from xlsync.xlsx.cells import Row, letters
from xlsync.xlsx.package import Package
from xlsync.xlsx.parts import Deflated


def test_the_same_parts_give_the_same_bytes() -> None:
    assert reordered().to_bytes() == reordered().to_bytes()


def test_a_part_that_did_not_change_is_written_as_it_was_read() -> None:
    slow = io.BytesIO()
    with zipfile.ZipFile(slow, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for part, content in parts(BUSY).items():
            archive.writestr(part, content)
    package = Package.from_bytes(slow.getvalue())
    package.hold_compressed()
    package.change_cells(SHEET, {(1, 2): "x"})
    with zipfile.ZipFile(slow) as was, zipfile.ZipFile(io.BytesIO(package.to_bytes())) as now:
        assert now.testzip() is None
        changed = [old.filename for old in was.infolist() if now.read(old.filename) != was.read(old.filename)]
        sizes = {
            old.filename: (old.compress_size, now.getinfo(old.filename).compress_size)
            for old in was.infolist()
        }
    assert changed == ["xl/worksheets/sheet1.xml"]
    assert {part for part, (before, after) in sizes.items() if before != after} == set(changed)


def test_what_hardly_repeats_itself_is_compressed_as_well_as_the_rest() -> None:
    packed_before = base64.b64encode(os.urandom(300_000))
    picture = os.urandom(300_000)
    rows = b'<c r="A1"><v>1</v></c>' * 20_000
    for content, most in ((packed_before, 0.76), (picture, 1.01), (rows, 0.02), (b"", 9)):
        deflated = Deflated.made_of(content)
        assert deflated.content() == content
        assert len(deflated.stream) <= max(most * len(content), 9)


def test_saving_leaves_a_backup_and_no_other_file(tmp_path: Path) -> None:
    path, backup = tmp_path / "book.xlsx", tmp_path / "book.backup.xlsx"
    path.write_bytes(BUSY)
    package = Package.open(path)
    package.change_cells(SHEET, {(1, 2): "x"})
    package.save(path, backup=backup)
    assert backup.read_bytes() == BUSY
    assert path.read_bytes() == package.to_bytes()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["book.backup.xlsx", "book.xlsx"]


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
def test_the_last_five_backups_are_kept(tmp_path: Path) -> None:
    path, backup = tmp_path / "book.xlsx", tmp_path / "book.backup.xlsx"
    for number in range(8):
        write_file(path, b"%d" % number, backup)
    kept = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert kept == {"book.xlsx": b"7", "book.backup.xlsx": b"6"} | {
        f"book.backup-{number}.xlsx": b"%d" % (7 - number) for number in range(2, 6)
    }
    write_file(path, b"7", backup)
    write_file(path, b"8", backup)  # what is a backup already is not kept twice
    assert (tmp_path / "book.backup-2.xlsx").read_bytes() == b"6"


@pytest.mark.skipif(os.name == "nt", reason="only here a process can be kept from writing much")
@pytest.mark.parametrize("room", [0.5, 1.5])
def test_a_full_disk_leaves_the_workbook_and_its_backup_as_they_were(tmp_path: Path, room: float) -> None:
    path, backup = tmp_path / "month.xlsx", tmp_path / "month.backup.xlsx"
    path.write_bytes(b"now" * 1000)
    backup.write_bytes(b"before" * 500)
    program = (
        "import resource, signal, sys; from pathlib import Path; from xlsync.files import write_file; "
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({int(3000 * room)}, {int(3000 * room)})); "
        f"write_file(Path({str(path)!r}), bytes(6000), Path({str(backup)!r}))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "cannot be written" in ran.stderr
    assert path.read_bytes() == b"now" * 1000
    assert backup.read_bytes() == (b"before" * 500 if room < 1 else b"now" * 1000)
    others = {file.name: file.read_bytes() for file in tmp_path.iterdir() if file not in {path, backup}}
    assert others == ({} if room < 1 else {"month.backup-2.xlsx": b"before" * 500})


def test_saving_keeps_permissions_and_links(tmp_path: Path) -> None:
    path, link = tmp_path / "book.xlsx", tmp_path / "link.xlsx"
    path.write_bytes(BUSY)
    path.chmod(0o640)
    link.symlink_to(path)
    Package.open(link).save(link)
    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(WorkbookError, match="cannot be written"):
        Package.from_bytes(BUSY).save(tmp_path / "none" / "book.xlsx")


@pytest.mark.skipif(
    os.name == "nt" or not hasattr(os, "geteuid") or os.geteuid() == 0, reason="needs a plain POSIX user"
)
def test_a_folder_that_may_not_be_written_to_is_named_and_a_workbook_in_it_may_be_open(
    tmp_path: Path,
) -> None:
    (tmp_path / "old.xlsx").write_bytes(BUSY)
    tmp_path.chmod(0o500)
    with pytest.raises(WorkbookError, match=f"^{tmp_path}/book.xlsx cannot be written: the folder may not"):
        Package.from_bytes(BUSY).save(tmp_path / "book.xlsx")
    with pytest.raises(WorkbookError, match="open in Excel, or the folder may not be written to"):
        Package.from_bytes(BUSY).save(tmp_path / "old.xlsx")


def test_large_sheets_read_back_whole() -> None:
    package = Package.from_bytes(BUSY)
    package.replace_rows(
        SHEET, [Row(None, {0: f"k{number}", 1: number, 2: "same"}) for number in range(3000)]
    )
    with python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(package.to_bytes())) as book:
        rows = book.get_sheet_by_name(SHEET).to_python()
    assert [row[0] for row in rows[1:3001]] == [f"k{number}" for number in range(3000)]
    assert loaded(package).tables["T"].ref == f"A1:{letters(3)}3001"
