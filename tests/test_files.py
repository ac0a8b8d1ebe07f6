"""Files are written in one step, and what keeps xlsync from it is told for what it is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from xlsync.config import load_settings
from xlsync.errors import ConfigError, WorkbookError, XlsyncError
from xlsync.excel.open_file import refuse_unusable
from xlsync.files import LONGEST, patiently, read_file, refuse_long, write_file
from xlsync.links.exchange import Shared, read_csv, write_csv


class Held:
    """A file that another program holds for the first few tries."""

    def __init__(self, tries: int) -> None:
        self.left = tries
        self.waited = 0.0

    def replace(self) -> None:
        if self.left:
            self.left -= 1
            raise PermissionError(13, "The process cannot access the file")

    def pause(self, seconds: float) -> None:
        self.waited += seconds


@pytest.mark.parametrize("tries", [0, 1, 5])
def test_a_file_that_is_held_for_a_moment_is_replaced_when_it_is_let_go(tries: int) -> None:
    held = Held(tries)
    patiently(held.replace, held.pause)
    assert held.left == 0
    assert held.waited <= 3


def test_a_file_that_stays_held_is_told_after_some_seconds() -> None:
    held = Held(99)
    with pytest.raises(PermissionError):
        patiently(held.replace, held.pause)
    assert 2 < held.waited < 5


@pytest.mark.parametrize(("end", "longest", "who"), [("", LONGEST, "Windows"), (".xlsx", 218, "Excel")])
def test_a_path_longer_than_windows_or_excel_takes_is_told_there(end: str, longest: int, who: str) -> None:
    path = Path(f"/{'x' * (longest - 1 - len(end))}{end}")
    refuse_long(path, "win32")
    longer = path.with_name(f"x{path.name}")
    refuse_long(longer, "linux")
    with pytest.raises(WorkbookError, match=f"has {longest + 1} characters; {who} takes {longest}"):
        refuse_long(longer, "win32")


@pytest.mark.skipif(not Path("/proc").exists(), reason="a folder is needed that refuses everybody")
@pytest.mark.parametrize("name", ["xlsync.toml", "report.pdf"])
def test_what_is_no_workbook_is_not_said_to_be_open_in_excel(name: str) -> None:
    with pytest.raises(WorkbookError) as refused:
        write_file(Path("/proc") / name, b"x", None)
    assert "Excel" not in refused.value.message + refused.value.hint
    assert "keeps this program out of its folder" in refused.value.message  # as Windows keeps it out of some


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes of this kind on Windows")
def test_a_pipe_is_never_read_or_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever opens one waits for the other end, for ever."""
    pipe = tmp_path / "xlsync.toml"
    os.mkfifo(pipe)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WorkbookError, match="it is no file"):
        read_file(pipe)
    with pytest.raises(WorkbookError, match="it is no file"):
        refuse_unusable(pipe, is_written=False)
    with pytest.raises(WorkbookError, match="it is no file"):
        write_file(pipe, b"", None)
    with pytest.raises(XlsyncError, match="it is no file"):
        write_csv(pipe, "demo", Shared((), ()))
    with pytest.raises(XlsyncError, match="it is no file"):
        read_csv(pipe, "demo")
    with pytest.raises(ConfigError, match="it is no file"):
        load_settings(bss=False, connectwise=True, environ={})


@pytest.mark.skipif(not Path("/sys").exists(), reason="a folder is needed that refuses everybody")
def test_a_backup_that_cannot_be_written_is_not_told_as_an_open_workbook(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    path.write_bytes(b"old")
    with pytest.raises(WorkbookError) as refused:
        write_file(path, b"new", Path("/sys/book.backup.xlsx"))
    assert "one of its backups, book.backup.xlsx to book.backup-5.xlsx, is open" in refused.value.message
    assert (path.read_bytes(), list(tmp_path.iterdir())) == (b"old", [path])


def test_a_folder_is_told_for_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(WorkbookError, match="cannot be read: it is a folder"):
        read_file(tmp_path)
    with pytest.raises(WorkbookError, match="cannot be written: it is a folder"):
        write_file(tmp_path, b"", None)


def test_a_folder_that_is_missing_is_named_as_the_cause(tmp_path: Path) -> None:
    with pytest.raises(WorkbookError, match=r"cannot be written: its folder does not exist$") as caught:
        write_file(tmp_path / "missing" / "report.xlsx", b"", None)
    assert caught.value.hint == "Check the name and the folder."


def test_a_file_too_large_for_a_workbook_is_told_before_it_fills_the_memory(tmp_path: Path) -> None:
    large = tmp_path / "large.xlsx"
    with large.open("wb") as file:
        file.truncate(50 * 10**9)  # takes no room on the disk
    with pytest.raises(WorkbookError, match="it has 50,000 MB"):
        read_file(large)
