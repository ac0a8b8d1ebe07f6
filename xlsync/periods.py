"""One vocabulary for how long a billing or commitment period is, whatever the distributor calls it. PURE."""

from __future__ import annotations

import re
from typing import Final

_NAMES: Final = {1: "Monthly", 3: "Quarterly", 12: "Annual"}
_WORDS: Final = {
    "month": 1,
    "monthly": 1,
    "quarter": 3,
    "quarterly": 3,
    "halfyear": 6,
    "halfyearly": 6,
    "semiannual": 6,
    "semiannually": 6,
    "year": 12,
    "yearly": 12,
    "annual": 12,
    "annually": 12,
    "biennial": 24,
    "triennial": 36,
    "triennially": 36,
}
_UNITS: Final = {"m": 1, "month": 1, "quarter": 3, "y": 12, "year": 12}


def period_name(months: int) -> str:
    """The readable name of a period of so many months: `Monthly`, `Annual`, `Every 3 years`."""
    if months in _NAMES:
        return _NAMES[months]
    return f"Every {months // 12} years" if months % 12 == 0 else f"Every {months} months"


def months_of(name: str) -> int | None:
    """How many months a period of this name has; None where the name does not tell."""
    word = re.sub(r"[\s_-]", "", name.casefold())
    if word in _WORDS:
        return _WORDS[word]
    found = re.fullmatch(r"(?:every|p)?(\d{1,3})(m|y|months?|quarters?|years?)", word)
    count = int(found[1]) * months_in(found[2]) if found else 0
    return count or None


def months_in(unit: str) -> int:
    """How many months a unit of time has; 0 for one that is no whole number of months."""
    word = unit.strip().casefold()
    return _UNITS.get(word, 0) or _UNITS.get(word.removesuffix("s"), 0)
