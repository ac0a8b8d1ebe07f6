"""Apply: plan a workbook's approvals against ConnectWise's present state, write them, link what was created.

Nothing here prints or asks.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Set
from decimal import Decimal
from pathlib import Path

from msgspec import Struct, field

from xlsync.amounts import counted, tell_money
from xlsync.apply.actions import Action, CreateAddition, CreateAgreement, CreateCatalogItem, CreateCompany
from xlsync.apply.judging import plan_actions
from xlsync.apply.ledger import Ledger
from xlsync.apply.lookup import Live
from xlsync.apply.plan import Outcome, Plan
from xlsync.apply.runs import Run
from xlsync.apply.spent_approvals import Noted, SpentApprovals, part_spent
from xlsync.commands.remember import learn_rules
from xlsync.commands.writing import (
    BadCells,
    approvals_of,
    find_spent,
    new_rows_of,
    noting,
    open_book,
    open_live,
    results_shown,
    row_results,
    tell_other_month,
    with_noted,
    write,
)
from xlsync.gather.systems import Systems, silent
from xlsync.links.choices import Pick, Picked
from xlsync.links.learning import learn, with_current_names
from xlsync.links.memory import Memory
from xlsync.models import Choice, Evidence, Link, Progress
from xlsync.reconcile.proposals import new_agreement_key, new_customer_key, new_product_key
from xlsync.records import replace
from xlsync.workbook.edits.addition_changes import RowAction
from xlsync.workbook.edits.approvals import RowEdits, read_row_edits
from xlsync.workbook.edits.cells import find_lifted
from xlsync.workbook.edits.creations import NewRows
from xlsync.workbook.edits.links import LinkEdits, read_link_edits, write_pick
from xlsync.workbook.layout import BILLING_LINES, PICKED_HEADERS
from xlsync.workbook.read import Book
from xlsync.workbook.save import Save
from xlsync.workbook.write import write_results


class Review(Struct, frozen=True):
    """A workbook read for apply: its edits, and a plan against ConnectWise's present state.

    `later` is the latest run that applied a later month. `spent` are the rows that were carried out before,
    `anew` the results after which rows were approved anew, `reservations` what to say of spent rows, by key.
    """

    book: Book
    edits: LinkEdits
    rows: RowEdits
    new: NewRows
    plan: Plan
    live: Live
    later: Run | None = None
    spent: Set[str] = frozenset()
    anew: Set[Noted] = frozenset()
    reservations: Mapping[str, str] = field(default_factory=dict)

    @property
    def asked(self) -> dict[str, str]:
        """What each approved row asks for, by row key."""
        return {**self.new.asked, **self.rows.asked}

    @property
    def notices(self) -> tuple[str, ...]:
        """The sentences that a person should read before agreeing to the plan."""
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
            *self._tell_moved_approvals(),
            *map(str, (*self.new.notices, *self.rows.notices, *find_spent(self.book, self.reservations))),
            *([of_links] if unseen else []),
            *self.book.package.warnings,
        )

    def _tell_later(self) -> list[str]:
        """Warn if a later month was applied already, whose values an older month may undo."""
        if self.later is None:
            return []
        ran = f"{self.later.month} was applied on {self.later.at[:10]} by run {self.later.number}"
        return [f"This workbook holds {self.book.month}, and {ran}: it may set older values anew"]

    def _tell_moved_approvals(self) -> list[str]:
        """Warn if rows are approved that were not at the last check: sorting one column alone moves a Yes."""
        before, now = set(self.book.about.approved), set(self.rows.asked)
        new = now - before - self.spent
        if not before or not new:
            return []
        be = "was" if len(before) == 1 else "were"
        then = f"When the workbook was last checked, {self._sum_of(before)} {be} approved"
        return [f"{then}; now {self._sum_of(now)}, {len(new)} of them not approved then"]

    def _sum_of(self, keys: Set[str]) -> str:
        """Write how many rows of *Mismatches* these are, and the sum of their *Monthly Impact*."""
        sums: dict[str, Decimal] = {}
        for mismatch in (self.rows.mismatches[key] for key in keys if key in self.rows.mismatches):
            sums[mismatch.currency] = sums.get(mismatch.currency, Decimal(0)) + (mismatch.impact or 0)
        money = ", ".join(tell_money(amount, currency, "+") for currency, amount in sorted(sums.items()))
        return f"{counted(len(keys), 'row')} ({money or 'nothing'} of Monthly Impact)"


def review_workbook(systems: Systems, path: Path, progress: Progress = silent) -> Review:
    """Read a workbook and plan what it approves; raises BadCells with every problem at once."""
    book = open_book(path, systems)
    systems.links.memory()  # a damaged store stops before anything is written
    systems.rules.list()
    systems.ages.months()
    edits = read_link_edits(book)
    new = new_rows_of(systems, book)
    rows = read_row_edits(book, new.prices)
    problems = [*book.problems, *book.altered, *edits.problems, *rows.problems, *new.problems]
    if problems:
        raise BadCells(path, problems)
    runs = systems.list_runs()
    ledger = Ledger(runs, book.about.month, systems.settings.environment)
    asked = {**new.asked, **rows.asked}
    spent = SpentApprovals(approvals_of(book, asked), runs, ledger.parts_taken_back)
    done, left_out = part_spent([*new.actions, *rows.actions], spent)
    unspent = read_row_edits(book, new.prices, left_out) if left_out else rows
    is_billed = systems.settings.creation.bill_customer == "Billable"
    actions: list[Action] = [
        *new.actions,
        *(action if is_billed else _without_money(action) for action in unspent.actions),
    ]
    live = open_live(systems, runs)
    agreements = len({action.agreement_id for action in actions} - {None})
    service = systems.connectwise.service
    plan = plan_actions(
        actions,
        live,
        service.counting(progress, "Looking at ConnectWise", agreements),
        {result.key: result for result in done},
    )
    later = [run for run in runs if run.command == "apply" and run.month > book.about.month]
    plan = replace(plan, lifted=find_lifted(book))
    latest = max(later, key=lambda run: run.month, default=None)
    before = frozenset(row for result in done for row in result.rows)
    return Review(book, edits, rows, new, plan, live, latest, before, spent.anew, spent.reservations)


def _without_money(action: RowAction) -> RowAction:
    """Return a new addition as one that is not billed to the customer; other actions as they are."""
    if not isinstance(action, CreateAddition) or action.succeeds is not None:
        return action
    return replace(action, monthly=Decimal(0), impact=Decimal(0), is_price_known=True)


def perform_review(
    systems: Systems,
    review: Review,
    now: dt.datetime,
    progress: Callable[[Outcome], None] | None = None,
    save: Save | None = None,
) -> tuple[str, tuple[Outcome, ...], Path]:
    """Perform a review; returns the run's id, every outcome, and the file that holds the results.

    Raises XlsyncError before any write where what the run creates could not be remembered.
    """
    systems.links.try_writing()
    systems.rules.try_writing()
    run, outcomes = write(
        systems, review.plan, review.live, "apply", review.book, now, progress, review.asked
    )
    ids = {result.key: result.id for result in outcomes if result.id is not None}
    with noting(run, outcomes):
        picked = remember_created(systems, review, ids, now)
        learn_rules(systems, review.book, review.edits, review.rows, now)  # the next check shows what it asks
        own = {key: write_pick(pick) for key, pick in picked.items() if pick != Picked()}
        about = with_noted(review.book.about, results_shown(run, outcomes), review.anew)
        written = write_results(review.book, row_results(outcomes), own, save, about)
    return run, outcomes, written


def remember_created(
    systems: Systems, review: Review, ids: Mapping[str, int], now: dt.datetime
) -> dict[str, Picked]:
    """Link created records to the lines that asked for them, and remember all links that count.

    `ids` are those of created records, by row key. Returns every pick, with ids in place of keys.
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
    lines = tuple(review.edits.lines.values())
    for line in lines:
        keys = (new_customer_key(line), new_agreement_key(line), new_product_key(line))
        made = [ids.get(key) for key in keys]
        if keys[1] in ids and isinstance(owner := owners.get(keys[1]), int):
            made[0] = owner
        shown = review.edits.links[line.key]
        pick = review.edits.picked.get(line.key, Picked())
        if pick == Picked() and not any(made):
            links[line.key], picked[line.key] = shown, pick
            continue
        links[line.key] = Link(
            company=_part_after(made[0], pick.company, pick.evidence, shown.company),
            agreement=_part_after(made[1], pick.agreement, pick.evidence, shown.agreement),
            item=_part_after(made[2], pick.item, pick.evidence, shown.item),
        )
        picked[line.key] = replace(
            pick,
            company=made[0] if isinstance(pick.company, str) and made[0] else pick.company,
            agreement=made[1] if isinstance(pick.agreement, str) and made[1] else pick.agreement,
            item=made[2] if isinstance(pick.item, str) and made[2] else pick.item,
            is_new=pick.is_new or any(made),
        )

    def learn_links(memory: Memory) -> Memory:
        learnt = learn(memory, lines, links, picked, is_earlier=True)
        return with_current_names(learnt, _known_names(review, ids))

    systems.links.remember(learn_links, when=now, workbook=review.book.path.name)
    return picked


def _known_names(review: Review, ids: Mapping[str, int]) -> dict[str, dict[int, str]]:
    """Return the names in the workbook's lists and of records just created, by part of a link and id."""
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


def _part_after(made: int | None, pick: Pick, evidence: Evidence, shown: Choice | None) -> Choice | None:
    """Return a part of a link after apply: what was created, else picked, else shown."""
    if made is not None:
        return Choice(made, Evidence.CHOSEN)
    if pick is None:
        return shown
    return Choice(pick, evidence) if isinstance(pick, int) else None
