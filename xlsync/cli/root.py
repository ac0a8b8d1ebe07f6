"""The commands: what xlsync does, as a table of contents. Only here and in `terminal` is anything printed."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Annotated

import typer

from xlsync import __version__
from xlsync.apply.journal import list_runs, read_run
from xlsync.apply.ledger import list_writes
from xlsync.cli import as_json
from xlsync.cli import tables as show
from xlsync.cli.command import command
from xlsync.cli.links import links_app
from xlsync.cli.terminal import (
    Demo,
    Digest,
    DryRun,
    ExitCode,
    Job,
    Json,
    WorkbookFile,
    Yes,
    carry_out,
    chosen_by,
    chosen_form,
    chosen_month,
    confirmed,
    drop_output_that_cannot_be_written,
    err,
    exit_by_what_is_to_do,
    new_workbook,
    noted,
    now,
    opened,
    opened_here,
    out,
    output_that_fails_is_an_error,
    reached,
    show_what_can_be_shown,
    tell_beside,
    tell_json,
    tell_notices,
    told,
    told_month,
)
from xlsync.commands import apply as reviews
from xlsync.commands import invoice as invoicing
from xlsync.commands.check import check_workbook
from xlsync.commands.export import export_month
from xlsync.commands.report import report_month
from xlsync.config import home_folder
from xlsync.errors import XlsyncError
from xlsync.excel import addin
from xlsync.gather.sources import MonthRequest
from xlsync.gather.systems import Systems
from xlsync.report.write import write_pdf
from xlsync.settings import Settings

app = typer.Typer(
    name="xlsync",
    help="Make ConnectWise PSA agreements agree with what the cloud distributor billed, in Excel.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(links_app, name="links")


def main() -> None:
    """Run the command line, and exit by the table of exit codes."""
    show_what_can_be_shown()
    try:
        with output_that_fails_is_an_error():
            app()
    finally:
        drop_output_that_cannot_be_written()


@command(app)
def export(
    month: Annotated[str, typer.Option(help="2026-10, last or this; asked for where it is left out.")] = "",
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="Default: xlsync-MONTH.xlsx.")] = None,
    reports: Annotated[
        list[Path] | None,
        typer.Option(
            "--from",
            metavar="REPORT",
            help="Billing lines from a CSV or Excel report; may be given several times.",
        ),
    ] = None,
    by: Annotated[
        str, typer.Option(help="What makes a line the month's: invoice-date or service-period.")
    ] = ("invoice-date"),
    refresh: Annotated[bool, typer.Option("--refresh", help="Read all lists anew, nothing kept.")] = False,
    open_: Annotated[bool, typer.Option("--open", help="Open the workbook when it is written.")] = False,
    exit_code: ExitCode = False,
    digest: Digest = False,
    demo: Demo = False,
    json: Json = False,
) -> None:
    """Bring a month's billing into a workbook, linked and compared."""
    form = chosen_form(digest=digest, json=json)
    request = MonthRequest(
        month=chosen_month(month), by=chosen_by(by), reports=tuple(reports or ()), refresh=refresh
    )
    path = new_workbook(output or Path(f"xlsync-{request.month}.xlsx"))
    began = time.monotonic()
    with opened(demo=demo, bss=not reports) as systems:
        with show.progress(err, is_shown=not json) as progress:
            exported = export_month(systems, request, path, now(), progress)
        told_month(systems, exported, began, form)
    if open_:
        typer.launch(str(path))
    exit_by_what_is_to_do(exported, is_asked=exit_code)


@command(app)
def check(
    file: WorkbookFile,
    refresh: Annotated[bool, typer.Option("--refresh", help="Read all lists and additions anew.")] = False,
    exit_code: ExitCode = False,
    digest: Digest = False,
    demo: Demo = False,
    json: Json = False,
) -> None:
    """Re-read links and both systems, renew the computed sheets, keep every edit."""
    form = chosen_form(digest=digest, json=json)
    began = time.monotonic()
    with opened(demo=demo, of=file) as systems:
        save = reached(file).renewed
        with show.progress(err, is_shown=not json) as progress:
            checked = check_workbook(systems, file, now(), refresh=refresh, progress=progress, save=save)
        tell_beside(file, checked.path)
        told_month(systems, checked, began, form)
    exit_by_what_is_to_do(checked, is_asked=exit_code)


@command(app)
def apply(
    file: WorkbookFile,
    dry_run: DryRun = False,
    yes: Yes = False,
    force: Annotated[bool, typer.Option("--force", help="Go over the limits, and nothing else.")] = False,
    demo: Demo = False,
    json: Json = False,
) -> None:
    """Write to ConnectWise what was approved in the workbook, and the results into it."""
    with opened(demo=demo, bss=False, of=file, is_writing=not dry_run) as systems:
        save = reached(file, is_written=not dry_run).results
        with show.progress(err, is_shown=not json) as progress:
            review = reviews.review_workbook(systems, file, progress)
        tell_notices(review.notices)
        job = Job(systems, review.plan, file, dry_run=dry_run, yes=yes, force=force, json=json)
        carry_out(job, lambda step: noted(file, reviews.perform_review(systems, review, now(), step, save)))


@command(app)
def undo(
    run: Annotated[str, typer.Argument(help="A run; `xlsync history` lists them.")],
    dry_run: DryRun = False,
    yes: Yes = False,
    demo: Demo = False,
    json: Json = False,
) -> None:
    """Take a run back: former values return, what was created ends or becomes inactive."""
    with opened(demo=demo, bss=False, is_writing=not dry_run) as systems:
        found = read_run(systems.home, systems.settings.environment, run)
        plan, live = reviews.plan_undo(systems, found)
        job = Job(systems, plan, Path(found.workbook), dry_run=dry_run, yes=yes, force=False, json=json)
        carry_out(job, lambda step: reviews.write(systems, plan, live, "undo", found, now(), step))


@command(app)
def invoice(
    file: WorkbookFile,
    dry_run: DryRun = False,
    yes: Yes = False,
    demo: Demo = False,
    json: Json = False,
) -> None:
    """Create the approved invoices of the Invoices sheet through ConnectWise, and save their PDFs."""
    with opened(demo=demo, bss=False, of=file, is_writing=not dry_run) as systems:
        save = reached(file, is_written=not dry_run).results
        review = invoicing.review_invoices(systems, file)
        is_on = systems.settings.invoicing
        if not is_on:
            tell_notices([invoicing.WHY_OFF])
        job = Job(systems, review.plan, file, dry_run=dry_run or not is_on, yes=yes, force=False, json=json)
        perform = invoicing.perform_invoices
        carry_out(job, lambda step: noted(file, perform(systems, review, now(), step, save)))


@command(app)
def report(
    file: WorkbookFile,
    output: Annotated[
        Path | None,
        typer.Option(metavar="REPORT", help="Default: xlsync-MONTH-report.xlsx beside the workbook."),
    ] = None,
    pdf: Annotated[bool, typer.Option("--pdf", help="A PDF beside it too, by LibreOffice.")] = False,
    demo: Demo = False,
    json: Json = False,
) -> None:
    """The month on one page: billed, found revenue, margin, what is open, and every write."""
    if output:
        new_workbook(output)
    with opened_here(demo=demo, of=file) as systems:
        written = report_month(systems, file, now(), output)
        found, path = written.report, written.path
        if not json:
            show.report(out, found)
            out.print(f"Report: {path}", markup=False, highlight=False, soft_wrap=True)
        made = write_pdf(path) if pdf else None
        if json:
            tell_json(as_json.report(found, path, made))
        elif made:
            out.print(f"PDF: {made}", markup=False, highlight=False, soft_wrap=True)


@command(app)
def history(
    run: Annotated[str, typer.Argument(help="A run, to see every write of it.")] = "",
    month: Annotated[str, typer.Option(help="Every write of a month: 2026-10, last or this.")] = "",
    demo: Demo = False,
    json: Json = False,
) -> None:
    """The runs of apply, every write of one, or every write of a month."""
    if run and month:
        raise typer.BadParameter("name a run or a month, not both", param_hint="--month")
    asked = str(chosen_month(month)) if month else ""
    with opened_here(demo=demo) as systems:
        settings = systems.settings
        if asked:
            runs = list_runs(settings.home, settings.environment)
            writes = list_writes(runs, asked, settings.environment)
            if json:
                tell_json({"month": asked, "writes": [as_json.written(write) for write in writes]})
            else:
                show.written(out, writes)
        elif run:
            found = read_run(settings.home, settings.environment, run)
            tell_json(as_json.run(found)) if json else show.run(out, found)
        else:
            runs = list_runs(settings.home, settings.environment)
            tell_json({"runs": [as_json.run(entry) for entry in runs]}) if json else show.runs(out, runs)


@command(app)
def sandbox(
    port: Annotated[int, typer.Option(help="Where to listen on this machine.")] = 8765,
    lines: Annotated[int, typer.Option(help="Grow the month to so many billing lines.")] = 0,
    seed: Annotated[int, typer.Option(help="Another made-up world.")] = 1,
) -> None:
    """Serve a made-up BSS and ConnectWise on this machine, and print the settings to use it."""
    from xlsync.sandbox.server import Sandbox  # noqa: PLC0415

    if not 0 <= port <= 65535:
        raise typer.BadParameter(f"{port} is no port: choose one from 0 to 65535", param_hint="--port")
    with told(), ExitStack() as stack:
        try:
            served = stack.enter_context(Sandbox(port=port, seed=seed, lines=lines or None))
        except OSError as error:
            what = f"Port {port} of this machine is taken, or may not be listened at."
            raise XlsyncError(what, "Choose another with --port; 0 takes one that is free.") from error
        word = "$env:{} = '{}'" if sys.platform == "win32" else "export {}='{}'"
        for name, value in served.environ.items():
            out.print(word.format(name, value), markup=False, highlight=False, soft_wrap=True)
        with suppress(KeyboardInterrupt):
            err.print("Serving. Paste these lines into another terminal; Ctrl-C ends it.")
            served.serve_forever()


@command(app)
def version() -> None:
    """The version of xlsync."""
    out.print(__version__)


# Excel, keys, and whether everything is there.

ribbon_app = typer.Typer(help="The Excel add-in.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(ribbon_app, name="ribbon")
MARKS = {"good": ("✓", "green"), "bad": ("✗", "red"), "unsure": ("?", "yellow")}


@command(ribbon_app, "build")
def ribbon_build(
    output: Annotated[Path, typer.Option(metavar="FILE", help="Where to.")] = Path(addin.NAME),
) -> None:
    """Make the add-in's file, for the Python that runs this."""
    with told():
        err.print(f"{addin.write_addin(output)} starts {sys.executable}", markup=False, soft_wrap=True)


@command(ribbon_app, "install")
def ribbon_install() -> None:
    """Put the add-in where Excel loads it; again after an update of Python."""
    with told():
        err.print(addin.install(home_folder() / "addin"), markup=False, soft_wrap=True)


@command(ribbon_app, "remove")
def ribbon_remove() -> None:
    """Take the add-in away again."""
    with told():
        err.print(addin.remove(home_folder() / "addin"), markup=False, soft_wrap=True)


@command(app)
def login(demo: Demo = False, json: Json = False) -> None:
    """Ask for the keys of both systems, try them at once, and keep them: secrets in the keyring."""
    from xlsync.commands import login as keys  # noqa: PLC0415 - keyrings are slow to load

    def ask(question: keys.Question, kept: str) -> str:
        err.print(f"\n{question.title}: {question.explanation}", markup=False, highlight=False)
        hidden = question.is_secret
        answer = typer.prompt(question.title, default=kept or None, hide_input=hidden, err=True)
        return str(answer)

    def again(error: XlsyncError) -> bool | str:
        err.print(
            f"{error.message}\n{error.hint}", style="red", markup=False, highlight=False, soft_wrap=True
        )
        question = "Ask again? (y, n, or the right address; what you type is not shown)"
        while True:
            typed = typer.prompt(question, default="y", show_default=False, hide_input=True, err=True)
            match str(typed).strip().casefold():
                case "y" | "yes":
                    return True
                case "n" | "no":
                    return False
                case _ if keys.is_address(str(typed).strip()):
                    return str(typed).strip()
            err.print("That is neither y nor n, nor an address such as https://bss.example.com.")

    def works(system: str) -> None:
        err.print(f"{system} works.", style="green", highlight=False)

    with told():
        if demo:
            err.print("The demo needs no keys.")
            if json:
                tell_json({"settings": None, "keyring": None, "tried": []})
            return
        stored = keys.log_in(ask, again, works=works)
        facts = {"settings": str(stored.file), "keyring": stored.backend, "tried": list(stored.tried)}
        if json:
            tell_json(facts)
        else:
            err.print(f"Settings: {stored.file}; secrets: {stored.backend}", markup=False, soft_wrap=True)


@command(app)
def doctor(
    demo: Demo = False,
    json: Json = False,
    write_test: Annotated[
        str,
        typer.Option(
            metavar="COMPANY",
            help="Create, change and end an agreement and an addition on this test company, after asking.",
        ),
    ] = "",
    yes: Yes = False,
) -> None:
    """Check settings, connections, rights and versions, each with what to do; nothing is written.

    With --write-test, what ConnectWise does with writes is tried on a test company and kept.
    """
    from xlsync.commands import doctor as checks  # noqa: PLC0415
    from xlsync.commands.findings import Finding, State  # noqa: PLC0415
    from xlsync.commands.write_test import find_test_company, try_writing  # noqa: PLC0415

    found: list[Finding] = []

    def tell(finding: Finding) -> None:
        found.append(finding)
        if json:
            return
        mark, colour = MARKS[finding.state]
        mark = mark if "utf" in out.encoding.lower() else finding.state
        out.print(mark, style=colour, end=" ")
        out.print(f"{finding.name}: {finding.detail}", markup=False, highlight=False, soft_wrap=True)
        if finding.next_step and finding.state is not State.GOOD:
            out.print(f"  {finding.next_step}", markup=False, highlight=False, soft_wrap=True)

    with told(), ExitStack() as stack:
        home = home_folder()
        load: Callable[[bool, bool], Settings] = checks.load
        if demo:
            from xlsync.commands.demo import demo_settings  # noqa: PLC0415

            settings = stack.enter_context(demo_settings(home))
            load, home = lambda _bss, _connectwise: settings, settings.home
        if write_test:
            systems = stack.enter_context(Systems(load(False, True)))
            company = find_test_company(systems.connectwise, write_test)
            question = (
                f"Create two agreements and an addition on {company.name} in "
                f"{systems.settings.environment}, change the addition, and cancel all three?"
            )
            if not yes and not confirmed(question, "write"):
                err.print("Nothing was written.")
                raise typer.Exit(1)
            for finding in try_writing(systems, company, now(), time.sleep):
                tell(finding)
        else:
            for finding in checks.examine(load, now, home, is_demo=demo):
                tell(finding)
        if json:
            names = ("name", "state", "detail", "next_step")
            tell_json({"checks": [{name: str(getattr(f, name)) for name in names} for f in found]})
        if any(finding.state is State.BAD for finding in found):
            raise typer.Exit(3 if write_test else 1)
