"""The commands of xlsync with their options and help, as a table of contents.

The module behind a command is loaded when the command runs, so that `xlsync --help` and the completion of the
shell answer at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from xlsync import __version__
from xlsync.cli.command import Commands, command
from xlsync.cli.links import links_app
from xlsync.cli.options import Demo, Digest, DryRun, ExitCode, Json, Refresh, WorkbookFile, Yes, number
from xlsync.cli.streams import (
    drop_output_that_cannot_be_written,
    open_what_is_closed,
    output_that_fails_is_an_error,
    show_what_can_be_shown,
)

app = typer.Typer(
    name="xlsync",
    help="Make ConnectWise PSA agreements agree with what the cloud distributor billed, in Excel.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
)
ribbon_app = typer.Typer(help="The buttons in Excel.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(links_app, name="links")
app.add_typer(ribbon_app, name="ribbon")


def main() -> None:
    """Run the command line, and exit by the table of exit codes."""
    open_what_is_closed()
    show_what_can_be_shown()
    try:
        with output_that_fails_is_an_error():
            app()
    finally:
        drop_output_that_cannot_be_written()


def _print_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def options(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    """Make ConnectWise PSA agreements agree with what the cloud distributor billed, in Excel."""


@command(app, example="xlsync export --month 2026-10")
def export(
    month: Annotated[
        str, typer.Option("--month", metavar="MONTH", help="Such as 2026-10; or last, this. Asks if omitted.")
    ] = "",
    output: Annotated[
        Path | None,
        typer.Option("--output", metavar="FILE", help="Default: xlsync-MONTH.xlsx.", readable=False),
    ] = None,
    reports: Annotated[
        list[Path] | None,
        typer.Option(
            "--from",
            metavar="REPORT",
            help="Billing lines from a CSV or Excel report; may be given several times.",
            readable=False,
        ),
    ] = None,
    by: Annotated[
        str,
        typer.Option(
            "--by",
            metavar="DATE",
            help="Lines belong to the month by their invoice-date, or by their service-period.",
        ),
    ] = "invoice-date",
    refresh: Refresh = False,
    open_: Annotated[bool, typer.Option("--open", help="Open the workbook when it is written.")] = False,
    exit_code: ExitCode = False,
    digest: Digest = False,
    demo: Demo = False,
    json: Json = False,
) -> None:
    """Bring a month's billing into a workbook, linked and compared."""
    from xlsync.cli import months

    months.export(
        month=month,
        output=output,
        reports=reports,
        by=by,
        refresh=refresh,
        open_=open_,
        exit_code=exit_code,
        digest=digest,
        demo=demo,
        json=json,
    )


@command(app, example="xlsync check xlsync-2026-10.xlsx")
def check(
    file: WorkbookFile,
    refresh: Refresh = False,
    exit_code: ExitCode = False,
    digest: Digest = False,
    demo: Demo = False,
    json: Json = False,
) -> None:
    """Read both systems anew and renew the workbook; edits are kept."""
    from xlsync.cli import months

    months.check(file=file, refresh=refresh, exit_code=exit_code, digest=digest, demo=demo, json=json)


@command(app, example="xlsync apply xlsync-2026-10.xlsx --dry-run")
def apply(
    file: WorkbookFile,
    dry_run: DryRun = False,
    yes: Yes = False,
    force: Annotated[bool, typer.Option("--force", help="Allow changes above the limits.")] = False,
    demo: Demo = False,
    json: Json = False,
) -> None:
    """Write the approved rows of a workbook to ConnectWise.

    Shows the plan and asks first. The results go into the workbook. A refusal that
    would meet every row, such as a missing right, stops the run.
    """
    from xlsync.cli import writes

    writes.apply(file=file, dry_run=dry_run, yes=yes, force=force, demo=demo, json=json)


@command(app, example="xlsync undo last")
def undo(
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN",
            help="Such as 2026-10-28-1, or last, the last apply; `xlsync history` lists the runs.",
        ),
    ],
    dry_run: DryRun = False,
    yes: Yes = False,
    demo: Demo = False,
    json: Json = False,
) -> None:
    """Take a run back.

    Former values return; what was created ends or becomes inactive; new customers and invoices stay.
    Shows the plan and asks first.
    """
    from xlsync.cli import writes

    writes.undo(run=run, dry_run=dry_run, yes=yes, demo=demo, json=json)


@command(app, example="xlsync invoice xlsync-2026-10.xlsx --dry-run")
def invoice(
    file: WorkbookFile,
    dry_run: DryRun = False,
    yes: Yes = False,
    demo: Demo = False,
    json: Json = False,
) -> None:
    """Create the approved invoices through ConnectWise.

    They are approved on the sheet Invoices. Their PDFs are saved beside the workbook.
    """
    from xlsync.cli import writes

    writes.invoice(file=file, dry_run=dry_run, yes=yes, demo=demo, json=json)


@command(app, example="xlsync report xlsync-2026-10.xlsx --pdf")
def report(
    file: WorkbookFile,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            metavar="REPORT",
            help="Default: xlsync-MONTH-report.xlsx beside the workbook.",
            readable=False,
        ),
    ] = None,
    pdf: Annotated[bool, typer.Option("--pdf", help="A PDF beside it too, by LibreOffice.")] = False,
    demo: Demo = False,
    json: Json = False,
) -> None:
    """Report a month on one page.

    It shows what was billed, found revenue, margin, what is open, and every write.
    """
    from xlsync.cli import records

    records.report(file=file, output=output, pdf=pdf, demo=demo, json=json)


@command(app, example="xlsync history 2026-10-28-1")
def history(
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN", help="Such as 2026-10-28-1, or last, the last apply: list every write of that run."
        ),
    ] = "",
    month: Annotated[
        str,
        typer.Option(
            "--month", metavar="MONTH", help="List every write of a month: such as 2026-10; or last, this."
        ),
    ] = "",
    demo: Demo = False,
    json: Json = False,
) -> None:
    """List the runs, or every write of a run or of a month."""
    from xlsync.cli import records

    records.history(run=run, month=month, demo=demo, json=json)


@command(app, example="xlsync sandbox --port 0")
def sandbox(
    port: Annotated[int, number("--port", "The port to listen at on this machine.")] = 8765,
    lines: Annotated[
        int, number("--lines", "Make up so many billing lines, up to 20000; 0: the demo's.")
    ] = 0,
    seed: Annotated[int, number("--seed", "Another number makes up other data.")] = 1,
) -> None:
    """Serve a made-up BSS and ConnectWise on this machine.

    Prints the settings to use them.
    """
    from xlsync.cli import setup

    setup.sandbox(port=port, lines=lines, seed=seed)


@command(ribbon_app, "build", example="xlsync ribbon build --output xlsync.xlam")
def ribbon_build(
    output: Annotated[
        Path | None,
        typer.Option("--output", metavar="FILE", help="Default: xlsync.xlam in this folder.", readable=False),
    ] = None,
) -> None:
    """Make the file of the add-in, for the Python that runs xlsync now."""
    from xlsync.cli import setup

    setup.build_addin(output=output)


@command(ribbon_app, "install", example="xlsync ribbon install")
def ribbon_install() -> None:
    """Put the add-in where Excel loads it.

    Do so again after an update of Python.
    """
    from xlsync.cli import setup

    setup.install_addin()


@command(ribbon_app, "remove", example="xlsync ribbon remove")
def ribbon_remove() -> None:
    """Take the add-in away again."""
    from xlsync.cli import setup

    setup.remove_addin()


@command(app, example="xlsync login")
def login(demo: Demo = False, json: Json = False) -> None:
    """Ask for the keys of both systems, try them and store them.

    Secrets go into the keyring of the operating system.
    """
    from xlsync.cli import setup

    setup.login(demo=demo, json=json)


@command(app, example="xlsync doctor")
def doctor(
    demo: Demo = False,
    json: Json = False,
    write_test: Annotated[
        str,
        typer.Option(
            "--write-test",
            metavar="COMPANY",
            help="Create, change and end two agreements and an addition on the test company of this "
            "Company ID, after asking.",
        ),
    ] = "",
    yes: Yes = False,
) -> None:
    """Check settings, connections, rights and versions.

    Says what to do about each. Nothing is written, but with --write-test, which tries on a test company
    what ConnectWise does with writes, and remembers it.
    """
    from xlsync.cli import setup

    setup.doctor(demo=demo, json=json, write_test=write_test, yes=yes)
