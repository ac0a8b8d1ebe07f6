"""Review and write: a workbook's approvals as a plan against ConnectWise as it is now, done with a journal.

What apply, undo and the ribbon's buttons share, without a terminal: nothing here prints or asks.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from xlsync.amounts import counted
from xlsync.apply.actions import Action, CreateAgreement, CreateCatalogItem, CreateCompany
from xlsync.apply.earlier import Earlier
from xlsync.apply.journal import Journal, Run, Write
from xlsync.apply.lookup import Live, agreement_of
from xlsync.apply.perform import perform
from xlsync.apply.plan import LOST, Outcome, Plan, State, check_limits
from xlsync.apply.spent import Approvals, SpentApprovals, part_spent
from xlsync.apply.undo import agreement_in, undo_actions
from xlsync.apply.use import find_use
from xlsync.commands.remember import learn_rules
from xlsync.errors import ApiError, NotNoted, Problem, WorkbookError, XlsyncError
from xlsync.gather.systems import Systems, silent
from xlsync.links.choices import Pick, Picked
from xlsync.links.learning import learn, with_names
from xlsync.links.memory import Memory
from xlsync.models import Choice, Evidence, Link, Progress
from xlsync.reconcile.proposals import new_agreement_key, new_customer_key, new_product_key
from xlsync.workbook.edits.approvals import RowEdits, read_row_edits
from xlsync.workbook.edits.cells import find_lifted
from xlsync.workbook.edits.creations import NewRows, read_new_rows
from xlsync.workbook.edits.links import LinkEdits, read_link_edits, write_pick
from xlsync.workbook.layout import BILLING_LINES, INVOICES, MISMATCHES, NEW, PICKED_HEADERS
from xlsync.workbook.read import Book, month_on_start, read_workbook
from xlsync.workbook.save import Save
from xlsync.workbook.write import write_results


def open_book(path: Path, systems: Systems) -> Book:
    """Read a workbook; raises WorkbookError where it belongs to another environment."""
    book = read_workbook(path)
    if book.about.environment != systems.settings.environment:
        raise WorkbookError(
            f"{path.name} belongs to {book.about.environment}, "
            f"the settings to {systems.settings.environment}.",
            "Use the settings it was exported with, `--demo` for the demo's, or export the month again.",
        )
    return book


class BadCells(WorkbookError):
    """Cells that cannot be accepted: all of them at once."""

    def __init__(self, path: Path, problems: Sequence[Problem]) -> None:
        count = f"{len(problems)} cell{'s' if len(problems) > 1 else ''}"
        super().__init__(
            f"{path.name}: {count} cannot be accepted, so nothing was written:\n  "
            + "\n  ".join(map(str, problems)),
            "Mend them in Excel, save, and try again.",
            problems,
        )


def new_rows_of(systems: Systems, book: Book) -> NewRows:
    """The rows of *New in ConnectWise*, by the lengths of the settings."""
    creation = systems.settings.creation
    return read_new_rows(book, identifier_length=creation.identifier_length, name_length=creation.name_length)


@dataclass(frozen=True, slots=True)
class Review:
    """A workbook read for apply: what it asks for, as a plan against ConnectWise as it is now.

    `later` is the last run that applied a later month.
    """

    book: Book
    edits: LinkEdits
    rows: RowEdits
    new: NewRows
    plan: Plan
    live: Live
    later: Run | None = None

    @property
    def asked(self) -> dict[str, str]:
        """What each approved row asks for."""
        return {**self.new.asked, **self.rows.asked}

    @property
    def notices(self) -> tuple[str, ...]:
        """What a person should know besides before agreeing to the plan."""
        lines = self.book.rows[BILLING_LINES.title]
        unseen = sum(any(row.is_edited(header) for header in PICKED_HEADERS) for row in lines)
        verb = "has" if unseen == 1 else "have"
        of_links = (
            f"{counted(unseen, 'billing line')} {verb} links that check has not seen: "
            "what they change stands on Mismatches after a check"
        )
        return (
            *tell_other_month(self.book),
            *self._tell_later(),
            *map(str, (*self.new.notices, *self.rows.notices)),
            *([of_links] if unseen else []),
        )

    def _tell_later(self) -> list[str]:
        """That a later month was applied already, since an older one may take back what that one set."""
        if self.later is None:
            return []
        ran = f"{self.later.month} was applied on {self.later.at[:10]} by run {self.later.id}"
        return [f"This workbook holds {self.book.month}, and {ran}: it may set older values anew"]


def tell_other_month(book: Book) -> list[str]:
    """That another month was chosen on *Start*: the workbook goes on holding its own."""
    where, chosen = month_on_start(book)
    if not chosen or chosen == str(book.month):
        return []
    return [f"{where} says {chosen}, the workbook holds {book.month}: export that month instead"]


def review_workbook(systems: Systems, path: Path, progress: Progress = silent) -> Review:
    """Read a workbook and plan what it approves; raises BadCells with every problem at once."""
    book = open_book(path, systems)
    systems.links.memory()  # a damaged store stops before anything is written
    edits = read_link_edits(book)
    new = new_rows_of(systems, book)
    rows = read_row_edits(book, new.prices)
    problems = [*book.problems, *book.altered, *edits.problems, *rows.problems, *new.problems]
    if problems:
        raise BadCells(path, problems)
    runs = systems.list_runs()
    spent = SpentApprovals(approvals_of(book, {**new.asked, **rows.asked}), runs)
    done, left_out = part_spent([*new.actions, *rows.actions], spent)
    left = read_row_edits(book, new.prices, left_out) if left_out else rows
    actions: list[Action] = [*new.actions, *left.actions]
    live = Live(systems.connectwise, systems.settings.creation, Earlier(runs))
    agreements = len({agreement_of(action) for action in actions} - {None})
    plan = live.plan(
        actions,
        lambda count: progress("Looking at ConnectWise", count, agreements),
        {result.key: result for result in done},
    )
    later = [run for run in runs if run.command == "apply" and run.month > book.about.month]
    plan = replace(plan, lifted=find_lifted(book))
    return Review(book, edits, rows, new, plan, live, max(later, key=lambda run: run.month, default=None))


def approvals_of(book: Book, asked: Mapping[str, str]) -> Approvals:
    """What the approved rows of a workbook ask for, and what it knows of earlier runs."""
    exported_at = book.about.first_exported_at
    return Approvals(
        month=book.about.month,
        environment=book.about.environment,
        exported_at=dt.datetime.fromisoformat(exported_at) if exported_at else None,
        noted=frozenset(book.about.noted),
        asked=asked,
        results={
            row.key: row.text("Result")
            for sheet in (MISMATCHES, NEW, INVOICES)
            for row in book.rows[sheet.title]
        },
    )


def write(
    systems: Systems,
    plan: Plan,
    live: Live,
    command: str,
    of: Book | Run,
    now: dt.datetime,
    progress: Callable[[Outcome], None] | None = None,
    asked: Mapping[str, str] = MappingProxyType({}),
) -> tuple[str, tuple[Outcome, ...]]:
    """Do a plan with a journal; where nothing is to be sent there is no run, and its name is empty.

    `of` is the workbook it comes from, or the run that it takes back. `asked` is what each row of the
    workbook asks for.
    """
    if not plan.actions:
        return "", plan.settled
    workbook, month = (of.workbook, of.month) if isinstance(of, Run) else (str(of.path), of.about.month)
    journal = Journal.begin(
        systems.home,
        systems.settings.environment,
        share=systems.team.add_line if systems.team else None,
        command=command,
        workbook=workbook,
        month=month,
        now=now,
        asked=asked,
    )
    systems.forget_additions()
    outcomes = perform(plan, live, journal, progress)
    systems.forget_additions()  # a check that ran meanwhile
    journal.end()
    return journal.run, outcomes


@contextmanager
def noting(run: str, outcomes: tuple[Outcome, ...]) -> Iterator[None]:
    """What cannot be noted after a run's writes is no stop before them: raises NotNoted then."""
    try:
        yield
    except XlsyncError as error:
        if not run:
            raise
        raise NotNoted(
            f"Run {run} wrote to ConnectWise, but its results could not be noted: {error.message}",
            f"`xlsync history {run}` shows them. {error.hint}",
            run=run,
            outcomes=outcomes,
        ) from error


def perform_review(
    systems: Systems,
    review: Review,
    now: dt.datetime,
    progress: Callable[[Outcome], None] | None = None,
    save: Save | None = None,
) -> tuple[str, tuple[Outcome, ...], Path]:
    """Do what was reviewed; the run's id, every outcome, and the file that holds the results."""
    run, outcomes = write(
        systems, review.plan, review.live, "apply", review.book, now, progress, review.asked
    )
    ids = {result.key: result.id for result in outcomes if result.id is not None}
    with noting(run, outcomes):
        picked = remember_created(systems, review, ids, now)
        learn_rules(systems, review.book, review.edits, review.rows, now)  # the next check tells what it asks
        own = {key: write_pick(pick) for key, pick in picked.items() if pick != Picked()}
        written = write_results(review.book, row_results(outcomes), own, save, runs_told_of(run, outcomes))
    return run, outcomes, written


def runs_told_of(run: str, outcomes: Iterable[Outcome]) -> tuple[str, ...]:
    """The runs whose results a workbook shows from now on: this one, and earlier ones that it names."""
    return tuple(filter(None, dict.fromkeys((run, *(result.run for result in outcomes)))))


def plan_undo(systems: Systems, run: Run) -> tuple[Plan, Live]:
    """The plan that takes a run back, by what ConnectWise holds now."""
    runs = systems.list_runs()
    live = Live(systems.connectwise, systems.settings.creation, Earlier(runs))
    of_others = frozenset(
        write.id
        for other in runs
        for write in other.writes
        if other.id != run.id and write.kind == "CreateAddition"
    )
    run = replace(run, writes=tuple(_looked_up(write, live, of_others) for write in run.writes))
    actions, kept = undo_actions(run)
    own = {write.id for write in run.writes if write.id is not None}
    in_use = tuple(filter(None, (find_use(action, live, own, runs) for action in actions)))
    left = {result.key for result in in_use}
    plan = live.plan([action for action in actions if action.key not in left])
    return replace(plan, settled=(*plan.settled, *in_use, *kept)), live


def _looked_up(write: Write, live: Live, of_others: Set[int | None]) -> Write:
    """A write of a run that was cut off: whether it made the addition that it asked for."""
    agreement = agreement_in(write.path)
    if (write.kind, write.state) != ("CreateAddition", State.UNKNOWN) or write.id or agreement is None:
        return write
    try:
        found = [id_ for id_ in live.find_made(agreement, write.body) if id_ not in of_others]
    except ApiError:
        return write
    if len(found) == 1:
        return replace(write, id=found[0])
    return write if found else replace(write, state=State.FAILED)


def check_plan(systems: Systems, plan: Plan) -> None:
    """Stop a plan that goes over the limits of the settings."""
    check_limits(plan, systems.settings.limits)


def remember_created(
    systems: Systems, review: Review, ids: Mapping[str, int], now: dt.datetime
) -> dict[str, Picked]:
    """Link what was created to the lines that it was created for, and keep all links that count.

    `ids` are those of what was created, by row key. Returns every pick, with ids in place of keys.
    """
    owners = {
        action.key: ids.get(action.company, action.company)
        if isinstance(action.company, str)
        else action.company
        for action in review.new.actions
        if isinstance(action, CreateAgreement)
    }
    links: dict[str, Link] = {}
    picked: dict[str, Picked] = {}
    for line in review.edits.lines:
        keys = (new_customer_key(line), new_agreement_key(line), new_product_key(line))
        made = [ids.get(key) for key in keys]
        if keys[1] in ids and isinstance(owner := owners.get(keys[1]), int):
            made[0] = owner
        shown = review.edits.links[line.key]
        pick = review.edits.picked.get(line.key, Picked())
        links[line.key] = Link(
            company=_settled(made[0], pick.company, pick.evidence, shown.company),
            agreement=_settled(made[1], pick.agreement, pick.evidence, shown.agreement),
            item=_settled(made[2], pick.item, pick.evidence, shown.item),
        )
        picked[line.key] = replace(
            pick,
            company=made[0] if isinstance(pick.company, str) and made[0] else pick.company,
            agreement=made[1] if isinstance(pick.agreement, str) and made[1] else pick.agreement,
            item=made[2] if isinstance(pick.item, str) and made[2] else pick.item,
        )

    def learn_links(memory: Memory) -> Memory:
        learnt = learn(memory, review.edits.lines, links, picked, is_earlier=True)
        return with_names(learnt, _known_names(review, ids))

    systems.links.remember(learn_links, when=now, workbook=review.book.path.name)
    return picked


def _known_names(review: Review, ids: Mapping[str, int]) -> dict[str, dict[int, str]]:
    """The names in the workbook's lists and those of what was just created, by part of a link and id."""
    names = {part: dict(labels) for part, labels in review.edits.names.items()}
    for action in review.new.actions:
        match action:
            case CreateCompany() if action.key in ids:
                names["company"][ids[action.key]] = action.name
            case CreateAgreement() if action.key in ids:
                names["agreement"][ids[action.key]] = action.name
            case CreateCatalogItem() if action.key in ids:
                names["item"][ids[action.key]] = f"{action.identifier}: {action.description}"
            case _:
                pass
    return names


def _settled(made: int | None, pick: Pick, evidence: Evidence, shown: Choice | None) -> Choice | None:
    """A part of a link after apply: what was created, else what was picked, else what was shown."""
    if made is not None:
        return Choice(made, Evidence.CHOSEN)
    if pick is None:
        return shown
    return Choice(pick, evidence) if isinstance(pick, int) else None


def row_results(outcomes: Iterable[Outcome]) -> dict[str, tuple[str, bool]]:
    """What to write into each row's *Result*: of several outcomes of a row, all, the worst first."""
    order = (State.UNKNOWN, State.FAILED, State.SKIPPED, State.DONE, State.ALREADY)
    by_row: dict[str, list[Outcome]] = {}
    outcomes = tuple(outcomes)
    rows_of = {result.key: set(result.rows) for result in outcomes if result.state in LOST}
    for result in outcomes:
        for row in result.rows:
            if row not in rows_of.get(result.waits_for, ()):  # its own row tells the reason already
                by_row.setdefault(row, []).append(result)
    return {
        row: (
            "; ".join(o.text for o in sorted(group, key=lambda o: order.index(o.state))),
            any(o.changed for o in group),
        )
        for row, group in by_row.items()
    }
