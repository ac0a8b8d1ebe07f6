"""Remember links and lasting rules of a workbook for later months."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from xlsync.errors import Notice
from xlsync.gather.systems import Systems
from xlsync.links.ages import sum_report
from xlsync.links.choices import Picked
from xlsync.links.learning import current_names, learn, with_current_names
from xlsync.links.memory import Memory
from xlsync.models import Mismatch
from xlsync.reconcile.ages import NOTHING_SEEN, see
from xlsync.reconcile.rules import (
    Rule,
    RuleKind,
    Scope,
    find_ignore_rules,
    is_unread_rule,
    read_note,
    read_until,
)
from xlsync.records import replace
from xlsync.workbook.contents import Overview
from xlsync.workbook.edits.approvals import Ignored, RowEdits
from xlsync.workbook.edits.cells import is_decided_anew, was_ignored
from xlsync.workbook.edits.links import LinkEdits
from xlsync.workbook.layout import BILLING_LINES, MISMATCHES
from xlsync.workbook.read import Book, SheetRow


def learn_rules(
    systems: Systems, book: Book, edits: LinkEdits, rows: RowEdits, now: dt.datetime
) -> tuple[list[Notice], frozenset[str]]:
    """Store the rules that the workbook makes, and remove those that it ends.

    Returns notices of what is still asked for, and the keys of rows that are ignored no more since their rule
    was ended elsewhere. A row that is ignored without a reason is ignored in this workbook only.
    """
    writer = _RuleWriter(systems, now.isoformat(timespec="seconds"), book.path.name)
    notices = _learn_unit_rules(writer, book, edits)
    rules = systems.rules.list()
    by_rule = find_ignore_rules(book.month, edits.lines.values() if rules else (), rules)
    ended: set[str] = set()
    for row in book.rows[MISMATCHES.title]:
        mismatch = rows.mismatches[row.key]
        ignored = rows.ignored.get(row.key)
        if ignored is not None and not is_decided_anew(row):
            if mismatch.is_ruled and by_rule.rule_for(mismatch) is None:
                ended.add(row.key)
        else:
            notices += _learn_ignore_rule(writer, row, mismatch, ignored)
    return notices, frozenset(ended)


class _RuleWriter:
    """The store of rules with those known before; a rule that is as it was is not written again."""

    def __init__(self, systems: Systems, when: str, workbook: str) -> None:
        self._rules = systems.rules
        self._known = {rule.key: rule for rule in systems.rules.list()}
        self.when, self.workbook = when, workbook

    def knows(self, rule: Rule) -> bool:
        """Return whether a rule was known before with these units and this end."""
        known = self._known.get(rule.key)
        units, until = (known.units, known.until) if known else (Decimal(0), None)
        return (units, until) == (rule.units, rule.until)

    def store(self, rule: Rule) -> None:
        """Store a rule, unless it is known as it is."""
        old = self._known.get(rule.key)
        if old is None or replace(old, when=self.when, workbook=rule.workbook) != rule:
            self._rules.keep(rule)

    def remove(self, rule: Rule) -> None:
        """Remove the rule of this kind and subject."""
        self._rules.drop(rule.key)


class _NoteRead(NamedTuple):
    """The note of a billing line with the rule that it makes, and those that the last check read there."""

    row: SheetRow
    note: str
    rule: Rule | None
    before: str
    old: Rule | None


def _learn_unit_rules(writer: _RuleWriter, book: Book, edits: LinkEdits) -> list[Notice]:
    """Store the rules in new notes of billing lines; returns notices of what a note does not say, or no more.

    A note that an earlier check read makes no rule again: the rule may have been changed or ended since. It
    does where its contract's rule was that of another note, which was given up.
    """
    notices = [*_tell_formulas(book, edits)]
    read = _read_notes(writer, book, edits)
    rules_noted: dict[str, set[tuple[Decimal | None, dt.date | None]]] = {}
    for one in read:
        if one.rule is not None:
            rules_noted.setdefault(one.rule.key, set()).add((one.rule.units, one.rule.until))
    given_up = {
        one.old.key
        for one in read
        if one.old is not None and writer.knows(one.old)
        if one.rule is None or one.rule.key != one.old.key
    }
    for row, note, rule, before, old in read:
        is_one_of_several = rule is not None and len(rules_noted[rule.key]) > 1
        if is_one_of_several:
            text = "another line of this contract has another such note: leave one of them"
            notices.append(Notice(row.where("Note"), text))
        if old is not None and old.units and old.key not in rules_noted and writer.knows(old):
            writer.remove(old)
            notices.append(Notice(row.where("Note"), f"the rule of the note {before!r} was ended with it"))
        if rule is not None and note == before and rule.key not in given_up:
            if not writer.knows(rule) and not is_one_of_several:
                text = (
                    f"the note {note!r} is no rule any more, it was changed or ended since: type another note"
                )
                notices.append(Notice(row.where("Note"), text))
        elif rule is not None:
            writer.store(rule)
            notices += _ask_until(row, note)
        elif is_unread_rule(note):
            text = f"The note {note!r} makes no rule, its number is not clear: write free 2.5 or minimum 1000"
            notices.append(Notice(row.where("Note"), text))
    return notices


def _tell_formulas(book: Book, edits: LinkEdits) -> Iterator[Notice]:
    """Name the notes whose text is a formula's value, and would make a rule if it had been typed."""
    for row in book.rows[BILLING_LINES.title]:
        text = row.text("Note") if "Note" in row.formulas else ""
        if text and read_note(text, edits.lines[row.key], "", ""):
            what = f"a formula stands here, and its value {text!r} makes no rule: type it as a text"
            yield Notice(row.where("Note"), what)


def _read_notes(writer: _RuleWriter, book: Book, edits: LinkEdits) -> list[_NoteRead]:
    """Read the notes of billing lines that have one, or had one at the last check."""

    def rule_in(note: str, row: SheetRow) -> Rule | None:
        return read_note(note, edits.lines[row.key], writer.when, writer.workbook) if note else None

    read = []
    for row in book.rows[BILLING_LINES.title]:
        note, before = edits.notes.get(row.key, ""), edits.notes_read.get(row.key, "")
        if note or before:
            read.append(_NoteRead(row, note, rule_in(note, row), before, rule_in(before, row)))
    return read


def _learn_ignore_rule(
    writer: _RuleWriter, row: SheetRow, mismatch: Mismatch, ignored: Ignored | None
) -> list[Notice]:
    """Store or remove the `ignore` rule of a row; `ignored` is None where the row is not ignored."""
    if ignored is None and not was_ignored(row):
        return []
    if ignored is not None and not ignored.is_readable:
        return []  # its cell is named as a problem, and the rule stays as it was
    rule = Rule(
        kind=RuleKind.IGNORE,
        scope=Scope.ROW,
        about=row.key,
        reason=ignored.reason if ignored else "",
        until=ignored.until if ignored else None,
        when=writer.when,
        workbook=writer.workbook,
        customer=mismatch.customer,
        product=mismatch.product,
    )
    if ignored is None:
        writer.remove(rule)
        return []
    if ignored.reason:
        writer.store(rule)
        return []
    writer.remove(rule)
    in_spite = ", whatever Until says" if ignored.until else ""
    return [Notice(row.where("Reason"), f"without a Reason the row is ignored in this month only{in_spite}")]


def _ask_until(row: SheetRow, note: str) -> list[Notice]:
    """Ask for a readable end of a rule where a note's cannot be read: the rule would last for ever."""
    if "until" not in note.casefold() or read_until(note) is not None:
        return []
    text = f"The note {note!r} names no day that can be read, so it has no end: write until 2026-12-31"
    return [Notice(row.where("Note"), text)]


def remember(
    systems: Systems, overview: Overview, picked: Mapping[str, Picked], now: dt.datetime, path: Path
) -> None:
    """Store the links that count, for later months."""
    lists = overview.lists

    def learn_links(memory: Memory) -> Memory:
        learnt = learn(memory, overview.lines, overview.links, picked)
        return with_current_names(learnt, current_names(lists.companies, lists.agreements, lists.items))

    systems.links.remember(learn_links, when=now, workbook=path.name)


def remember_month(systems: Systems, overview: Overview, now: dt.datetime) -> None:
    """Store the mismatches that the month shows, and the sums and billed targets of its report."""
    month, mismatches = overview.month, overview.findings.mismatches
    seen = see(mismatches, systems.ages.months().get(month, NOTHING_SEEN))
    report = sum_report(overview.reports, overview.lines) if overview.reports else None
    if report is not None and not overview.incomplete:
        report = replace(report, billed=overview.targets)
    systems.ages.keep(month, seen, report, now)
