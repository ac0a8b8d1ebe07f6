"""Texts of the ribbon's boxes, cut to a screen; the log holds them in full."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from xlsync.apply.plan import Outcome, Plan, count_states
from xlsync.apply.plan_text import tell_nothing, tell_plan
from xlsync.report.month import Report
from xlsync.workbook.totals import Totals

LINES: Final = 12  # lines of one kind in a box: more would not fit the screen
NOTICES: Final = 6


def month_text(totals: Totals) -> str:
    """Write a month's totals in a few lines."""
    rows = [
        f"{money.kind}: {money.count}"
        + (
            f" ({money.up:+,.2f} / {money.down:+,.2f} {money.currency} a month)"
            if money.up or money.down
            else ""
        )
        for money in totals.money
    ]
    return "\n".join([totals.heading, *rows, totals.verdict.text])


def plan_text(plan: Plan, site: str) -> str:
    """Write a plan, money first, as far as it fits a box; the log holds all of it."""
    if not plan.actions:
        return tell_nothing(plan.outcomes) + _reasons(plan.outcomes)
    return "\n".join(tell_plan(plan.actions, site).lines(LINES)) + _reasons(plan.outcomes)


def report_text(report: Report) -> str:
    """Write a month's figures, one line for each currency."""
    lines = [f"Report of {report.month}"]
    for total in report.totals:
        figures = total.figures
        lines.append(
            f"{total.currency} billed {figures.billed:,.2f}; in ConnectWise {figures.before:,.2f} before and "
            f"{figures.after:,.2f} now; found {figures.found:,.2f}; open {figures.open}"
        )
    return "\n".join(lines)


def outcomes_text(run: str, outcomes: Sequence[Outcome], hint: str = "") -> str:
    """Write the outcomes of a run: counts, everything that is not as approved, and the number of the run."""
    text = (count_states(outcomes) or "Nothing was to be done.") + _reasons(outcomes)
    return text + (f"\n\nRun {run}. {hint}".rstrip() if run else "")


def _reasons(outcomes: Iterable[Outcome]) -> str:
    lost = [f"{o.state} {o.reason}" for o in outcomes if not o.is_as_approved]
    return f"\n{notices_text(lost)}" if lost else ""


def notices_text(notices: Sequence[str]) -> str:
    """Write the first notices, each in full, since its end says what to do; the log holds all of them."""
    more = len(notices) - NOTICES
    shown = [f"• {notice}" for notice in notices[:NOTICES]]
    return "\n".join([*shown, *([f"… and {more} more: the log holds them"] if more > 0 else [])])
