"""Product names and codes: removal of brands, terms and prices, and reading of Microsoft's ids.

PURE. A PSA may call `Microsoft 365 Business Premium` `M365 Bus. Prem. (NCE) 1YR COMMIT RRP 20.60`, and
write Microsoft's id `CFQ7TTC0LDPB:0001` with a term before it or a segment behind it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from msgspec import Struct

from xlsync.links.names import MOST_NAMES, words

_PERHAPS_A_PRICE: Final = re.compile(r"[$€£]|[rse]rp\b|price|\d[.,]\d")
_PRICE: Final = re.compile(
    r"(?:\b(?:rrp|srp|msrp|erp|list price|price)\b[\s:=]*(?:[a-z]{3}\b|[$€£])?\s*\d+(?:[.,]\d+)*"
    r"(?:\s*[a-z]{3}\b|\s*[$€£])?)"
    r"|(?:[$€£]\s*\d+(?:[.,]\d+)*)|(?:\b\d+(?:[.,]\d+)*\s*[$€£])"
    r"|(?:\b\d+[.,]\d\d(?:\s*(?:eur|usd|gbp|chf|cad|aud|nzd|sek|nok|dkk))?(?![\d.,]))"
)
_COUNTS: Final = {"one": 1, "two": 2, "three": 3, "five": 5}
_BEHIND_A_TERM: Final = r"(?:[\s,-]*(?:commit(?:ment)?|sub(?:scription)?s?|term|contract|plan(?!\s*\d)))*"
_TERM: Final = re.compile(
    r"(?P<billed>\b(?:billed|billing|paid|invoiced|payment|prepaid|pre-paid|upfront)[\s:,-]*)?"
    r"(?:\bp(?P<code>[135])(?P<code_unit>[my])\b"
    r"|\b(?P<count>\d{1,2}|one|two|three|five)[\s-]*(?P<unit>years?|yrs?|y|months?|mths?|mos?|m)\b"
    r"|\b(?P<word>annually|annual|yearly|monthly|month-to-month|month to month|mthly|mth|triennial)\b)"
    + _BEHIND_A_TERM
    + r"(?P<paid>[\s,-]*\b(?:billed|billing|payments?|prepaid|pre-paid|upfront)\b"
    r"(?![\s:,-]*(?:annual|year|month|mth|\d)))?"
)
_PERHAPS_A_TERM: Final = re.compile(
    r"(?:\d|\bone|\btwo|\bthree|\bfive)[\s-]*[my]|annual|yearly|month|mth|triennial"
)
_WORD_MONTHS: Final = {"annually": 12, "annual": 12, "yearly": 12, "triennial": 36}
# A pattern with the texts of which one stands in every name that it matches: they are looked for first.
_PHRASES: Final = (
    (("new commerce",), re.compile(r"\bnew commerce(?: experience)?\b"), " "),
    (("365",), re.compile(r"\b(?:microsoft|ms|m)\s?365\b"), " m365 "),
    (("365",), re.compile(r"\b(?:microsoft\s+|ms\s+)?(?:office|off|o)\s?365\b"), " o365 "),
    (("365",), re.compile(r"\b(?:microsoft\s+|ms\s+)?(?:dynamics|dyn|d)\s?365\b"), " d365 "),
    (("p",), re.compile(r"\b(?:plan|p)\s?(?=\d\b)"), " p"),
    (("w/o", "without"), re.compile(r"\bw/o\s|\bwithout\s"), " no "),
    (
        ("per ", "each ", "per\t", "each\t"),
        re.compile(r"\b(?:per|each)\s+(?:user|seat|licen[cs]e|month|year|device)\b"),
        " ",
    ),
)
_NO_PART: Final = frozenset({
    "microsoft", "ms", "nce", "csp", "license", "licence", "licenses", "licences", "lic", "seat", "seats",
    "legacy", "sku", "sub", "subs", "subscription", "subscriptions", "commit", "commitment", "commercial",
})  # fmt: skip
_LONG: Final = {
    "std": "standard", "stnd": "standard", "ent": "enterprise", "entr": "enterprise", "bus": "business",
    "biz": "business", "busn": "business", "prem": "premium", "adv": "advanced", "ess": "essentials",
    "prof": "professional", "exch": "exchange", "exo": "exchange online", "spo": "sharepoint online",
    "aad": "azure ad", "addon": "add on", "svr": "server", "srv": "server", "mgmt": "management",
    "sec": "security", "gov": "government", "edu": "education", "intl": "international", "pbi": "power bi",
    "def": "defender", "bckup": "backup", "bkp": "backup", "stor": "storage", "endpt": "endpoint",
}  # fmt: skip
_MICROSOFT_ID: Final = re.compile(
    r"(?:p(?P<count>\d)(?P<unit>[my]):)?(?P<product>(?:cfq7|dzh3|dg7g)[a-z0-9]{8}):(?P<sku>[a-z0-9]{4})(?::(?P<segment>.+))?"
)


class ProductName(Struct, frozen=True):
    """The words of a product's name, and the months of its term where the name tells one."""

    words: tuple[str, ...]
    term: int | None = None


@lru_cache(maxsize=MOST_NAMES)
def read_product_name(name: str) -> ProductName:
    """Read a product's name: its words without price, term and words without meaning, and its term."""
    text = name.replace("+", " plus ").casefold()
    if _PERHAPS_A_PRICE.search(text):
        text = _PRICE.sub(" ", text)
    terms: list[int] = []
    billed: list[int] = []

    def take(match: re.Match[str]) -> str:
        months = _months_of(match)
        (billed if match["billed"] or match["paid"] else terms).append(months)
        return " "

    if _PERHAPS_A_TERM.search(text):
        text = _TERM.sub(take, text)
    for needed, pattern, replacement in _PHRASES:
        for part in needed:
            if part in text:
                text = pattern.sub(replacement, text)
                break
    plain = tuple(
        long for word in words(text) if word not in _NO_PART for long in _LONG.get(word, word).split()
    )
    return ProductName(plain or words(name), terms[0] if terms else None)


def _months_of(match: re.Match[str]) -> int:
    if match["code"]:
        return int(match["code"]) * (12 if match["code_unit"] == "y" else 1)
    if match["count"]:
        count = _COUNTS.get(match["count"]) or int(match["count"])
        return count * (12 if match["unit"].startswith("y") else 1)
    return _WORD_MONTHS.get(match["word"], 1)


def product_words(name: str) -> tuple[str, ...]:
    """Return the words that distinguish a product."""
    return read_product_name(name).words


def product_numbers(plain: tuple[str, ...]) -> frozenset[str]:
    """Return the words with a number that distinguish products: plans and sizes, not the brand's 365."""
    return frozenset(
        word
        for word in plain
        if any(map(str.isnumeric, word)) and word not in {"365", "m365", "o365", "d365"}
    )


def are_told_apart(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Return whether each of two names has a word that the other lacks: `Pro` and `Premium`."""
    return _has_more(one, other) and _has_more(other, one)


def _has_more(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    joined = "".join(other)
    return any(
        word not in joined
        and not any(word.startswith(known) or known.startswith(word) for known in other if len(known) > 2)
        for word in one
        if len(word) > 2
    )


class MicrosoftId(Struct, frozen=True):
    """Microsoft's id of a product and its SKU, with the term and the segment that may stand around it.

    The term, in months, stands before the id, the segment (`Commercial`, `Education`) behind it.
    """

    id: str
    term: int | None = None
    segment: str = ""

    def contradicts(self, other: MicrosoftId) -> bool:
        """Return whether two ids cannot be those of one product: a part that both name differs."""
        pairs = (self.id, other.id), (self.term, other.term), (self.segment, other.segment)
        return any(own and others and own != others for own, others in pairs)


def read_microsoft_id(code: str) -> MicrosoftId | None:
    """Read Microsoft's id in a code of a line or catalog item; None where the code is something else."""
    match = _MICROSOFT_ID.fullmatch(code.strip().casefold())
    if match is None:
        return None
    term = None if match["count"] is None else int(match["count"]) * (12 if match["unit"] == "y" else 1)
    return MicrosoftId(f"{match['product']}:{match['sku']}", term, (match["segment"] or "").strip())
