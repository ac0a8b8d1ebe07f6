"""Replacing the source of one VBA module inside a VBA project; all other streams keep their bytes.

Facts: [MS-OVBA] 2.4.1 (compression), 2.3.4.2 (the `dir` stream), 2.3.4.1 and 2.3.4.3 (compiled code is a
cache that readers must pass over, and do where `_VBA_PROJECT` names version 0xFFFF); [MS-CFB] 2.3 to 2.6
(sectors, directory, mini stream).
"""

from __future__ import annotations

import io
import struct
from typing import Final

import olefile

from xlsync.errors import WorkbookError

_CHUNK: Final = 4096  # bytes of source text: one chunk is enough for a callback
_FREE, _END = 0xFFFFFFFF, 0xFFFFFFFE
_ENTRY: Final = 128  # bytes of a directory entry
_UNCOMPILED: Final = b"\xcc\x61\xff\xff\x00\x01\x00"
_OFFSET: Final = 0x31  # record MODULEOFFSET; 0x19 is MODULENAME
_NAME: Final = 0x19
_VERSION: Final = 0x09  # record PROJECTVERSION, whose size field is wrong by design
_HINT: Final = "Tell the makers of xlsync which version of xlwings is installed."


def compress(text: bytes) -> bytes:
    """Compress a text into a container of one chunk, with the longest copy for each token."""
    tokens = bytearray()
    at = 0
    while at < len(text):
        flags, group = 0, bytearray()
        for bit in range(8):
            if at >= len(text):
                break
            bits = max(4, (at - 1).bit_length())  # bits of the offset; the rest of the 16 is the length
            offset, length = _longest_copy(text, at, (0xFFFF >> bits) + 3)
            if length >= 3:
                group += struct.pack("<H", (offset - 1) << (16 - bits) | (length - 3))
                flags |= 1 << bit
                at += length
            else:
                group.append(text[at])
                at += 1
        tokens += bytes([flags]) + group
    if not 0 < len(tokens) <= _CHUNK or len(text) > _CHUNK:
        raise ValueError("the source does not fit one chunk")
    return b"\x01" + struct.pack("<H", 0xB000 | (len(tokens) - 1)) + bytes(tokens)


def _longest_copy(text: bytes, at: int, most: int) -> tuple[int, int]:
    """Return the distance and length of the longest earlier copy of the bytes at `at`, the farthest of them.

    Copies of fewer than three bytes count as none.
    """
    most = min(most, len(text) - at)
    distance, length = 0, 2
    while length < most:
        start = text.find(text[at : at + length + 1], 0, at + length)
        if start < 0:
            break
        distance, length = at - start, length + 1
        while length < most and text[start + length] == text[at + length]:
            length += 1
    return (distance, length) if distance else (0, 0)


def decompress(data: bytes) -> bytes:
    """Return the text of a compressed container."""
    text = bytearray()
    at = 1
    while at + 2 <= len(data):
        (header,) = struct.unpack_from("<H", data, at)
        end = min(len(data), at + (header & 0xFFF) + 3)
        at += 2
        if not header & 0x8000:
            text += data[at:end]
            at = end
            continue
        begin = len(text)
        while at < end:
            flags = data[at]
            at += 1
            for bit in range(8):
                if at >= end:
                    break
                if not flags >> bit & 1:
                    text.append(data[at])
                    at += 1
                    continue
                (token,) = struct.unpack_from("<H", data, at)
                at += 2
                bits = max(4, (len(text) - begin - 1).bit_length())
                offset, length = (token >> (16 - bits)) + 1, (token & 0xFFFF >> bits) + 3
                for _ in range(length):
                    text.append(text[-offset])
    return bytes(text)


def module_offset(directory: bytes, module: str) -> int:
    """Return the offset of a module's source in its stream, from the decompressed `dir` stream."""
    at, current = 0, b""
    while at + 6 <= len(directory):
        kind, size = struct.unpack_from("<HI", directory, at)
        at += 6
        size = 6 if kind == _VERSION else size
        if kind == _NAME:
            current = directory[at : at + size]
        elif kind == _OFFSET and current == module.encode("ascii"):
            return int.from_bytes(directory[at : at + 4], "little")
        at += size
    raise WorkbookError(f"The VBA project has no module {module}.", _HINT)


def with_source(project: bytes, module: str, source: str) -> bytes:
    """Replace the source of a module in a VBA project; other streams keep their bytes."""
    with olefile.OleFileIO(io.BytesIO(project)) as ole:
        if ole.openstream("VBA/_VBA_PROJECT").read() != _UNCOMPILED:
            raise WorkbookError("The VBA project holds compiled code, which would run in its stead.", _HINT)
        offset = module_offset(decompress(ole.openstream("VBA/dir").read()), module)
        head = ole.openstream(f"VBA/{module}").read()[:offset]
    return _with_stream(project, f"VBA/{module}", head + compress(source.encode("ascii")))


def _with_stream(project: bytes, stream: str, content: bytes) -> bytes:
    """Replace a small stream of a compound file, in its own mini sectors and free ones."""
    data = bytearray(project)
    with olefile.OleFileIO(io.BytesIO(project)) as ole:
        ole.loadminifat()
        entry = ole._find(stream)  # noqa: SLF001 - the number of the entry has no public name
        start = ole.direntries[entry].isectStart
        mini = list(ole.minifat)
        size, sector = int(ole.minisectorsize), int(ole.sectorsize)
        container = _chain(ole.fat, ole.root.isectStart)
        table = _chain(ole.fat, ole.first_mini_fat_sector)
        folder = _chain(ole.fat, ole.first_dir_sector)
        if len(content) >= ole.minisectorcutoff:
            raise WorkbookError("The VBA module would be too long for its place.", _HINT)
    held = _chain(mini, start)
    room = min(len(container) * sector // size, len(table) * sector // 4)
    mini += [_FREE] * (room - len(mini))
    needed = -(-len(content) // size)
    free = [number for number in range(room) if mini[number] == _FREE]
    if needed > len(held) + len(free):
        raise WorkbookError("The VBA project has no room for xlsync's module.", _HINT)
    chain = (held + free)[:needed]

    def place(sectors: list[int], at: int) -> int:
        return (sectors[at // sector] + 1) * sector + at % sector

    for number in held:
        struct.pack_into("<I", data, place(table, number * 4), _FREE)
    for number, after in zip(chain, [*chain[1:], _END], strict=True):
        struct.pack_into("<I", data, place(table, number * 4), after)
    for index, number in enumerate(chain):
        part = content[index * size : (index + 1) * size].ljust(size, b"\0")
        at = place(container, number * size)
        data[at : at + size] = part
    struct.pack_into("<Q", data, place(folder, entry * _ENTRY + 120), len(content))
    at = place(folder, 120)  # size field of the root: the used part of the mini stream
    (used,) = struct.unpack_from("<Q", data, at)
    struct.pack_into("<Q", data, at, max((max(chain) + 1) * size, used))
    return bytes(data)


def _chain(table: list[int], start: int) -> list[int]:
    """Return the sectors of a stream, in order."""
    sectors: list[int] = []
    while start < len(table) and start not in sectors:
        sectors.append(start)
        start = table[start]
    return sectors
