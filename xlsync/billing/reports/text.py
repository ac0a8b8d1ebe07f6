"""Texts as they are compared, whatever their case, accents and spacing. PURE."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

_INVISIBLE: Final = re.compile("[\ufeff\u200b-\u200f\u202a-\u202e\u2060\u00ad]")
_BRACKET_AT_END: Final = re.compile(r"(?<=\S)\s*[(\[{][^()\[\]{}]*[)\]}]\s*$")
# what a bracket at the end of a header may say that changes what its figures are
_MEANINGFUL: Final = re.compile(
    r"^(?:from|to|start|begin|end|von|bis|beginn|ende|du|au|van|tot|tot en met|t m|desde|hasta|dal|al|fran"
    r"|till|fra|til|od|do)$"
    r"|\b(?:(?:incl(?:uding|usive)?|inkl|with|mit|inc) (?:of )?(?:vat|tax|taxes|gst|mw ?st|u ?st|iva|btw|tva)"
    r"|(?:vat|tax|iva|gst|btw|tva) (?:incl(?:uded|usive|uida|uido|use|usa|uso)?|inc|compris\w*)"
    r"|(?:inkl\w*|incl|med) (?:moms|mva|dph)|sis\w* alv|z (?:vat|podatkiem)|com iva|(?:s|vc|vcetne) dph"
    r"|gross|brutto|ttc|bruto|cents?|pence|rappen|thousands?|millions?|tsd|tausend|mio|[kt](?:eur|usd|chf|gbp)"
    r"|[kt] ?[€$£]|1 ?000|000s?|milliers?|miles|list|listen\w*|retail|rrp|msrp|sell(?:ing)?(?! to)"
    r"|sales price|resale|previous|prior|old|before change|last month|ytd|to date"
    r"|cumulative|forecast|estimated?|budget|(?:per|pro|je|par|por|ανα|for) ?(?!1\b)\d+)(?!\w)"
)
_NETT: Final = re.compile(r"\bnett\b")
_ZONE_AT_END: Final = re.compile(r"(?<=\w) (?:utc|gmt)$")
_CAMEL: Final = re.compile(r"(?<=[a-z\d])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def plain_text(value: object) -> str:
    """Return a cell as a text on one line, without invisible characters."""
    text = "" if value is None else str(value)
    return " ".join((text if text.isascii() else _INVISIBLE.sub("", text)).split())


@lru_cache(maxsize=65_536)
def fold(text: str) -> str:
    """Return a text's words in small letters without accents: `SETUP_FEE` and `Setup-Fee` are `setup fee`."""
    spaced = _CAMEL.sub(" ", _INVISIBLE.sub("", text))
    bare = "".join(c for c in unicodedata.normalize("NFKD", spaced) if not unicodedata.combining(c))
    return " ".join(re.sub(r"[^\w%€$£]|_", " ", bare.casefold()).split())


def header_words(header: str) -> str:
    """Return the words of a header, without a star, a time zone or a bracket at its end that says no more.

    `Amount (EUR)` is an amount; `Amount (incl. VAT)`, `Amount (cents)` and `Quantity (previous)` are others.
    """
    bare = plain_text(header).rstrip("*: ").strip()
    while (match := _BRACKET_AT_END.search(bare)) and not _MEANINGFUL.search(fold(match[0])):
        bare = bare[: match.start()].rstrip("*: ")
    return _NETT.sub("net", _ZONE_AT_END.sub("", fold(bare)))


def header_key(header: str) -> str:
    """Fold a header for comparison: `Unit Price (EUR)`, `unit_price` and `UnitPrice` are equal."""
    return header_words(header).replace(" ", "")
