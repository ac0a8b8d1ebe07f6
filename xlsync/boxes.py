"""What the ribbon's boxes say: a month, a plan, what became of it, in as much as fits a screen. PURE."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from xlsync.apply.plan import LOST, Outcome, Plan, count_states
from xlsync.report.month import Report
from xlsync.workbook.totals import Totals, no_mismatch

LINES: Final = 12  # of one kind in a box: more would not fit the screen
WIDTH: Final = 110
END: Final = 45
NOTICES: Final = 6


def month_text(totals: Totals) -> str:
    """A month in a few lines."""
    rows = [
        f"{money.kind}: {money.count}"
        + (
            f" ({money.up:+,.2f} / {money.down:+,.2f} {money.currency} a month)"
            if money.up or money.down
            else ""
        )
        for money in totals.money
    ]
    return "\n".join([totals.heading, *(rows or [no_mismatch(totals.lines)])])


def plan_text(plan: Plan) -> str:
    """What a plan would do, in as much as fits a box; the log holds all of it."""
    if not plan.actions:
        settled = count_states(plan.settled) or "no row is approved."
        return f"Nothing to do: {settled}{_reasons(plan.settled)}"
    return _listed([str(action) for action in plan.actions]) + _reasons(plan.settled)


def report_text(found: Report) -> str:
    """A month's figures, one line a currency."""
    lines = [f"Report of {found.month}"]
    for total in found.totals:
        of = total.figures
        lines.append(
            f"{total.currency} billed {of.billed:,.2f}; in ConnectWise {of.before:,.2f} before and "
            f"{of.after:,.2f} now; found {of.found:,.2f}; open {of.open}"
        )
    return "\n".join(lines)


def outcomes_text(run: str, outcomes: Sequence[Outcome], hint: str = "") -> str:
    """What became of everything: counts, whatever is not done, and the run's name."""
    told = (count_states(outcomes) or "Nothing was to be done.") + _reasons(outcomes)
    return told + (f"\n\nRun {run}. {hint}".rstrip() if run else "")


def _reasons(outcomes: Iterable[Outcome]) -> str:
    lost = [f"{o.state} {o.key}: {o.detail}" for o in outcomes if o.state in LOST]
    return f"\n{notices_text(lost)}" if lost else ""


def _listed(texts: Sequence[str]) -> str:
    """The first of many lines, none too long for a box."""
    lines = [f"• {_fitted(text)}" for text in texts[:LINES]]
    more = len(texts) - len(lines)
    return "\n".join([*lines, *([f"… and {more} more"] if more > 0 else [])])


def _fitted(text: str) -> str:
    """A text cut in its middle, where names stand: its end says what becomes of the units."""
    return text if len(text) <= WIDTH else f"{text[: WIDTH - END - 1]}…{text[-END:]}"


def notices_text(notices: Sequence[str]) -> str:
    """Notices, each as a whole, since its end says what to do; the log holds all of them."""
    more = len(notices) - NOTICES
    shown = [f"• {notice}" for notice in notices[:NOTICES]]
    return "\n".join([*shown, *([f"… and {more} more: the log holds them"] if more > 0 else [])])
