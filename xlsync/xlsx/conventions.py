"""Excel's conventions applied to what openpyxl writes, since some programs read nothing else.

Fonts name their properties in the order of the schema (ECMA-376-1, 18.8.22), targets of relationships are
relative, the columns of print titles come before the rows, and the elements of drawings carry a prefix.
"""

from __future__ import annotations

import posixpath
import re
from typing import Final

from xlsync.xlsx.markup import attribute, with_attribute
from xlsync.xlsx.parts import packed, unpacked

_FONT: Final = (
    "b", "i", "strike", "condense", "extend", "outline", "shadow", "u", "vertAlign", "sz", "color", "name",
    "family", "charset", "scheme",
)  # fmt: skip
_IN_DRAWINGS: Final = "http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing"
_ROWS_FIRST: Final = re.compile(r'(_xlnm\.Print_Titles"[^>]*>)([^<,]*\$\d+:\$\d+),([^<,]*\$[A-Z]+:\$[A-Z]+)<')


def as_excel_writes(data: bytes) -> bytes:
    """Rewrite a workbook of openpyxl's with the conventions of Excel."""
    parts = unpacked(data, "the workbook")
    for name in parts.names:
        parts.put(name, _part(name, parts[name]))
    return packed(parts.all())


def _part(name: str, content: bytes) -> bytes:
    if name == "xl/styles.xml":
        return re.sub(r"<font>.*?</font>", _font, content.decode(), flags=re.DOTALL).encode()
    if name == "xl/workbook.xml":
        return _ROWS_FIRST.sub(r"\1\3,\2<", content.decode()).encode()
    if name.startswith("xl/drawings/drawing"):
        xml = content.decode().replace(f' xmlns="{_IN_DRAWINGS}"', f' xmlns:xdr="{_IN_DRAWINGS}"')
        return re.sub(r"<(/?)(\w+)(?=[\s/>])", r"<\1xdr:\2", xml).encode()
    if name.endswith(".rels"):
        folder = posixpath.dirname(posixpath.dirname(name))

        def relative(match: re.Match[str]) -> str:
            target = attribute(match[0], "Target")
            if not target.startswith("/") or attribute(match[0], "TargetMode") == "External":
                return match[0]
            return with_attribute(match[0], "Target", posixpath.relpath(target[1:], folder or "."))

        return re.sub(r"<Relationship\s[^>]*>", relative, content.decode()).encode()
    return content


def _font(match: re.Match[str]) -> str:
    children = re.findall(r"<(\w+)[^>]*?/>", match[0])
    written = re.findall(r"<\w+[^>]*?/>", match[0])
    ordered = sorted(zip(children, written, strict=True), key=lambda child: _FONT.index(child[0]))
    return f"<font>{''.join(xml for _, xml in ordered)}</font>"
