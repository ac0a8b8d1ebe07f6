"""Check: a workbook renewed from both systems, with every edit kept; nothing here prints or asks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from msgspec import Struct

from xlsync.commands.export import exported_at_text, last_months, month_result
from xlsync.commands.remember import learn_rules, remember, remember_month
from xlsync.commands.report_files import find_reports
from xlsync.commands.writing import BadCells, new_rows_of, open_book, tell_other_month
from xlsync.config import load_settings
from xlsync.connectwise.lists import Tables, read_lists
from xlsync.errors import ConfigError, Notice
from xlsync.gather.decisions import Decisions
from xlsync.gather.month import Gathered, gather
from xlsync.gather.questions import Asked, Asking
from xlsync.gather.sources import MonthRequest, MonthSources, read_sources
from xlsync.gather.systems import Systems, silent
from xlsync.gather.unchanged import (
    StoredCheck,
    find_stored_check,
    fingerprint_links,
    fingerprint_sources,
    is_unchanged,
    store_check,
    store_reads,
)
from xlsync.gc_tuning import give_back_memory, not_collected
from xlsync.models import Month, Progress
from xlsync.records import replace
from xlsync.settings import Settings
from xlsync.waiting import result_of
from xlsync.workbook.contents import Overview
from xlsync.workbook.edits.approvals import read_row_edits
from xlsync.workbook.edits.invoices import read_invoice_rows
from xlsync.workbook.edits.links import LinkEdits, read_link_edits
from xlsync.workbook.hidden_sheet import About
from xlsync.workbook.read import Book, read_workbook
from xlsync.workbook.save import Save, save_in_place
from xlsync.workbook.totals import MonthResult
from xlsync.workbook.write import Renewed, write_check

_SIDE_BY_SIDE: Final = 5_000  # most lines of a month that is read while its workbook is


def settings_to_check(path: Path) -> Settings:
    """Load the settings for a check; the BSS's are not needed where the lines came from a report."""
    try:
        return load_settings(bss=True, connectwise=True)
    except ConfigError:
        if not read_workbook(path).about.reports:
            raise
        return load_settings(bss=False, connectwise=True)


def _request_of(systems: Systems, about: About, path: Path) -> MonthRequest:
    """Return the month, date and reports with which a workbook was exported; raises UnaskedReports."""
    return MonthRequest(
        month=Month.parse(about.month),
        by="service-period" if about.by == "service-period" else "invoice-date",
        reports=find_reports(systems.home, about.reports, path),
    )


class _Reading(Struct, frozen=True):
    """A month's sources that are being read, or were: `result` waits for them and returns them."""

    request: MonthRequest
    result: Callable[[], tuple[MonthSources, Tables]]


def _begin(
    systems: Systems, stored: StoredCheck, asking: Asking, path: Path, now: dt.datetime, progress: Progress
) -> _Reading | MonthResult:
    """Begin with the reads that the last command needed; returns its result where nothing changed.

    The sources of a large month are read when they are waited for: less is held in memory at once then.
    """
    request = _request_of(systems, stored.about, path)
    # They are opened in this thread, since two threads would open them twice.
    _ = systems.connectwise, systems.lists, None if request.reports else systems.bss
    read_again = partial(_read_again, systems, request, stored.asked, asking, now, progress)
    if is_unchanged(stored, path):
        read = read_again()
        made_of = fingerprint_sources(systems, request, *read, now)
        if made_of == stored.sources and asking.fingerprint(stored.asked) == stored.answers:
            asking.additions(stored.asked.agreements)  # read by now: what is odd about them is told again
            return _with_notices(stored.result(path), asking)
        return _Reading(request, lambda: read)
    if stored.totals.lines > _SIDE_BY_SIDE or request.reports:
        return _Reading(request, read_again)
    return _Reading(request, partial(result_of, systems.threads.submit(read_again)))


def _read_again(
    systems: Systems,
    request: MonthRequest,
    asked: Asked,
    asking: Asking,
    now: dt.datetime,
    progress: Progress,
) -> tuple[MonthSources, Tables]:
    """Read a month's sources, and beside them whatever the last command of the workbook had to read."""
    asking.begin_again(asked)
    sources, tables = read_sources(systems, request, now, progress)
    asking.begin_own_units_again(asked, sources.lines)
    return sources, tables


@not_collected()
def check_workbook(
    systems: Systems,
    path: Path,
    now: dt.datetime,
    *,
    refresh: bool = False,
    progress: Progress = silent,
    save: Save | None = None,
) -> MonthResult:
    """Renew the computed sheets of a workbook, keep every edit, and remember its choices.

    Where nothing changed since the last check, neither in the workbook nor in its sources, the workbook stays
    as it is.
    """
    asking = Asking(systems, progress, now, uses_recent=not refresh)
    stored = None if refresh else find_stored_check(systems.checks, path)
    begun = None if stored is None else _begin(systems, stored, asking, path, now, progress)
    if isinstance(begun, MonthResult):
        return begun
    book = open_book(path, systems)
    edits = _read_edits(systems, book, path, now)
    request = replace(_request_of(systems, book.about, path), refresh=refresh)
    book.package.hold_compressed()
    give_back_memory()
    if begun is not None and begun.request == request:
        sources, tables = begun.result()
    else:
        sources, tables = read_sources(systems, request, now, progress)
    del begun  # what was read is given up as soon as it is used
    revision = systems.links.revision
    made_of = fingerprint_sources(systems, request, sources, tables, now)
    lists = read_lists(tables)
    del tables  # they are as large as the lists that were read of them
    give_back_memory()
    gathered = gather(
        systems, request, sources, lists, asking, systems.links.memory(), edits.decisions, progress
    )
    del sources, lists
    give_back_memory()
    overview = gathered.overview
    learned_from = fingerprint_links(made_of, overview.links, edits.links.picked)

    def remember_and_save(book: Book) -> Path:
        # In a saved workbook no choice is new any more: killed in between, none is lost.
        if stored is None or (stored.learned_from, revision) != (learned_from, systems.links.revision):
            remember(systems, overview, edits.links.picked, now, path)
        return (save or save_in_place)(book)

    renewed = write_check(
        book,
        overview,
        exported_at=exported_at_text(now),
        renewed_at=now.isoformat(timespec="milliseconds"),
        months=last_months(now.date()),
        own=edits.links.own(),
        approved=tuple(sorted(edits.decisions.rows.asked)),
        save=remember_and_save,
        progress=lambda done, total: progress("Writing the workbook", done, total),
    )
    remember_month(systems, overview, now)
    once = _list_notices_once(book, edits, renewed, overview)
    notices = (*_list_lasting_notices(edits, gathered, renewed), *once)
    placed = tuple(str(notice) for notice in map(renewed.place, notices) if notice is not None)
    result = month_result(overview, placed, renewed.path, renewed.start)
    has_learned = systems.links.revision != revision  # the links of before may be put back
    if has_learned or once or renewed.path != path:
        store_reads(systems.checks, result, book.about, asking, "" if has_learned else learned_from)
    else:
        store_check(systems.checks, result, book, made_of, asking, learned_from)
    return _with_notices(result, asking)


class _Edits(Struct, frozen=True):
    """What people decided in a workbook, and the notices that it asks for.

    `notices` are shown as long as their cause lasts, `asked` once: they are about what a person just did.
    """

    links: LinkEdits
    decisions: Decisions
    other_month: tuple[str, ...]
    notices: tuple[Notice, ...]
    asked: tuple[Notice, ...]


def _read_edits(systems: Systems, book: Book, path: Path, now: dt.datetime) -> _Edits:
    """Read every decision, and store the rules that the workbook makes.

    Raises BadCells where a link cannot be read; rows with other bad cells wait, and are named in a notice.
    """
    links = read_link_edits(book)
    rows = read_row_edits(book)
    new, invoices = new_rows_of(systems, book), read_invoice_rows(book)
    waiting = [*rows.problems, *new.problems, *invoices.problems]
    link_problems = [*book.problems, *links.problems]
    if link_problems:
        raise BadCells(path, [*link_problems, *waiting])
    other_month = tell_other_month(book)
    asked, ended = learn_rules(systems, book, links, rows, now)
    rows = replace(rows, ignored={key: why for key, why in rows.ignored.items() if key not in ended})
    # The other lines are read anew: a month is not held in memory twice.
    links = replace(links, lines={key: links.lines[key] for key in links.picked}, links={})
    return _Edits(
        links,
        Decisions(links.picked, rows.ignored.keys(), new.prices, rows, new.contacts, new.customers),
        tuple(other_month),
        (
            *(Notice(p.where, f"{p.what}; {p.todo} (its row waits)") for p in waiting),
            *new.notices,
            *rows.notices,
            *invoices.notices,
        ),
        tuple(asked),
    )


def _list_lasting_notices(edits: _Edits, gathered: Gathered, renewed: Renewed) -> list[Notice]:
    """List the notices that every check shows as long as their cause is there."""
    lapsed = {notice.where for notice in renewed.lapsed}
    return [
        *(Notice("", text) for text in (*edits.other_month, *gathered.notices)),
        *(notice for notice in edits.notices if notice.where not in lapsed),
    ]


def _list_notices_once(book: Book, edits: _Edits, renewed: Renewed, overview: Overview) -> list[Notice]:
    """List the notices that only this check shows: altered cells, lapsed approvals, what moved or is gone."""
    return [
        *(Notice(problem.where, "was altered and is computed anew") for problem in book.altered),
        *renewed.lapsed,
        *(Notice("", text) for text in (*_tell_gone(edits.links, overview), *renewed.notices)),
        *edits.asked,
    ]


def _with_notices(result: MonthResult, asking: Asking) -> MonthResult:
    """Add the notices about answers that were not asked for anew."""
    return replace(result, notices=(*result.notices, *asking.notices))


def _tell_gone(edits: LinkEdits, overview: Overview) -> list[str]:
    """Name the workbook's choices that were renamed in ConnectWise or are no longer active."""
    parts: tuple[tuple[str, str, Mapping[int, str]], ...] = (
        ("company", "customer", overview.labels.companies),
        ("agreement", "agreement", overview.labels.agreements),
        ("item", "product", overview.labels.items),
    )
    gone: dict[str, None] = {}
    for line in edits.lines.values():
        pick = edits.picked.get(line.key)
        for part, word, labels in parts:
            to = getattr(pick, part) if pick else None
            if not isinstance(to, int):
                continue
            name = edits.names[part].get(to, labels.get(to, ""))  # an earlier check took what is gone away
            if to not in labels:
                chosen = f"{name}, chosen for {line.customer}," if name else f"chosen for {line.customer}"
                gone[f"The {word} {chosen} is no longer active in ConnectWise: choose another"] = None
            elif labels[to] != name:
                gone[f"The {word} {name} is called {labels[to]} in ConnectWise now"] = None
    return list(gone)
