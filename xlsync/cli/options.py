"""The options and arguments that several commands take, each declared once."""

from pathlib import Path
from typing import Annotated, Any

import typer


def _whole_number(text: str | int) -> int:
    try:
        return int(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a whole number") from None


def number(name: str, help_: str) -> Any:
    """Declare an option that takes a whole number; `name` begins with two hyphens."""
    return typer.Option(name, metavar="NUMBER", parser=_whole_number, help=help_)


Demo = Annotated[bool, typer.Option("--demo", help="Use made-up data: no account is needed.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]
Digest = Annotated[bool, typer.Option("--digest", help="Print only a digest in Markdown, for mail or chat.")]
WorkbookFile = Annotated[  # `refuse_unusable` says whether the workbook can be read
    Path, typer.Argument(metavar="FILE", help="A workbook that export made.", readable=False)
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the plan and check the limits; write nothing.")]
ExitCode = Annotated[
    bool, typer.Option("--exit-code", help="Exit with 4 if lines are to be linked or mismatches stand.")
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask before writing.")]
Refresh = Annotated[bool, typer.Option("--refresh", help="Read everything anew, also what was read before.")]
Contract = Annotated[str, typer.Option("--contract", metavar="ID", help="A contract id.")]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="The reason, which the sheets show.")]
Until = Annotated[
    str, typer.Option("--until", metavar="DAY", help="The last day, such as 2026-12-31 (default: no end).")
]
