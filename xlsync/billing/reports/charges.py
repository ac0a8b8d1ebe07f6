"""A table's rows as billing lines: kinds by words, signs by rule, periods, costs by proof. PURE."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Final

from xlsync.billing.periods import ChargedPeriod, last_days
from xlsync.billing.reports.kinds import Kind, KindWords
from xlsync.billing.reports.layouts import MEANINGS
from xlsync.billing.reports.lines import NO_MONEY, NO_UNITS, Figures, Habits, Meaning, decide
from xlsync.billing.reports.problems import Problems, rows_text
from xlsync.billing.reports.rows import RowKind
from xlsync.billing.reports.table_proof import prove_table
from xlsync.billing.reports.table_values import Day, TableValues, raw_text
from xlsync.billing.reports.terms import months_in_words, parse_term_and_cycle, term_name
from xlsync.billing.reports.text import fold
from xlsync.billing.reports.values import Wrong
from xlsync.models import BillingLine, LineType, Month

_KIND_COLUMNS: Final = ("type", "invoice_type", "mode")
_NAMES: Final = ("customer", "product", "contract")
_FIGURES: Final = ("units", "cost", "amount", "debit", "credit", "duration", "discount", "exchange_rate")
_CURRENCIES: Final = {
    "€": "EUR",
    "£": "GBP",
    "euro": "EUR",
    "euros": "EUR",
    "us$": "USD",
    "usd$": "USD",
    "¥": "JPY",
}
_BRACKET: Final = re.compile(r"[(\[]\s*([A-Z]{3}|[€£])\s*[)\]]\s*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of a table that charges or gives back, with what its cells hold."""

    number: int
    at: int  # among the rows of the table
    figures: Figures
    kind: Kind
    word: str
    customer: str
    product: str
    contract: str


@dataclass(frozen=True, slots=True)
class Charged:
    """A billing line with the row that it was read from; `is_other_month` leaves it out."""

    row: int
    line: BillingLine
    other_month: Month | None = None
    raw_amount: Decimal | None = None


@dataclass(slots=True)
class TableCharges:
    """The lines of a table, and what people should be told of it."""

    lines: list[Charged] = field(default_factory=list)
    unread_of: dict[Month, int] = field(default_factory=dict)  # rows of other months that cannot be read
    notices: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Builder:
    """Makes lines of one table and tells its problems."""

    values: TableValues
    words: KindWords
    month: Month
    where: str
    problems: Problems

    def build(self, kinds: Sequence[RowKind]) -> TableCharges:
        """The lines of all rows that charge."""
        unknown: dict[str, list[tuple[int, str, str]]] = {}
        result = TableCharges()
        rows = []
        for at, kind in enumerate(kinds):
            if kind is not RowKind.CHARGE:
                continue
            before = len(self.problems.found)
            other = self._other_month(at)
            row = self._row(at, {} if other is not None else unknown)
            if row is not None:
                rows.append(row)
            elif other is not None:  # what is wrong with it is no matter of this month
                del self.problems.found[before:]
                result.unread_of[other] = result.unread_of.get(other, 0) + 1
        self._tell_unknown(unknown)
        habits = self._habits(rows)
        prices = self._prices(rows)
        made: list[tuple[Row, Meaning]] = []
        for row in rows:
            own = prices.get((row.customer, row.product, row.contract)) or prices.get(
                (row.customer, row.product), set()
            )
            meaning = decide(row.figures, row.kind, row.word, habits, own)
            if isinstance(meaning, str):
                self.problem(row.number, self._about(meaning), meaning)
            else:
                made.append((row, meaning))
        self._finish(made, result)
        return result

    # --- cells

    def problem(self, number: int, meaning: str, what: str) -> None:
        """Remember what is wrong with a cell, by the report's own header."""
        at = self.values.table.columns.at
        header = self.values.table.header_of(meaning) if meaning in at else MEANINGS.get(meaning, meaning)
        self.problems.add(self.where, number, f", {header}: {what}")

    def _about(self, what: str) -> str:
        """The meaning of the column that a problem of a row is about."""
        if what == NO_MONEY:
            return "amount" if "amount" in self.values.numbers else "cost"
        return "units" if what == NO_UNITS else "amount"

    def _get(self, columns: Mapping[str, Sequence[Any]], meaning: str, at: int) -> Any:
        """A cell's value; None, and a problem, where it is wrong."""
        cells = columns.get(meaning)
        cell = cells[at] if cells else None
        if isinstance(cell, Wrong):
            number, raw = self.values.table.rows[at]
            what = cell.what
            if not what.startswith(("“", "holds", "the ")):
                what = f"“{raw_text(raw, self.values.table.columns.at[meaning])}” {what}"
            self.problem(number, meaning, what)
            if "day or the month first" in what:
                self.problems.asks_for_order = True
            return None
        return cell

    def _row(self, at: int, unknown: dict[str, list[tuple[int, str, str]]]) -> Row | None:
        number, _ = self.values.table.rows[at]
        before = len(self.problems.found)
        texts = self._texts(number, at)
        numbers = {
            name: self._get(self.values.numbers, name, at) for name in _FIGURES if name in self.values.numbers
        }
        kind, word = self._kind(number, at, unknown)
        amount, kind = self._amount(number, numbers, kind)
        if "invoice_date" in self.values.dates:
            day = self._get(self.values.dates, "invoice_date", at)
            if day is None and len(self.problems.found) == before:
                self.problem(number, "invoice_date", "is empty, so its month is not known")
        start, end = self._period(number, at)
        is_money_only = kind.is_discount or (amount is not None and amount < 0)
        if numbers.get("units") is None and len(self.problems.found) == before and not is_money_only:
            self.problem(number, "units", NO_UNITS)
        if len(self.problems.found) > before:
            return None
        return Row(
            number=number,
            at=at,
            figures=_figures(numbers, amount, start, end),
            kind=kind,
            word=word,
            customer=fold(texts["customer"]),
            product=fold(texts["product"]),
            contract=texts["contract"],
        )

    def _texts(self, number: int, at: int) -> dict[str, str]:
        """Customer, product and contract of a row; problems where one is empty or spoiled."""
        before = len(self.problems.found)
        texts = {name: self._get(self.values.texts, name, at) or "" for name in _NAMES}
        missing = [name for name in _NAMES[:2] if not texts[name]]
        for name in missing if len(self.problems.found) == before else []:
            self.problem(number, name, "is empty")
        for name in _NAMES:
            if "\ufffd" in texts[name]:
                self.problem(number, name, f"“{texts[name][:40]}” holds a byte that is no UTF-8")
        return texts

    def _amount(
        self, number: int, numbers: Mapping[str, Decimal | None], kind: Kind
    ) -> tuple[Decimal | None, Kind]:
        """The amount of a row, with its sign where it stands in one of two columns."""
        debit, credit = numbers.get("debit"), numbers.get("credit")
        if debit and credit:
            self.problem(number, "credit", "stands beside a debit: one of them must be empty")
        if credit:
            return -abs(credit), replace(kind, is_credit=True)
        if debit is not None or credit is not None:
            return debit or Decimal(0), kind
        return numbers.get("amount"), kind

    def _kind(self, number: int, at: int, unknown: dict[str, list[tuple[int, str, str]]]) -> tuple[Kind, str]:
        """What the columns of the kind say together; unknown words are gathered, not told row by row."""
        layout = self.values.table.columns.layout
        whole, said = Kind(), []
        for name in _KIND_COLUMNS:
            text = self._get(self.values.texts, name, at) if name in self.values.texts else None
            if text is None:
                continue
            kind = self.words.find(text)
            if kind is None:
                unknown.setdefault(fold(text), []).append((number, text, name))
                continue
            said.append(fold(text))
            whole = Kind(
                charge=_more_telling(whole.charge, kind.charge),
                is_credit=whole.is_credit or kind.is_credit,
                is_discount=whole.is_discount or kind.is_discount,
                goes_both_ways=whole.goes_both_ways or kind.goes_both_ways,
            )
        if whole.is_credit:
            whole = replace(whole, is_discount=False)
        if layout is not None and layout.is_usage:
            whole = replace(whole, charge=LineType.USAGE)
        return whole, " / ".join(said)

    def _tell_unknown(self, unknown: Mapping[str, Sequence[tuple[int, str, str]]]) -> None:
        for places in unknown.values():
            number, text, name = places[0]
            header = self.values.table.header_of(name)
            times = "once" if len(places) == 1 else f"{len(places)} times"
            self.problems.add(
                self.where,
                number,
                f", {header}: “{text[:60]}” stands there {times} ({rows_text(n for n, _, _ in places)}) "
                f"and is no kind "
                "of charge that is known",
            )
            self.problems.types[text] = None
            self.problems.ignore.pop(header, None)

    def _period(self, number: int, at: int) -> tuple[dt.date | None, dt.date | None]:
        start: Day | None = self._get(self.values.dates, "start", at)
        end: Day | None = self._get(self.values.dates, "end", at)
        if self.values.range_of and not ("start" in self.values.dates and "end" in self.values.dates):
            pair = self._get({self.values.range_of: self.values.periods}, self.values.range_of, at)
            if pair is not None:
                start, end = start or pair[0], end or pair[1]
        if start is not None and end is not None and end.date < start.date:
            self.problem(number, "end", f"{end.date} is before the start, {start.date}")
        return (start.date if start else None), (end.date if end else None)

    # --- what the table shows

    def _habits(self, rows: Iterable[Row]) -> Habits:
        signs: dict[str, set[bool]] = {}
        has_minus = False
        for row in rows:
            minus = any(one is not None and one < 0 for one in (row.figures.units, row.figures.amount))
            has_minus = has_minus or minus
            if row.word and row.figures.amount:
                signs.setdefault(row.word, set()).add(minus)
        layout = self.values.table.columns.layout
        return Habits(
            both_ways=frozenset(word for word, seen in signs.items() if len(seen) > 1),
            is_signed=layout is not None and layout.is_signed,
            has_minus=has_minus,
        )

    def _prices(self, rows: Iterable[Row]) -> dict[tuple[str, ...], set[Decimal]]:
        """The unit prices of the charges of each contract, and of each customer's product."""
        prices: dict[tuple[str, ...], set[Decimal]] = {}
        for row in rows:
            cost, amount = row.figures.cost, row.figures.amount
            if (
                cost
                and cost > 0
                and (amount is None or amount > 0)
                and not row.kind.is_credit
                and not row.kind.is_discount
            ):
                prices.setdefault((row.customer, row.product, row.contract), set()).add(cost)
                prices.setdefault((row.customer, row.product), set()).add(cost)
        return prices

    # --- lines

    def _finish(self, made: Sequence[tuple[Row, Meaning]], result: TableCharges) -> None:
        midnights = self._midnights()
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
        lines = [self._line(row, meaning, end) for (row, meaning), end in zip(made, ends, strict=True)]
        figures = [(row.number, row.at, row.figures.amount) for row, _ in made]
        costs, notices = prove_table(self.values, figures, lines, self.where, self.problems)
        result.notices.extend(notices)
        for (row, _), line in zip(made, lines, strict=True):
            own = replace(line, cost=costs[row.number]) if row.number in costs else line
            result.lines.append(Charged(row.number, own, self._other_month(row.at), row.figures.amount))

    def _midnights(self) -> Sequence[bool]:
        cells: Sequence[Any]
        if "end" in self.values.dates:
            cells = self.values.dates["end"]
            return [not isinstance(cell, Day) or cell.is_midnight for cell in cells]
        return [False] * len(self.values.table.rows)  # a period in one cell ends on its last day

    def _other_month(self, at: int) -> Month | None:
        """The month of the row's invoice, where it is not the month that is read."""
        if "invoice_date" not in self.values.dates:
            return None
        day = self.values.dates["invoice_date"][at]
        if not isinstance(day, Day):
            return None
        month = Month(day.date.year, day.date.month)
        return None if month == self.month else month

    def _line(self, row: Row, meaning: Meaning, end: dt.date | None) -> BillingLine:
        text = {name: self._get(self.values.texts, name, row.at) or "" for name in self.values.texts}
        plan, cycle = self._plan_and_cycle(text)
        plan_months, cycle_months = months_in_words(plan), months_in_words(cycle)
        code = text.get("product_code", "")
        if code and text.get("sku"):
            code = f"{code}:{text['sku']}"
        product = text["product"]
        if text.get("sku_name", "").startswith(product):
            product = text["sku_name"]
        return BillingLine(
            key="",
            source="report",
            invoice=text.get("invoice", ""),
            type=meaning.type,
            charge=meaning.charge,
            customer=text["customer"],
            customer_id=text.get("customer_id", ""),
            product=product,
            product_code=code,
            contract_id=text.get("contract", ""),
            units=meaning.units,
            cost=meaning.cost,
            amount=meaning.amount,
            currency=self._currency(row, text.get("currency", "")),
            # without a plan it is billed once a term
            billing_period=term_name(plan, plan_months) if plan else term_name(cycle, cycle_months),
            billing_months=plan_months if plan else cycle_months,
            commitment_period=term_name(cycle, cycle_months),
            commitment_months=cycle_months,
            start=row.figures.start,
            end=end,
        )

    def _plan_and_cycle(self, text: Mapping[str, str]) -> tuple[str, str]:
        plan = (
            ""
            if self.values.range_of == "plan" and months_in_words(text["plan"]) is None
            else text.get("plan", "")
        )
        cycle = (
            ""
            if self.values.range_of == "cycle" and months_in_words(text["cycle"]) is None
            else text.get("cycle", "")
        )
        if both := text.get("term_and_cycle", ""):
            term, billing = parse_term_and_cycle(both)
            plan, cycle = plan if months_in_words(plan) else billing or plan, cycle or term
        return plan, cycle

    def _currency(self, row: Row, said: str) -> str:
        told = _CURRENCIES.get(said.casefold(), said.upper())
        if told and any(map(str.isdigit, told)):
            self.problem(row.number, "currency", f"“{said[:20]}” is no currency")
        if told or "currency" in self.values.texts:
            return "" if told == "$" else told
        table = self.values.table
        named = {
            _CURRENCIES.get(found[1], found[1])
            for meaning in ("amount", "cost")
            if meaning in table.columns.at and (found := _BRACKET.search(table.header_of(meaning)))
        }
        return next(iter(named)) if len(named) == 1 and named.isdisjoint({"UTC", "VAT"}) else ""


def _figures(
    numbers: Mapping[str, Decimal | None], amount: Decimal | None, start: dt.date | None, end: dt.date | None
) -> Figures:
    """The figures of a row: the cost in the currency that is billed, the amount for the part of a period."""
    units, cost = numbers.get("units"), numbers.get("cost")
    rate, share = numbers.get("exchange_rate"), numbers.get("duration")
    if cost is not None and rate:
        cost *= rate
    if amount is None and None not in (units, cost, share):
        amount = (units or Decimal(0)) * (cost or Decimal(0)) * (share or Decimal(0))
    return Figures(units=units, cost=cost, amount=amount, start=start, end=end)


def _more_telling(one: LineType | None, other: LineType | None) -> LineType | None:
    """Of two columns' kinds the one that says more: usage and one-time before recurring."""
    order = (LineType.USAGE, LineType.ONE_TIME, LineType.RECURRING)
    return next((kind for kind in order if kind in (one, other)), None)


def unique_codes(lines: Iterable[BillingLine]) -> Counter[str]:
    """How many product names each product code stands for."""
    return Counter(
        code for code, _ in {(line.product_code, fold(line.product)) for line in lines if line.product_code}
    )
