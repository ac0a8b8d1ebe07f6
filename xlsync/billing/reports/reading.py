"""Reports read from their files to billing lines: every stage in order, all problems at once."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from pathlib import Path
from typing import Final

from xlsync.billing.reports.charges import Builder, Charged, TableCharges, unique_codes
from xlsync.billing.reports.columns import Aliases, find_columns, read_aliases
from xlsync.billing.reports.dates import month_number
from xlsync.billing.reports.kinds import KindWords
from xlsync.billing.reports.layouts import MEANINGS, NEEDED, SETTING
from xlsync.billing.reports.opening import ReportFile, check_quotes, open_report
from xlsync.billing.reports.problems import Problems, quoted, refuse
from xlsync.billing.reports.proof import total_agrees
from xlsync.billing.reports.rows import RowKind, classify
from xlsync.billing.reports.summary import TableRead
from xlsync.billing.reports.table_values import (
    TableValues,
    find_marks,
    find_orders,
    holds_ranges,
    read_raw,
    read_values,
)
from xlsync.billing.reports.tables import Table, find_tables
from xlsync.billing.reports.text import fold, plain_text
from xlsync.errors import ReportError
from xlsync.models import BillingLine, Month
from xlsync.settings import ReportSettings

_HEADER_WITHIN: Final = 60
_FIELDS: Final = tuple(one.name for one in fields(BillingLine))


@dataclass(frozen=True, slots=True)
class ReportsRead:
    """The billing lines of all reports of a month, and what was read of each table."""

    lines: tuple[BillingLine, ...]
    tables: tuple[TableRead, ...]

    @property
    def notices(self) -> list[str]:
        """What people are told."""
        return [told for table in self.tables for told in table.tell()]


@dataclass(slots=True)
class _File:
    """A report while it is read."""

    name: str
    problems: Problems = field(default_factory=Problems)
    charged: list[tuple[str, Charged]] = field(default_factory=list)  # with the name of the sheet
    tables: list[TableRead] = field(default_factory=list)


def read_reports(paths: Sequence[Path], month: Month, settings: ReportSettings) -> ReportsRead:
    """The month's billing lines of all its reports. Raises ReportError, which lists every problem."""
    aliases = read_aliases(settings.headers, settings.ignore)
    words = KindWords(settings.types)
    names = _names_apart(paths)
    files = [
        _read_file(path, name, month, settings, aliases, words)
        for path, name in zip(paths, names, strict=True)
    ]
    _refuse_shared_contracts(files)
    for file in files:
        _drop_shared_ids(file)
    keyed = {file.name: _with_keys(file, file.name if len(files) > 1 else "") for file in files}
    _refuse_repeated(files, keyed)
    refuse([(file.name, file.problems) for file in files])
    lines = [line for own in keyed.values() for line in own]
    if not lines:
        raise ReportError(_tell_no_line(files, month), "Choose its month.")
    return ReportsRead(tuple(lines), tuple(table for file in files for table in file.tables))


def _names_apart(paths: Sequence[Path]) -> list[str]:
    """A name for each file: with its folder where two are called the same."""
    count = Counter(path.name for path in paths)
    return [
        path.name if count[path.name] == 1 else f"{path.absolute().parent.name}/{path.name}" for path in paths
    ]


def _read_file(
    path: Path, name: str, month: Month, settings: ReportSettings, aliases: Aliases, words: KindWords
) -> _File:
    opened = open_report(path)
    way, found = _best_way(opened, aliases)
    if not found:
        _refuse_without_header(opened, aliases)
    check_quotes(path.name, opened, way, path)
    file = _File(name)
    chosen, others = _choose_tables(found)
    for table in others:
        file.tables.append(
            TableRead(
                file=name,
                sheet=table.sheet.name,
                left_out={
                    f"another table begins in row {table.header_row} with fewer known columns": len(
                        table.rows
                    )
                },
            )
        )
    for hidden in opened.hidden_sheets:
        file.tables.append(TableRead(file=name, sheet=hidden, notices=("hidden, so it is not read",)))
    chosen = [_with_period(table) for table in chosen]
    for table in chosen:
        _refuse_columns(table, file.problems)
    raw = [read_raw(table) for table in chosen]
    marks = find_marks(raw)
    orders = find_orders(raw, month, settings.dates)
    read = [read_values(one, marks, orders) for one in raw]
    made = []
    for values in read:
        kinds = classify(values)
        builder = Builder(values, words, month, values.table.sheet.name, file.problems)
        charges = builder.build(kinds)
        made.append((values, kinds, charges))
    touching = [_touches(charges, values, month) for values, _, charges in made]
    for (values, kinds, charges), touches in zip(made, touching, strict=True):
        _finish_table(file, values, kinds, charges, month, is_left_out=touches is False and True in touching)
    return file


# --- tables


def _best_way(file: ReportFile, aliases: Aliases) -> tuple[int, list[Table]]:
    """The way of splitting the file into cells by which most columns are known, with its tables."""
    best: tuple[int, list[Table]] = (0, [])
    most = 0
    for n, sheets in enumerate(file.ways):
        tables = [table for sheet in sheets for table in find_tables(sheet, aliases)]
        known = max((len(table.columns.at) for table in tables), default=0)
        if known > most:
            best, most = (n, tables), known
    return best


def _choose_tables(tables: Sequence[Table]) -> tuple[list[Table], list[Table]]:
    """The tables to read, those with the most known columns, and the others."""
    groups: dict[frozenset[str], list[Table]] = {}
    for table in tables:
        if table.rows:
            groups.setdefault(table.meanings, []).append(table)
    if not groups:
        return list(tables[:1]), list(tables[1:])
    largest = max(groups, key=len)
    return groups[largest], [table for table in tables if table.rows and table.meanings != largest]


def _with_period(table: Table) -> Table:
    """The table with a column of charged periods that another column of its meaning hid."""
    columns = table.columns
    for n in columns.unread:
        if "period" not in columns.at and holds_ranges(table, n):
            unread = tuple(one for one in columns.unread if one != n)
            return replace(
                table,
                columns=replace(
                    columns,
                    at={**columns.at, "period": n},
                    unread=unread,
                    suspicious=tuple(one for one in columns.suspicious if one != n),
                ),
            )
    return table


def _refuse_without_header(file: ReportFile, aliases: Aliases) -> None:
    best: tuple[int, int, tuple[str, ...]] = (0, 0, ())
    for sheets in file.ways:
        for sheet in sheets:
            for row in sheet.rows[:_HEADER_WITHIN]:
                header = tuple(map(plain_text, row))
                known = len(set(NEEDED) & set(find_columns(header, aliases).at)) if any(header) else 0
                best = max(best, (known, sum(map(bool, header)), header), key=lambda one: one[:2])
    header = best[2]
    there = find_columns(header, aliases).at if header else {}
    missing = [name for name in NEEDED if name not in there]
    found = ", ".join(f"“{name[:40]}”" for name in header[:30] if name) or "nothing"
    names = ", ".join(SETTING[name] for name in missing)
    lines = "\n  ".join(f'{quoted(SETTING[name])} = ["…"]' for name in missing)
    hidden = (
        f" Its hidden sheets are not read: {', '.join(file.hidden_sheets)}." if file.hidden_sheets else ""
    )
    raise ReportError(
        f"{file.name} has no column for: {names}. Found: {found}.{hidden}",
        f"Name the report's own headers in xlsync.toml, in place of the dots:\n  [report.headers]\n  {lines}",
    )


def _refuse_columns(table: Table, problems: Problems) -> None:
    """Problems of columns: of one meaning with different values, unread ones that may not be, long rows."""
    columns, where = table.columns, table.sheet.name
    for meaning, places in columns.rivals.items():
        first = columns.at[meaning]
        own = _spelled(table, first)
        for other in places:
            if _spelled(table, other) != own:
                names = table.header[first], table.header[other]
                told = (
                    f"“{names[0]}” stands twice" if names[0] == names[1] else f"“{names[0]}” and “{names[1]}”"
                )
                problems.add(
                    where,
                    table.header_row,
                    f": {told} with different values, and both mean {MEANINGS.get(meaning, meaning)}",
                )
                if names[0] != names[1]:
                    problems.ignore[names[1]] = None
    read = {tuple(_spelled(table, n)) for n in columns.at.values()} if columns.suspicious else set()
    for n in columns.suspicious:
        values = _spelled(table, n)
        if any(values) and tuple(values) not in read:
            header = table.header[n]
            problems.add(
                where,
                table.header_row,
                f": the column “{header}” looks as if it told a kind, a sign or a date, and is not known",
            )
            problems.ignore[header] = None
    for number, row in table.rows:
        if any(plain_text(one) for one in row[table.width :]):
            problems.add(
                where, number, ": is longer than the header; a decimal comma may lack its quotation marks"
            )


def _spelled(table: Table, column: int) -> list[str]:
    return [plain_text(row[column]) if column < len(row) else "" for _, row in table.rows]


# --- what is left out


def _touches(charges: TableCharges, values: TableValues, month: Month) -> bool | None:
    """Whether a table's periods touch the month; None where it has no dates and its name no month."""
    periods = [
        (line.start or line.end, line.end or line.start)
        for line in (one.line for one in charges.lines if one.other_month is None)
    ]
    dated = [(start, end) for start, end in periods if start and end]
    if dated:
        return any(start <= month.last and end >= month.first for start, end in dated)
    named = _month_of_name(values.table.sheet.name)
    if not periods:
        return False if charges.lines else None
    if named is None:
        return None
    number, year = named
    return number == month.month and year in (None, month.year)


def _month_of_name(name: str) -> tuple[int, int | None] | None:
    words = fold(name).split()
    months = [number for word in words if (number := month_number(word)) is not None]
    years = [int(word) for word in words if word.isdigit() and 1990 <= int(word) <= 2100]
    return (months[0], years[0] if years else None) if len(months) == 1 else None


def _finish_table(
    file: _File,
    values: TableValues,
    kinds: Sequence[RowKind],
    charges: TableCharges,
    month: Month,
    *,
    is_left_out: bool,
) -> None:
    """Check the totals of a table, leave out what is not the month's, and keep what is told."""
    table, where = values.table, values.table.sheet.name
    totals = _check_totals(file, values, kinds, charges)
    left: Counter[str] = Counter()
    money: dict[str, dict[str, Decimal]] = {}
    for one in charges.lines:
        reason = f"no period touches {month}" if is_left_out else ""
        if one.other_month is not None:
            reason = f"invoiced in {one.other_month}"
        if reason:
            left[reason] += 1
            sums = money.setdefault(reason, {})
            sums[one.line.currency] = sums.get(one.line.currency, Decimal(0)) + one.line.amount
        else:
            file.charged.append((where, one))
    left_out = {f"{reason}, {_tell_money(money[reason])}": rows for reason, rows in left.items()}
    for other, rows in charges.unread_of.items():
        left_out[f"invoiced in {other}, and not readable"] = rows
    count = Counter(kinds)
    for kind, reason in (
        (RowKind.TOTAL, "totals"),
        (RowKind.FOOTER, str(RowKind.FOOTER)),
        (RowKind.EMPTY, "empty"),
    ):
        rows = count[kind] + (count[RowKind.FIGURES] if kind is RowKind.TOTAL else 0)
        if rows:
            left_out[reason] = rows
    if table.repeated_headers:
        left_out["repeated headers"] = len(table.repeated_headers)
    hidden = sum(number in table.sheet.hidden_rows for number, _ in table.rows)
    if hidden:
        charges.notices.append(f"{hidden} hidden row{'s are' if hidden > 1 else ' is'} read like the others")
    layout = table.columns.layout
    file.tables.append(
        TableRead(
            file=file.name,
            sheet=where,
            layout=layout.name if layout else "",
            lines=len(charges.lines) - sum(left.values()),
            left_out=left_out,
            columns={
                table.header[n]: MEANINGS.get(name, name)
                for name, n in sorted(table.columns.at.items(), key=lambda e: e[1])
                if name not in ("tax", "list_price")
            },
            unread=[
                table.header[n]
                for n in sorted(
                    {
                        *table.columns.unread,
                        *(
                            table.columns.at[name]
                            for name in ("tax", "list_price")
                            if name in table.columns.at
                        ),
                    }
                )
            ],
            notices=charges.notices,
            totals=totals,
        )
    )


def _tell_money(sums: Mapping[str, Decimal]) -> str:
    return " and ".join(f"{amount:,.2f} {currency}".strip() for currency, amount in sorted(sums.items()))


def _check_totals(
    file: _File, values: TableValues, kinds: Sequence[RowKind], charges: TableCharges
) -> dict[str, Decimal]:
    """Hold every total against the sums that it may be of; figures that are no total are a problem.

    Returns the last total of money in each currency that agrees with all lines.
    """
    table, where = values.table, values.table.sheet.name
    by_row = {one.row: one for one in charges.lines}
    currencies = {one.line.currency for one in charges.lines}
    grand: dict[str, Decimal] = {}
    since: list[Charged] = []
    before: list[Charged] = []
    for n, (number, _) in enumerate(table.rows):
        if number in by_row:
            since.append(by_row[number])
            before.append(by_row[number])
        if kinds[n] not in (RowKind.TOTAL, RowKind.FIGURES):
            continue
        customer = values.texts["customer"][n]
        of_customer = [
            one for one in before if isinstance(customer, str) and fold(one.line.customer) in fold(customer)
        ]
        sets = [lines for lines in (since, before, of_customer) if lines] or [charges.lines]
        stated = {
            name: cell
            for name in ("amount", "units")
            if name in values.numbers and isinstance(cell := values.numbers[name][n], Decimal)
        }
        agreed = {name: _is_sum(name, stated[name], sets) for name in stated}
        if kinds[n] is RowKind.FIGURES:
            if not any(agreed.values()):
                header = table.header_of("customer")
                file.problems.add(
                    where, number, f", {header}: is empty, and the figures are no total of the rows above"
                )
        elif "amount" in stated and not agreed["amount"] and len(currencies) == 1 and not file.problems.found:
            own = sum((one.line.amount for one in before), Decimal(0))
            charges.notices.append(
                f"row {number}: the total says {stated['amount']:,.2f}, its lines make {own:,.2f}"
            )
        elif "amount" in stated and len(currencies) == 1 and _is_sum("amount", stated["amount"], [before]):
            grand = {next(iter(currencies)): stated["amount"]}
        since = []
    return grand


def _is_sum(name: str, total: Decimal, sets: Iterable[Sequence[Charged]]) -> bool:
    """Whether a total is the sum of one of these sets of lines, as written or as they count."""
    for lines in sets:
        if name == "units":
            sums = [
                sum((one.line.units for one in lines), Decimal(0)),
                sum((abs(one.line.units) for one in lines), Decimal(0)),
            ]
        else:
            sums = [
                sum((one.line.amount for one in lines), Decimal(0)),
                sum((one.raw_amount or Decimal(0) for one in lines), Decimal(0)),
                sum((abs(one.line.amount) for one in lines), Decimal(0)),
            ]
        if total_agrees(total, sums, len(lines)):
            return True
    return False


# --- over all files


def _refuse_shared_contracts(files: Sequence[_File]) -> None:
    """One contract on two customers is a problem: one of the two would be billed for the other."""
    owners: dict[str, tuple[str, str, str]] = {}
    for file in files:
        for where, one in file.charged:
            line = one.line
            if not line.contract_id:
                continue
            place = f"{file.name} row {one.row}" if len(files) > 1 else f"row {one.row}"
            first = owners.setdefault(line.contract_id, (fold(line.customer), line.customer, place))
            if first[0] != fold(line.customer):
                file.problems.add(
                    where,
                    one.row,
                    f": the contract {line.contract_id} is of {line.customer} here and of {first[1]} in "
                    f"{first[2]}",
                )


def _drop_shared_ids(file: _File) -> None:
    """Ids that tell nothing apart: a customer's that stands for several names, a code of several products."""
    lines = [one.line for _, one in file.charged]
    names = Counter(code for code, _ in {(line.customer_id, fold(line.customer)) for line in lines})
    codes = unique_codes(lines)
    file.charged = [
        (
            where,
            replace(
                one,
                line=replace(
                    one.line,
                    customer_id=one.line.customer_id if names[one.line.customer_id] == 1 else "",
                    product_code=one.line.product_code if codes[one.line.product_code] == 1 else "",
                ),
            ),
        )
        for where, one in file.charged
    ]


def _with_keys(file: _File, source: str) -> list[BillingLine]:
    """Keys from what a row says, so that the same report gives the same keys in whatever order."""
    seen: Counter[str] = Counter()
    keyed = []
    for _, one in file.charged:
        content = [getattr(one.line, name) for name in _FIELDS]
        digest = hashlib.sha256("\x1f".join(map(_spell, content)).encode()).hexdigest()[:16]
        seen[digest] += 1
        key = f"report:{digest}" + (f":{seen[digest]}" if seen[digest] > 1 else "")
        keyed.append(replace(one.line, key=key, report=source))
    return keyed


def _spell(value: object) -> str:
    """A field as it counts in a key: 12.0 is 12."""
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return "" if value is None else str(value)


def _refuse_repeated(files: Sequence[_File], keyed: Mapping[str, Sequence[BillingLine]]) -> None:
    """The same line in two files would be billed twice."""
    first: dict[str, tuple[str, int]] = {}
    for file in files:
        own: dict[str, tuple[str, int]] = {}
        for line, (where, one) in zip(keyed[file.name], file.charged, strict=True):
            if line.key in first:
                other, row = first[line.key]
                file.problems.add(where, one.row, f": the same line stands in {other}, row {row}")
            own.setdefault(line.key, (file.name, one.row))
        first |= own


def _tell_no_line(files: Sequence[_File], month: Month) -> str:
    reasons = [
        reason for file in files for table in file.tables for reason in table.left_out if "20" in reason
    ]
    names = ", ".join(file.name for file in files)
    left = f"; left out: {'; '.join(reasons)}" if reasons else ""
    return f"{names} holds no row of {month}{left}."
