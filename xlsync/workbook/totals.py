"""A month in numbers: counts, and money at stake by currency, for *Start* and for messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Final

from msgspec import Struct

from xlsync.amounts import counted, shortened
from xlsync.billing.reports.summary import TableRead
from xlsync.models import Mismatch, MismatchKind
from xlsync.reconcile.billed import Billed, Fate
from xlsync.reconcile.verdict import Verdict
from xlsync.records import replace
from xlsync.workbook.contents import Overview
from xlsync.workbook.layout import START_BILLED_CELLS
from xlsync.xlsx.cells import Value

_UNEXPLAINED: Final = "Unexplained"
_NO_TOTAL: Final = "no total"


class KindMoney(Struct, frozen=True):
    """The open rows of one kind of mismatch in one currency: their number, and money a month up and down."""

    kind: MismatchKind
    currency: str
    count: int
    up: Decimal
    down: Decimal

    @classmethod
    def summed(cls, kind: MismatchKind, currency: str, impacts: Sequence[Decimal]) -> KindMoney:
        """Sum the money a month of some rows, of each sign by itself."""
        up = sum((impact for impact in impacts if impact > 0), Decimal(0))
        down = sum((impact for impact in impacts if impact < 0), Decimal(0))
        return cls(kind, currency, len(impacts), up, down)


def with_currencies_named(overview: Overview) -> Overview:
    """Name the currency in the explanation of each row, if the month has several currencies.

    A row *Not linked* names the currency already, beside the amount that was billed.
    """
    currencies = overview.currencies
    if len({*currencies.values(), *(line.currency for line in overview.lines)} - {""}) < 2:
        return overview

    def with_currency(mismatch: Mismatch) -> Mismatch:
        if mismatch.impact is None or mismatch.kind is MismatchKind.NOT_LINKED:
            return mismatch
        sentence = f" Its money is in {currencies[mismatch.key]}."
        # A row of the last check ends with it already.
        explanation = mismatch.explanation.removesuffix(sentence)
        return replace(mismatch, explanation=f"{explanation}{sentence}")

    mismatches = tuple(map(with_currency, overview.findings.mismatches))
    return replace(overview, findings=replace(overview.findings, mismatches=mismatches))


def mismatch_money(overview: Overview) -> tuple[KindMoney, ...]:
    """Sum the open rows by kind of mismatch and currency: money of two currencies is never added."""
    currencies = overview.currencies
    impacts_by_kind: dict[tuple[MismatchKind, str], list[Decimal]] = {}
    for mismatch in overview.open_mismatches:
        impacts = impacts_by_kind.setdefault((mismatch.kind, currencies[mismatch.key]), [])
        is_at_stake = mismatch.impact is not None and not mismatch.not_due
        impacts.append(mismatch.impact if is_at_stake and mismatch.impact is not None else Decimal(0))
    order = list(MismatchKind)
    return tuple(
        KindMoney.summed(kind, currency, impacts)
        for (kind, currency), impacts in sorted(
            impacts_by_kind.items(), key=lambda e: (order.index(e[0][0]), e[0][1])
        )
    )


def start_values(overview: Overview) -> dict[str, Value]:
    """Return the values of *Start* by cell name; money in other currencies is named, not added."""
    main = overview.main_currency
    of_month = Totals.from_overview(overview)
    totals = {main: (Decimal(0), Decimal(0)), **of_month.at_stake}
    offered = sum(row.action is not None for row in overview.open_mismatches)
    others = sorted(
        f"{name} {up:+,.2f} / {down:+,.2f}"
        for name, (up, down) in totals.items()
        if name != main and (up or down)
    )
    apart = f" (apart: {others[0]})" if len(others) == 1 else "".join(f"\n{money} apart" for money in others)
    return {
        "month": str(overview.month),
        "environment": overview.environment,
        "lines": of_month.lines,
        "linked": of_month.linked,
        "unlinked": of_month.unlinked,
        "mismatches": len(overview.open_mismatches),
        "money_up": totals[main][0],
        "money_down": totals[main][1],
        "currency": f"{main}{apart}" or None,
        "to_link": f"{counted(of_month.unlinked, 'line')} to link",
        "to_create": f"{counted(len(overview.proposals), 'row')} proposed",
        "to_approve": f"{counted(offered, 'row')} can be written",
        "to_invoice": f"{counted(sum(not row.parent for row in overview.invoices), 'invoice')} previewed",
        "money_of": f"Money a month in {main}" if main else None,
        "billed_of": f"Money billed in {main}" if main else None,
        "no_link": tell_no_link(of_month.no_link) or None,
        "verdict": of_month.verdict.text,
        "notices": "\n".join(overview.notices) or None,
    }


def billed_parts(billed: Billed) -> list[tuple[str, int | None, Decimal | None]]:
    """Return the rows of *Where every cent went* for one currency: label, number of lines, amount."""
    return [
        ("Invoices", None, billed.invoices),
        ("Lines", billed.lines.lines, billed.lines.amount),
        *((str(fate), billed.parts[fate].lines, billed.parts[fate].amount) for fate in Fate),
        (_UNEXPLAINED, None, billed.unexplained),
    ]


def billed_rows(billed: Sequence[Billed]) -> list[tuple[str, list[str]]]:
    """Write the rows of *Where every cent went*: a label, and for each currency the lines and their money."""
    return [
        (
            label,
            [_tell_part(*billed_parts(of_currency)[n], _name_gaps(of_currency)) for of_currency in billed],
        )
        for n, label in enumerate(START_BILLED_CELLS)
    ]


def _tell_part(label: str, lines: int | None, amount: Decimal | None, gaps: str) -> str:
    """Write one part of the billed money; beside what is unexplained stand the `gaps`."""
    text = _NO_TOTAL if amount is None else f"{amount:,.2f}"
    aside = gaps if label == _UNEXPLAINED else "" if lines is None else counted(lines, "line")
    return f"{text} ({aside})" if aside else text


def _name_gaps(billed: Billed) -> str:
    """Name the first invoice that is not the sum of its lines, and how many more there are."""
    names = [
        gap.invoice or ("the report" if gap.is_report else "lines without an invoice") for gap in billed.gaps
    ]
    return shortened(names, 1) if names else ""


def start_billed(overview: Overview) -> dict[str, tuple[Value, Value, Value]]:
    """Return the cells of *Where every cent went*: lines and money in *Start*'s currency, and other money."""
    billed = overview.billed
    main = next((entry for entry in billed if entry.currency == overview.main_currency), None)
    others = [entry for entry in billed if entry is not main]
    cells: dict[str, tuple[Value, Value, Value]] = {}
    parts = (
        dict.fromkeys(START_BILLED_CELLS, (None, None))
        if main is None
        else {
            label: (lines, _NO_TOTAL if amount is None else amount)
            for label, lines, amount in billed_parts(main)
        }
    )
    for label, texts in billed_rows(others):
        apart = [f"{entry.currency} {text}" for entry, text in zip(others, texts, strict=True)]
        if label == _UNEXPLAINED:
            apart = ["; ".join(filter(None, (_name_gaps(main) if main else "", *apart)))]
        cells[label] = (*parts[label], "\n".join(apart) or None)
    return cells


def tell_no_link(number: int) -> str:
    """Say how many lines need no link, and what they are; empty where there are none."""
    verb = "needs" if number == 1 else "need"
    return f"{number:,} {verb} no link (credits, usage, one-time)" if number else ""


def start_mismatches(overview: Overview) -> dict[str, tuple[int, Decimal, Decimal]]:
    """Return for each kind of mismatch its number of rows, and money up and down in *Start*'s currency."""
    main = overview.main_currency
    counts = overview.mismatch_counts
    money = {entry.kind: entry for entry in mismatch_money(overview) if entry.currency == main}
    return {
        str(kind): (counts[str(kind)], money[kind].up, money[kind].down)
        if kind in money
        else (counts[str(kind)], Decimal(0), Decimal(0))
        for kind in MismatchKind
    }


class Totals(Struct, frozen=True, kw_only=True):
    """The numbers of a month that commands and buttons show."""

    month: str
    environment: str
    lines: int
    linked: int
    unlinked: int
    no_link: int
    mismatches: Mapping[str, int]
    money: tuple[KindMoney, ...]
    is_complete: bool
    verdict: Verdict
    billed: tuple[Billed, ...]

    @classmethod
    def from_overview(cls, overview: Overview) -> Totals:
        """Sum up a month."""
        return cls(
            month=str(overview.month),
            environment=overview.environment,
            lines=len(overview.lines),
            linked=overview.linked,
            unlinked=overview.unlinked,
            no_link=overview.no_link,
            mismatches=overview.mismatch_counts,
            money=mismatch_money(overview),
            is_complete=not overview.incomplete,
            verdict=overview.verdict,
            billed=overview.billed,
        )

    @property
    def at_stake(self) -> dict[str, tuple[Decimal, Decimal]]:
        """The money a month to bill more and to bill less (negative), by currency."""
        sums: dict[str, tuple[Decimal, Decimal]] = {}
        for money in self.money:
            up, down = sums.get(money.currency, (Decimal(0), Decimal(0)))
            sums[money.currency] = (up + money.up, down + money.down)
        return sums

    @property
    def heading(self) -> str:
        """The month, its environment and its counts in one line."""
        counts = (
            counted(self.lines, "line"),
            f"{self.linked:,} linked",
            f"{self.unlinked:,} to link",
            tell_no_link(self.no_link),
        )
        return f"{self.month} · {self.environment}: {', '.join(filter(None, counts))}"


class MonthResult(Struct, frozen=True, kw_only=True):
    """The result of an export or a check: totals, digest and notices, and the workbook's file."""

    totals: Totals
    digest: str  # Markdown
    notices: tuple[str, ...]
    path: Path
    start: str  # the title of the sheet *Start*; empty where it was deleted
    reports: tuple[TableRead, ...] = ()
