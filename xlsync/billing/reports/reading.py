"""Reading of reports: from files to billing lines, with all problems in one error."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Final

from msgspec import Struct

from xlsync.amounts import tell_money
from xlsync.billing.reports.charges import ChargedRow, TableCharges, charge_lines
from xlsync.billing.reports.chosen_tables import (
    best_way,
    choose_tables,
    refuse_without_header,
    refuse_without_money,
    rows_without_table,
    tells_charges,
    with_period,
    written_money,
)
from xlsync.billing.reports.code_columns import with_names
from xlsync.billing.reports.column_checks import refuse_columns
from xlsync.billing.reports.columns import KNOWN_AND_UNREAD, Aliases, read_aliases
from xlsync.billing.reports.discounts import charged_products
from xlsync.billing.reports.doubts import charges_for, doubt_of_left_out, doubt_of_names, doubt_of_periods
from xlsync.billing.reports.joined_files import (
    FileLines,
    SheetLine,
    names_apart,
    refuse_other_papers,
    refuse_repeated,
    refuse_repeated_sheets,
    refuse_shared_contracts,
    shared_numbers,
    tell_lines_apart,
)
from xlsync.billing.reports.kinds import KindWords
from xlsync.billing.reports.meanings import MEANINGS
from xlsync.billing.reports.months_named import month_of_name
from xlsync.billing.reports.opening import check_quotes, open_report
from xlsync.billing.reports.problems import Problems, refuse
from xlsync.billing.reports.proven_prices import with_price
from xlsync.billing.reports.raw_values import read_raw
from xlsync.billing.reports.rows import RowKind, classify
from xlsync.billing.reports.summary import TableRead, table_name
from xlsync.billing.reports.table_values import TableValues, find_marks, find_orders, read_values
from xlsync.billing.reports.tables import Table
from xlsync.billing.reports.totals import hold_totals
from xlsync.errors import ReportError
from xlsync.gc_tuning import not_collected
from xlsync.models import BillingLine, By, Month
from xlsync.reconcile.billed import InvoiceTotal
from xlsync.settings import ReportSettings

_NO_CHARGE: Final = {  # in words for people
    RowKind.TOTAL: "totals",
    RowKind.FIGURES: "totals",
    RowKind.TAX: "taxes below the lines",
    RowKind.FOOTER: str(RowKind.FOOTER),
    RowKind.EMPTY: "empty",
}
_REPEATED: Final = "repeated headers"
_REASONS_OF_NO_CHARGE: Final = (*dict.fromkeys(_NO_CHARGE.values()), _REPEATED)


class ReportsRead(Struct, frozen=True):
    """The billing lines of all reports of a month, what was read of each table, and the totals they state.

    `totals` are None where no report states one.
    """

    lines: tuple[BillingLine, ...]
    tables: tuple[TableRead, ...]
    totals: tuple[InvoiceTotal, ...] | None = None

    @property
    def notices(self) -> list[str]:
        """The notices for people."""
        return [text for table in self.tables for text in table.tell()]


@dataclass(slots=True)
class _File:
    """A report while it is read; `source` is its name where there are several."""

    name: str
    source: str
    problems: Problems = field(default_factory=Problems)
    lines: list[SheetLine] = field(default_factory=list)
    tables: list[TableRead] = field(default_factory=list)
    values: list[tuple[TableValues, Sequence[str]]] = field(
        default_factory=list
    )  # with the notices about each
    not_chosen: list[Table] = field(default_factory=list)


def read_reports(
    paths: Sequence[Path], month: Month, settings: ReportSettings, by: By = "invoice-date"
) -> ReportsRead:
    """Read a month's billing lines from all its reports; raises ReportError with every problem.

    Lines belong to the month by their invoice's date, where the report tells it, or by their charged period,
    which no total is held against.
    """
    with not_collected():
        return _read_reports(paths, month, settings, by)


def _read_reports(paths: Sequence[Path], month: Month, settings: ReportSettings, by: By) -> ReportsRead:
    aliases = read_aliases(settings.headers, settings.ignore)
    words = KindWords(settings.types)
    files = [_File(name, name if len(paths) > 1 else "") for name in names_apart(paths)]
    for path, file in zip(paths, files, strict=True):
        _read_values(path, file, month, settings, aliases)
    charged = frozenset[str]().union(*(charged_products(one) for file in files for one, _ in file.values))
    for file in files:
        _read_lines(file, month, by, words, charged)
    read = [FileLines(file.name, file.lines, file.problems) for file in files]
    refuse_shared_contracts(read)
    shared = shared_numbers(read)
    keyed = {file.name: tell_lines_apart(file.lines, shared) for file in files}
    refuse_other_papers(read)
    refuse_repeated_sheets(read, keyed)
    refuse_repeated(read, keyed)
    refuse([(file.name, file.problems) for file in files])
    lines = [line for own in keyed.values() for line in own]
    if not lines:
        elsewhere = by == "invoice-date" and any(
            table.other_months for file in files for table in file.tables
        )
        choice = ", another file, or --by service-period, since" if elsewhere else ", or another file"
        charge = f" rows of other invoices charge for {month}" if elsewhere else ""
        raise ReportError(_tell_no_line(files, month), f"Choose its month{choice}{charge}.")
    totals = [total for file in files for total in _totals(file)]
    return ReportsRead(
        tuple(lines),
        tuple(table for file in files for table in file.tables),
        tuple(totals)
        if by == "invoice-date" and any(amount.total is not None for amount in totals)
        else None,
    )


def _read_values(path: Path, file: _File, month: Month, settings: ReportSettings, aliases: Aliases) -> None:
    """Read the values of a file's tables, and find those that are not chosen."""
    opened = open_report(path)
    way, tables = best_way(opened, aliases)
    if not tables:
        refuse_without_header(opened, aliases)
    check_quotes(opened, way)
    chosen, file.not_chosen = choose_tables(tables)
    file.not_chosen.extend(rows_without_table(opened.ways[way], tables, aliases))
    file.tables.extend(
        TableRead(file=file.name, sheet=hidden, notices=("hidden, so it is not read",))
        for hidden in opened.hidden_sheets
    )
    chosen = [with_price(with_names(with_period(table))) for table in chosen]
    for table in chosen:
        refuse_without_money(file.name, table)
        refuse_columns(table, file.problems)
    raw = [read_raw(table) for table in chosen]
    marks = find_marks(raw)
    orders = find_orders(raw, month, settings.dates)
    file.values = [(read_values(one, marks, orders), one.notices) for one in raw]


def _read_lines(file: _File, month: Month, by: By, words: KindWords, charged: Container[str]) -> None:
    """Read the lines of a file's tables; `charged` are the products for which any file charges."""
    made = []
    for values, notices in file.values:
        kinds = classify(values)
        charges = charge_lines(
            values, kinds, words, charged, month, by, file.name, file.source, file.problems
        )
        charges.notices.extend(notices)
        made.append((values, kinds, charges))
    touching = [_touches(charges, values, month) for values, _, charges in made]
    earlier: list[ChargedRow] = []
    for (values, kinds, charges), touches in zip(made, touching, strict=True):
        totals = hold_totals(values, kinds, charges, earlier, file.name, file.problems)
        earlier.extend(charges.lines)
        is_left_out = touches is False and True in touching
        _finish_table(file, values, kinds, charges, month, by, totals, is_left_out=is_left_out)
    lines = [one.line for one in earlier]
    file.tables = [*_tell_not_chosen(file.name, file.not_chosen, lines), *file.tables]


def _tell_not_chosen(file: str, tables: Sequence[Table], lines: Sequence[BillingLine]) -> Iterator[TableRead]:
    """Make the summary of each table that is not read: where it begins, and the money of its rows."""
    alike: dict[frozenset[str], list[Table]] = {}
    for table in tables:
        alike.setdefault(table.meanings, []).append(table)
    for table in tables:
        money = written_money(table)
        sums = f", {money:,.2f} in its rows" if money is not None else ""
        if table.columns.fits:
            reason = f"another table begins in row {table.header_row} with fewer known columns"
        elif table.header_row:
            reason = f"the header in row {table.header_row} lacks the customer, the product or the units"
        else:
            reason = "no header names the customer, the product and the units"
        own = alike[table.meanings]
        doubt = doubt_of_left_out(file, own, lines) if table is own[0] and tells_charges(table) else ""
        yield TableRead(
            file=file,
            sheet=table.sheet.name,
            left_out={f"{reason}{sums}": len(table.rows)},
            doubts=(doubt,) if doubt else (),
        )


def _totals(file: _File) -> list[InvoiceTotal]:
    """Return the totals that a report states, by currency; None where one of its tables has none."""
    stated: dict[str, list[Decimal | None]] = {}
    for table in file.tables:
        for currency, total in table.totals.items():
            stated.setdefault(currency, []).append(total)
    return [
        InvoiceTotal(
            number=file.source,
            currency=currency,
            total=None
            if None in totals
            else sum((amount for amount in totals if amount is not None), Decimal(0)),
            is_report=True,
        )
        for currency, totals in stated.items()
    ]


# --- what is left out


def _touches(charges: TableCharges, values: TableValues, month: Month) -> bool | None:
    """Return whether a table's periods touch the month; None if neither dates nor its name tell a month."""
    periods = [
        (line.start or line.end, line.end or line.start)
        for line in (charged.line for charged in charges.lines if charged.other_month is None)
    ]
    dated = [(start, end) for start, end in periods if start and end]
    if dated:
        return any(start <= month.last and end >= month.first for start, end in dated)
    named = month_of_name(values.table.sheet.name)
    if not periods:
        return False if charges.lines else None
    if named is None:
        return None
    number, year = named
    return number == month.month and year in (None, month.year)


@dataclass(slots=True)
class _LeftOut:
    """The lines of a table that are left out: their number and their money by currency, both by reason.

    `other_months` counts those that charge for the month and are invoiced in another.
    """

    rows: Counter[str] = field(default_factory=Counter)
    money: dict[str, dict[str, Decimal]] = field(default_factory=dict)
    other_months: int = 0

    def add(self, reason: str, line: BillingLine) -> None:
        """Count a line that is left out."""
        self.rows[reason] += 1
        sums = self.money.setdefault(reason, {})
        sums[line.currency] = sums.get(line.currency, Decimal(0)) + line.amount

    def sum_of(self, currency: str) -> Decimal:
        """Return the money of all lines left out in a currency."""
        return sum((sums.get(currency, Decimal(0)) for sums in self.money.values()), Decimal(0))

    def by_reason(self) -> dict[str, int]:
        """Return the number of lines by their reason and money in words."""
        return {f"{reason}, {_tell_money(self.money[reason])}": rows for reason, rows in self.rows.items()}


def _finish_table(
    file: _File,
    values: TableValues,
    kinds: Sequence[RowKind],
    charges: TableCharges,
    month: Month,
    by: By,
    totals: Mapping[str, Decimal],
    *,
    is_left_out: bool,
) -> None:
    """Add the month's lines of a table to its file, with a summary of what was read and left out."""
    table = values.table
    stated: dict[str, Decimal | None] = {}
    left_out = _LeftOut()
    own: list[BillingLine] = []
    for charged in charges.lines:
        if charged.other_month is not None:
            is_dated = charged.line.start or charged.line.end
            why = "charged for" if by == "service-period" and is_dated else "invoiced in"
            left_out.add(f"{why} {charged.other_month}", charged.line)
            left_out.other_months += charges_for(charged.line, month)
        elif is_left_out:
            left_out.add(f"no period touches {month}", charged.line)
        else:
            file.lines.append(SheetLine(table.sheet.name, charged))
            own.append(charged.line)
            stated.setdefault(charged.line.currency, totals.get(charged.line.currency))
    for currency, total in stated.items():  # what is invoiced in another month is no part of this one
        if total is not None:
            stated[currency] = None if charges.unread_of else total - left_out.sum_of(currency)
    if hidden := sum(number in table.sheet.hidden_rows for number, _ in table.rows):
        charges.notices.append(f"{hidden} hidden row{'s are' if hidden > 1 else ' is'} read like the others")
    doubt = (
        ""
        if "invoice_date" in values.dates
        else doubt_of_periods(table_name(file.name, table.sheet.name), own, month)
        or doubt_of_names(file.name, table, own, month)
    )
    layout, at = table.columns.layout, table.columns.at
    unread = {*table.columns.unread, *(at[name] for name in KNOWN_AND_UNREAD if name in at)}
    file.tables.append(
        TableRead(
            file=file.name,
            sheet=table.sheet.name,
            layout=layout.name if layout else "",
            lines=len(charges.lines) - left_out.rows.total(),
            left_out={
                **left_out.by_reason(),
                **{f"invoiced in {other}, and not readable": n for other, n in charges.unread_of.items()},
                **_rows_of_no_charge(table, kinds),
            },
            columns={
                table.header[n]: MEANINGS.get(name, name)
                for name, n in sorted(at.items(), key=lambda entry: entry[1])
                if n not in unread
            },
            unread=[*(table.header[n] for n in sorted(unread)), *_without_header(table)],
            notices=charges.notices,
            totals=stated,
            other_months=left_out.other_months + sum(charges.unread_of.values()),
            doubts=[*charges.doubts, *filter(None, (doubt,))],
        )
    )


def _without_header(table: Table) -> list[str]:
    """Return the columns that have cells and no header."""
    return [
        table.name_of(n)
        for n, name in enumerate(table.header)
        if not name and any(n < len(row) and row[n] not in (None, "") for _, row in table.rows)
    ]


def _rows_of_no_charge(table: Table, kinds: Sequence[RowKind]) -> dict[str, int]:
    """Count the rows that charge nothing, by what they are."""
    count = Counter(map(_NO_CHARGE.get, kinds))
    count[_REPEATED] = len(table.repeated_headers)
    return {reason: count[reason] for reason in _REASONS_OF_NO_CHARGE if count[reason]}


def _tell_money(sums: Mapping[str, Decimal]) -> str:
    return " and ".join(tell_money(amount, currency) for currency, amount in sorted(sums.items()))


def _tell_no_line(files: Sequence[_File], month: Month) -> str:
    reasons = [
        reason
        for file in files
        for table in file.tables
        for reason in table.left_out
        if reason not in _REASONS_OF_NO_CHARGE
    ]
    names = ", ".join(file.name for file in files)
    left = f"; left out: {'; '.join(reasons)}" if reasons else ""
    return f"{names} holds no row of {month}{left}."
