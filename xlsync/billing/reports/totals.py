"""Rows of totals held against the sums of the lines that they may be of. PURE."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import reduce
from typing import Final, TypeVar

from xlsync.amounts import tell_number
from xlsync.billing.reports.charges import ChargedRow, TableCharges
from xlsync.billing.reports.currencies import currency_code
from xlsync.billing.reports.number_formats import CURRENCY_CODE
from xlsync.billing.reports.problems import Problems
from xlsync.billing.reports.proof import total_agrees
from xlsync.billing.reports.rows import RowKind, is_total_alone
from xlsync.billing.reports.summary import table_name
from xlsync.billing.reports.table_values import TableValues
from xlsync.billing.reports.text import fold
from xlsync.models import LineType
from xlsync.records import replace

K = TypeVar("K")
_ZERO: Final = Decimal(0)
_CURRENCY_WORD: Final = re.compile(r"\b[A-Z]{3}\b|[€£$]")
_KINDS: Final = (RowKind.TOTAL, RowKind.FIGURES, RowKind.TAX)


@dataclass(slots=True)
class Sums:
    """The sums of some lines: units and money as they count and as written, and units without signs."""

    lines: int = 0
    units: Decimal = _ZERO
    units_written: Decimal = _ZERO
    units_unsigned: Decimal = _ZERO
    amount: Decimal = _ZERO
    amount_written: Decimal = _ZERO

    def add(self, one: ChargedRow) -> None:
        """Count one more line."""
        units, amount = one.line.units, one.line.amount
        self.lines += 1
        self.units += units
        self.units_written += one.raw_units or _ZERO
        self.units_unsigned += abs(units)
        self.amount += amount
        self.amount_written += one.raw_amount or _ZERO

    def copy(self) -> Sums:
        """Return the sums as they are now."""
        return replace(self)

    def plus(self, other: Sums) -> Sums:
        """Return the sums of both."""
        return Sums(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))

    def less(self, other: Sums) -> Sums:
        """Return the sums without those of some of the lines."""
        return Sums(*(getattr(self, name) - getattr(other, name) for name in self.__slots__))

    def is_total(self, meaning: str, total: Decimal, tax: Decimal = _ZERO) -> bool:
        """Return whether a figure equals a sum of units, or of money with or without a tax."""
        if not self.lines:
            return False
        if meaning == "units":
            return total_agrees(total, (self.units, self.units_written, self.units_unsigned), self.lines)
        sums = (self.amount, self.amount + tax, self.amount_written)
        return total_agrees(total, sums, self.lines)


@dataclass(slots=True)
class _Course:
    """The sums of one currency's lines down to a row, and what they were at each total above it.

    `tax` is that of the rows above, `whole_tax` that of all rows: a tax may stand below the total that holds
    it.
    """

    before: Sums = field(default_factory=Sums)
    at_totals: list[Sums] = field(default_factory=list)
    tax: Decimal = _ZERO
    whole_tax: Decimal = _ZERO
    stated: tuple[Decimal, int] | None = None  # the last total of all lines, and of how many


def hold_totals(
    values: TableValues,
    kinds: Sequence[RowKind],
    charges: TableCharges,
    earlier: Sequence[ChargedRow],
    file_name: str,
    problems: Problems,
) -> dict[str, Decimal]:
    """Hold every total against the sums that it may be of; figures that are no total are a problem.

    `earlier` are the lines of the file's tables before this one, which a last total may hold too. What
    comes back is, for each currency, the total before tax that the table states of all its lines. A total
    that is no sum of lines is a doubt: a row may be left out, or read otherwise than it was meant.
    """
    at_totals = [n for n, kind in enumerate(kinds) if kind in _KINDS]
    if not at_totals:
        return {}
    lines = Counter(charged.line.currency for charged in charges.lines)
    courses: dict[str | None, _Course] = {currency: _Course() for currency in lines}
    # units, and figures without a currency, are added over all currencies
    courses[None] = next(iter(courses.values())) if len(lines) == 1 else _Course()
    holder = _Holder(
        values, charges, earlier, problems, courses, table_name(file_name, values.table.sheet.name)
    )
    for n in at_totals:
        if kinds[n] is RowKind.TAX:
            holder.add_tax(n)
    upcoming = iter(charges.lines)
    line = next(upcoming, None)
    for n in at_totals:
        while line is not None and line.row < values.table.rows[n][0]:
            courses[line.line.currency].before.add(line)
            if len(lines) > 1:
                courses[None].before.add(line)
            line = next(upcoming, None)
        holder.hold(n, kinds[n])
    return {
        currency: course.stated[0]
        for currency, course in courses.items()
        if currency is not None and course.stated is not None and course.stated[1] == lines[currency]
    }


@dataclass(slots=True)
class _Holder:
    """Holds the totals of one table against its lines."""

    values: TableValues
    charges: TableCharges
    earlier: Sequence[ChargedRow]
    problems: Problems
    courses: dict[str | None, _Course]
    name: str
    by_customer: Mapping[str, Sums] = field(init=False)  # by folded name, as `by_product`
    by_product: Mapping[str, Sums] = field(init=False)
    by_kind: Mapping[object, Sums] = field(init=False)
    of_table: Mapping[str | None, Sums] = field(init=False)  # by currency, of all under None
    of_earlier: Mapping[str | None, Sums] = field(init=False)

    def __post_init__(self) -> None:
        lines = self.charges.lines
        self.of_table, self.of_earlier = map(_sums_by_currency, (lines, self.earlier))
        self.by_customer = _sums_by((fold(one.line.customer), one) for one in lines)
        self.by_product = _sums_by((fold(one.line.product), one) for one in lines)
        credit_lines = (one for one in lines if one.line.type is LineType.CREDIT)
        self.by_kind = {
            **_sums_by((one.line.type, one) for one in lines),
            **_sums_by((one.line.is_compared, one) for one in credit_lines),
        }

    def add_tax(self, n: int) -> None:
        """Add the tax of a row to that of the whole table."""
        self.courses[self._currency(n)].whole_tax += _figures(self.values, n).get("amount", _ZERO)

    def hold(self, n: int, kind: RowKind) -> None:
        """Hold one row against the lines above it, or against all of them where it stands first."""
        currency = self._currency(n)
        course, figures = self.courses[currency], _figures(self.values, n)
        if kind is RowKind.TAX:
            course.tax += figures.get("amount", _ZERO)
            return
        codes = self._named_currencies(n)
        if figures.get("amount") == 0 and codes and self.courses.keys().isdisjoint(codes):
            return  # the total of a currency that no line is in
        before = course.before if course.before.lines else self.of_table.get(currency, Sums())
        agreed = {
            name
            for name, total in figures.items()
            if self._is_total(n, name, total, course, before, currency)
        }
        number = self.values.table.rows[n][0]
        others = [code for code in codes if CURRENCY_CODE.fullmatch(code) and code not in self.courses]
        if "amount" in agreed and currency and len(others) == len(codes) == 1:
            self._doubt(number, f"is in {others[0]}, its lines are in {currency}")
        if (
            "units" in figures
            and "units" not in agreed
            and kind is RowKind.TOTAL
            and not self.problems.entries
        ):
            units, made = tell_number(figures["units"]), tell_number(before.units)
            self._doubt(number, f"says {units} units, its lines make {made}")
        if kind is RowKind.FIGURES and not agreed and not self.problems.entries:
            header = self.values.table.header_of("customer")
            what = f", {header}: is empty, and the figures are no total of the rows above"
            self.problems.add(self.values.table.sheet.name, number, what)
        elif "amount" in figures and currency is not None:
            total = figures["amount"]
            previous = self.of_earlier.get(currency, Sums()).amount
            stated = _stated(total, before, (_ZERO, course.tax, course.whole_tax, previous))
            if stated is None and "amount" not in agreed and not self.problems.entries:
                self._doubt(number, f"says {total:,.2f}, its lines make {before.amount:,.2f}")
                stated = None if self._names_customer(n) else total
            if stated is not None:
                course.stated = stated, before.lines
        elif "amount" in figures and "amount" not in agreed and not self.problems.entries:
            says = f"row {number}: the total says {figures['amount']:,.2f} in no currency that is told"
            self.charges.notices.append(f"{says}, so it is held against nothing")
        course.at_totals.append(course.before.copy())
        if course is not self.courses[None]:
            self.courses[None].at_totals.append(self.courses[None].before.copy())

    def _doubt(self, number: int, what: str) -> None:
        self.charges.doubts.append(f"{self.name}: row {number}: the total {what}.")

    def _is_total(
        self, n: int, name: str, total: Decimal, course: _Course, before: Sums, currency: str | None
    ) -> bool:
        """Return whether a figure sums the lines before it, those since a total, or those it names."""
        if any(before.is_total(name, total, tax) for tax in (course.tax, course.whole_tax)):
            return True
        since = (before.less(sums) for sums in reversed(course.at_totals))
        if any(lines.is_total(name, total, course.tax) for lines in since):
            return True
        earlier = self.of_earlier.get(currency)
        if earlier is not None and before.plus(earlier).is_total(name, total, course.tax):
            return True
        return any(sums.is_total(name, total) for sums in self._of_label(n))

    def _of_label(self, n: int) -> list[Sums]:
        """Return the sums of the customer, of the product or of each kind of charge that a label may name."""
        names = (self.values.texts[meaning][n] for meaning in ("customer", "product"))
        label = " ".join(fold(name) for name in names if isinstance(name, str))
        if not label or is_total_alone(label):
            return []
        named = [
            reduce(Sums.plus, (sums for name, sums in by_name.items() if name in label), Sums())
            for by_name in (self.by_customer, self.by_product)
        ]
        return [*named, *self.by_kind.values()]

    def _names_customer(self, n: int) -> bool:
        """Return whether the label of a total holds the name of a customer."""
        label = self.values.texts["customer"][n]
        return isinstance(label, str) and any(customer in fold(label) for customer in self.by_customer)

    def _currency(self, n: int) -> str | None:
        """Return the currency of a total: that of its cell, or of its label, else the only one there is."""
        for code in self._named_currencies(n):
            if code in self.courses:
                return code
        named = [currency for currency in self.courses if currency is not None]
        return named[0] if len(named) == 1 else None

    def _named_currencies(self, n: int) -> dict[str, None]:
        """Return the currencies that a row may name: in its cell first, then in its label."""
        cells = self.values.texts.get("currency")
        row = self.values.table.rows[n][1]
        texts = [cells[n]] if cells is not None else []
        texts += [word for cell in row if isinstance(cell, str) for word in _CURRENCY_WORD.findall(cell)]
        codes = (currency_code(text) for text in texts if isinstance(text, str))
        return dict.fromkeys(filter(None, codes))


def _sums_by(lines: Iterable[tuple[K, ChargedRow]]) -> dict[K, Sums]:
    """Return the sums of lines by what each comes with."""
    sums: defaultdict[K, Sums] = defaultdict(Sums)
    for key, line in lines:
        sums[key].add(line)
    return sums


def _sums_by_currency(lines: Sequence[ChargedRow]) -> dict[str | None, Sums]:
    """Return the sums of lines by their currency, and those of all under None."""
    return {
        **_sums_by((one.line.currency, one) for one in lines),
        **_sums_by((None, one) for one in lines),
    }


def _stated(total: Decimal, before: Sums, more: Iterable[Decimal]) -> Decimal | None:
    """Return the total before tax of a table's own lines that a figure states; None where it is another sum.

    The figure may hold `more`: the tax, or what the tables before this one make.
    """
    return next(
        (total - part for part in more if total_agrees(total, (before.amount + part,), before.lines)), None
    )


def _figures(values: TableValues, n: int) -> dict[str, Decimal]:
    """Return the units and the money of a row of totals."""
    return {
        name: cell
        for name in ("amount", "units")
        if name in values.numbers and isinstance(cell := values.numbers[name][n], Decimal)
    }
