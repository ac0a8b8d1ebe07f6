"""A month's workbook: export it, and check it, with every edit kept.

What the commands and the ribbon's buttons do, without a terminal: nothing here prints or asks.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from xlsync.commands.apply import BadCells, new_rows_of, open_book, tell_other_month
from xlsync.commands.digest import make_digest
from xlsync.config import load_settings
from xlsync.errors import ConfigError, WorkbookError
from xlsync.gather.month import Decisions, Request, gather, read_sources
from xlsync.gather.questions import Asking
from xlsync.gather.systems import Systems, silent
from xlsync.gather.unchanged import find_left, fingerprint_sources, keep_left
from xlsync.gc_tuning import not_collected
from xlsync.links.choices import Picked
from xlsync.links.memory import choices_to_remember, with_names
from xlsync.models import (
    ActionLabel,
    Month,
    Progress,
)
from xlsync.reconcile.rules import Rule, RuleKind, Scope, ignoring, is_ruled, read_note, read_until
from xlsync.settings import Settings
from xlsync.workbook.contents import Overview
from xlsync.workbook.edits.approvals import RowEdits, read_invoice_rows, read_row_edits
from xlsync.workbook.edits.links import LinkEdits, read_link_edits
from xlsync.workbook.hidden_sheet import About
from xlsync.workbook.layout import BILLING_LINES, MISMATCHES
from xlsync.workbook.read import Book, read_workbook
from xlsync.workbook.save import Save
from xlsync.workbook.totals import Found, Totals
from xlsync.workbook.write import write_check, write_export

MONTHS_SHOWN = 15
SAVED_BY = "xlsync"  # as the template says of itself


def last_months(today: dt.date) -> tuple[Month, ...]:
    """The months that are offered, the newest first."""
    this = Month(today.year, today.month)
    return tuple(this.plus(-back) for back in range(MONTHS_SHOWN))


@not_collected()
def export_month(
    systems: Systems, request: Request, path: Path, now: dt.datetime, progress: Progress = silent
) -> Found:
    """Bring a month into a new workbook."""
    refuse_overwriting(path)
    sources = read_sources(systems, request, now, progress)
    asking = Asking(systems, progress)
    gathered = gather(systems, request, sources, asking, systems.links.memory(), Decisions({}), progress)
    del sources  # its tables are as large as what was made of them
    write_export(
        path,
        gathered.overview,
        progress=lambda done, of: progress("Writing the workbook", done, of),
        exported_at=_told(now),
        months=last_months(now.date()),
        report=str(request.report.resolve()) if request.report else "",
    )
    return _found(gathered.overview, gathered.notices, path)


def _found(overview: Overview, notices: tuple[str, ...], path: Path) -> Found:
    totals = Totals.of(overview)
    return Found(
        totals=totals,
        digest=make_digest(overview, totals, notices, str(path)),
        notices=notices,
        path=path,
    )


def refuse_overwriting(path: Path) -> None:
    """Raise WorkbookError where a file stands that is not an untouched export, or none can be put."""
    if not path.absolute().parent.is_dir():
        told = f"{path} cannot be written: its folder does not exist."
        raise WorkbookError(told, "Check the name and the folder.")
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
    if book.package.saved_by != SAVED_BY:  # a sheet or column of one's own, a comment, a colour
        told = f"{path} was saved in another program, so it may have edits in it and is not overwritten."
        raise WorkbookError(told, hint)


def settings_to_check(path: Path) -> Settings:
    """The settings that a check of a workbook needs: none of the BSS where its lines came from a report."""
    try:
        return load_settings(bss=True, connectwise=True)
    except ConfigError:
        if not read_workbook(path).about.report:
            raise
        return load_settings(bss=False, connectwise=True)


def _request_of(about: About, path: Path) -> Request:
    """What a workbook was exported with."""
    return Request(
        month=Month.parse(about.month),
        by="service-period" if about.by == "service-period" else "invoice-date",
        report=_find_report(about.report, path) if about.report else None,
    )


def _find_report(told: str, workbook: Path) -> Path:
    """The report that a workbook's lines came from: where it was, else beside the workbook."""
    beside = workbook.with_name(told.replace("\\", "/").rpartition("/")[2])
    return beside if not Path(told).exists() and beside.exists() else Path(told)


@not_collected()
def check_workbook(
    systems: Systems,
    path: Path,
    now: dt.datetime,
    *,
    refresh: bool = False,
    progress: Progress = silent,
    save: Save | None = None,
) -> Found:
    """Renew the computed sheets of a workbook, with every edit kept; its choices are remembered.

    Where nothing changed since the last check, neither in the workbook nor in what it is made of, it stays
    as it is.
    """
    asking = Asking(systems, progress)
    sources = None
    left = None if refresh else find_left(systems.checks, path)
    if left is not None:
        request = _request_of(left.about, path)
        sources = read_sources(systems, request, now, progress)
        if fingerprint_sources(systems, request, sources, now) == left.sources:
            asking.again(left.asked, sources.lines)
            if asking.fingerprint() == left.answers:
                return left.found(path)
    book = open_book(path, systems)
    edits = read_link_edits(book)
    rows = read_row_edits(book)
    new = new_rows_of(systems, book)
    waiting = [*rows.problems, *new.problems, *read_invoice_rows(book).problems]
    link_problems = [*book.problems, *edits.problems]
    if link_problems:
        raise BadCells(path, [*link_problems, *waiting])
    other_month = tell_other_month(book)
    request = replace(_request_of(book.about, path), refresh=refresh)
    asked, ended = learn_rules(systems, book, edits, rows, now)
    rows = replace(rows, ignored=rows.ignored - ended)
    chosen = tuple(line for line in edits.lines if line.key in edits.picked)
    edits = replace(edits, lines=chosen, links={})  # the others are read anew: a month is not held twice
    decisions = Decisions(edits.picked, rows.ignored, new.prices, rows)
    sources = sources or read_sources(systems, request, now, progress)
    made_of = fingerprint_sources(systems, request, sources, now)
    gathered = gather(systems, request, sources, asking, systems.links.memory(), decisions, progress)
    del sources  # its tables are as large as what was made of them
    overview = gathered.overview
    own = edits.own()
    renewed = write_check(
        book,
        overview,
        exported_at=_told(now),
        months=last_months(now.date()),
        own=own,
        save=save,
        progress=lambda done, of: progress("Writing the workbook", done, of),
        report=book.about.report,
    )
    remember(systems, overview, edits.picked, now, path)
    told_once = [
        *(f"{problem.where}: was altered and is computed anew" for problem in book.altered),
        *(
            f"{where}: the approval lapsed, since what it was given for changed: look again"
            for where in renewed.lapsed
        ),
        *_tell_gone(edits, overview),
        *asked,
    ]
    told = [
        *other_month,
        *gathered.notices,
        *(f"{problem} (its row waits)" for problem in waiting),
        *new.notices,
        *told_once,
    ]
    notices = tuple(notice for notice in map(renewed.place, told) if notice is not None)
    found = _found(overview, notices, renewed.path)
    if not told_once and renewed.path == path:
        keep_left(systems.checks, found, book, made_of, asking)
    return found


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
