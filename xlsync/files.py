"""Files on disk: read with one clear message, written in one step, known again by their digest."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from xlsync.errors import WorkbookError

SAVE_AGAIN: Final = "Save it in Excel as a workbook (.xlsx) and try again."


def read_file(path: Path) -> bytes:
    """A workbook file's content."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise WorkbookError(f"{path} does not exist", "Check the name and the folder.") from None
    except PermissionError:
        raise WorkbookError(f"{path} may not be read", "Close it where it is open, and try again.") from None
    except OSError as error:
        raise WorkbookError(
            f"{path} cannot be read: {error.strerror}", "Check the name and the folder."
        ) from None


def digest_of(data: bytes) -> str:
    """By which a file is known again, byte for byte."""
    return hashlib.sha256(data).hexdigest()


def write_file(path: Path, data: bytes, backup: Path | None) -> None:
    """Put a workbook there in one step; `backup` gets a copy of the old one first, in one step too."""
    path = Path(os.path.realpath(path))  # a link stays a link
    try:
        if backup is not None and path.exists():
            with _in_one_step(backup) as temporary:
                shutil.copy2(path, temporary)
        with _in_one_step(path) as temporary:
            with temporary.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            if path.exists():
                shutil.copymode(path, temporary)
    except PermissionError:
        raise WorkbookError(
            f"{path.name} cannot be written: it is open in Excel, or the folder may not be written to",
            "Close the workbook and try again.",
        ) from None
    except OSError as error:
        raise WorkbookError(
            f"{path} cannot be written: {error.strerror}", "Check the folder and the disk."
        ) from None


@contextmanager
def _in_one_step(path: Path) -> Iterator[Path]:
    """A file beside that becomes this one once it is complete."""
    temporary = path.with_name(f".xlsync-{secrets.token_hex(8)}.tmp")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
