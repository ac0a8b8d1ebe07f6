"""Billing and commitment periods as reports write them. PURE."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from xlsync.billing.periods import months_of, period_name
from xlsync.billing.reports.text import fold

_NUMBER_WORDS: Final = {"one": "1", "two": "2", "three": "3", "five": "5", "six": "6", "twelve": "12"}


@lru_cache(maxsize=4096)
def months_in_words(text: str) -> int | None:
    """Return the months of a period written as `Annual`, `P1Y`, `One-Year` or `12 months`."""
    words = " ".join(_NUMBER_WORDS.get(word, word) for word in fold(text).split())
    return months_of(text) or months_of(words)


def parse_term_and_cycle(text: str) -> tuple[str, str]:
    """Microsoft's `One-Year commitment for monthly/yearly billing` as a term and a billing period."""
    term, _, billing = fold(text).partition(" commitment for ")
    billing = billing.removesuffix(" billing").strip()
    return (term, billing if months_in_words(billing) else "") if billing else ("", "")


def term_name(text: str, months: int | None) -> str:
    """A period by its readable name, or as the report writes it."""
    return period_name(months) if months else text
