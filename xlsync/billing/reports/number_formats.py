"""The currency that the number format of a workbook's cell shows beside its figure. PURE."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

from xlsync.billing.reports.numbers import MONEY_WORD

# What stands in a format: a sign in brackets with its country, other brackets, a text, a sign after a
# backslash, a space as wide as a sign, a sign that fills the cell.
_PART: Final = re.compile(r'\[\$([^\]-]*)(?:-([^\]]*))?\]|\[[^\]]*\]|"([^"]*)"|\\(.)|_.|\*.', re.DOTALL)
_WORD: Final = re.compile(rf"(?<![^\W\d_])(?:{MONEY_WORD})(?![^\W\d_])")
# Other words of three capital letters, such as PCS, are no currencies.
CURRENCY_CODE: Final = re.compile(
    "AED|ARS|AUD|BGN|BRL|CAD|CHF|CLP|CNY|COP|CZK|DKK|EGP|EUR|GBP|HKD|HRK|HUF|IDR|ILS|INR|ISK|JPY|KRW|KWD|MAD"
    "|MXN|MYR|NGN|NOK|NZD|PEN|PHP|PLN|QAR|RON|RSD|RUB|SAR|SEK|SGD|THB|TND|TRY|TWD|UAH|USD|VND|ZAR"
)
# Signs of several currencies of which the country in the format tells the one. `$` of the United States is
# not among them: programs write it wherever nobody has chosen a country.
_OF_COUNTRIES: Final = {
    ("$", "c09"): "AUD", ("$", "1009"): "CAD", ("$", "c0c"): "CAD", ("$", "1409"): "NZD",
    ("$", "4809"): "SGD", ("$", "1004"): "SGD", ("$", "c04"): "HKD", ("$", "3c09"): "HKD",
    ("$", "80a"): "MXN", ("$", "2c0a"): "ARS", ("$", "340a"): "CLP", ("$", "240a"): "COP",
    ("kr", "41d"): "SEK", ("kr", "406"): "DKK", ("kr", "414"): "NOK", ("kr", "814"): "NOK",
    ("kr", "40f"): "ISK", ("¥", "411"): "JPY", ("¥", "804"): "CNY", ("R", "1c09"): "ZAR", ("R", "436"): "ZAR",
    ("SFr", "807"): "CHF", ("SFr", "100c"): "CHF", ("SFr", "810"): "CHF",
}  # fmt: skip
_FIRST_OF_FILE: Final = 164  # formats of lower numbers are Excel's own


class ShownCurrency(NamedTuple):
    """The code or the sign of a currency beside a figure.

    It is chosen unless a program writes it where nobody has chosen one: `$`, or the sign of the country of
    whoever saved the file.
    """

    sign: str
    is_chosen: bool


def shown_by_format(number: int, code: str) -> ShownCurrency | None:
    """Return the currency that a number format shows, by the format's number in its file and its code."""
    sign = currency_of_format(code)
    return ShownCurrency(sign, number >= _FIRST_OF_FILE and sign != "$") if sign else None


@lru_cache(maxsize=1024)
def currency_of_format(code: str) -> str:
    """Return the code or the sign of the one currency that a number format shows; else an empty text."""
    return currency_shown(" ".join(map(_shown, code.split(";"))))


def currency_shown(text: str) -> str:
    """Return the code or the sign of the one currency that stands in a text; else an empty text."""
    known = {_currency(word) for word in _WORD.findall(text)} - {""}
    return known.pop() if len(known) == 1 else ""


def _shown(section: str) -> str:
    """Return the texts and signs that a section of a format shows beside the digits."""
    return re.sub(r"[#0?.,\s]+", " ", _PART.sub(_shown_part, section))


def _shown_part(part: re.Match[str]) -> str:
    if part[1] is not None:
        sign = part[1].strip()
        country = (part[2] or "").partition(",")[0].lstrip("0").casefold()
        return f" {_OF_COUNTRIES.get((sign.rstrip('.'), country), sign)} "
    return part[3] or part[4] or " "


def _currency(word: str) -> str:
    bare = word.rstrip(".")
    is_code = len(bare) == 3 and bare.isalpha() and bare.isupper()
    return "" if is_code and not CURRENCY_CODE.fullmatch(bare) else bare
