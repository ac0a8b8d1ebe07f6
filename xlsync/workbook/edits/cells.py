"""Input cells: read an approval, an amount or a date; anything else in them is a problem. PURE."""

from __future__ import annotations

import contextlib
import datetime as dt
from decimal import Decimal, InvalidOperation
from typing import Final

from xlsync.errors import Problem
from xlsync.models import ActionLabel, Month
from xlsync.workbook.layout import INVOICES, MISMATCHES
from xlsync.workbook.read import Book, SheetRow
from xlsync.xlsx.cells import Value

OVER_LIMIT: Final = "yes, over limit"
_MOST: Final = 1_000_000_000  # units or money: a larger number is an id in the wrong column
_DIGITS: Final = 15  # digits of a number that a spreadsheet keeps
_DECIMALS: Final = 6  # a finer number is no amount: close to zero it would pass for a small change
_FAR: Final = 60  # months from the workbook's month

FIGURES: Final = {  # computed columns that a decision rests on, by the title of their sheet
    MISMATCHES.title: ("BSS Units", "ConnectWise Units", "BSS Cost", "ConnectWise Cost"),
    INVOICES.title: ("Next Invoice Date", "Next Invoice Amount"),
}
IGNORING: Final = ("Action", "Reason", "Until")  # inputs that say whether, why and how long a row is ignored
_SAYS_WHICH: Final = ("Customer", "Agreement", "Product", "Kind", "For")  # computed columns


def find_altered(row: SheetRow) -> list[str]:
    """Return the headers of altered cells that say what a row is, or that a decision on it rests on.

    A decision beside them may have been made for another row: cells were pasted, or sorted in part.
    """
    computed = {column.header for column in row.sheet.columns if not column.is_input}
    headers = (*_SAYS_WHICH, *FIGURES.get(row.sheet.title, ()))
    return [header for header in headers if header in computed and row.is_edited(header)]


def was_ignored(row: SheetRow) -> bool:
    """Return whether a row of *Mismatches* was ignored when it was written, by a rule or a person."""
    return bool(row.stored.showed("Action") == ActionLabel.IGNORE)


def is_ignored(row: SheetRow) -> bool:
    """Return whether *Action* of a row of *Mismatches* says that it is ignored."""
    return row.text("Action").casefold() == ActionLabel.IGNORE.casefold()


def is_decided_anew(row: SheetRow) -> bool:
    """Return whether a person changed what a row of *Mismatches* says about ignoring it."""
    return any(row.is_edited(header) for header in IGNORING)


def is_ignored_anew(row: SheetRow) -> bool:
    """Return whether a person just chose to ignore a row of *Mismatches*, or changed for how long or why."""
    return is_decided_anew(row) and (was_ignored(row) or is_ignored(row))


def read_approve(row: SheetRow, problems: list[Problem]) -> bool:
    """Return whether a row is approved; anything but Yes, Yes, over limit, No or nothing is a problem."""
    is_yes = has_yes(row)
    if not is_yes and (row.text("Approve").casefold() not in {"", "no"} or "Approve" in row.formulas):
        problems.append(
            Problem(
                row.where("Approve"),
                f"{row.text('Approve')!r} is not an approval",
                "choose Yes, No or Yes, over limit, or leave it empty",
            )
        )
    return is_yes


def has_yes(row: SheetRow) -> bool:
    """Return whether *Approve* holds a Yes, with or without lifting the limits."""
    return row.text("Approve").casefold() in {"yes", OVER_LIMIT} and "Approve" not in row.formulas


def find_lifted(book: Book) -> frozenset[str]:
    """Return the keys of the rows whose *Approve* lifts the limits."""
    return frozenset(row.key for row in book.to_approve if row.text("Approve").casefold() == OVER_LIMIT)


def read_amount(row: SheetRow, header: str, problems: list[Problem]) -> Decimal | None:
    """Read a number from 0 up in an input cell; None where the cell is empty."""
    value = _value_in(row, header)
    if header not in row.formulas and (value is None or (isinstance(value, str) and not value.strip())):
        return None
    if header in row.formulas or not isinstance(value, Decimal | int) or isinstance(value, bool):
        what = "a formula stands here" if header in row.formulas else _why_no_number(value)
        problems.append(Problem(row.where(header), what, "enter a number from 0 up, or leave it empty"))
    elif value < 0:
        problems.append(Problem(row.where(header), f"{value} is below zero", "enter a number from 0 up"))
    elif value > _MOST:
        problems.append(Problem(row.where(header), f"{value} is too large", f"enter at most {_MOST:,}"))
    elif row.is_edited(header) and (what := _too_fine(Decimal(value).normalize())):
        problems.append(Problem(row.where(header), f"{value} has {what}", "round it"))
    else:
        return Decimal(value)
    return None


def _value_in(row: SheetRow, header: str) -> Value:
    """Return the value of an input cell: as it was written where nobody edited it, whatever its format."""
    value = row.get(header)
    is_as_written = isinstance(value, dt.date | Decimal) and not row.is_edited(header)
    return row.stored.showed(header) if is_as_written else value


def _why_no_number(value: Value) -> str:
    """Say why the value of a cell is not taken for a number."""
    text = str(value)
    if isinstance(value, dt.date):
        return f"{text} stands here as a date, not as a number"
    try:
        number = Decimal(text.strip().replace(",", "."))
    except InvalidOperation:
        return f"{text!r} is not a number"
    if number.is_finite() and number < 0:
        return f"{text!r} is below zero"
    return f"{text!r} stands here as text, not as a number"


def _too_fine(number: Decimal) -> str:
    _, digits, exponent = number.as_tuple()
    if len(digits) > _DIGITS:
        return f"more than {_DIGITS} digits"
    return f"more than {_DECIMALS} decimals" if isinstance(exponent, int) and -exponent > _DECIMALS else ""


def read_day(row: SheetRow, header: str, month: Month, problems: list[Problem]) -> dt.date | None:
    """Read a calendar date in an input cell; one far from the month is a problem."""
    day = _day_in(row, header, problems)
    if day is not None and row.is_edited(header):
        away = (day.year - month.year) * 12 + day.month - month.month
        if abs(away) > _FAR:
            what = f"{day} is more than {_FAR // 12} years from {month}"
            problems.append(Problem(row.where(header), what, "enter a nearer date, or clear it"))
    return day


def _day_in(row: SheetRow, header: str, problems: list[Problem]) -> dt.date | None:
    """Read a calendar date or its ISO text; None where the cell is empty."""
    value = _value_in(row, header)
    what = "a formula stands here" if header in row.formulas else f"{str(value)!r} is not a date"
    if header not in row.formulas:
        match value:
            case None:
                return None
            case dt.datetime():
                return value.date()
            case dt.date():
                return value
            case str():
                if not value.strip():
                    return None
                with contextlib.suppress(ValueError):
                    return dt.date.fromisoformat(value.strip())
    or_month = ", or a month such as 2026-10" if header == "Until" else ""
    problems.append(Problem(row.where(header), what, f"enter a date such as 2026-10-01{or_month}"))
    return None
