"""The commands of `xlsync links`: what is remembered, listed, shared, ruled and forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from xlsync.amounts import counted
from xlsync.cli import as_json
from xlsync.cli import tables as show
from xlsync.cli.command import command
from xlsync.cli.terminal import (
    Demo,
    Json,
    Yes,
    chosen_day,
    chosen_scope,
    chosen_units,
    confirmed,
    err,
    now,
    opened_here,
    out,
    tell_json,
)
from xlsync.links.exchange import Shared, read_csv, write_csv
from xlsync.reconcile.rules import Rule, RuleKind, Scope

NONE = "No link of these keys or names is remembered."
links_app = typer.Typer(help="What is remembered of links.", no_args_is_help=True, rich_markup_mode=None)


@command(links_app, "list")
def links_list(
    text: Annotated[list[str] | None, typer.Argument(help="Only links of these keys or names.")] = None,
    demo: Demo = False,
    json: Json = False,
) -> None:
    """What is remembered, and on what evidence."""
    with opened_here(demo=demo) as systems:
        found = systems.links.find(*text) if text else systems.links.list()
        if json:
            tell_json({"links": [as_json.link(link) for link in found]})
        else:
            show.links(out, found, NONE if text else "No link is remembered.")


@command(links_app, "rules")
def links_rules(demo: Demo = False, json: Json = False) -> None:
    """The rules that last: what is ignored, and units that are free or a minimum."""
    with opened_here(demo=demo) as systems:
        found = systems.rules.list()
        tell_json({"rules": [as_json.rule(rule) for rule in found]}) if json else show.rules(out, found)
        if not found and not json:
            out.print("There are no rules.")


@command(links_app, "ignore")
def links_ignore(
    reason: Annotated[str, typer.Option(help="Why.")],
    contract: Annotated[str, typer.Option(help="A contract id.")] = "",
    product: Annotated[str, typer.Option(help="A product's code or name in the BSS.")] = "",
    customer: Annotated[str, typer.Option(help="A customer's id or name in the BSS.")] = "",
    until: Annotated[str, typer.Option(help="The last day, such as 2026-12-31; always without it.")] = "",
    demo: Demo = False,
    json: Json = False,
) -> None:
    """Ignore a contract, a product or a customer from now on."""
    scope, about = chosen_scope(contract=contract, product=product, customer=customer)
    _keep([_rule(RuleKind.IGNORE, scope, about, reason, until)], demo=demo, json=json)


@command(links_app, "units")
def links_units(
    contract: Annotated[str, typer.Option(help="A contract id.")],
    free: Annotated[str, typer.Option(help="Units that are not billed; 0 ends the rule.")] = "",
    minimum: Annotated[str, typer.Option(help="Units that are billed at least; 0 ends the rule.")] = "",
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    until: Annotated[str, typer.Option(help="The last day, such as 2026-12-31; always without it.")] = "",
    demo: Demo = False,
    json: Json = False,
) -> None:
    """Free or minimum units of a contract."""
    given = {RuleKind.FREE: free, RuleKind.MINIMUM: minimum}
    if not any(given.values()):
        raise typer.BadParameter("say how many are free, or the minimum", param_hint="--free, --minimum")
    scope, about = chosen_scope(contract=contract)
    rules = [_rule(kind, scope, about, reason, until, text) for kind, text in given.items() if text]
    _keep(rules, demo=demo, json=json)


def _rule(kind: RuleKind, scope: Scope, about: str, reason: str, until: str, units: str = "") -> Rule:
    return Rule(
        kind=kind,
        scope=scope,
        about=about,
        reason=reason,
        until=chosen_day(until),
        units=chosen_units(units) if units else None,
        when=now().isoformat(timespec="seconds"),
    )


def _keep(rules: Sequence[Rule], *, demo: bool, json: bool) -> None:
    """Keep rules, or end those of no units, and say which."""
    with opened_here(demo=demo) as systems:
        known = {rule.key for rule in systems.rules.list()}
        for rule in rules:
            systems.rules.keep(rule)
            if rule.units != 0:
                said = f"Kept: {rule}"
            else:
                verb = "Ended" if rule.key in known else "There was no rule"
                said = f"{verb}: {rule.kind} units of {rule.scope} {rule.about}"
            err.print(said, markup=False, highlight=False, soft_wrap=True)
        if json:
            kept, ended = ([r for r in rules if (r.units == 0) is is_end] for is_end in (False, True))
            tell_json({"kept": list(map(as_json.rule, kept)), "ended": list(map(as_json.rule, ended))})


@command(links_app, "export")
def links_export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV file to write.")],
    demo: Demo = False,
    json: Json = False,
) -> None:
    """Write all remembered links and rules into a CSV file, for colleagues."""
    with opened_here(demo=demo) as systems:
        shared = Shared(systems.links.list(), systems.rules.list())
        write_csv(file, systems.settings.environment, shared)
        told_ = f"{_both(len(shared.links), len(shared.rules))} written to {file}"
        err.print(told_, markup=False, highlight=False, soft_wrap=True)
        if json:
            tell_json({"file": str(file), "links": len(shared.links), "rules": len(shared.rules)})


@command(links_app, "import")
def links_import(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV file that links export wrote.")],
    replace: Annotated[bool, typer.Option("--replace", help="Let the file win where both differ.")] = False,
    demo: Demo = False,
    json: Json = False,
) -> None:
    """Merge links and rules from a CSV file; what is remembered otherwise is named and kept."""
    with opened_here(demo=demo) as systems:
        shared = read_csv(file, systems.settings.environment)
        links = systems.links.take_in(shared.links, overwrite=replace)
        rules = systems.rules.take_in(shared.rules, overwrite=replace)
        show.imported(err, "Links", links)
        show.imported(err, "Rules", rules)
        if json:
            tell_json({"links": as_json.imported(links), "rules": as_json.imported(rules)})
        if links.conflicts or rules.conflicts:
            err.print("--replace lets the file win.")
            raise typer.Exit(1)


@command(links_app, "forget")
def links_forget(
    text: Annotated[list[str], typer.Argument(help="Links of these keys or names.")],
    yes: Yes = False,
    demo: Demo = False,
    json: Json = False,
) -> None:
    """Forget links and rules, so that links are proposed anew."""
    with opened_here(demo=demo) as systems:
        found, rules = systems.links.find(*text), systems.rules.find(*text)
        both = _both(len(found), len(rules))
        show.links(err, found, NONE)
        show.rules(err, rules)
        if (found or rules) and not yes and not confirmed(f"Forget {both}?", "forget"):
            raise typer.Exit(1)
        systems.links.forget(*text)
        for rule in rules:
            systems.rules.drop(rule.key)
        err.print(f"{both} forgotten", highlight=False)
        if json:
            forgotten = {"links": list(map(as_json.link, found)), "rules": list(map(as_json.rule, rules))}
            tell_json({"forgotten": forgotten})


def _both(links: int, rules: int) -> str:
    known = [counted(count, what) for count, what in ((links, "link"), (rules, "rule")) if count]
    return " and ".join(known) or "nothing"
