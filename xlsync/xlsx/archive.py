"""The zip archive that a workbook is: unpacked with suspicion, packed again as it was."""

from __future__ import annotations

import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Mapping
from typing import Final

from xlsync.errors import WorkbookError
from xlsync.files import SAVE_AGAIN

_MOST_BYTES: Final = 1_500_000_000  # unpacked: far beyond what Excel opens, well below what harms
_MOST_PARTS: Final = 20_000
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # of .xls, and of encrypted workbooks (MS-OFFCRYPTO)
_LEVEL: Final = 1  # of compression: much faster than the default, a little larger


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
