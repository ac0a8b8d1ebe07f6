"""Reading and changing single attributes in XML text that must otherwise stay as it is."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from functools import cache
from typing import Final

from xlsync.xlsx.cells import escape_markup

NAMESPACES: Final = (
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "http://purl.oclc.org/ooxml/spreadsheetml/main",  # the strict variant of the standard
)
ANY_PREFIX: Final = r"(?:[\w.-]+:)?"  # of an element's name, in a pattern
_BARE: Final = re.compile(r"""=\s*(?:"[^"<>]*>[^"<]*"|'[^'<>]*>[^'<]*')""")  # may be one in an attribute
_TAG: Final = re.compile(r"""<[\w.:-]+(?:[^<>"']|"[^"<]*"|'[^'<]*')*+>""")


def empty_element(names: str) -> str:
    """Return the pattern of an element without content, in one tag or two; group 1 is its name."""
    return rf"<({ANY_PREFIX}(?:{names}))\s[^>]*?(?:/>|>\s*</\1\s*>)"


@cache
def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(rf"""(?:^|\s){re.escape(name)}\s*=\s*(?:"([^"]*)"|'([^']*)')""")


def with_tags_closed(xml: str) -> str:
    """Return XML in which `>` only ends tags: programs such as Apache POI write it in attributes too."""
    if not _BARE.search(xml) or "<![CDATA[" in xml:
        return xml
    return _TAG.sub(lambda tag: f"{tag[0][:-1].replace('>', '&gt;')}>" if ">" in tag[0][:-1] else tag[0], xml)


def attribute(tag: str, name: str) -> str:
    """Return the value of one attribute in a tag's text, empty where there is none."""
    match = _pattern(name).search(tag)
    return unescape(match[1] if match[1] is not None else match[2]) if match else ""


def number_of(tag: str, name: str, otherwise: float) -> float:
    """Return the value of an attribute that holds a number, or `otherwise` where it holds none."""
    text = attribute(tag, name).strip()
    return float(text) if re.fullmatch(r"[0-9]{1,9}(?:\.[0-9]+)?", text) else otherwise


def without_attributes(attributes: str, *names: str) -> str:
    """Return a tag's attributes without those, each with one space before it."""
    for name in names:
        attributes = _pattern(name).sub("", attributes)
    attributes = attributes.strip()
    return f" {attributes}" if attributes else ""


def with_attribute(tag: str, name: str, value: str) -> str:
    """Return a tag with one attribute set; `value` is escaped here."""
    value = escape_markup(value)
    if _pattern(name).search(tag):
        return _pattern(name).sub(lambda _: f' {name}="{value}"', tag, count=1)
    end = len(tag) - (2 if tag.endswith("/>") else 1)
    return f'{tag[:end].rstrip()} {name}="{value}"{tag[end:]}'


def unescape(text: str) -> str:
    """XML content or attribute as the text it stands for."""
    return html.unescape(text) if "&" in text else text


def with_texts_changed(pattern: re.Pattern[str], xml: str, change: Callable[[str], str]) -> str:
    """Replace the formula that is the second group of each match, where it changes."""

    def changed(match: re.Match[str]) -> str:
        old = unescape(match[2])
        new = change(old)
        return match[0] if new == old else f"{match[1]}{escape_markup(new)}"

    return pattern.sub(changed, xml)
