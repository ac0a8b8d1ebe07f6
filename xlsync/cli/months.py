"""The commands `xlsync export` and `xlsync check`."""

from __future__ import annotations

import sys
import time
import webbrowser
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal

import typer

from xlsync.cli import as_json
from xlsync.cli import tables as show
from xlsync.cli.console import err, out, say
from xlsync.cli.progress import progress
from xlsync.cli.terminal import (
    ask,
    confirm,
    errors_in_words,
    find_save_plan,
    now,
    opened,
    refuse_other_ending,
    tell_json,
    tell_notices,
    written_beside,
)
from xlsync.commands.check import check_workbook
from xlsync.commands.export import export_month, last_months
from xlsync.commands.report_files import UnaskedReports, remember_chosen
from xlsync.gather.sources import MonthRequest
from xlsync.gather.systems import Systems
from xlsync.models import By, Month
from xlsync.models.month import FIRST_YEAR, LAST_YEAR
from xlsync.printable import printable
from xlsync.workbook.totals import MonthResult

Form = Literal["table", "digest", "json"]
TO_DO: Final = 4  # the exit code of --exit-code


def export(
    *,
    month: str,
    output: Path | None,
    reports: list[Path] | None,
    by: str,
    refresh: bool,
    open_: bool,
    exit_code: bool,
    digest: bool,
    demo: bool,
    json: bool,
) -> None:
    """Run `xlsync export`."""
    form = chosen_form(digest=digest, json=json)
    request = MonthRequest(
        month=chosen_month(month), by=chosen_by(by), reports=tuple(reports or ()), refresh=refresh
    )
    path = output or Path(f"xlsync-{request.month}.xlsx")
    refuse_other_ending(path, ".xlsx", "a workbook")
    began = time.monotonic()
    with opened(demo=demo, bss=not reports) as systems:
        with progress(err, is_shown=not json) as step:
            exported = export_month(systems, request, path, now(), step)
        tell_month(systems, exported, began, form)
    if open_ and not _is_opened(path):
        tell_notices([f"No program opened {path}: open it yourself"])
    exit_by_what_is_to_do(exported, is_asked=exit_code)


def _is_opened(path: Path) -> bool:
    """Open a file in the program that the system has for it; returns whether there is one."""
    if sys.platform == "win32":  # there `typer.launch` looks for a program `start`, which is a word of cmd
        return webbrowser.get("windows-default").open(str(path.absolute()))
    return typer.launch(str(path)) == 0


def check(*, file: Path, refresh: bool, exit_code: bool, digest: bool, demo: bool, json: bool) -> None:
    """Run `xlsync check`."""
    form = chosen_form(digest=digest, json=json)
    began = time.monotonic()
    with opened(demo=demo, workbook=file) as systems:
        save = find_save_plan(file).renewed

        def checked_once() -> MonthResult:
            with progress(err, is_shown=not json) as step:
                return check_workbook(systems, file, now(), refresh=refresh, progress=step, save=save)

        try:
            checked = checked_once()
        except UnaskedReports as unasked:
            if not sys.stdin.isatty() or not confirm(unasked.question, "open"):
                raise
            remember_chosen(systems.home, unasked.paths)
            checked = checked_once()
        tell_notices(written_beside(file, checked.path))
        tell_month(systems, checked, began, form)
    exit_by_what_is_to_do(checked, is_asked=exit_code)


def chosen_form(*, digest: bool, json: bool) -> Form:
    """Return what standard output will hold: text, a digest or JSON."""
    if digest and json:
        raise typer.BadParameter(
            "choose --digest or --json: standard output holds one", param_hint="--digest"
        )
    return "digest" if digest else "json" if json else "table"


def chosen_month(text: str) -> Month:
    """Read the month of an argument, or let a person pick it from a list on a terminal."""
    offered = last_months(now().date())
    match text:
        case "this":
            return offered[0]
        case "last":
            return offered[1]
        case "":
            if not sys.stdin.isatty():
                raise typer.BadParameter("say which month, such as --month 2026-10", param_hint="--month")
            return _picked_month(offered)
    try:
        return Month.parse(text)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is not a month from {FIRST_YEAR} to {LAST_YEAR}; write 2026-10, last or this",
            param_hint="--month",
        ) from None


def _picked_month(offered: Sequence[Month]) -> Month:
    """Let a person pick one of the months by its number, or type any month."""
    names = ("this month", "last month", *[""] * len(offered))
    for number, (month, name) in enumerate(zip(offered, names, strict=False), start=1):
        say(err, f"{number:3}  {month}  {name}".rstrip())
    with errors_in_words():
        while True:
            answer = ask("Which month? Its number, or such as 2026-10", default="2").strip()
            if answer.isdecimal() and 1 <= int(answer) <= len(offered):
                return offered[int(answer) - 1]
            with suppress(ValueError):
                return Month.parse(answer)
            say(err, f"Type a number from 1 to {len(offered)}, or a month such as 2026-10.")


def chosen_by(text: str) -> By:
    """Read the option that decides a line's month."""
    match text:
        case "invoice-date":
            return "invoice-date"
        case "service-period":
            return "service-period"
    raise typer.BadParameter(f"{text!r}: choose invoice-date or service-period", param_hint="--by")


def tell_month(systems: Systems, result: MonthResult, began: float, form: Form) -> None:
    """Print the result of an export or a check."""
    tell_notices(result.notices)
    if form == "json":
        seconds = time.monotonic() - began
        tell_json(as_json.month(result, systems.requests, seconds))
    elif form == "table":
        show.month(out, result.totals, result.path, result.start)
    else:
        # a file is UTF-8 everywhere
        digest_text = printable(result.digest)
        typer.echo(digest_text if sys.stdout.isatty() else digest_text.encode(), nl=False)


def exit_by_what_is_to_do(result: MonthResult, *, is_asked: bool) -> None:
    """Exit with 4 where lines are to be linked or mismatches are open, if `--exit-code` was given."""
    if is_asked and (result.totals.unlinked or any(result.totals.mismatches.values())):
        raise typer.Exit(TO_DO)
