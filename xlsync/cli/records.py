"""The commands `xlsync report` and `xlsync history`."""

from __future__ import annotations

from pathlib import Path

import typer

from xlsync.apply.ledger import list_writes
from xlsync.cli import as_json
from xlsync.cli import tables as show
from xlsync.cli.console import out, say
from xlsync.cli.months import chosen_month
from xlsync.cli.terminal import now, opened_here, refuse_other_ending, tell_json
from xlsync.commands.report import report_month
from xlsync.report.write import write_pdf


def report(*, file: Path, output: Path | None, pdf: bool, demo: bool, json: bool) -> None:
    """Run `xlsync report`."""
    if output:
        refuse_other_ending(output, ".xlsx", "a workbook")
    with opened_here(demo=demo, workbook=file) as systems:
        written = report_month(systems, file, now(), output)
        figures, path = written.report, written.path
        if not json:
            show.report(out, figures)
            say(out, f"Report: {path}")
        made = write_pdf(path) if pdf else None
        if json:
            tell_json(as_json.report(figures, path, made))
        elif made:
            say(out, f"PDF: {made}")


def history(*, run: str, month: str, demo: bool, json: bool) -> None:
    """Run `xlsync history`."""
    if run and month:
        raise typer.BadParameter("name a run or a month, not both", param_hint="--month")
    asked = str(chosen_month(month)) if month else ""
    with opened_here(demo=demo) as systems:
        if asked:
            runs = systems.list_runs()
            writes = list_writes(runs, asked, systems.settings.environment)
            if json:
                tell_json({"month": asked, "writes": [as_json.written(write) for write in writes]})
            else:
                show.written(out, writes)
        elif run:
            record = systems.read_run(run)
            tell_json(as_json.run(record)) if json else show.run(out, record)
        else:
            runs = systems.list_runs()
            tell_json({"runs": [as_json.run(entry) for entry in runs]}) if json else show.runs(out, runs)
