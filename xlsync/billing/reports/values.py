"""Cells read as texts, ids, numbers and dates: each a value, nothing, or what is wrong with it. PURE."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any, Final, Generic, TypeAlias, TypeVar

from msgspec import Struct

from xlsync.billing.reports.dates import DateReadings, of_serial, of_true_date, read_date
from xlsync.billing.reports.numbers import NOTHING, NumberReadings, read_number
from xlsync.billing.reports.text import plain_text

T = TypeVar("T")
U = TypeVar("U")
_GUARD: Final = re.compile(r'="(.*)"', re.DOTALL)  # so that a spreadsheet keeps a text as it is
_FORMULA: Final = re.compile(
    r"=\s*(?:[^\W\d_a-z][^\W_a-z.]*\(.*\)|(?:[\w'\[\].]+!)?\$?[A-Z]{1,3}\$?\d+(?:[-+*/&]\S+)?)", re.DOTALL
)
_ERROR: Final = re.compile(r"#[¡¿]?[^\W_a-z][^\W_a-z/0]*[\w/]*[!?]|#N/[A-Z]{1,2}|#NV|#GETTING_DATA|#{3,}")
_SPOILED: Final = re.compile(r"\d(?:[.,]\d+[eE]\+?|[eE]\+)\d+")  # 1E17 alone may be an id of its own
_ZERO_GUID: Final = re.compile(r"\{?0{8}-(?:0{4}-){3}0{12}\}?")  # how programs write that there is no id
_BETWEEN_IDS: Final = re.compile(r"[,;|\n]")
_DAYS_TO_1904: Final = 1462
DIGITS_KEPT: Final = 15  # of a number in a spreadsheet


class Wrong(Struct, frozen=True):
    """The problem of a cell that cannot be read; `quotes_cell` says that the cell is quoted before it.

    `asks_for_order` marks a date of which a setting would tell the day from the month.
    """

    what: str
    quotes_cell: bool = False
    asks_for_order: bool = False


Read: TypeAlias = T | Wrong | None


class ReportColumn(Struct, Generic[T], frozen=True):
    """The cells of one meaning, row by row, and the different ones among them.

    A column of many rows holds few different cells: what is asked of a cell is asked of each once.
    """

    cells: Sequence[Read[T]]
    different: Sequence[Read[T]]

    @property
    def values(self) -> list[T]:
        """The different values that are there and right."""
        return [cell for cell in self.different if cell is not None and not isinstance(cell, Wrong)]

    def map(self, convert: Callable[[Read[T]], U]) -> list[U]:
        """Return every cell converted, each different one once."""
        known = {id(cell): convert(cell) for cell in self.different}
        return [known[key] for key in map(id, self.cells)]


def read_column(raw: Sequence[Any], reader: Callable[[Any], Read[T]]) -> ReportColumn[T]:
    """Return a column by a reader, which reads each different cell once."""
    keys: Sequence[Any] = raw
    if bool in set(map(type, raw)):  # True equals 1 and is another cell
        keys = list(zip(raw, map(type, raw), strict=True))
    known: dict[Any, Read[T]] = {
        key: value if isinstance(value, Wrong) else reader(unguarded(value))
        for key, value in dict(zip(keys, raw, strict=True)).items()
    }
    different = {id(cell): cell for cell in known.values()}
    return ReportColumn([known[key] for key in keys], list(different.values()))


def _is_error(text: str) -> bool:
    """Return whether a text is what a spreadsheet shows for an error, in any language."""
    return text[:1] == "#" and _ERROR.fullmatch(text) is not None


def unguarded(value: Any) -> Any:
    """Return a cell without the formula `="…"` that keeps it a text in a spreadsheet."""
    if not isinstance(value, str):
        return value
    match = _GUARD.fullmatch(value.strip()) if value.lstrip()[:1] == "=" else None
    return match[1] if match else value


def text_cell(value: Any) -> Read[str]:
    """Return a cell as a text."""
    if isinstance(value, str):
        text = plain_text(value)
        if _is_error(text):
            return Wrong(f"“{text}” is an error of a formula")
        if text[:1] == "=" and _FORMULA.fullmatch(text):
            return Wrong(f"“{text[:40]}” is a formula and not its value: save the file anew in Excel")
        return None if text.casefold() in NOTHING else text
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, (int, float)):
        return f"{_decimal(value):f}"
    return str(value)


def name_cell(value: Any) -> Read[str]:
    """Return a cell as a name or an id, which a date is not."""
    if isinstance(value, (dt.date, dt.time, dt.timedelta)):
        return Wrong(f"is a date, {value}: a spreadsheet program has likely made it of a text")
    return text_cell(value)


def id_cell(value: Any) -> Read[str]:
    """Return a cell as an id, unless a spreadsheet has spoiled it."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) >= 10**DIGITS_KEPT:
        return Wrong(
            f"“{value:.0f}” is a number of more than {DIGITS_KEPT} digits, which a spreadsheet has rounded: "
            "export the report anew with this column as text"
        )
    text = name_cell(value)
    if isinstance(text, str):
        if _ZERO_GUID.fullmatch(text):
            return None
        text = text[1:] if text.startswith("'") and len(text) > 1 else text
        if _SPOILED.fullmatch(text):
            return Wrong(
                f"“{text}” is a long id that a spreadsheet has shortened: export the report anew with this "
                "column as text"
            )
    return text


def contract_cell(value: Any) -> Read[str]:
    """Return a cell as the id of one contract; several in one cell are a problem."""
    if isinstance(value, str) and _BETWEEN_IDS.search(value.strip()):
        parts = [part for part in _BETWEEN_IDS.split(value) if any(map(str.isdigit, part))]
        if len(parts) > 1:
            return Wrong(
                f"“{plain_text(value)[:60]}” holds {len(parts)} contracts: part the row, one for each"
            )
    return id_cell(value)


def find_rounded(ids: Iterable[str]) -> set[str]:
    """Find ids in a text file that a spreadsheet has rounded: all long ones end in zeros."""
    long = {id_ for id_ in ids if id_.isdigit() and len(id_) > DIGITS_KEPT}
    zeros = all(set(id_[DIGITS_KEPT:]) == {"0"} for id_ in long)
    return long if zeros and (len(long) > 1 or any(len(id_) > DIGITS_KEPT + 1 for id_ in long)) else set()


def number_cell(value: Any) -> Read[NumberReadings]:
    """Return a cell as a number, with every reading that it allows."""
    if isinstance(value, (bool, dt.date, dt.time, dt.timedelta)):
        return Wrong(f"“{value}” is no number")
    if isinstance(value, (int, float)):
        number = _decimal(value)
        return NumberReadings(number, number) if number.is_finite() else Wrong(f"“{value}” is no number")
    text = plain_text(value)
    if _is_error(text):
        return Wrong(f"“{text}” is an error of a formula")
    if text.casefold().lstrip("'") in NOTHING:
        return None
    reading = read_number(text)
    return reading if reading is not None else Wrong(f"“{text[:40]}” is not a number")


def percent_cell(value: Any) -> Read[NumberReadings]:
    """Return a cell as a number, with or without the sign for per cent."""
    if isinstance(value, str) and value.rstrip().endswith("%"):
        value = value.rstrip()[:-1]
    return number_cell(value)


def date_cell(value: Any) -> Read[DateReadings]:
    """Return a cell as a date, with every reading that it allows."""
    if isinstance(value, (bool, dt.timedelta)):
        return Wrong(f"“{value}” is not a date")
    try:
        if isinstance(value, dt.date):
            return of_true_date(value)
        if isinstance(value, dt.time):
            return None if value == dt.time() else Wrong(f"“{value}” is not a date")
        if isinstance(value, (int, float)):
            return of_serial(value)
        text = plain_text(value)
        if _is_error(text):
            return Wrong(f"“{text}” is an error of a formula")
        return None if text.casefold().lstrip("'") in NOTHING else read_date(text)
    except (ValueError, OverflowError):
        return Wrong(f"“{plain_text(value)[:40]}” is not a date")


def from_1904(value: Any) -> Any:
    """Return a cell of a workbook whose dates count from 1904: the number of a date, as others count it."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return value + _DAYS_TO_1904 if is_number and value else value


def _decimal(value: float) -> Decimal:
    """Return a spreadsheet's number with the digits that it keeps."""
    number = Decimal(format(value, f".{DIGITS_KEPT}g"))
    return Decimal(int(number)) if number.is_finite() and number == number.to_integral_value() else number
