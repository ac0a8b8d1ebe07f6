"""The options and arguments that several commands take, each declared once."""

from pathlib import Path
from typing import Annotated

import typer

Demo = Annotated[bool, typer.Option("--demo", help="Use the made-up sandbox: no account is needed.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
Digest = Annotated[
    bool, typer.Option("--digest", help="Only a digest in Markdown on standard output, for mail or chat.")
]
WorkbookFile = Annotated[  # `reached` says whether the workbook can be read
    Path, typer.Argument(metavar="FILE", help="A workbook that export made.", readable=False)
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Stop after the checks: nothing is written.")]
ExitCode = Annotated[
    bool, typer.Option("--exit-code", help="Exit with 4 where there is something to do; else 0, as ever.")
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask before writing.")]
