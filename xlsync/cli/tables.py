"""Tables for the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from xlsync.amounts import counted, tell_money, tell_number
from xlsync.apply.ledger import Written, tell_write
from xlsync.apply.plan import Outcome, Plan, State, outcome
from xlsync.apply.plan_text import tell_nothing, tell_plan
from xlsync.apply.runs import Run
from xlsync.cli.console import print_table, say
from xlsync.links.memory import RememberedLink
from xlsync.links.store import Imported
from xlsync.reconcile.rules import Rule
from xlsync.records import replace
from xlsync.workbook.totals import Totals, billed_rows

if TYPE_CHECKING:  # few commands make a report
    from xlsync.report.month import Report

_PRINTED_EACH: Final = 3  # changes left for one reason that are printed one by one
_ROOM_FOR_LINKS: Final = 100  # columns of a terminal that hold the table of links with its contract ids
COLOURS = {
    State.DONE: "green",
    State.ALREADY: "green",
    State.SKIPPED: "yellow",
    State.FAILED: "red",
    State.UNKNOWN: "red",
    State.PLANNED: "cyan",
}


def month(console: Console, totals: Totals, path: Path, start: str) -> None:
    """Print a month in a few lines; `start` is the title of the sheet *Start*, if it is there."""
    say(console, totals.heading)
    table = _money_table("Mismatch", "Rows", "More a month", "Less a month")
    table.add_column("")  # the currency
    for money in totals.money:
        cells = (str(money.count), f"{money.up:,.2f}", f"{money.down:,.2f}", escape(money.currency))
        table.add_row(str(money.kind), *cells)
    if totals.billed:
        print_table(console, _billed_table(totals))
    if totals.money:
        print_table(console, table)
    say(console, totals.verdict.text)
    say(console, f"Workbook: {path}")
    if not totals.lines:
        nothing = (
            f"Nothing was billed in {totals.month}, so there is nothing to do in it: export another month."
        )
        say(console, nothing, style="dim")
    elif start:
        say(console, f"Its sheet {start} says what to do next.", style="dim")


def _billed_table(totals: Totals) -> Table:
    """Make the table of *Where every cent went*, with a column for each currency."""
    table = _money_table("Billed", *(escape(billed.currency) for billed in totals.billed))
    for label, cells in billed_rows(totals.billed):
        table.add_row(label, *cells)
    return table


def plan(console: Console, planned_: Plan, site: str) -> None:
    """Print a plan: the writes to a site, money first, and the rows that need no write, with the reason."""
    if not planned_.actions:
        say(console, tell_nothing(planned_.outcomes))
    else:
        for line in tell_plan(planned_.actions, site).lines():
            say(console, line)
    _not_as_approved(console, planned_.outcomes)


def planned(plan_: Plan) -> tuple[Outcome, ...]:
    """Return the outcomes of a dry run: planned, or skipped where there is nothing to send."""
    skipped = tuple(
        result if result.state is State.SKIPPED else replace(result, state=State.SKIPPED, detail=result.text)
        for result in plan_.outcomes
    )
    return (*skipped, *(outcome(action, State.PLANNED, str(action)) for action in plan_.actions))


def outcomes(console: Console, results: Sequence[Outcome], shown: Sequence[Outcome]) -> None:
    """Print the outcomes of a run: counts, and everything not as approved that the plan did not show."""
    count = Counter(result.state for result in results)
    counts = [(f"{count[state]} {state.words}", colour) for state, colour in COLOURS.items() if count[state]]
    say(console, ", ".join(text for text, _ in counts), words=dict(counts))
    _not_as_approved(console, results, shown)


def _not_as_approved(console: Console, results: Iterable[Outcome], shown: Sequence[Outcome] = ()) -> None:
    """Print what is not as approved and not `shown` yet, and why; what many were left for is printed once."""
    groups: dict[tuple[State, str], list[Outcome]] = {}
    for result in results:
        if not result.is_as_approved and result not in shown:
            groups.setdefault((result.state, result.detail), []).append(result)
    for (state, detail), group in groups.items():
        texts = [entry.reason for entry in group]
        if len(group) > _PRINTED_EACH:
            texts = [f"{counted(len(group), 'change')}, such as {group[0].subject}: {detail}"]
        for text in texts:
            say(console, f"  {state} {text}", words={str(state): COLOURS[state]})


def _table(*headers: str) -> Table:
    """Make a table that cuts no cell, since names and keys are typed into other commands."""
    table = Table(box=None, pad_edge=False)
    for header in headers:
        table.add_column(header, overflow="fold")
    return table


def _money_table(first: str, *headers: str) -> Table:
    """Make a table of money whose rows are never wrapped."""
    table = Table(first, box=None, pad_edge=False)
    for header in headers:
        table.add_column(header, justify="right")
    return table


def _minute(at: str) -> str:
    return at[:16].replace("T", " ")


def runs(console: Console, entries: Sequence[Run]) -> None:
    """Print a table of runs."""
    more = () if console.is_terminal else ("Id",)  # the name that `--json` gives, for programs
    table = _table("Run", "When", "Who", "Command", "Month", "Writes", "Workbook", *more)
    table.columns[0].no_wrap = True  # run ids are typed after `history` and `undo`
    for entry in entries:
        count = Counter(write.state for write in entry.writes)
        states = ", ".join(f"{number} {state}" for state, number in count.items()) or "none"
        at, file = _minute(entry.at), Path(entry.workbook).name
        cells = (entry.number, at, entry.who, entry.command, entry.month, states, file)
        table.add_row(*map(escape, (*cells, *([entry.id] if more else []))))
    if entries:
        print_table(console, table)
    else:
        say(console, "No runs yet.")


def heading(record: Run) -> str:
    """Name a run with its command, who ran it, and the workbook."""
    parts = f"Run {record.number}", f"{record.command} by {record.who}", record.workbook
    return " · ".join(filter(None, parts))  # a run of `doctor --write-test` has no workbook


def run(console: Console, record: Run) -> None:
    """Print every write of a run."""
    say(console, heading(record))
    if record.writes:
        written(console, [tell_write(record, write) for write in record.writes], is_one_run=True)
    else:
        say(console, "It wrote nothing.")


def report(console: Console, month: Report) -> None:
    """Print a month's figures, one line for each currency, and what was created."""
    in_connectwise = "ConnectWise before", "ConnectWise now"
    table = _money_table("Month", "Billed", *in_connectwise, "Found", "Margin", "Open")
    for total in month.totals:
        figures = total.figures
        money = (figures.billed, figures.before, figures.after, figures.found, figures.margin)
        label = f"{month.month} {total.currency}".rstrip()
        table.add_row(escape(label), *(f"{amount:,.2f}" for amount in money), str(figures.open))
    if month.totals:
        print_table(console, table)
    else:
        say(console, f"{month.month}: no line, no addition, no mismatch.")
    if month.verdict.text:
        say(console, month.verdict.text)
    for currency, amount in month.by_hand_sums.items():
        say(console, f"To bill by hand: {tell_money(amount, currency)}")
    made = [(kind.lower(), count) for kind, count in month.created.items() if count]
    created = ", ".join(counted(count, kind) for kind, count in made)
    states = ", ".join(f"{count} {state}" for state, count in month.states.items())
    say(console, f"Created: {created or 'nothing'}. Writes: {states or 'none'}.")


def written(console: Console, writes: Sequence[Written], *, is_one_run: bool = False) -> None:
    """Print every write of a month, or of one run: when, who, what, before and after."""
    for write in writes:
        colour = COLOURS[State(write.state)] if write.state in set(State) else ""
        state = f"{write.state}, taken back" if write.is_taken_back else write.state
        by = "" if is_one_run else f"  {write.who}  {write.command} {write.number}"
        say(console, f"{_minute(write.at)}{by}  {state}", words={state: colour})
        say(console, f"  {write.what}")
        if not write.is_update:  # an update says in words already what was and what is
            changed = f"{write.before} -> {write.after or 'nothing'}" if write.before else write.after
            say(console, f"  {changed or 'nothing changed'}", style="dim")
        if write.state != State.DONE and write.detail:
            say(console, f"  {write.detail}")
    if not writes:
        say(console, "Nothing was written.")


def links(console: Console, entries: Sequence[RememberedLink], none: str = "No link is remembered.") -> None:
    """Print the remembered links: a table, or two lines for each where a table would not fit."""
    if not entries:
        say(console, none)
        return
    if console.is_terminal and console.width < _ROOM_FOR_LINKS:
        for link in entries:
            say(console, f"{link.kind}  {link.subject} -> {' · '.join(link.parts)}", hanging="  ")
            say(console, f"  {link.link.evidence}{_since(link)}", style="dim")
        return
    table = _table("Link", "In the BSS", "In ConnectWise", "Evidence", "Since")
    table.columns[0].no_wrap = table.columns[-1].no_wrap = True
    if console.is_terminal:
        table.columns[3].max_width = len("ConnectWise")  # room for the names
    for link in entries:
        when = f"{link.link.when:%Y-%m-%d}" if link.link.when else ""
        linked_to = " · ".join(link.parts)
        cells = (str(link.kind), link.subject, linked_to, str(link.link.evidence), when)
        table.add_row(*map(escape, cells))
    print_table(console, table)


def _since(link: RememberedLink) -> str:
    return f", since {link.link.when:%Y-%m-%d}" if link.link.when else ""


def imported(console: Console, what: str, result: Imported[Any]) -> None:
    """Print the result of importing links or rules."""
    say(
        console,
        f"{what}: {len(result.added)} added, {len(result.unchanged)} known already, "
        f"{len(result.replaced)} replaced, {len(result.conflicts)} in conflict",
    )
    for conflict in result.conflicts:
        say(console, f"  {conflict.imported}: remembered otherwise, kept as it is ({conflict.remembered})")


def rules(console: Console, entries: Sequence[Rule]) -> None:
    """Print a table of rules."""
    table = _table("Rule", "About", "Units", "Until", "Reason", "Since")
    table.columns[0].no_wrap = table.columns[-1].no_wrap = True
    for rule in entries:
        units = "" if rule.units is None else tell_number(rule.units)
        until = str(rule.until or "always")
        cells = (str(rule.kind), rule.subject, units, until, rule.reason, rule.when[:10])
        table.add_row(*map(escape, cells))
    if entries:
        print_table(console, table)
