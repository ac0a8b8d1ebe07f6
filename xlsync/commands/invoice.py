"""Invoice: create the approved next invoices in ConnectWise, each once, and save their PDFs.

Off unless the settings enable it: `POST /finance/agreements/{id}/invoice` was never tried on a
live tenant, so each invoice is verified by the agreement's recap before and after.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from pathlib import Path
from typing import Final

from msgspec import Struct

from xlsync.amounts import counted, shortened
from xlsync.apply.actions import Action, CreateInvoice
from xlsync.apply.judging import plan_actions
from xlsync.apply.kinds.invoices import find_invoice
from xlsync.apply.lookup import Live
from xlsync.apply.plan import Outcome, Plan, State, outcome
from xlsync.apply.runs import Run, Write
from xlsync.apply.spent_approvals import Noted, SpentApprovals, is_proven, part_spent
from xlsync.commands.writing import (
    BadCells,
    approvals_of,
    find_spent,
    noting,
    open_book,
    open_live,
    results_shown,
    row_results,
    with_noted,
    write,
)
from xlsync.errors import ApiError, Notice, XlsyncError
from xlsync.files import write_file
from xlsync.gather.systems import Systems
from xlsync.models import Mismatch
from xlsync.reconcile.invoice_preview import NextInvoice, is_unapplied
from xlsync.records import replace
from xlsync.workbook.edits.cells import find_lifted, is_ignored
from xlsync.workbook.edits.invoices import read_invoice_rows
from xlsync.workbook.layout import INVOICES, MISMATCHES
from xlsync.workbook.read import Book, SheetRow
from xlsync.workbook.save import Save
from xlsync.workbook.write import write_results

WHY_OFF = (
    "Invoices are only previewed: creating them is off, since it was never tried on a live ConnectWise. "
    "XLSYNC_INVOICING=enabled, or enabled = true under [invoicing] in the settings, turns it on."
)
_NAMED: Final = 5  # mismatches of an agreement that a notice names one by one


class InvoiceReview(Struct, frozen=True):
    """The approved invoices of a workbook, as a plan against ConnectWise's present state.

    `asked` is what each approved row asks for, by row key.
    """

    book: Book
    plan: Plan
    live: Live
    asked: Mapping[str, str]
    anew: Set[Noted] = frozenset()  # results after which rows were approved anew
    unapplied: tuple[str, ...] = ()  # agreements with mismatches that are not applied yet
    spent: tuple[Notice, ...] = ()  # about rows that were carried out
    later: tuple[str, ...] = ()  # agreements whose next invoice is of a later month

    @property
    def notices(self) -> tuple[str, ...]:
        """The sentences that a person should read before agreeing to the plan."""
        return (*map(str, self.spent), *self.later, *self.unapplied, *self.book.package.warnings)

    @property
    def question(self) -> str:
        """The question before the invoices are created."""
        invoices = counted(len(self.plan.actions), "invoice")
        if not self.unapplied:
            return f"Create {invoices}?"
        are = "agreement has" if len(self.unapplied) == 1 else "agreements have"
        return (
            f"{len(self.unapplied)} {are} mismatches that are not applied, named above. "
            f"Create {invoices} all the same?"
        )


def review_invoices(systems: Systems, path: Path) -> InvoiceReview:
    """Read the approved rows of *Invoices*; raises BadCells with every problem at once."""
    book = open_book(path, systems)
    edits = read_invoice_rows(book)
    problems = [*book.problems, *book.altered, *edits.problems]
    if problems:
        raise BadCells(path, problems)
    runs = systems.list_runs()
    live = open_live(systems, runs)
    spent = SpentApprovals(approvals_of(book, edits.asked), runs)
    done, _ = part_spent(edits.actions, spent)
    plan = plan_actions(edits.actions, live, spent={result.key: result for result in done})
    unanswered = {
        sent: run for sent, run in _find_unanswered(runs).items() if (run, sent[-1]) not in spent.anew
    }
    plan = replace(_without_made(systems, plan, live, runs, unanswered), lifted=find_lifted(book))
    unapplied = tuple(_tell_unapplied(book, plan))
    notices = tuple(find_spent(book, spent.reservations))
    later = tuple(_tell_later(book, plan))
    return InvoiceReview(book, plan, live, edits.asked, spent.anew, unapplied, notices, later)


def _tell_later(book: Book, plan: Plan) -> Iterator[str]:
    """Name each agreement whose next invoice is of a later month than the workbook's, with the day."""
    places = {row.key: row.where("Approve") for row in book.rows[INVOICES.title]}
    for action in plan.actions:
        if isinstance(action, CreateInvoice) and action.seen_date > book.month.last:
            what = f"this is the invoice of {action.seen_date}; {book.month} is invoiced already, or with it"
            yield str(Notice(places[action.key], f"{action.customer}, {action.name}: {what}"))


def _tell_unapplied(book: Book, plan: Plan) -> Iterator[str]:
    """Name each agreement to be invoiced with mismatches, its own or its children's, that are not applied."""
    unapplied: dict[int | str | None, list[SheetRow]] = {}
    noted = book.about.noted_rows
    for row in book.rows[MISMATCHES.title]:
        mismatch = row.fact("mismatch", Mismatch)
        is_done = is_proven(row.text("Result"), is_noted=row.key in noted)
        if is_unapplied(mismatch) and not is_ignored(row) and not is_done:
            unapplied.setdefault(mismatch.agreement, []).append(row)
    shown = {row.key: row for row in book.rows[INVOICES.title]}
    for action in plan.actions:
        if not isinstance(action, CreateInvoice):
            continue
        billed = (action.agreement, *shown[action.key].fact("invoice", NextInvoice).children)
        rows = [row for agreement in billed for row in unapplied.get(agreement, ())]
        if rows:
            named = [f"{row.text('Product')} ({row.text('Mismatch').lower()})" for row in rows]
            are = "mismatch is" if len(rows) == 1 else "mismatches are"
            what = f"{len(rows)} {are} not applied yet: {shortened(named, _NAMED, ', ', ', ')}"
            place = shown[action.key].where("Approve")
            yield str(Notice(place, f"{action.customer}, {action.name}: {what}"))


def _list_sent(runs: Iterable[Run]) -> Iterator[tuple[Run, Write, tuple[str, str]]]:
    """Yield every invoice that was sent, run by run, with its path and the date of the approved invoice.

    Raises XlsyncError where the journal does not tell that date: the invoice might be made again.
    """
    for run in sorted(runs, key=lambda run: run.id):
        for sent in run.writes:
            if sent.kind != CreateInvoice.__name__:
                continue
            day = (sent.was or {}).get("nextInvoiceDate")
            if day is None:
                raise XlsyncError(
                    f"Which invoice run {run.number} made is not known: its journal tells no date of "
                    f"{sent.what!r}.",
                    "Mend that line of the journal: nextInvoiceDate is the date that was approved.",
                )
            yield run, sent, (sent.path, str(day))


def _find_unanswered(runs: Iterable[Run]) -> dict[tuple[str, str, str], str]:
    """Return the runs that sent an invoice without learning the outcome, by path, invoice date and row."""
    unanswered: dict[tuple[str, str, str], str] = {}
    for run, sent, invoice in _list_sent(runs):
        if sent.is_unsure:
            unanswered[*invoice, sent.key] = run.id
        else:
            unanswered.pop((*invoice, sent.key), None)
    return unanswered


def _without_made(
    systems: Systems,
    plan: Plan,
    live: Live,
    runs: Iterable[Run],
    unanswered: Mapping[tuple[str, str, str], str],
) -> Plan:
    """Remove from a plan the invoices that an earlier run made, or may have made.

    The journal holds their ids; an invoice that was deleted in ConnectWise may be made again. One whose
    outcome is unknown is sent again only after a person has looked and emptied its *Result*.
    """
    made = {invoice: sent.id for _, sent, invoice in _list_sent(runs) if sent.id is not None}
    to_do: list[Action] = []
    outcomes = list(plan.outcomes)
    for action in plan.actions:
        earlier = None
        if isinstance(action, CreateInvoice):
            key = (f"/finance/agreements/{action.agreement}/invoice", str(action.seen_date))
            sent_by = unanswered.get((*key, action.key), "")
            earlier = _earlier_outcome(systems, live, action, made.get(key), sent_by)
        if earlier is None:
            to_do.append(action)
        else:
            outcomes.append(earlier)
    return Plan(tuple(to_do), tuple(outcomes))


def _earlier_outcome(
    systems: Systems, live: Live, action: CreateInvoice, made: int | None, sent_by: str
) -> Outcome | None:
    """Find what became of an invoice in an earlier run; None where it may be created.

    `made` is the id that a run got for it, `sent_by` the run that sent it without an answer (or empty).
    """
    try:
        known = None if made is None else systems.connectwise.read_invoice(made)
        seen = find_invoice(action, live) if sent_by else None
    except ApiError as error:
        return outcome(action, State.SKIPPED, f"could not be looked up: {error.message}")
    if seen is not None:
        return seen
    if sent_by:
        detail = (
            f"run {systems.run_number(sent_by)} sent it without an answer, and ConnectWise may have made it: "
            "look there; if there is no such invoice, empty Result and approve it anew"
        )
        return replace(outcome(action, State.SKIPPED, detail), run=sent_by)
    if known is None:
        return None
    number = known.number or str(known.id)
    detail = f"invoice {number} (made before; the agreement's recap does not show it)"
    return replace(outcome(action, State.ALREADY, detail, made), invoice_number=number)


def perform_invoices(
    systems: Systems,
    review: InvoiceReview,
    now: dt.datetime,
    progress: Callable[[Outcome], None] | None,
    save: Save | None,
) -> tuple[str, tuple[Outcome, ...], Path]:
    """Create the reviewed invoices, save their PDFs, and write their numbers into the workbook.

    Returns the run, the outcome of each invoice, and the file that holds the results.
    """
    run, outcomes = write(
        systems, review.plan, review.live, "invoice", review.book, now, progress, review.asked
    )
    with noting(run, outcomes):
        outcomes = tuple(_with_pdf(systems, outcome, review.book.path) for outcome in outcomes)
        about = with_noted(review.book.about, results_shown(run, outcomes), review.anew)
        written = write_results(review.book, row_results(outcomes), {}, save, about)
    return run, outcomes, written


def _with_pdf(systems: Systems, outcome: Outcome, workbook: Path) -> Outcome:
    """Save the PDF of a created invoice, unless a file has its name; the outcome says which, or why not."""
    number = outcome.invoice_number
    if outcome.state not in {State.DONE, State.ALREADY} or not (number or outcome.id):
        return outcome
    folder = workbook.with_name(f"{workbook.stem}-invoices")
    try:
        if not number and outcome.id is not None:
            known = systems.connectwise.read_invoice(outcome.id)
            if known is None:
                return outcome
            number = known.number or str(known.id)
            outcome = replace(outcome, detail=f"{outcome.detail}: invoice {number}")
        file = folder / (re.sub(r"[^\w.-]+", "_", number) + ".pdf")
        id_ = outcome.id if outcome.id is not None else systems.connectwise.find_invoice(number)
        if id_ is None:
            return outcome
        if file.exists():
            there = f"{folder.name}/{file.name} was there before and is left as it is"
            return replace(outcome, id=id_, detail=f"{outcome.detail} ({there})")
        content = systems.connectwise.service.get_bytes(f"/finance/invoices/{id_}/pdf")
        folder.mkdir(exist_ok=True)
        write_file(file, content, None)
    except ApiError as error:
        return replace(outcome, detail=f"{outcome.detail} (its PDF could not be read: {error.message})")
    except (OSError, XlsyncError) as error:
        return replace(outcome, detail=f"{outcome.detail} (its PDF could not be saved: {error})")
    return replace(outcome, id=id_, detail=f"{outcome.detail} (saved as {folder.name}/{file.name})")
