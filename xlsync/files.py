"""Files on disk: reading with clear messages, writing in one step, recognising by digest."""

from __future__ import annotations

import errno
import filecmp
import hashlib
import lzma
import os
import secrets
import shutil
import struct
import sys
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path, PurePath
from typing import Final

from xlsync.errors import WorkbookError

BACKUPS: Final = 5  # backups kept of one workbook
_LARGEST_WORKBOOK: Final = 400_000_000  # bytes, as many as it may have unpacked
LONGEST: Final = 259  # characters of a path, of the 260 with its end (Windows, MAX_PATH)
LONGEST_OF_EXCEL: Final = 218  # characters of a workbook's path: Excel opens no longer one
_OF_EXCEL: Final = {".xlsx", ".xlsm", ".xlam", ".xls"}
_WAITS: Final = (0.1, 0.2, 0.4, 0.8, 1.5)  # seconds
# What zipfile raises for an archive that is damaged, has a password, or is packed in an unknown way.
ZIP_ERRORS: Final = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, NotImplementedError, RuntimeError,
    OSError, ValueError,
)  # fmt: skip
SAVE_AGAIN: Final = "Save it in Excel as a workbook (.xlsx) and try again."


def refuse_special(path: Path) -> None:
    """Raise OSError for a pipe, a device or a folder: reading it, or writing to it, may never end."""
    if path.is_dir():
        raise OSError(errno.EISDIR, "it is a folder", str(path))
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "it is no file", str(path))


def is_reachable(path: Path) -> bool:
    """Return whether a file is there and may be looked at: it may lie in a folder of somebody else."""
    try:
        return path.is_file()
    except OSError:
        return False


def read_regular(path: Path, most: int) -> bytes:
    """Read a regular file of at most so many bytes; raises OSError for any other."""
    refuse_special(path)
    size = path.stat().st_size
    if size > most:
        raise OSError(errno.EFBIG, f"it has {size / 1e6:,.0f} MB, more than {most / 1e6:,.0f}", str(path))
    return path.read_bytes()


def read_file(path: Path) -> bytes:
    """Read a workbook file; raises WorkbookError where it cannot be read."""
    refuse_long(path)
    try:
        return read_regular(path, _LARGEST_WORKBOOK)
    except FileNotFoundError:
        raise WorkbookError(f"{path} does not exist", "Check the name and the folder.") from None
    except PermissionError:
        raise WorkbookError(f"{path} may not be read", "Close it where it is open, and try again.") from None
    except OSError as error:
        raise WorkbookError(
            f"{path} cannot be read: {error.strerror}", "Check the name and the folder."
        ) from None


def digest_of(data: bytes) -> str:
    """Return the SHA-256 digest of a file's bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def write_file(path: Path, data: bytes, backup: Path | None) -> None:
    """Write a file in one step; `backup` gets a copy of the old one first, beside older backups."""
    path = Path(os.path.realpath(path))  # a link stays a link
    refuse_long(path)
    with _errors_in_words(path):
        refuse_special(path)
        if backup is not None and path.exists():
            _copy_to_backup(path, backup)
        with _in_one_step(path) as temporary:
            with temporary.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            if sys.platform != "win32" and path.exists():  # there only a file that nobody may write has one
                shutil.copymode(path, temporary)


def keep_backup(path: Path, backup: Path) -> None:
    """Copy a file to its backup; the backups before it are kept as `NAME.backup-2` to `NAME.backup-5`."""
    with _errors_in_words(path):
        _copy_to_backup(path, backup)


def _copy_to_backup(path: Path, backup: Path) -> None:
    older = [backup.with_name(f"{backup.stem}-{number}{backup.suffix}") for number in range(2, BACKUPS + 1)]
    try:
        if backup.exists() and not filecmp.cmp(path, backup, shallow=False):
            for target, source in pairwise(reversed(older)):
                if source.exists():
                    _replace(source, target)
            with _in_one_step(older[0]) as temporary:
                shutil.copy2(backup, temporary)
        with _in_one_step(backup) as temporary:
            shutil.copy2(path, temporary)
    except PermissionError:
        raise WorkbookError(
            f"{path} is left as it is: one of its backups, {backup.name} to {older[-1].name}, is open in "
            "Excel, or the folder may not be written to",
            "Close the backup and try again, or choose another folder.",
        ) from None


@contextmanager
def _errors_in_words(path: Path) -> Iterator[None]:
    """Raise WorkbookError, with what to do, where a file cannot be written."""
    try:
        yield
    except PermissionError:
        why, hint = "the folder may not be written to", "Choose another folder."
        if os.access(path, os.F_OK):  # False, and no error, in a folder that may not be entered
            is_workbook = path.suffix.lower() in _OF_EXCEL
            why = f"it is open in {'Excel' if is_workbook else 'another program'}, or {why}"
            hint = "Close the workbook and try again." if is_workbook else "Close it there and try again."
        raise WorkbookError(f"{path} cannot be written: {why}", hint) from None
    except OSError as error:
        why, hint = error.strerror or str(error), "Check the folder and the disk."
        if not path.parent.is_dir():
            why, hint = "its folder does not exist", "Check the name and the folder."
        elif isinstance(error, FileNotFoundError):
            why = "the system keeps this program out of its folder"
            hint = "Choose another folder, or let Python through Windows' Controlled folder access."
        raise WorkbookError(f"{path} cannot be written: {why}", hint) from None


def longest_of(path: PurePath) -> int:
    """Return how many characters the path of such a file may have on Windows."""
    return LONGEST_OF_EXCEL if path.suffix.lower() in _OF_EXCEL else LONGEST


def refuse_long(path: Path, system: str = sys.platform) -> None:
    """Raise WorkbookError for a path longer than Windows or Excel takes, which would call it missing."""
    length, longest = len(str(path.absolute())), longest_of(path)
    if system == "win32" and length > longest:
        raise WorkbookError(
            f"{path} has {length} characters; {'Excel' if longest < LONGEST else 'Windows'} takes {longest}.",
            "Choose a shorter name, or a folder that lies less deep.",
        )


def patiently(act: Callable[[], object], pause: Callable[[float], object] = time.sleep) -> None:
    """Call `act`, again where a virus scanner or a sync client holds the file for a moment.

    After about three seconds of refusals the system's PermissionError is raised.
    """
    for wait in _WAITS:
        try:
            act()
        except PermissionError:
            pause(wait)
        else:
            return
    act()


@contextmanager
def _in_one_step(path: Path) -> Iterator[Path]:
    """Yield a temporary file in the same folder that replaces `path` once it is complete."""
    temporary = path.with_name(f".xlsync-{secrets.token_hex(8)}.tmp")
    try:
        yield temporary
        _replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _replace(source: Path, target: Path) -> None:
    patiently(lambda: source.replace(target), time.sleep if sys.platform == "win32" else lambda _: None)
