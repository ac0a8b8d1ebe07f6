"""What a workbook teaches for later months: links, and rules that last."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path

from xlsync.errors import Notice
from xlsync.gather.systems import Systems
from xlsync.links.choices import Picked
from xlsync.links.memory import choices_to_remember, names_of, with_names
from xlsync.models import ActionLabel
from xlsync.reconcile.rules import Rule, RuleKind, Scope, ignoring, read_note, read_until
from xlsync.workbook.contents import Overview
from xlsync.workbook.edits.approvals import RowEdits
from xlsync.workbook.edits.links import LinkEdits
from xlsync.workbook.layout import BILLING_LINES, MISMATCHES
from xlsync.workbook.read import Book


def learn_rules(
    systems: Systems, book: Book, edits: LinkEdits, rows: RowEdits, now: dt.datetime
) -> tuple[list[Notice], frozenset[str]]:
    """Keep the rules that the workbook makes, end those it takes back.

    Returns what is still asked for, and the rows that are ignored no more since their rule was ended
    elsewhere. A row that is ignored takes its reason from the note of one of its lines; where a line
    could tell one and does not, the row is ignored in this workbook only.
    """
    asked: list[Notice] = []
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
        elif not is_edited and mismatch.is_ruled and by_rule(mismatch) is None:
            ended.add(row.key)
        elif not is_edited and mismatch.is_ruled and rule.key not in own:
            continue  # by a rule about its contract, product or customer
        elif told or not mismatch.line_keys:
            systems.rules.keep(rule)
            asked.extend(_ask_until(rule.reason))
        elif is_edited:
            asked.append(
                Notice(
                    row.where("Action"),
                    "is ignored in this workbook only; to ignore it for longer, write the reason into the "
                    "Note of its billing line, such as: billed by hand, until 2026-12-31",
                )
            )
    return asked, frozenset(ended)


def _ask_until(note: str) -> list[Notice]:
    """What to write where a note names an end that cannot be read: its rule would last for ever."""
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
    """Keep the links that count, for the months after."""
    memory = choices_to_remember(overview.lines, overview.links, picked)
    lists = overview.lists
    named = with_names(memory, names_of(lists.companies, lists.agreements, lists.items))
    systems.links.remember(named, when=now, workbook=path.name)
