"""Numbers as people and distributors write them, with every reading a text allows. PURE."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Final, Literal

from msgspec import Struct

Mark = Literal[".", ","]
MARKS: Final[tuple[Mark, Mark]] = (".", ",")

MONEY_WORD: Final = (
    r"(?:US|AU|CA|NZ|HK|SG|[ACRSN]Z?)?\$|[€£¥₹₺₽₪₩฿₴₫₱]|(?!E\d)[A-Z]{3}(?![A-Z])"
    r"|kr\.?|zł|Kč|Fr\.?|Ft|lei|Rs\.?|[Ee]uros?"
)
_LEADING_MONEY: Final = re.compile(rf"^(?:{MONEY_WORD})\s*(?=[\d.,(+'-]|$)")
_TRAILING_MONEY: Final = re.compile(rf"(?<=[\d)-])\s*(?:{MONEY_WORD})$")
_SPACES: Final = re.compile(r"[\s\u00a0\u2007\u2009\u202f]+")
_SIDE: Final = re.compile(
    r"(?<=[\d)€£$])\s?(?:CR|DR)$|\s(?:CR|DR)$|^(?:CR|DR)\s?(?=\d)"
)  # `Cr` may be ten millions
_DASHES: Final = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2212\uff0d", "-"))
_EXPONENT: Final = re.compile(r"^(\d)(?:([.,])(\d+))?[eE]([+-]?\d{1,3})$")
_WHOLE: Final = {
    mark: re.compile(
        rf"(?:\d+|[1-9]\d{{0,2}}(?P<g>[{other}' ])\d{{3}}(?:(?P=g)\d{{3}})*{lakh})?(?:{re.escape(mark)}\d+)?"
    )
    for mark, other, lakh in ((".", ",", r"|[1-9]\d?(?:,\d\d)+,\d{3}"), (",", ".", ""))
}
NOTHING: Final = frozenset([
    "", "-", "–", "—", "--", "n/a", "na", "n.a.", "n. a.", "none", "null", "nil", "#n/a n/a", "k.a.",
    "n.v.t.",
])  # fmt: skip


class NumberReadings(Struct, frozen=True):
    """The readings of a number's text: with a point and with a comma as decimal mark; None if impossible."""

    point: Decimal | None
    comma: Decimal | None

    def by(self, mark: Mark) -> Decimal | None:
        """Return the number with a decimal mark."""
        return self.point if mark == "." else self.comma

    @property
    def is_clear(self) -> bool:
        """Return whether the text allows only one number."""
        return self.point is None or self.comma is None or self.point == self.comma

    @property
    def proves(self) -> Mark | None:
        """The decimal mark that the text proves; None where it proves none."""
        if self.point is None and self.comma is not None:
            return ","
        return "." if self.comma is None and self.point is not None else None


def read_number(text: str) -> NumberReadings | None:
    """Read all readings of a text; None for other texts."""
    core = _SPACES.sub(" ", text).strip().translate(_DASHES).replace("’", "'").replace("´", "'")
    if core.startswith("'"):
        core = core[1:].strip()  # a mark for text in spreadsheets
    sign, bare = _sign_and_core(core)
    if bare is None:
        return None
    core = bare
    if core == "-":
        return NumberReadings(Decimal(0), Decimal(0))
    if match := _EXPONENT.match(core):
        if abs(int(match[4])) > 30:
            return None
        value = sign * Decimal(f"{match[1]}.{match[3] or '0'}e{match[4]}")
        return NumberReadings(None if match[2] == "," else value, None if match[2] == "." else value)
    if len(core) > 40 or not core or not core[-1].isdigit() or not core.isascii():
        return None
    values = {mark: _number_by_mark(core, mark) for mark in MARKS}
    if not any(value is not None for value in values.values()):
        return None
    signed = [None if value is None else sign * value for value in values.values()]
    return NumberReadings(signed[0], signed[1])


def _sign_and_core(core: str) -> tuple[int, str | None]:
    """Return the sign and the digits of a number without its currency; None for a second sign.

    `CR` beside a figure is a minus, `DR` a plus. The dash that accounting formats write for zero beside a
    currency sign stays a dash.
    """
    negative = 0
    had_money = False
    if side := _SIDE.search(core):
        negative, core = int(side[0].strip() == "CR"), core[: side.start()] + core[side.end() :]
    for _ in range(4):
        before = core
        if core.startswith("(") and core.endswith(")"):
            negative, core = negative + 1, core[1:-1].strip()
        stripped = _TRAILING_MONEY.sub("", _LEADING_MONEY.sub("", core)).strip()
        had_money, core = had_money or stripped != core, stripped
        if core == "-" and had_money:
            return (1, "-") if not negative else (1, None)
        if core.endswith("-") and len(core) > 1:
            negative, core = negative + 1, core[:-1].strip()
        if core[:1] in ("-", "+") and len(core) > 1:
            negative, core = negative + (core[0] == "-"), core[1:].strip()
        if core == before:
            break
    return (-1 if negative else 1), (core if negative <= 1 else None)


def _number_by_mark(core: str, mark: Mark) -> Decimal | None:
    if not _WHOLE[mark].fullmatch(core):
        return None
    other = "," if mark == "." else "."
    digits = core.replace(other, "").replace("'", "").replace(" ", "").replace(mark, ".")
    return Decimal(digits)


def proven_mark(readings: Iterable[NumberReadings]) -> set[Mark]:
    """Return the decimal marks that some numbers prove."""
    return {mark for reading in readings if (mark := reading.proves) is not None}
