"""Reasons why a report does not show all of a month, or not that month; each hinders the all clear. PURE."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from xlsync.amounts import counted, tell_money
from xlsync.billing.reports.chosen_tables import written_money
from xlsync.billing.reports.months_named import other_month_named
from xlsync.billing.reports.problems import quoted, rows_text
from xlsync.billing.reports.proof import total_agrees
from xlsync.billing.reports.table_values import Day, TableValues
from xlsync.billing.reports.tables import Table
from xlsync.models import BillingLine, Month


def charges_for(line: BillingLine, month: Month) -> bool:
    """Return whether a line's period has a day of the month; one without dates may be of any."""
    start, end = line.start or line.end, line.end or line.start
    return start is None or end is None or (start <= month.last and end >= month.first)


def doubt_of_periods(name: str, lines: Sequence[BillingLine], month: Month) -> str:
    """Say that lines charge for no day of the month: all of them, or some that recur; else empty.

    `lines` are those of the table `name`, whose invoice has no date that says which month they belong to.
    """
    dated = [line for line in lines if line.start or line.end]
    if dated and not any(charges_for(line, month) for line in dated):
        return f"No period in {name} touches {month}: is it the report of that month?"
    elsewhere = [line for line in dated if line.is_compared and not charges_for(line, month)]
    if not elsewhere:
        return ""
    money: dict[tuple[str, str], Decimal] = {}
    for line in elsewhere:
        place = str(line.start or line.end)[:7], line.currency
        money[place] = money.get(place, Decimal(0)) + line.amount
    sums = ", ".join(
        f"{tell_money(amount, currency)} for {other}" for (other, currency), amount in sorted(money.items())
    )
    charge = "charges" if len(elsewhere) == 1 else "charge"
    belongs = "it belongs" if len(elsewhere) == 1 else "they belong"
    return (
        f"{counted(len(elsewhere), 'line')} of {name} {charge} for no day of {month} ({sums}), and no "
        f"invoice's date says that {belongs} to it."
    )


def doubt_of_names(name: str, table: Table, lines: Sequence[BillingLine], month: Month) -> str:
    """Say that a title, the sheet or the file names another month, where no line has a day of its own."""
    if not lines or any(line.start or line.end for line in lines):
        return ""
    other = other_month_named(name, table, month)
    named = f"“{other[:60]}” in {name} names another month than {month}"
    return f"{named}: is it the report of that month?" if other else ""


def doubt_of_left_out(name: str, tables: Sequence[Table], lines: Sequence[BillingLine]) -> str:
    """Name tables of one header that are not read, unless their money is that of the lines: a summary."""
    money = [written_money(table) for table in tables]
    own = [amount for amount in money if amount is not None]
    of_lines = sum((line.amount for line in lines), Decimal(0))
    if len(own) == len(tables) and total_agrees(sum(own, Decimal(0)), (of_lines,), len(lines)):
        return ""
    sheets = ", ".join(dict.fromkeys(table.sheet.name for table in tables if table.sheet.name))
    where = f"{name}, sheet {sheets}" if sheets else name
    rows = sum(len(table.rows) for table in tables)
    are = "is not read, and is" if rows == 1 else "are not read, and are"
    return f"{where}: {counted(rows, 'row')} of another table {are} no summary of the lines."


def tell_other_periods(
    values: TableValues, good: Iterable[int], periods: Sequence[tuple[Any, Any]]
) -> Iterator[str]:
    """Tell in which rows a column of periods or of months names no day of the dates beside it."""
    rows = []
    for at in good if values.range_of and values.periods else ():
        cells = values.periods[at]
        named = [day.date for day in cells if isinstance(day, Day)] if isinstance(cells, tuple) else []
        own = [day.date for day in periods[at] if isinstance(day, Day)]
        if named and own and (named[-1] < own[0] or named[0] > own[-1]):
            rows.append(values.table.rows[at][0])
    if rows:
        header = values.table.header_of(values.range_of)
        setting = f"if the dates hold, write ignore = [{quoted(header)}] under [report]"
        yield f"{header} names other days than the dates beside it: {rows_text(rows)}; {setting}"
