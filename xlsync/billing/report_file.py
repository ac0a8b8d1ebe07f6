"""Billing lines out of a report that the distributor made: the way in for an MSP without the BSS's API.

A BSS has no fixed layout of reports, so columns are known by their headers; more can be named in the
settings. Such reports are made at the distributor's level: their subscription ids are Microsoft's, and
`Unit Cost` is the distributor's own cost where `Rate Per Qty`, the MSP's, stands beside it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, TypeVar

from xlsync.billing.periods import Charge, is_midnight, last_days, months_of, period_name
from xlsync.billing.report_tables import Cell, Table, read_table
from xlsync.billing.values import (
    Mark,
    Order,
    Style,
    Unclear,
    date_orders,
    decimal_marks,
    parse_date,
    parse_number,
)
from xlsync.errors import ConfigError, ReportError
from xlsync.models import BillingLine, LineType, Month

MOST_PROBLEMS: Final = 20
# The first header is the column's own name, by which the settings add others; the order is that of
# preference. A star stands for any ending.
HEADERS: Final[Mapping[str, tuple[str, ...]]] = {
    "customer": ("End Customer", "End User", "Customer", "End Customer Name",
                 "End User Name", "Customer Name"),
    "customer_id": ("End Customer ID", "End User ID", "Customer ID"),
    "contract": ("Subscription ID", "MS Subscription ID", "Contract ID"),
    "product": ("Product", "Charge Description", "Product Name"),
    "product_code": ("Product Code", "Item Code", "SKU"),
    "plan": ("Billing Plan", "Billing Period"),
    "cycle": ("Billing Cycle", "Commitment Period", "Commitment", "Term"),
    "units": ("Quantity", "Units", "Qty"),
    "cost": ("Rate Per Qty", "Unit Cost", "Unit Cost Transaction Currency*", "Cost", "costPrice",
             "Unit Price"),
    "start": ("Effective Date", "Billing Cycle Start Date", "Start Date", "Charge Start Date"),
    "end": ("End Date", "Billing Cycle End Date", "Charge End Date"),
    "amount": ("Amount", "Gross Value", "Total", "Total Amount", "Line Total"),
    "currency": ("Currency", "Currency Code"),
    "invoice": ("Invoice", "Invoice No.", "Invoice No", "Invoice Number", "Invoice Code"),
    "invoice_type": ("Invoice Type",),
    "type": ("Type", "Charge Type", "Line Type"),
    "invoice_date": ("Invoice Date",),
}  # fmt: skip
T = TypeVar("T")
_NEEDED: Final = ("customer", "product", "units")
_NUMBERS: Final = ("units", "cost", "amount")
_DATES: Final = ("start", "end", "invoice_date")
_MARK_BESIDE: Final[Mapping[str | None, Mark]] = {";": ",", ",": "."}  # which decimal mark a delimiter allows
_TYPES: Final = {
    "recurring": LineType.RECURRING,
    "credit": LineType.CREDIT,
    "usage": LineType.USAGE,
    "one-time": LineType.ONE_TIME,
    "onetime": LineType.ONE_TIME,
    "one time": LineType.ONE_TIME,
}


def read_report(
    path: Path | str,
    *,
    month: Month,
    aliases: Mapping[str, Sequence[str]] | None = None,
    order: Order | None = None,
) -> tuple[BillingLine, ...]:
    """The month's billing lines of a report: CSV, or a workbook of Excel or OpenOffice.

    Where it tells invoice dates only the month's rows count; else all do. `aliases` names further headers
    of a column. `order` says whether days or months come first, where the report does not show it.
    Raises ReportError, which lists every problem of the file.
    """
    path = Path(path)
    known = _known_headers(aliases or {})
    table = read_table(path, lambda header: set(_NEEDED) <= set(_find_columns(header, known)))
    columns = _find_columns(table.header, known)
    reading = _Reading(table, columns, order)
    numbered = [(table.first_row + n, row) for n, row in enumerate(table.rows) if any(map(_text, row))]
    if numbered and _is_total(
        reading.text(numbered[-1][1], "customer"), reading.text(numbered[-1][1], "product")
    ):
        numbered.pop()
    lines: list[BillingLine] = []
    midnights: list[bool] = []
    months = set()
    for number, row in numbered:
        invoiced = reading.invoiced(number, row)
        if invoiced is not None:
            months.add(Month(invoiced.year, invoiced.month))
            if not month.first <= invoiced <= month.last:
                continue
        line = reading.line(number, row)
        if line is not None:
            lines.append(line)
            midnights.append(is_midnight(reading.text(row, "end")))
    _refuse(path, reading.problems)
    if months and month not in months:
        others = ", ".join(map(str, sorted(months)))
        raise ReportError(f"{path.name} holds no row of {month}, only of {others}.", "Choose its month.")
    return _with_last_days(_with_keys(lines), midnights)


def touches(lines: Iterable[BillingLine], month: Month) -> bool:
    """Whether any line's period has a day of the month; lines without dates may be of any."""
    periods = [(line.start or line.end, line.end or line.start) for line in lines]
    dated = [(start, end) for start, end in periods if start and end]
    return not dated or any(start <= month.last and end >= month.first for start, end in dated)


def _with_last_days(lines: Sequence[BillingLine], midnights: Sequence[bool]) -> tuple[BillingLine, ...]:
    """The lines with the ends that all of them together tell; a key holds the end as it is written."""
    charges = [
        Charge(line.contract, line.start, line.end, at_midnight)
        for line, at_midnight in zip(lines, midnights, strict=True)
    ]
    return tuple(replace(line, end=end) for line, end in zip(lines, last_days(charges), strict=True))


def _is_total(customer: str, product: str) -> bool:
    """Whether the last row is that of the totals: it is of no product, and of no customer."""
    return not product and customer.casefold().rstrip(":") in {"", "total", "totals", "grand total", "sum"}


def _refuse(path: Path, problems: Sequence[str]) -> None:
    if not problems:
        return
    shown = list(problems[:MOST_PROBLEMS])
    if len(problems) > len(shown):
        shown.append(f"and {len(problems) - len(shown)} more")
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    raise ReportError(
        f"{path.name} has {count}:\n  " + "\n  ".join(shown),
        "Mend the file, then try again.",
        [(path.name, problem) for problem in problems],
    )


def _known_headers(aliases: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Every column's headers, those of the settings first."""
    known = {name: tuple(map(_plain, headers)) for name, headers in HEADERS.items()}
    owner = {header: name for name, headers in known.items() for header in (*headers, name)}
    for column, more in aliases.items():
        name = owner.get(_plain(column))
        if name is None:
            names = ", ".join(headers[0] for headers in HEADERS.values())
            raise ConfigError(f"The settings name a column “{column}” of reports.", f"Columns are: {names}.")
        known[name] = (*map(_plain, more), *known[name])
    return known


def _find_columns(header: Sequence[str], known: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Where each column stands, by the first of its headers that the report has."""
    there = [_plain(name) for name in header]
    found = {}
    for name, headers in known.items():
        for wanted in headers:
            at = [n for n, one in enumerate(there) if one and _is_called(one, wanted)]
            if at:
                found[name] = at[0]
                break
    return found


def _is_called(header: str, wanted: str) -> bool:
    return header.startswith(wanted[:-1]) if wanted.endswith("*") else header == wanted


def _plain(header: str) -> str:
    """A header as it is compared."""
    return " ".join(header.replace("\ufeff", "").replace("\u200b", "").split()).casefold()


def _text(cell: Cell) -> str:
    return " ".join(str(cell).split()) if cell is not None else ""


@dataclass
class _Reading:
    """Reads the rows of one report and gathers what is wrong with them."""

    table: Table
    columns: Mapping[str, int]
    order: Order | None
    problems: list[str] = field(default_factory=list)
    styles: dict[str, Style] = field(init=False)

    def __post_init__(self) -> None:
        if not any(self.text(row, "invoice_date") for row in self.table.rows):
            self.columns = {name: at for name, at in self.columns.items() if name != "invoice_date"}
        marks = {name: decimal_marks(self._texts(name)) for name in _NUMBERS}
        orders = {name: date_orders(self._texts(name)) for name in _DATES}
        mark = _only(set().union(*marks.values()), _MARK_BESIDE.get(self.table.delimiter))
        order = _only(set().union(*orders.values()), None)
        # a column that contradicts itself tells nothing of what is unclear in it
        self.styles = {
            **{name: Style(mark=_only(found, mark)) for name, found in marks.items()},
            **{name: Style(order=self.order or _only(found, order)) for name, found in orders.items()},
        }

    def _texts(self, name: str) -> list[str]:
        return [cell for row in self.table.rows if isinstance(cell := self.cell(row, name), str)]

    def cell(self, row: Sequence[Cell], name: str) -> Cell:
        """The row's cell in a column; None where the report has no such column."""
        at = self.columns.get(name, len(row))
        return row[at] if at < len(row) else None

    def text(self, row: Sequence[Cell], name: str) -> str:
        """The same as text."""
        return _text(self.cell(row, name))

    def problem(self, number: int, name: str, what: str) -> None:
        """Remember what is wrong with a row."""
        column = " ".join(self.table.header[self.columns[name]].replace("\ufeff", "").split())
        self.problems.append(f"row {number}, {column}: {what}")

    def number(self, number: int, row: Sequence[Cell], name: str) -> Decimal | None:
        """The number in a column, None where it is empty."""
        cell, text = self.cell(row, name), self.text(row, name)
        if isinstance(cell, Decimal) or not text:
            return cell if isinstance(cell, Decimal) else None
        try:
            return parse_number(text, self.styles[name])
        except Unclear:
            what = f"“{text}” may have thousands or three decimals; write it without a mark for thousands"
            self.problem(number, name, what)
        except ValueError:
            self.problem(number, name, f"“{text[:40]}” is not a number")
        return None

    def date(self, number: int, row: Sequence[Cell], name: str) -> dt.date | None:
        """The date in a column, None where it is empty."""
        cell, text = self.cell(row, name), self.text(row, name)
        if isinstance(cell, dt.date) or not text:
            return cell if isinstance(cell, dt.date) else None
        try:
            return parse_date(text, self.styles[name])
        except Unclear:
            what = f"“{text}” may have the day or the month first; write dates like 2026-10-31"
            self.problem(number, name, what)
        except ValueError:
            self.problem(number, name, f"“{text[:40]}” is not a date")
        return None

    def invoiced(self, number: int, row: Sequence[Cell]) -> dt.date | None:
        """The row's invoice date, where the report has that column."""
        before = len(self.problems)
        found = self.date(number, row, "invoice_date")
        if found is None and "invoice_date" in self.columns and len(self.problems) == before:
            self.problem(number, "invoice_date", "is empty, so its month is not known")
        return found

    def line(self, number: int, row: Sequence[Cell]) -> BillingLine | None:
        """The billing line of a row; None, and a problem, where it cannot be one."""
        before = len(self.problems)
        for name in ("customer", "product"):
            if not self.text(row, name):
                self.problem(number, name, "is empty")
        units = self.number(number, row, "units")
        cost, amount = self.number(number, row, "cost"), self.number(number, row, "amount")
        start, end = self.date(number, row, "start"), self.date(number, row, "end")
        if units is None and len(self.problems) == before:
            self.problem(number, "units", "is empty")
        charge, is_credit = self._charge(number, row, (units, cost, amount))
        if units is None or len(self.problems) > before:
            return None
        if amount is None and cost is None:
            where = "amount" if "amount" in self.columns else "cost" if "cost" in self.columns else "units"
            self.problem(number, where, "has neither an amount nor a cost per unit beside it")
            return None
        amount = units * abs(cost or Decimal(0)) if amount is None else amount
        if is_credit:
            units, amount = -abs(units), -abs(amount)
        cycle, cycle_months = self._period(row, "cycle")
        plan, plan_months = self._period(row, "plan")
        return BillingLine(
            key="",
            source="report",
            invoice=self.text(row, "invoice"),
            type=LineType.CREDIT if is_credit else charge,
            charge=charge,
            customer=self.text(row, "customer"),
            customer_id=self.text(row, "customer_id"),
            product=self.text(row, "product"),
            product_code=self.text(row, "product_code"),
            contract_id=self.text(row, "contract"),
            units=units,
            cost=None if cost is None else abs(cost),
            amount=amount,
            currency=self.text(row, "currency").upper(),
            billing_period=plan or cycle,  # without a plan it is billed once a term
            billing_months=plan_months if plan else cycle_months,
            commitment_period=cycle,
            commitment_months=cycle_months,
            start=start,
            end=end,
        )

    def _charge(
        self, number: int, row: Sequence[Cell], figures: Iterable[Decimal | None]
    ) -> tuple[LineType, bool]:
        """What kind of charge it is, and whether the row takes it back: whichever figure has the minus."""
        said, of_invoice = self.text(row, "type").casefold(), self.text(row, "invoice_type").casefold()
        kind = _TYPES.get(said, LineType.RECURRING)
        is_credit = (
            "credit" in of_invoice or "credit" in said or any(one is not None and one < 0 for one in figures)
        )
        if of_invoice and not any(word in of_invoice for word in ("credit", "debit", "invoice")):
            what = f"“{of_invoice[:40]}” is neither a debit nor a credit invoice"
            self.problem(number, "invoice_type", what)
        return (LineType.RECURRING if kind is LineType.CREDIT else kind), is_credit

    def _period(self, row: Sequence[Cell], name: str) -> tuple[str, int | None]:
        """A period's readable name, and its months where they are known."""
        said = self.text(row, name)
        months = months_of(said)
        return (period_name(months) if months else said), months


def _only(found: set[T], otherwise: T | None) -> T | None:
    """What all agree on; where nothing was found, the other; where they differ, none."""
    if len(found) > 1:
        return None
    return next(iter(found), otherwise)


def _with_keys(lines: Sequence[BillingLine]) -> tuple[BillingLine, ...]:
    """Keys from what a row says, so that the same report gives the same keys in whatever order."""
    seen: Counter[str] = Counter()
    keyed = []
    for line in lines:
        content: tuple[Any, ...] = astuple(line)
        said = "\x1f".join(map(_said, content))
        digest = hashlib.sha256(said.encode()).hexdigest()[:16]
        seen[digest] += 1
        key = f"report:{digest}" + (f":{seen[digest]}" if seen[digest] > 1 else "")
        keyed.append(replace(line, key=key))
    return tuple(keyed)


def _said(value: object) -> str:
    """A field as it counts in a key: 12.0 is 12."""
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return "" if value is None else str(value)
