"""The parts of an .xlsx workbook: unpacked from its zip archive, related, packed again (ECMA-376-2)."""

from __future__ import annotations

import io
import posixpath
import re
import struct
import zipfile
import zlib
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable, Iterable, Iterator, Set
from contextlib import contextmanager
from itertools import count
from typing import Final, NamedTuple, Self
from urllib.parse import unquote

from xlsync.errors import WorkbookError
from xlsync.files import SAVE_AGAIN, ZIP_ERRORS
from xlsync.xlsx.cells import escape_markup
from xlsync.xlsx.markup import ANY_PREFIX, attribute, empty_element, with_tags_closed

_MOST_BYTES: Final = 400_000_000  # unpacked: a month of 20,000 lines has less than 100 million
_MOST_TIMES: Final = 250  # larger than packed: a sheet full of rows that are alike stays below 100
_SMALL: Final = 20_000_000  # bytes of a part: however well it is packed, it does no harm
_LARGE: Final = 1_000_000  # bytes of a part
_MOST_PARTS: Final = 20_000
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # of .xls, and of encrypted workbooks (MS-OFFCRYPTO)
_LEVEL: Final = 1  # of compression: much faster than the default, a little larger
_SAMPLE: Final = 20_000  # bytes of a part that show whether it repeats itself
_HARDLY: Final = 0.6  # of its size; XML takes a fifth, a text that was compressed before three quarters

_RELATIONS: Final = "http://schemas.openxmlformats.org/package/2006/relationships"
_ENCODING: Final = re.compile(rb"""(?:\xef\xbb\xbf)?(<\?xml[^>]*?encoding\s*=\s*["'])([\w.-]+)""")
_WIDE: Final = (  # how a part begins whose letters take two bytes, with the mark of its byte order or without
    (BOM_UTF16_LE, "utf-16"),
    (BOM_UTF16_BE, "utf-16"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)
_TYPES: Final = "[content_types].xml"


class Deflated(NamedTuple):
    """The content of a part as a zip archive holds it: compressed, with its checksum and its size."""

    stream: bytes
    checksum: int
    size: int

    @classmethod
    def made_of(cls, content: bytes) -> Self:
        """Compress a content; no repetitions are looked for in what hardly has any, such as a picture."""
        middle = len(content) // 2
        sample = content[middle : middle + _SAMPLE]
        repeats = len(zlib.compress(sample, _LEVEL)) < _HARDLY * len(sample)
        strategy = zlib.Z_DEFAULT_STRATEGY if repeats else zlib.Z_HUFFMAN_ONLY
        packing = zlib.compressobj(_LEVEL, wbits=-zlib.MAX_WBITS, strategy=strategy)
        return cls(packing.compress(content) + packing.flush(), zlib.crc32(content), len(content))

    def content(self) -> bytes:
        """Return the content."""
        return zlib.decompress(self.stream, -zlib.MAX_WBITS, self.size)


class Parts:
    """The parts of one workbook, whose name is for messages; part names know no case (9.1.1).

    `stored` are those that are not compressed in the file, `deflated` the others as the file has them: a part
    that does not change is written as it was read.
    """

    def __init__(
        self, parts: dict[str, bytes], workbook: str, stored: Set[str], deflated: dict[str, Deflated]
    ) -> None:
        self.workbook = workbook
        self._data = parts
        self._stored, self._deflated = stored, deflated
        self._held: set[str] = set()  # held compressed only; their place in `_data` is empty
        self._names = {part.casefold(): part for part in parts}

    def __contains__(self, part: str) -> bool:
        return part in self._data

    def __getitem__(self, part: str) -> bytes:
        return self._deflated[part].content() if part in self._held else self._data[part]

    def hold_compressed(self) -> None:
        """Hold the parts that are large by now compressed."""
        for part, data in self._data.items():
            if len(data) > _LARGE:
                self._hold(part)

    def _hold(self, part: str) -> None:
        if part not in self._deflated:
            self._deflated[part] = Deflated.made_of(self._data[part])
        self._held.add(part)
        self._data[part] = b""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all parts, in the order of the file."""
        return tuple(self._data)

    def all(self) -> Iterator[tuple[str, bytes | Deflated]]:
        """Yield every part in the order of the file: compressed, except for those that the file does not."""
        for part, data in self._data.items():
            if part in self._stored:
                yield part, self[part]
            else:
                yield part, self._deflated.get(part) or Deflated.made_of(data)

    @property
    def has_types(self) -> bool:
        """Return whether there is a part of content types, which every workbook has."""
        return _TYPES in self._names

    def text(self, part: str) -> str:
        """A part's XML as text; if it is in another encoding, its declaration says UTF-8 from now on."""
        with self.as_text(part):
            return with_tags_closed(self.utf8(part).decode("utf-8-sig"))

    def utf8(self, part: str) -> bytes:
        """Return a part's content in UTF-8, in which nearly all programs write."""
        data = self[part]
        declared = _ENCODING.match(data)
        wide = next((encoding for mark, encoding in _WIDE if data.startswith(mark)), "")
        if not wide and (declared is None or declared[2].lower() == b"utf-8"):
            return data
        encoding = wide or (declared[2].decode() if declared else "utf-8")
        with self.as_text(part):
            text = data.decode(encoding)
        return re.sub(r"""(<\?xml[^>]*?encoding\s*=\s*["'])[^"']*""", r"\1UTF-8", text, count=1).encode()

    @contextmanager
    def as_text(self, part: str) -> Iterator[None]:
        """Raise WorkbookError where a part that is read as text is not valid text."""
        try:
            yield
        except (UnicodeError, LookupError):
            raise WorkbookError(
                f"{self.workbook} has a part whose encoding cannot be read: {part}", SAVE_AGAIN
            ) from None

    def put(self, part: str, content: str | bytes) -> bool:
        """Set a part's content; True if it changed."""
        data = content.encode() if isinstance(content, str) else content
        is_other = part in self._held or data != self._data[part]
        if is_other:
            self._data[part] = data
            self._deflated.pop(part, None)
            if part in self._held:
                self._hold(part)
        return is_other

    def relations(self, part: str) -> dict[str, tuple[str, str]]:
        """The relationships of a part ("" is the package): id to kind (its type's last word) and part."""
        by_id: dict[str, tuple[str, str]] = {}
        for tag in self._relationships(part):
            if not _is_outside(tag):
                path = posixpath.join("/", posixpath.dirname(part), unquote(attribute(tag, "Target")))
                target = posixpath.normpath(path)[1:]
                kind = attribute(tag, "Type").rpartition("/")[2]
                by_id[attribute(tag, "Id")] = (kind, self._names.get(target.casefold(), target))
        return by_id

    def outside(self, part: str) -> dict[str, str]:
        """Return the targets that are no parts, to which a part has relationships, by id."""
        outside = filter(_is_outside, self._relationships(part))
        return {attribute(tag, "Id"): attribute(tag, "Target") for tag in outside}

    def _relationships(self, part: str) -> list[str]:
        """Return the elements of the relationships of a part."""
        own = self._relations_part(part)
        return re.findall(rf"<{ANY_PREFIX}Relationship\s[^>]*>", self.text(own)) if own else []

    def _relations_part(self, part: str) -> str | None:
        folder, name = posixpath.split(part)
        return self._names.get(posixpath.join(folder, "_rels", f"{name}.rels").casefold())

    def related(self, part: str, kind: str) -> list[str]:
        """Return the parts that a part has of one kind."""
        return [
            target for is_kind, target in self.relations(part).values() if is_kind == kind and target in self
        ]

    def add(self, part: str, content: str, content_type: str, owner: str, kind: str) -> str:
        """Add a part that belongs to `owner`, by a relationship of that type; returns the relation's id."""
        types = self._names[_TYPES]
        entry = f'Override PartName="/{part}" ContentType="{content_type}"'
        self._data[part] = content.encode()
        self._names[part.casefold()] = part
        self.put(types, _with_last(self.text(types), "Types", entry))
        return self.relate(owner, part, kind)

    def relate(self, owner: str, part: str, kind: str) -> str:
        """Add a relationship of a part to another; returns the relation's id."""
        return self._relate(owner, posixpath.relpath(part, posixpath.dirname(owner) or "."), kind, "")

    def relate_outside(self, owner: str, target: str, kind: str) -> str:
        """Add a relationship of a part to a target that is no part; returns the relation's id."""
        return self._relate(owner, escape_markup(target), kind, ' TargetMode="External"')

    def _relate(self, owner: str, target: str, kind: str, mode: str) -> str:
        folder, name = posixpath.split(owner)
        relations = self._relations_part(owner) or posixpath.join(folder, "_rels", f"{name}.rels")
        if relations not in self._data:
            self._names[relations.casefold()] = relations
            self._data[relations] = f'<Relationships xmlns="{_RELATIONS}"></Relationships>'.encode()
        taken = {**self.relations(owner), **self.outside(owner)}
        id_ = next(f"rId{number}" for number in count(len(taken) + 1) if f"rId{number}" not in taken)
        entry = f'Relationship Id="{id_}" Type="{kind}" Target="{target}"{mode}'
        self.put(relations, _with_last(self.text(relations), "Relationships", entry))
        return id_

    def kind_of(self, owner: str, id_: str) -> str:
        """Return the full type of a relationship."""
        for tag in self._relationships(owner):
            if attribute(tag, "Id") == id_:
                return attribute(tag, "Type")
        raise KeyError(id_)

    def free_name(self, pattern: str) -> str:
        """Return the first name that no part has; `pattern` holds `{}` for a number."""
        return next(name for n in count(1) if (name := pattern.format(n)).casefold() not in self._names)

    def drop(self, part: str, owner: str) -> None:
        """Remove a part that is related to its owner, with everything that names it."""
        gone = [id_ for id_, (_, target) in self.relations(owner).items() if target == part]
        self._remove(self._relations_part(owner), "Relationship", lambda tag: attribute(tag, "Id") in gone)
        named = f"/{part}".casefold()
        self._remove(
            self._names.get(_TYPES), "Override", lambda tag: attribute(tag, "PartName").casefold() == named
        )
        self._deflated.pop(part, None)
        self._held.discard(part)
        del self._data[part]
        del self._names[part.casefold()]

    def _remove(self, part: str | None, element: str, is_it: Callable[[str], bool]) -> None:
        """Remove from a part every `element` of which `is_it(tag)` is true."""
        if part is not None:
            xml = self.text(part)
            self.put(part, re.sub(empty_element(element), lambda tag: "" if is_it(tag[0]) else tag[0], xml))


def _is_outside(tag: str) -> bool:
    """Return whether the target of a relationship is no part: a file, or a place in the workbook itself."""
    return attribute(tag, "TargetMode") == "External" or attribute(tag, "Target").startswith("#")


def _with_last(xml: str, container: str, entry: str) -> str:
    """Return a container with one element more at the end."""
    xml = re.sub(rf"<({ANY_PREFIX}){container}(\s[^>]*?)?/>", rf"<\1{container}\2></\1{container}>", xml)
    return re.sub(
        rf"</({ANY_PREFIX}){container}\s*>", lambda end: f"<{end[1]}{entry}/>{end[0]}", xml, count=1
    )


def unpacked(data: bytes, name: str) -> Parts:
    """Return the parts of a workbook; `name` is for messages."""
    if data.startswith(_OLE):
        if "EncryptedPackage".encode("utf-16-le") in data:
            raise WorkbookError(
                f"{name} is protected by a password", "Remove the password in Excel, and try again."
            )
        raise WorkbookError(f"{name} is a workbook of an old kind (.xls)", SAVE_AGAIN)
    if not data.startswith(b"PK"):
        raise WorkbookError(f"{name} is not an Excel workbook.", SAVE_AGAIN)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            is_padded = any(
                member.file_size > max(_SMALL, _MOST_TIMES * member.compress_size) for member in members
            )
            size = sum(member.file_size for member in members)
            if is_padded or len(members) > _MOST_PARTS or size > _MOST_BYTES:
                raise WorkbookError(
                    f"{name} is too large to be unpacked", "Use a workbook made by xlsync export."
                )
            parts = {member.filename: archive.read(member) for member in members}
            stored = {member.filename for member in members if member.compress_type == zipfile.ZIP_STORED}
            deflated = {
                member.filename: Deflated(_stream_of(member, data), member.CRC, member.file_size)
                for member in members
                if member.compress_type == zipfile.ZIP_DEFLATED
            }
    except ZIP_ERRORS as error:
        raise WorkbookError(f"{name} is damaged: {error}", "Take a backup of it, or export again.") from None
    return Parts(parts, name, stored, deflated)


def _stream_of(member: zipfile.ZipInfo, data: bytes) -> bytes:
    """Return a member of an archive as it stands there; it was read before, so its header is right."""
    lengths = struct.unpack_from("<2H", data, member.header_offset + 26)  # of its name and of what is added
    start = member.header_offset + 30 + sum(lengths)
    return data[start : start + member.compress_size]


def packed(parts: Iterable[tuple[str, bytes | Deflated]]) -> bytes:
    """Return a workbook of these parts, those in bytes not compressed (APPNOTE.TXT of PKWARE, 4.3)."""
    file, directory, number = io.BytesIO(), b"", 0
    for number, (part, content) in enumerate(parts, 1):  # noqa: B007
        name = part.encode()
        method = zipfile.ZIP_STORED
        if isinstance(content, Deflated):
            method, (stream, checksum, size) = zipfile.ZIP_DEFLATED, content
        else:
            stream, checksum, size = content, zlib.crc32(content), len(content)
        # version 2.0; the name is UTF-8; the first day of 1980, so that the time makes no difference
        header = struct.pack("<5H3L2H", 20, 0x800, method, 0, 0x21, checksum, len(stream), size, len(name), 0)
        directory += struct.pack("<4sH", b"PK\1\2", 20) + header
        directory += struct.pack("<3H2L", 0, 0, 0, 0, file.tell()) + name
        file.write(b"PK\3\4" + header + name)
        file.write(stream)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, number, number, len(directory), file.tell(), 0)
    file.write(directory + end)
    return file.getvalue()
