"""A month's work: gather it from both systems, export it into a workbook, check a workbook, apply it.

What the commands and the ribbon's buttons do, without a terminal: nothing here prints or asks.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Literal

from xlsync.actions import Action, CreateAgreement, CreateCatalogItem, CreateCompany
from xlsync.agreement_links import agreements_to_read
from xlsync.apply import perform
from xlsync.approvals import NO_EDITS, RowEdits, keep_halfway, read_row_edits
from xlsync.bss_report import read_report
from xlsync.compared import list_compared
from xlsync.creation import Address, Known, customers_to_ask, propose_creations
from xlsync.errors import ApiError, WorkbookError
from xlsync.invoices import preview_invoices
from xlsync.journal import Journal, Run, Write
from xlsync.labels import make_labels
from xlsync.link_edits import LinkEdits, read_link_edits, write_pick
from xlsync.lists import read_lists
from xlsync.live import Live
from xlsync.matching import (
    Memory,
    Picked,
    choices_to_remember,
    forgotten,
    propose_companies,
    propose_links,
    with_names,
)
from xlsync.models import (
    ActionLabel,
    Agreement,
    BillingLine,
    CatalogItem,
    Choice,
    Company,
    Evidence,
    Link,
    Month,
    Problem,
    Recap,
    new_agreement_key,
    new_customer_key,
    new_product_key,
)
from xlsync.new_rows import NewRows, read_new_rows
from xlsync.overview import Overview
from xlsync.picks import Pick
from xlsync.plan import Outcome, Plan, State, check_limits
from xlsync.reconcile import Books, find_mismatches
from xlsync.rules import Rule, RuleKind, Scope, ignoring, is_ruled, read_note, read_until, with_unit_rules
from xlsync.sheets import BILLING_LINES, MISMATCHES
from xlsync.systems import Systems
from xlsync.undo import agreement_in, undo_actions
from xlsync.units import lines_to_ask, read_charges
from xlsync.workbook import (
    PICKED_HEADERS,
    Book,
    Save,
    read_workbook,
    write_check,
    write_export,
    write_results,
)

By = Literal["invoice-date", "service-period"]
Progress = Callable[[str, int, int | None], None]  # what, how many, of how many
MONTHS_SHOWN = 15
_LOST = (State.SKIPPED, State.FAILED, State.UNKNOWN)


def _silent(_what: str, _done: int, _of: int | None) -> None:
    """No progress is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What month is asked for, and from where."""

    month: Month
    by: By = "invoice-date"
    report: Path | None = None
    refresh: bool = False


@dataclass(frozen=True, slots=True)
class Decisions:
    """What people decided so far in the workbook that is being renewed."""

    picked: Mapping[str, Picked]
    ignored: Set[str] = frozenset()
    prices: Mapping[str, Decimal] | None = None
    rows: RowEdits = NO_EDITS


@dataclass(frozen=True, slots=True)
class Gathered:
    """A month from both systems, and what people should be told beside it."""

    overview: Overview
    notices: tuple[str, ...]


def gather(
    systems: Systems,
    request: Request,
    memory: Memory,
    decisions: Decisions,
    now: dt.datetime,
    progress: Progress = _silent,
) -> Gathered:
    """Read both systems, link every line, and find every mismatch."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        reading = pool.submit(_read_lines, systems, request, progress)
        lists = read_lists(
            systems.connectwise,
            systems.lists,
            now=now,
            refresh=request.refresh,
            progress=lambda count: progress("Reading ConnectWise's lists", count, None),
        )
        lines = reading.result()
        asking = pool.submit(_read_own_units, systems, lines)
        picked = decisions.picked
        companies = propose_companies(lines, lists.companies, memory, picked)
        needed = agreements_to_read(lines, companies, lists.agreements, memory, picked)
        read = systems.connectwise.list_additions(
            needed, lambda done: progress("Reading additions", done, len(needed))
        )
        recaps = systems.connectwise.list_recaps(needed)
        rules = systems.rules.list()
        charges = with_unit_rules(request.month, read_charges(lines, asking.result()), rules)
    progress("Linking and comparing", 0, None)
    active = {
        agreement: tuple(addition for addition in additions if addition.is_active(request.month))
        for agreement, additions in read.items()
        if not isinstance(additions, ApiError)
    }
    proposed = propose_links(lines, lists.companies, lists.agreements, lists.items, active, memory, picked)
    links = {line.key: _with_own_keys(line, proposed[line.key]) for line in lines}
    found = {} if isinstance(recaps, ApiError) else recaps
    books = Books(
        agreements={agreement.id: _with_recap(agreement, found) for agreement in lists.agreements},
        items={item.id: item for item in lists.items},
        additions=read,
        prices=decisions.prices or {},
        linked_items={entry.item_id for entry in memory.products.values() if entry.item_id is not None},
        yearly_items=_yearly_items(lines, links, memory),
    )
    why_ignored = ignoring(request.month, lines, rules)
    findings = find_mismatches(request.month, lines, charges, links, books, decisions.ignored, why_ignored)
    findings = keep_halfway(findings, decisions.rows, read)
    labels = make_labels(lists.companies, lists.agreements, lists.items)
    creation = systems.settings.creation
    known = Known(
        companies=lists.companies,
        items=lists.items,
        labels=labels.companies,
        setup=lists.setup,
        identifier_length=creation.identifier_length,
        name_length=creation.name_length,
    )
    addresses = {} if request.report else _read_addresses(systems, customers_to_ask(lines, links))
    overview = Overview(
        month=request.month,
        environment=systems.settings.environment,
        by=request.by,
        lines=tuple(lines),
        links=links,
        findings=findings,
        proposals=propose_creations(request.month, lines, links, addresses, known),
        lists=lists,
        labels=labels,
        invoices=preview_invoices(lines, links, findings.mismatches, found),
        compared=list_compared(request.month, lines, links, findings.mismatches, books),
    )
    gone = forgotten(lines, memory, lists.companies, lists.agreements, lists.items)
    notices = tuple(
        f"{entry.kind} {entry.name} was remembered, but is no longer active in ConnectWise: link it anew."
        for entry in gone
    )
    if isinstance(recaps, ApiError):
        notices += (f"The next invoices could not be read: {recaps.message}",)
    return Gathered(overview, notices)


def _with_recap(agreement: Agreement, recaps: Mapping[int, Recap]) -> Agreement:
    """The agreement with the next invoice date of its recap, where it has one."""
    recap = recaps.get(agreement.id)
    return (
        agreement
        if recap is None or recap.next_date is None
        else replace(agreement, next_invoice=recap.next_date)
    )


def _read_lines(systems: Systems, request: Request, progress: Progress) -> tuple[BillingLine, ...]:
    if request.report is not None:
        return read_report(request.report, month=request.month, aliases=systems.settings.report_headers)
    return systems.bss.list_billing_lines(
        request.month,
        by=request.by,
        progress=lambda done: progress("Reading the month's billing", done, None),
    )


def _read_own_units(systems: Systems, lines: Sequence[BillingLine]) -> Mapping[str, Decimal | Exception]:
    asked = lines_to_ask(lines)
    return dict(systems.bss.list_own_units(asked)) if asked else {}


def _read_addresses(systems: Systems, customers: Mapping[str, str]) -> dict[str, Address]:
    """Addresses of customers that may have to be created; they are proposals, so a failed read is none."""
    found: dict[str, Address] = {}
    for key, id_ in customers.items():
        try:
            account = systems.bss.read_account(id_)
        except ApiError:
            continue
        if account is not None:
            found[key] = Address(
                address=account.address,
                city=account.city,
                state=account.state,
                zip=account.zip,
                country=account.country,
                email=account.email,
            )
    return found


def _with_own_keys(line: BillingLine, link: Link) -> Link:
    """The link with the row keys of this very line, where a choice to create spread to it from another."""

    def own(choice: Choice | None, key: str) -> Choice | None:
        return replace(choice, to=key) if choice is not None and isinstance(choice.to, str) else choice

    return Link(
        company=own(link.company, new_customer_key(line)),
        agreement=own(link.agreement, new_agreement_key(line)),
        item=own(link.item, new_product_key(line)),
    )


def _yearly_items(lines: Iterable[BillingLine], links: Mapping[str, Link], memory: Memory) -> frozenset[int]:
    """Catalog items that the BSS bills once a year only."""
    yearly: set[int] = set()
    other: set[int] = set()
    for key, entry in memory.products.items():
        if entry.item_id is not None:
            (yearly if key.split("|")[-2:-1] == ["Annual"] else other).add(entry.item_id)
    for line in lines:
        item = links[line.key].item
        if item is not None and isinstance(item.to, int) and line.billing_months is not None:
            (yearly if line.billing_months == 12 else other).add(item.to)
    return frozenset(yearly - other)


def last_months(today: dt.date) -> tuple[Month, ...]:
    """The months that are offered, the newest first."""
    this = Month(today.year, today.month)
    return tuple(this.plus(-back) for back in range(MONTHS_SHOWN))


def export_month(
    systems: Systems, request: Request, path: Path, now: dt.datetime, progress: Progress = _silent
) -> Gathered:
    """Bring a month into a new workbook."""
    refuse_overwriting(path)
    gathered = gather(systems, request, systems.links.memory(), Decisions({}), now, progress)
    progress("Writing the workbook", 0, None)
    write_export(
        path,
        gathered.overview,
        exported_at=_told(now),
        months=last_months(now.date()),
        report=str(request.report or ""),
    )
    return gathered


def refuse_overwriting(path: Path) -> None:
    """Raise WorkbookError where a file stands that is not an untouched export."""
    if not path.exists():
        return
    hint = f"`xlsync check {path}` renews it and keeps the edits; or choose another file with --output."
    try:
        book = read_workbook(path)
    except WorkbookError as error:
        raise WorkbookError(
            f"{path} exists and is not overwritten: {error.message}", "Choose another file with --output."
        ) from error
    if book.has_edits or book.problems or book.altered:
        raise WorkbookError(f"{path} exists and has edits in it, so it is not overwritten.", hint)


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found: the month anew, what people should be told, and the file that holds it."""

    overview: Overview
    notices: tuple[str, ...]
    path: Path


def open_book(path: Path, systems: Systems) -> Book:
    """Read a workbook; raises WorkbookError where it belongs to another environment."""
    book = read_workbook(path)
    if book.about.environment != systems.settings.environment:
        raise WorkbookError(
            f"{path.name} belongs to {book.about.environment}, "
            f"the settings to {systems.settings.environment}.",
            "Use the settings it was exported with, or export the month again.",
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
        )
        self.problems = tuple(problems)


def check_workbook(
    systems: Systems,
    path: Path,
    now: dt.datetime,
    *,
    refresh: bool = False,
    progress: Progress = _silent,
    save: Save | None = None,
) -> Checked:
    """Renew the computed sheets of a workbook, with every edit kept; its choices are remembered."""
    book = open_book(path, systems)
    edits = read_link_edits(book)
    rows = read_row_edits(book)
    new = _read_new_rows(systems, book)
    link_problems = [*book.problems, *edits.problems]
    if link_problems:
        raise BadCells(path, link_problems)
    about = book.about
    request = Request(
        month=book.month,
        by="service-period" if about.by == "service-period" else "invoice-date",
        report=Path(about.report) if about.report else None,
        refresh=refresh,
    )
    asked, ended = learn_rules(systems, book, edits, rows, now)
    rows = replace(rows, ignored=rows.ignored - ended)
    decisions = Decisions(edits.picked, rows.ignored, new.prices, rows)
    gathered = gather(systems, request, systems.links.memory(), decisions, now, progress)
    overview = gathered.overview
    own = edits.own()
    renewed = write_check(
        book,
        overview,
        exported_at=_told(now),
        months=last_months(now.date()),
        own=own,
        save=save,
        report=about.report,
    )
    remember(systems, overview, edits.picked, now, path)
    notices = [
        *gathered.notices,
        *(f"{problem.where}: was altered and is computed anew" for problem in book.altered),
        *(f"{problem} (its row waits)" for problem in (*rows.problems, *new.problems)),
        *(
            f"{where}: the approval lapsed, since units or cost changed: look again"
            for where in renewed.lapsed
        ),
        *_tell_gone(edits, overview),
        *asked,
    ]
    return Checked(overview, tuple(notices), renewed.path)


def learn_rules(
    systems: Systems, book: Book, edits: LinkEdits, rows: RowEdits, now: dt.datetime
) -> tuple[list[str], frozenset[str]]:
    """Keep the rules that the workbook makes, end those it takes back.

    Returns what is still asked for, and the rows that are ignored no more since their rule was ended
    elsewhere. A row that is ignored takes its reason from the note of one of its lines; where a line
    could tell one and does not, the row is ignored in this workbook only.
    """
    asked: list[str] = []
    ended: set[str] = set()
    when, lines = now.isoformat(timespec="seconds"), {line.key: line for line in edits.lines}
    notes = {row.key: row.text("Note") for row in book.rows[BILLING_LINES.title]}
    for key, note in notes.items():
        rule = read_note(note, lines[key], when, book.path.name) if note else None
        if rule is not None:
            systems.rules.keep(rule)
            asked.extend(_ask_until(note))
    known = systems.rules.list()
    own = {rule.key for rule in known if rule.scope is Scope.ROW}
    by_rule = ignoring(book.month, edits.lines, known)
    for row in book.rows[MISMATCHES.title]:
        mismatch, is_edited = rows.mismatches[row.key], row.is_edited("Action")
        told = [notes[key] for key in mismatch.line_keys if notes.get(key)]
        rule = Rule(
            kind=RuleKind.IGNORE,
            scope=Scope.ROW,
            about=row.key,
            reason=told[0] if told else "",
            until=read_until(told[0]) if told else None,
            when=when,
            workbook=book.path.name,
        )
        if row.key not in rows.ignored:
            if row.kept.shown.get("Action") == ActionLabel.IGNORE:
                systems.rules.drop(rule.key)
        elif not is_edited and is_ruled(mismatch) and by_rule(mismatch) is None:
            ended.add(row.key)
        elif not is_edited and is_ruled(mismatch) and rule.key not in own:
            continue  # by a rule about its contract, product or customer
        elif told or not mismatch.line_keys:
            systems.rules.keep(rule)
            asked.extend(_ask_until(rule.reason))
        elif is_edited:
            asked.append(
                f"{row.where('Action')}: is ignored in this workbook only; to ignore it for longer, write "
                "the reason into the Note of its billing line, such as: billed by hand, until 2026-12-31"
            )
    return asked, frozenset(ended)


def _ask_until(note: str) -> list[str]:
    """What to write where a note names an end that cannot be read: its rule would last for ever."""
    if "until" not in note.casefold() or read_until(note) is not None:
        return []
    return [f"The note {note!r} names no day that can be read, so it has no end: write until 2026-12-31"]


def _tell_gone(edits: LinkEdits, overview: Overview) -> list[str]:
    """Choices of the workbook that ConnectWise renamed or no longer offers, by the name they had."""
    parts: tuple[tuple[str, str, Mapping[int, str]], ...] = (
        ("company", "customer", overview.labels.companies),
        ("agreement", "agreement", overview.labels.agreements),
        ("item", "product", overview.labels.items),
    )
    told: dict[str, None] = {}
    for line in edits.lines:
        pick = edits.picked.get(line.key)
        for part, word, labels in parts:
            to = getattr(pick, part) if pick else None
            if not isinstance(to, int):
                continue
            name = edits.names[part].get(to, labels.get(to, str(to)))
            if to not in labels:
                told[
                    f"The {word} {name}, chosen for {line.customer}, is no longer active in ConnectWise: "
                    "choose another"
                ] = None
            elif labels[to] != name:
                told[f"The {word} {name} is called {labels[to]} in ConnectWise now"] = None
    return list(told)


def _read_new_rows(systems: Systems, book: Book) -> NewRows:
    creation = systems.settings.creation
    return read_new_rows(book, identifier_length=creation.identifier_length, name_length=creation.name_length)


def remember(
    systems: Systems, overview: Overview, picked: Mapping[str, Picked], now: dt.datetime, path: Path
) -> None:
    """Keep the links that count, for the months after."""
    memory = choices_to_remember(overview.lines, overview.links, picked)
    lists = overview.lists
    named = with_names(memory, lists.companies, lists.agreements, lists.items)
    systems.links.remember(named, when=now, workbook=path.name)


def _told(now: dt.datetime) -> str:
    return f"{now:%Y-%m-%d %H:%M}"


@dataclass(frozen=True, slots=True)
class Review:
    """A workbook read for apply: what it asks for, as a plan against ConnectWise as it is now."""

    book: Book
    edits: LinkEdits
    rows: RowEdits
    new: NewRows
    plan: Plan
    live: Live

    @property
    def unseen_links(self) -> int:
        """Billing lines whose links were changed since the mismatches were computed."""
        rows = self.book.rows[BILLING_LINES.title]
        return sum(any(row.is_edited(header) for header in PICKED_HEADERS) for row in rows)


def review(systems: Systems, path: Path, progress: Progress = _silent) -> Review:
    """Read a workbook and plan what it approves; raises BadCells with every problem at once."""
    book = open_book(path, systems)
    edits = read_link_edits(book)
    rows = read_row_edits(book)
    new = _read_new_rows(systems, book)
    problems = [*book.problems, *book.altered, *edits.problems, *rows.problems, *new.problems]
    if problems:
        raise BadCells(path, problems)
    actions: list[Action] = [*new.actions, *rows.actions]
    live = Live(systems.connectwise, systems.settings.creation)
    plan = live.plan(actions, lambda done: progress("Looking at ConnectWise", done, None))
    return Review(book, edits, rows, new, plan, live)


def write(
    systems: Systems,
    plan: Plan,
    live: Live,
    command: str,
    of: Book | Run,
    now: dt.datetime,
    progress: Callable[[Outcome], None] | None = None,
) -> tuple[str, tuple[Outcome, ...]]:
    """Do a plan with a journal; where nothing is to be sent there is no run, and its name is empty.

    `of` is the workbook it comes from, or the run that it takes back.
    """
    if not plan.actions:
        return "", plan.settled
    workbook, month = (of.workbook, of.month) if isinstance(of, Run) else (str(of.path), of.about.month)
    journal = Journal.begin(
        systems.home,
        systems.settings.environment,
        command=command,
        workbook=workbook,
        month=month,
        now=now,
    )
    outcomes = perform(plan, live, journal, progress)
    journal.end()
    return journal.run, outcomes


def perform_review(
    systems: Systems,
    review: Review,
    now: dt.datetime,
    progress: Callable[[Outcome], None] | None = None,
    save: Save | None = None,
) -> tuple[str, tuple[Outcome, ...], Path]:
    """Do what was reviewed; the run's id, every outcome, and the file that holds the results."""
    run, outcomes = write(systems, review.plan, review.live, "apply", review.book, now, progress)
    ids = {result.key: result.id for result in outcomes if result.id is not None}
    picked = remember_created(systems, review, ids, now)
    own = {key: write_pick(pick) for key, pick in picked.items() if pick != Picked()}
    written = write_results(review.book, row_results(outcomes), own, save)
    return run, outcomes, written


def plan_undo(systems: Systems, run: Run) -> tuple[Plan, Live]:
    """The plan that takes a run back, by what ConnectWise holds now."""
    live = Live(systems.connectwise, systems.settings.creation)
    run = replace(run, writes=tuple(_looked_up(write, live) for write in run.writes))
    actions, kept = undo_actions(run)
    plan = live.plan(actions)
    return replace(plan, settled=(*plan.settled, *kept)), live


def _looked_up(write: Write, live: Live) -> Write:
    """A write of a run that was cut off: whether the addition that it asked for was made."""
    agreement = agreement_in(write.path)
    if (write.kind, write.state) != ("CreateAddition", State.UNKNOWN) or write.id or agreement is None:
        return write
    try:
        found = live.find_made(agreement, write.body)
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
    memory = choices_to_remember(review.edits.lines, links, picked)
    named = with_names(memory, *_known_by_name(review, ids))
    systems.links.remember(named, when=now, workbook=review.book.path.name)
    return picked


def _known_by_name(
    review: Review, ids: Mapping[str, int]
) -> tuple[list[Company], list[Agreement], list[CatalogItem]]:
    """What the workbook's lists name, and what was just created."""
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
    split = {id_: label.partition(": ") for id_, label in names["item"].items()}
    return (
        [Company(id=id_, identifier="", name=name) for id_, name in names["company"].items()],
        [Agreement(id=id_, name=name, company_id=0) for id_, name in names["agreement"].items()],
        [CatalogItem(id=id_, identifier=one, description=other) for id_, (one, _, other) in split.items()],
    )


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
    rows_of = {result.key: set(result.rows) for result in outcomes if result.state in _LOST}
    for result in outcomes:
        for row in result.rows:
            waits_for = result.detail.removeprefix("needs ").split(",")[0] if result.state in _LOST else ""
            if row not in rows_of.get(waits_for, ()):  # its own row tells the reason already
                by_row.setdefault(row, []).append(result)
    return {
        row: (
            "; ".join(o.text for o in sorted(group, key=lambda o: order.index(o.state))),
            any(o.changed for o in group),
        )
        for row, group in by_row.items()
    }
