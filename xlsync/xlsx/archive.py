"""The zip archive that a workbook is, and its file on disk: read with suspicion, written in one step."""

from __future__ import annotations

import hashlib
import io
import lzma
import os
import secrets
import shutil
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from xlsync.errors import WorkbookError

SAVE_AGAIN: Final = "Save it in Excel as a workbook (.xlsx) and try again."
_MOST_BYTES: Final = 1_500_000_000  # unpacked: far beyond what Excel opens, well below what harms
_MOST_PARTS: Final = 20_000
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # of .xls, and of encrypted workbooks (MS-OFFCRYPTO)
_LEVEL: Final = 1  # of compression: much faster than the default, a little larger


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


def unpacked(data: bytes, name: str) -> tuple[dict[str, bytes], frozenset[str]]:
    """The parts of a workbook, and which of them were not compressed; `name` is for messages."""
    if data.startswith(_OLE):
        if "EncryptedPackage".encode("utf-16-le") in data:
            raise WorkbookError(
                f"{name} is protected by a password", "Remove the password in Excel, and try again."
            )
        raise WorkbookError(f"{name} is a workbook of an old kind (.xls)", SAVE_AGAIN)
    if not data.startswith(b"PK"):
        raise WorkbookError(f"{name} is not an Excel workbook", SAVE_AGAIN)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            if len(members) > _MOST_PARTS or sum(member.file_size for member in members) > _MOST_BYTES:
                raise WorkbookError(
                    f"{name} is too large to be unpacked", "Use a workbook made by xlsync export."
                )
            parts = {member.filename: archive.read(member) for member in members}
            stored = {member.filename for member in members if member.compress_type == zipfile.ZIP_STORED}
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        struct.error,
        NotImplementedError,
        RuntimeError,
        OSError,
        ValueError,
        lzma.LZMAError,
    ) as error:
        raise WorkbookError(f"{name} is damaged: {error}", "Take a backup of it, or export again.") from None
    return parts, frozenset(stored)


def packed(parts: Mapping[str, bytes], stored: frozenset[str]) -> bytes:
    """A workbook of these parts; the same parts always give the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for part, data in parts.items():
            member = zipfile.ZipInfo(part, (1980, 1, 1, 0, 0, 0))
            member.create_system = 0  # whatever system writes it
            member.compress_type = zipfile.ZIP_STORED if part in stored else zipfile.ZIP_DEFLATED
            archive.writestr(member, data, compresslevel=_LEVEL)
    return buffer.getvalue()


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
