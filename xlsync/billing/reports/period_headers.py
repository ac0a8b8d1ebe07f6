"""Headers of a period's first or last day, such as `Leistungszeitraum von` or `Fin de la période`. PURE."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from xlsync.billing.reports.meanings import with_translations
from xlsync.billing.reports.text import header_key

_PERIODS: Final = (
    "Charge Period",
    "Charged Period",
    "Billing Period",
    "Billed Period",
    "Invoice Period",
    "Service Period",
    "Usage Period",
    "Period",
)
_FIRST_DAY: Final = (
    "from|starts?|startdate|begins?|beginning|startdatum|begindatum|von|ab|beginn|anfang|du|debut|van|vanaf|desde"
    "|inicio|dal?|inizio|απο|εναρξη|fran|fra|alku|od|poczatek|zacatek|de"
)
_LAST_DAY: Final = (
    "to|until|till?|through|thru|ends?|enddate|enddatum|einddatum|bis|ende|au|fin|tot(?:enmet)?|tm|einde|hasta|al?"
    "|fine|εωσ|ληξη|slut|loppu|do|koniec|konec|ate|fim"
)
_DAYS: Final = (("start", _FIRST_DAY), ("end", _LAST_DAY))
_IN_BRACKET: Final = re.compile(r"(.*\S)\s*[(\[{]([^()\[\]{}]+)[)\]}]\s*")
_OF: Final = "of|ofthe|de|du|dela|del|della|di|des|der|van|vande|da|do|τησ"


def period_end(header: str) -> str | None:
    """Return `start` or `end` for the header of a period's first or last day; None for any other."""
    key = header_key(header)
    return next((meaning for meaning, pattern in _patterns() if pattern.fullmatch(key)), None)


def day_in_bracket(header: str) -> tuple[str, str | None]:
    """Return a header without the bracket at its end, and `start` or `end` where that names a period's day.

    `Start Date (from)` is a start date.
    """
    match = _IN_BRACKET.fullmatch(header)
    if match is None:
        return header, None
    word = header_key(match[2])
    return match[1], next((meaning for meaning, words in _DAYS if re.fullmatch(words, word)), None)


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    names = {header_key(word) for period in _PERIODS for word in with_translations(period)}
    period = "|".join(sorted(map(re.escape, names)))
    return tuple(
        (meaning, re.compile(rf"(?:{period})(?:{words})|(?:{words})(?:{_OF})?(?:{period})s?"))
        for meaning, words in _DAYS
    )
