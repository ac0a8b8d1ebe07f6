"""Rows of charges checked cell by cell before lines are made of them. PURE."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from xlsync.billing.reports.currencies import currency_code
from xlsync.billing.reports.kinds import likely_type
from xlsync.billing.reports.lines import NO_UNITS, needs_units
from xlsync.billing.reports.meanings import MEANINGS
from xlsync.billing.reports.problems import Problems, rows_text
from xlsync.billing.reports.raw_values import NUMBERS, raw_text
from xlsync.billing.reports.row_columns import RowColumns
from xlsync.billing.reports.table_values import Day, TableValues
from xlsync.billing.reports.text import fold
from xlsync.billing.reports.values import Wrong

_NAMES: Final = ("customer", "product", "contract")
_DAYS_OF_A_MONTH: Final = Decimal("30.44")
_DITTO: Final = frozenset(
    {"dito", "ditto", "dto", "idem", "same", "as above", "same as above", "see above", "wie oben"}
    | {"siehe oben", "zie boven", "comme ci dessus"}
)
_READ_NUMBERS: Final = tuple(name for name in NUMBERS if name != "tax")


@dataclass(slots=True)
class RowChecks:
    """Problems of one table's rows, by row and by the report's own header."""

    values: TableValues
    columns: RowColumns
    problems: Problems
    bad: set[int] = field(default_factory=set)  # places among the table's rows

    def check(self, charging: Sequence[int]) -> None:
        """Find what is wrong with these rows, by their places."""
        for meaning, cells in self._read_columns():
            if Wrong in set(map(type, cells)):
                for at in [at for at in charging if isinstance(cells[at], Wrong)]:
                    self._tell_wrong(at, meaning, cells[at])
        for name in _NAMES:
            texts = self.values.texts.get(name, ())
            if any("\ufffd" in text for text in set(texts) if isinstance(text, str)):
                for at in charging:
                    if "\ufffd" in str(texts[at]):
                        self.tell(at, name, f"“{str(texts[at])[:40]}” holds a byte that is no UTF-8")
        currencies = self.values.texts.get("currency", ())
        strange = {
            currency
            for currency in set(currencies)
            if isinstance(currency, str) and currency_code(currency) is None
        }
        for at in charging if strange else ():
            if (currency := currencies[at]) in strange:
                self.tell(at, "currency", f"“{str(currency)[:20]}” is no currency")
        self._check_names(charging)
        self._check_empty(charging)
        self._check_sides(charging)
        for at in charging:
            if isinstance(own := self.columns.currencies[at], Wrong):
                self.tell(at, "currency" if "currency" in self.values.texts else "amount", own.what)
            start, end = self.columns.periods[at]
            if isinstance(start, Day) and isinstance(end, Day) and end.date < start.date:
                self.tell(at, "end", f"{end.date} is before the start, {start.date}")

    def _read_columns(self) -> Iterable[tuple[str, Sequence[Any]]]:
        """Return the columns that are read, by meaning; that of the periods as periods, not as texts too."""
        period = "" if {"start", "end"} <= set(self.values.dates) else self.values.range_of
        yield from ((meaning, cells) for meaning, cells in self.values.texts.items() if meaning != period)
        for name in _READ_NUMBERS:
            if name in self.values.numbers:
                yield name, self.values.numbers[name]
        yield from self.values.dates.items()
        if period:
            yield period, self.values.periods

    def _check_names(self, charging: Sequence[int]) -> None:
        """Add a problem for each customer or product that names none: a ditto mark, in a sign or in words."""
        for name in ("customer", "product"):
            cells = self.values.texts[name]
            signs = {
                cell
                for cell in set(cells)
                if isinstance(cell, str) and (not any(map(str.isalnum, cell)) or fold(cell) in _DITTO)
            }
            for at in charging if signs else ():
                if cells[at] in signs:
                    self.tell(at, name, f"“{str(cells[at])[:40]}” is no name")

    def _check_empty(self, charging: Sequence[int]) -> None:
        """Add a problem for each empty cell of customer, product, units where they are needed, and date.

        The date is that of the invoice, if there is one.
        """
        numbers, dates = self.values.numbers, self.values.dates
        for name in ("customer", "product"):
            cells = self.values.texts[name]
            first_named = next((at for at, cell in enumerate(cells) if cell), len(cells))
            for at in charging:
                if cells[at] is None:
                    self.tell(at, name, "is empty")
                    self.problems.lacks_names |= first_named < at
        for at in charging:
            if at in self.bad:
                continue
            kind, amount = self.columns.kinds[at], self.columns.amounts[at]
            is_money_only = (kind is not None and kind.is_discount) or (
                isinstance(amount, Decimal) and amount < 0
            )
            if numbers["units"][at] is None and not is_money_only and needs_units(kind):
                self.tell(at, "units", NO_UNITS)
            if "invoice_date" in dates and dates["invoice_date"][at] is None:
                self.tell(at, "invoice_date", "is empty, so its month is not known")
        for at in charging if "duration" in numbers else ():
            if at not in self.bad and self.columns.amounts[at] is None:
                self._check_duration(at, numbers["duration"][at])

    def _check_sides(self, charging: Sequence[int]) -> None:
        """Add a problem for each row with figures in two of the columns of debits, credits and amounts.

        One figure may stand as the amount too.
        """
        numbers = self.values.numbers
        for side, other, what in (
            ("credit", "debit", "a debit: one of them must be empty"),
            ("credit", "amount", "another amount: which of them counts is not told"),
            ("debit", "amount", "another amount: which of them counts is not told"),
        ):
            for at in charging if {side, other} <= set(numbers) else ():
                one, two = numbers[side][at], numbers[other][at]
                is_same = other == "amount" and _size(one) == _size(two)
                if one and two and not is_same and at not in self.bad:
                    self.tell(at, side, f"stands beside {what}")

    def _check_duration(self, at: int, duration: Any) -> None:
        """Add a problem for a duration that may count days, where it multiplies a cost without an amount."""
        if not isinstance(duration, Decimal) or duration <= 1:
            return
        start, end = self.columns.periods[at]
        months = (
            round(Decimal((end.date - start.date).days) / _DAYS_OF_A_MONTH)
            if isinstance(start, Day) and isinstance(end, Day)
            else None
        )
        if months != duration:
            self.tell(
                at,
                "duration",
                f"{duration:f} may be days or months, and no amount stands beside it that tells",
            )

    def _tell_wrong(self, at: int, meaning: str, cell: Wrong) -> None:
        table, what = self.values.table, cell.what
        if cell.quotes_cell:
            what = f"“{raw_text(table.rows[at][1], table.columns.at[meaning])}” {what}"
        self.tell(at, meaning, what)
        self.problems.asks_for_order |= cell.asks_for_order

    def tell(self, at: int, meaning: str, what: str) -> None:
        """Add a problem of a cell, named by the report's own header."""
        self.bad.add(at)
        table = self.values.table
        header = table.header_of(meaning) if meaning in table.columns.at else MEANINGS.get(meaning, meaning)
        self.problems.add(table.sheet.name, table.rows[at][0], f", {header}: {what}")


def _size(figure: Any) -> Decimal | None:
    return abs(figure) if isinstance(figure, Decimal) else None


def tell_unknown_words(
    values: TableValues,
    unknown: Mapping[tuple[str, str], Sequence[int]],
    amounts_by_row: Sequence[Decimal | Wrong | None],
    problems: Problems,
) -> None:
    """Add a problem for each word that is no known kind of charge, by its column's meaning and the word.

    `unknown` holds the places of the rows where each stands.
    """
    where = values.table.sheet.name
    proposed = set(map(fold, problems.types))
    for (name, text), places in unknown.items():
        rows = [values.table.rows[at][0] for at in places]
        header = values.table.header_of(name)
        times = "once" if len(rows) == 1 else f"{len(rows)} times"
        problems.add(
            where,
            rows[0],
            f", {header}: “{text[:60]}” stands there {times} ({rows_text(rows)}) and is no kind of charge "
            "that is known",
        )
        if fold(text) not in proposed:
            proposed.add(fold(text))
            amounts = [amounts_by_row[at] for at in places]
            is_negative = all(isinstance(amount, Decimal) and amount < 0 for amount in amounts)
            problems.types[text] = likely_type(text, is_negative=is_negative)
        problems.ignore.pop(header, None)
