"""A table's rows converted to billing lines: kinds, signs, periods, and costs proven by the amounts. PURE."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from xlsync.billing.periods import ChargedPeriod, last_days
from xlsync.billing.reports.billed_by_days import billed_by_days
from xlsync.billing.reports.coarse_products import doubt_coarse_products
from xlsync.billing.reports.currencies import (
    doubt_currencies,
    read_currencies,
    tell_filled_currencies,
    tell_open_signs,
)
from xlsync.billing.reports.discounts import with_discounts
from xlsync.billing.reports.doubts import charges_for, tell_other_periods
from xlsync.billing.reports.kinds import Kind, KindWords
from xlsync.billing.reports.line_names import LineNames, line_names
from xlsync.billing.reports.lines import Habits, Meaning, ReportRow, RowFigures, Unclear, decide
from xlsync.billing.reports.problems import Problems, rows_text
from xlsync.billing.reports.row_checks import RowChecks, tell_unknown_words
from xlsync.billing.reports.row_columns import RowColumns, read_row_columns, unknown_words
from xlsync.billing.reports.rows import RowKind
from xlsync.billing.reports.summary import table_name
from xlsync.billing.reports.table_proof import prove_table
from xlsync.billing.reports.table_values import Day, TableValues
from xlsync.billing.reports.tables import Table
from xlsync.billing.reports.text import fold
from xlsync.billing.reports.unsigned_credits import tell_unsigned_credits
from xlsync.models import BillingLine, By, Month
from xlsync.records import replace


class ChargedRow(NamedTuple):
    """A billing line with its row; a line with `other_month` is left out."""

    row: int
    line: BillingLine
    other_month: Month | None = None
    raw_amount: Decimal | None = None
    raw_units: Decimal | None = None


@dataclass(slots=True)
class TableCharges:
    """The lines of a table, notices about it, and doubts that hinder the all clear."""

    lines: list[ChargedRow] = field(default_factory=list)
    unread_of: Counter[Month] = field(default_factory=Counter)  # rows of other months that cannot be read
    notices: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)


def charge_lines(
    values: TableValues,
    kinds: Sequence[RowKind],
    words: KindWords,
    charged: Container[str],
    month: Month,
    by: By,
    file_name: str,
    source: str,
    problems: Problems,
) -> TableCharges:
    """Read the lines of all rows of a table that charge; an unusable row is a problem of the file.

    An unusable row of another month's invoice is no problem, where `by` says that the invoice's date decides.
    `charged` are the products for which any table charges, `source` is the file's name where
    there are several files.
    """
    name = table_name(file_name, values.table.sheet.name)
    charging = [at for at, kind in enumerate(kinds) if kind is RowKind.CHARGE]
    currencies = read_currencies(values)
    columns = read_row_columns(values, words, currencies)
    others = _other_months(values, charging, columns, month, by)
    checks = RowChecks(values, columns, problems)
    checks.check([at for at in charging if at not in others])
    elsewhere = RowChecks(values, columns, Problems())
    elsewhere.check(list(others))
    unknown: dict[tuple[str, str], list[int]] = {}
    for at in charging:
        if columns.kinds[at] is None:
            (elsewhere if at in others else checks).bad.add(at)
            for word in unknown_words(values, at, words) if at not in others else ():
                unknown.setdefault(word, []).append(at)
    tell_unknown_words(values, unknown, columns.amounts, problems)
    _refuse_sums(values, kinds, problems)
    good = [at for at in charging if at not in checks.bad and at not in elsewhere.bad]
    rows = with_discounts(_charging_rows(values, good, columns), values.texts["product"], charged)
    made: list[tuple[ReportRow, Meaning]] = []
    for row, meaning in _decide(values, rows):
        if isinstance(meaning, Unclear):
            money = "amount" if "amount" in values.numbers else "cost"
            column = money if meaning.figure == "money" else meaning.figure
            (elsewhere if row.at in others else checks).tell(row.at, column, meaning.what)
        else:
            made.append((row, meaning))
    result = TableCharges(unread_of=Counter(others[at] for at in elsewhere.bad))
    result.doubts.extend(tell_unsigned_credits(values, kinds, columns.amounts, words, file_name, problems))
    doubts = (
        *_tell_credits_that_charge(made),
        *tell_other_periods(values, good, columns.periods),
        *doubt_currencies(currencies, good),
    )
    result.doubts.extend(f"{name}: {text}." for text in doubts)
    result.notices.extend(tell_filled_currencies(currencies, good))
    result.notices.extend(tell_open_signs(currencies, good))
    period = month if by == "service-period" else None
    _make_lines(values, made, columns, others, period, name, source, result, problems)
    placed = list(zip((row.at for row, _ in made), result.lines, strict=True))
    result.notices.extend(_tell_alike(values.table, placed))
    lines = ((at, charged.line) for at, charged in placed)
    result.doubts.extend(doubt_coarse_products(values.table, lines, name))
    return result


def _tell_alike(table: Table, placed: Iterable[tuple[int, ChargedRow]]) -> Iterator[str]:
    """Tell which recurring rows are like an earlier one in every cell: a row pasted twice counts twice."""
    earlier: set[tuple[Any, ...]] = set()
    again: list[int] = []
    for at, charged in placed:
        if charged.line.is_compared and charged.other_month is None:
            cells = tuple(table.rows[at][1])
            if cells in earlier:
                again.append(charged.row)
            earlier.add(cells)
    if again:
        are, count = ("is", "counts") if len(again) == 1 else ("are", "count")
        yield f"{rows_text(again)} {are} like an earlier row in every cell, and {count} like any other"


def _refuse_sums(values: TableValues, kinds: Sequence[RowKind], problems: Problems) -> None:
    """Name rows that have the names of a charge and exactly the sum of the rows above."""
    costs = values.numbers.get("cost", (None,) * len(kinds))
    for at, kind in enumerate(kinds):
        if kind is RowKind.SUM:
            price = "" if isinstance(costs[at], Decimal) else ", and it has no price"
            what = f": its figures are the sum of the rows above{price}: is it a total or a charge?"
            problems.add(values.table.sheet.name, values.table.rows[at][0], what)


def _tell_credits_that_charge(made: Iterable[tuple[ReportRow, Meaning]]) -> Iterator[str]:
    """Name the rows whose word says money back and that charge, since others of that word have a minus."""
    numbers: dict[str, list[int]] = {}
    for row, meaning in made:
        if (
            (row.kind.is_credit or row.kind.is_discount)
            and not row.kind.goes_both_ways
            and meaning.amount > 0
        ):
            numbers.setdefault(row.word, []).append(row.number)
    for word, rows in numbers.items():
        are = "is read as a charge" if len(rows) == 1 else "are read as charges"
        yield f"“{word}” has amounts with a minus and without, so the sign decides: {rows_text(rows)} {are}"


def _other_months(
    values: TableValues, charging: Iterable[int], columns: RowColumns, month: Month, by: By
) -> dict[int, Month]:
    """Return the months of rows whose invoice is of another month, by their places.

    By charged period this decides of rows without one.
    """
    if "invoice_date" not in values.dates:
        return {}
    months = {}
    for at in charging:
        day = values.dates["invoice_date"][at]
        if isinstance(day, Day) and (by == "invoice-date" or columns.periods[at] == (None, None)):
            own = Month(day.date.year, day.date.month)
            if own != month:
                months[at] = own
    return months


def _other_periods(lines: Iterable[tuple[ReportRow, BillingLine]], month: Month) -> dict[int, Month]:
    """Return the months in which periods without a day of a month end, by the places of their rows."""
    months = {}
    for row, line in lines:
        last = line.end or line.start
        if last is not None and not charges_for(line, month):
            months[row.at] = Month(last.year, last.month)
    return months


def _charging_rows(values: TableValues, good: Sequence[int], columns: RowColumns) -> list[ReportRow]:
    """Return the rows that charge, with their figures."""
    numbers: Mapping[str, Sequence[Any]] = values.numbers
    empty: Sequence[None] = [None] * len(values.table.rows)
    units, costs = numbers["units"], numbers.get("cost", empty)
    rates, shares = numbers.get("exchange_rate", empty), numbers.get("duration", empty)
    texts: Mapping[str, Sequence[Any]] = values.texts
    contracts = texts.get("contract", empty)
    rows = []
    for at in good:
        start, end = (day.date if isinstance(day, Day) else None for day in columns.periods[at])
        cost, amount = _priced(units[at], costs[at], columns.amounts[at], rates[at], shares[at])
        rows.append(
            ReportRow(
                values.table.rows[at][0],
                at,
                RowFigures(units[at], cost, amount, start, end),
                columns.kinds[at] or Kind(),
                columns.words[at],
                fold(texts["customer"][at]),
                fold(texts["product"][at]),
                contracts[at] or "",
            )
        )
    return rows


def _priced(units: Any, cost: Any, amount: Any, rate: Any, share: Any) -> tuple[Any, Any]:
    """Convert the cost to the billed currency, and the amount to the charged part of a period."""
    if cost is not None and rate:
        cost *= rate
    if amount is None and None not in (units, cost, share):
        amount = units * cost * share
    return cost, amount


# --- what the table shows


def _habits(values: TableValues, rows: Iterable[ReportRow]) -> Habits:
    """Find out how the table writes credits."""
    signs: set[tuple[str, bool]] = set()
    has_minus = False
    for row in rows:
        units, _, amount = row.figures[:3]
        minus = (units is not None and units < 0) or (amount is not None and amount < 0)
        has_minus = has_minus or minus
        if amount:
            signs.add((row.word, minus))
    layout = values.table.columns.layout
    return Habits(
        both_ways=frozenset(word for word, minus in signs if word and minus and (word, False) in signs),
        is_signed=layout is not None and layout.is_signed,
        has_minus=has_minus,
    )


def _prices(rows: Iterable[ReportRow]) -> dict[tuple[str, ...], set[Decimal]]:
    """Collect the unit prices of charges by contract and by customer's product."""
    prices: dict[tuple[str, ...], set[Decimal]] = {}
    for row in rows:
        cost, amount = row.figures.cost, row.figures.amount
        is_charge = not row.kind.is_credit and not row.kind.is_discount
        if cost and cost > 0 and (amount is None or amount > 0) and is_charge:
            prices.setdefault((row.customer, row.product, row.contract), set()).add(cost)
            prices.setdefault((row.customer, row.product), set()).add(cost)
    return prices


def _decide(values: TableValues, rows: Sequence[ReportRow]) -> Iterator[tuple[ReportRow, Meaning | Unclear]]:
    """Decide the meaning of every row, or say what is unclear about it."""
    habits = _habits(values, rows)
    prices = _prices(rows) if habits.has_minus else {}
    own: set[Decimal] = set()
    for row in rows:
        if prices:
            by_product = prices.get((row.customer, row.product), set())
            own = prices.get((row.customer, row.product, row.contract), by_product)
        yield row, decide(row.figures, row.kind, row.word, habits, own)


# --- lines


def _make_lines(
    values: TableValues,
    made: Sequence[tuple[ReportRow, Meaning]],
    columns: RowColumns,
    others: Mapping[int, Month],
    period: Month | None,
    name: str,
    source: str,
    result: TableCharges,
    problems: Problems,
) -> None:
    """Add the lines of rows to the result.

    `name` is that of the table, `period` the month where the charged period decides.
    """
    midnights = _midnights(values)
    ends = last_days(
        [
            ChargedPeriod(
                row.contract or f"{row.customer}/{row.product}",
                row.figures.start,
                row.figures.end,
                row.figures.end is not None and midnights[row.at],
            )
            for row, _ in made
        ]
    )
    names = line_names(values)
    currencies = [currency if isinstance(currency, str) else "" for currency in columns.currencies]
    lines = [
        _line(names[row.at], currencies[row.at], row, meaning, end, source)
        for (row, meaning), end in zip(made, ends, strict=True)
    ]
    lines, of_days = billed_by_days(lines, [row.at for row, _ in made], values)
    result.notices.extend(of_days)
    if period is not None:
        rows = zip((row for row, _ in made), lines, strict=True)
        others = {**others, **_other_periods(rows, period)}
    figures = [(row.number, row.at, row.figures.amount) for row, _ in made]
    costs, notices, doubts = prove_table(values, figures, lines, others, problems)
    result.notices.extend(notices)
    result.doubts.extend(f"{name}: {text}." for text in doubts)
    for (row, _), line in zip(made, lines, strict=True):
        own = replace(line, cost=costs[row.number]) if row.number in costs else line
        amount, units = row.figures.amount, row.figures.units
        result.lines.append(ChargedRow(row.number, own, others.get(row.at), amount, units))


def _midnights(values: TableValues) -> Sequence[bool]:
    """Return for each row whether its end is without a time or at midnight."""
    if "end" in values.dates:
        return [not isinstance(cell, Day) or cell.is_midnight for cell in values.dates["end"]]
    return [False] * len(values.table.rows)  # a period in one cell ends on its last day


def _line(
    names: LineNames, currency: str, row: ReportRow, meaning: Meaning, end: dt.date | None, source: str
) -> BillingLine:
    """Make a row's line; its key depends on the row's content only, not on other rows or their order."""
    return BillingLine(
        key=_key(names, currency, row, meaning, end),
        report=source,
        source="report",
        invoice=names.invoice,
        type=meaning.type,
        charge=meaning.charge,
        customer=names.customer,
        customer_id=names.customer_id,
        product=names.product,
        product_code=names.product_code,
        contract_id=row.contract,
        units=meaning.units,
        cost=meaning.cost,
        amount=meaning.amount,
        currency=currency,
        billing_period=names.terms.billing,
        billing_months=names.terms.billing_months,
        commitment_period=names.terms.commitment,
        commitment_months=names.terms.commitment_months,
        start=row.figures.start,
        end=end,
    )


def _key(names: LineNames, currency: str, row: ReportRow, meaning: Meaning, end: dt.date | None) -> str:
    content = (
        *names[:5],
        names.terms.billing,
        names.terms.commitment,
        row.contract,
        currency,
        meaning.type,
        meaning.charge,
        _spell(meaning.units),
        _spell(meaning.cost),
        _spell(meaning.amount),
        str(row.figures.start or ""),
        str(end or ""),
    )
    return "report:" + hashlib.sha256("\x1f".join(content).encode()).hexdigest()[:16]


def _spell(number: Decimal | None) -> str:
    """Write a number for a key: 12.0 is 12."""
    return "" if number is None else str(number.normalize())
