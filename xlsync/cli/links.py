"""The commands of `xlsync links` with their options and help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from xlsync.cli.command import command
from xlsync.cli.options import Contract, Demo, Json, Reason, Until

links_app = typer.Typer(help="Remembered links and rules.", no_args_is_help=True, rich_markup_mode=None)


@command(links_app, "list", example="xlsync links list Contoso")
def links_list(
    text: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME...", help="Only links with one of these texts in a name or an id."),
    ] = None,
    demo: Demo = False,
    json: Json = False,
) -> None:
    """List the links that are remembered, and on what evidence."""
    from xlsync.cli import remembered

    remembered.list_links(text=text, demo=demo, json=json)


@command(links_app, "rules", example="xlsync links rules")
def links_rules(demo: Demo = False, json: Json = False) -> None:
    """List the rules: what is ignored, and free or minimum units."""
    from xlsync.cli import remembered

    remembered.list_rules(demo=demo, json=json)


@command(links_app, "ignore", example='xlsync links ignore --contract CO-1001 --reason "our own licence"')
def links_ignore(
    reason: Reason,
    contract: Contract = "",
    product: Annotated[
        str, typer.Option("--product", metavar="NAME", help="A product's code or name in the BSS.")
    ] = "",
    customer: Annotated[
        str, typer.Option("--customer", metavar="NAME", help="A customer's id or name in the BSS.")
    ] = "",
    until: Until = "",
    demo: Demo = False,
    json: Json = False,
) -> None:
    """Ignore a contract, a product or a customer from now on."""
    from xlsync.cli import remembered

    remembered.ignore(
        reason=reason,
        contract=contract,
        product=product,
        customer=customer,
        until=until,
        demo=demo,
        json=json,
    )


@command(links_app, "units", example="xlsync links units --contract CO-1001 --free 2")
def links_units(
    contract: Contract,
    free: Annotated[
        str, typer.Option("--free", metavar="UNITS", help="Units that are not billed; 0 ends the rule.")
    ] = "",
    minimum: Annotated[
        str,
        typer.Option("--minimum", metavar="UNITS", help="The least units that are billed; 0 ends the rule."),
    ] = "",
    reason: Reason = "",
    until: Until = "",
    demo: Demo = False,
    json: Json = False,
) -> None:
    """Set how many units of a contract are free, or its minimum."""
    from xlsync.cli import remembered

    remembered.set_units(
        contract=contract, free=free, minimum=minimum, reason=reason, until=until, demo=demo, json=json
    )


@command(links_app, "export", example="xlsync links export links.csv")
def links_export(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A CSV file to write, such as links.csv.", readable=False)
    ],
    demo: Demo = False,
    json: Json = False,
) -> None:
    """Write all links and rules into a CSV file, for colleagues."""
    from xlsync.cli import remembered

    remembered.export_links(file=file, demo=demo, json=json)


@command(links_app, "import", example="xlsync links import links.csv")
def links_import(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A CSV file that links export wrote.", readable=False)
    ],
    replace: Annotated[bool, typer.Option("--replace", help="Let the file win where both differ.")] = False,
    demo: Demo = False,
    json: Json = False,
) -> None:
    """Read links and rules from a CSV file.

    What is remembered otherwise is named and kept, and the exit code is 1, unless --replace is given.
    """
    from xlsync.cli import remembered

    remembered.import_links(file=file, replace=replace, demo=demo, json=json)


@command(links_app, "forget", example="xlsync links forget Contoso")
def links_forget(
    text: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME...",
            help="Whole names of customers or products, contract ids, or the row keys that "
            "`xlsync links rules` shows in brackets.",
        ),
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before forgetting.")] = False,
    demo: Demo = False,
    json: Json = False,
) -> None:
    """Forget links and rules, so that links are proposed anew."""
    from xlsync.cli import remembered

    remembered.forget_links(text=text, yes=yes, demo=demo, json=json)
