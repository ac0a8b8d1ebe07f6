"""Remember links and lasting rules of a workbook for later months."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from xlsync.errors import Notice
from xlsync.gather.systems import Systems
from xlsync.links.ages import sum_report
from xlsync.links.choices import Picked
from xlsync.links.learning import learn, names_of, with_names
from xlsync.links.memory import Memory
from xlsync.models import ActionLabel
from xlsync.reconcile.ages import NOTHING_SEEN, see
from xlsync.reconcile.rules import Rule, RuleKind, Scope, find_ignore_rules, read_note, read_until
from xlsync.workbook.contents import Overview
from xlsync.workbook.edits.approvals import Ignored, RowEdits
from xlsync.workbook.edits.links import LinkEdits
from xlsync.workbook.layout import BILLING_LINES, MISMATCHES
from xlsync.workbook.read import Book


def learn_rules(
    systems: Systems, book: Book, edits: LinkEdits, rows: RowEdits, now: dt.datetime
) -> tuple[list[Notice], frozenset[str]]:
    """Store the rules that the workbook makes, and remove those that it ends.

    Returns what is still asked for, and the rows that are ignored no more since their rule was ended
    elsewhere. A row that is ignored without a reason is ignored in this workbook only.
    """
    asked: list[Notice] = []
    ended: set[str] = set()
    when, lines = now.isoformat(timespec="seconds"), {line.key: line for line in edits.lines}
    known = {rule.key: rule for rule in systems.rules.list()}

    def keep(rule: Rule) -> None:
        old = known.get(rule.key)
        if old is None or replace(old, when=when, workbook=rule.workbook) != rule:
            systems.rules.keep(rule)

    for row in book.rows[BILLING_LINES.title]:
        note = row.text("Note")
        rule = read_note(note, lines[row.key], when, book.path.name) if note else None
        if rule is not None:
            keep(rule)
            asked.extend(_ask_until(note))
    by_rule = find_ignore_rules(book.month, edits.lines, systems.rules.list())
    for row in book.rows[MISMATCHES.title]:
        mismatch, ignored = rows.mismatches[row.key], rows.ignored.get(row.key, Ignored())
        rule = Rule(
            kind=RuleKind.IGNORE,
            scope=Scope.ROW,
            about=row.key,
            reason=ignored.reason,
            until=ignored.until,
            when=when,
            workbook=book.path.name,
        )
        is_edited = any(row.is_edited(header) for header in ("Action", "Reason", "Until"))
        if row.key not in rows.ignored:
            if row.stored.shown.get("Action") == ActionLabel.IGNORE:
                systems.rules.drop(rule.key)
        elif not is_edited:
            if mismatch.is_ruled and by_rule.rule_for(mismatch) is None:
                ended.add(row.key)
        elif ignored.reason:
            keep(rule)
        else:
            systems.rules.drop(rule.key)
            what = "without a Reason the row is ignored in this month only"
            whatever = ", whatever Until says" if ignored.until else ""
            asked.append(Notice(row.where("Reason"), f"{what}{whatever}"))
    return asked, frozenset(ended)


def _ask_until(note: str) -> list[Notice]:
    """Ask for a readable end of a rule where a note's cannot be read: the rule would last for ever."""
    if "until" not in note.casefold() or read_until(note) is not None:
        return []
    return [
        Notice(
            "", f"The note {note!r} names no day that can be read, so it has no end: write until 2026-12-31"
        )
    ]


def remember(
    systems: Systems, overview: Overview, picked: Mapping[str, Picked], now: dt.datetime, path: Path
) -> None:
    """Remember the links that count for later months."""
    lists = overview.lists

    def learn_links(memory: Memory) -> Memory:
        learnt = learn(memory, overview.lines, overview.links, picked)
        return with_names(learnt, names_of(lists.companies, lists.agreements, lists.items))

    systems.links.remember(learn_links, when=now, workbook=path.name)


def remember_month(systems: Systems, overview: Overview, now: dt.datetime) -> None:
    """Keep which mismatches the month shows, and the sums of its report with what it bills where."""
    month, mismatches = overview.month, overview.findings.mismatches
    seen = see(mismatches, systems.ages.months().get(month, NOTHING_SEEN))
    report = sum_report(overview.reports, overview.lines) if overview.reports else None
    if report is not None and not overview.incomplete:
        report = replace(report, billed=overview.targets)
    systems.ages.keep(month, seen, report, now)
