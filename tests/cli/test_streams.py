"""Output on Windows: files get every letter, a reader that goes away is told, cmd reads the quotes."""

from __future__ import annotations

import errno
import io
import sys
from typing import Any

import pytest
import typer

from xlsync.cli.streams import NO_READER, output_that_fails_is_an_error, show_what_can_be_shown
from xlsync.cli.terminal import errors_in_words
from xlsync.printable import as_typed


class BrokenOnce(io.BytesIO):
    """A pipe of Windows whose reader went away before the first bytes."""

    is_broken = True

    def write(self, data: Any) -> int:
        if self.is_broken:
            self.is_broken = False
            raise OSError(errno.EINVAL, "Invalid argument")
        return super().write(data)


@pytest.mark.parametrize(
    ("system", "asked", "written"),
    [
        ("win32", "", "Łódź ü".encode()),
        ("win32", "cp1252", b"?\xf3d? \xfc"),
        ("linux", "", b"?\xf3d? \xfc"),
    ],
)
def test_a_file_gets_every_letter_on_windows_unless_an_encoding_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, system: str, asked: str, written: bytes
) -> None:
    monkeypatch.delenv("PYTHONIOENCODING", raising=False)
    if asked:
        monkeypatch.setenv("PYTHONIOENCODING", asked)
    file = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(file, encoding="cp1252"))
    show_what_can_be_shown(system)
    sys.stdout.write("Łódź ü")
    sys.stdout.flush()
    assert file.getvalue() == written


def test_a_reader_that_goes_away_on_windows_is_told_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(BrokenOnce(), encoding="utf-8"))
    with pytest.raises(SystemExit, match="1"), output_that_fails_is_an_error():
        sys.stdout.write("help")
    assert capsys.readouterr().err == f"Error: {NO_READER}.\n"


@pytest.mark.parametrize(
    ("system", "path", "shown"),
    [
        ("win32", r"C:\Billing\xlsync-2026-10.xlsx", r"C:\Billing\xlsync-2026-10.xlsx"),
        ("win32", r"C:\Müller & Co\10.xlsx", r'"C:\Müller & Co\10.xlsx"'),
        ("linux", "/home/müller & co/10.xlsx", "'/home/müller & co/10.xlsx'"),
    ],
)
def test_a_path_in_a_command_to_type_has_the_quotes_that_the_system_reads(
    system: str, path: str, shown: str
) -> None:
    assert as_typed(path, system) == shown


def test_a_server_that_refuses_the_user_is_told_without_a_traceback(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Windows says so with a number that stands for almost anything."""
    with pytest.raises(typer.Exit), errors_in_words():
        raise OSError(errno.EINVAL, "The user name or password is incorrect", r"\\files\billing\10.xlsx")
    told = r"Error: \\files\billing\10.xlsx cannot be reached: The user name or password is incorrect."
    assert told in capsys.readouterr().err
