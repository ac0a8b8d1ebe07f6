"""The commands of `xlsync links`: list, import, export, add and forget links and rules."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Final

import typer

from xlsync.amounts import counted
from xlsync.cli import as_json
from xlsync.cli import tables as show
from xlsync.cli.console import err, out, say
from xlsync.cli.terminal import need_agreement, now, opened_here, tell_json
from xlsync.links.exchange import Shared, read_csv, write_csv
from xlsync.links.memory import LinkKind, RememberedLink
from xlsync.links.names import words
from xlsync.links.proposed import LOWEST_SUGGESTED
from xlsync.links.suggestions import MOST, NameIndex, numbers_in
from xlsync.reconcile.rules import Rule, RuleKind, Scope, read_units

NONE: Final = "No link of these names or ids is remembered."
NEITHER: Final = NONE.replace("link", "link and no rule")
_WORKBOOK_ENDINGS: Final = {".xlsx", ".xlsm", ".xlsb", ".xls", ".xltx", ".xlam", ".ods", ".numbers"}
_KNOWN_BY_LINKS: Final = {Scope.CUSTOMER: LinkKind.CUSTOMER, Scope.PRODUCT: LinkKind.PRODUCT}


def list_links(*, text: list[str] | None, demo: bool, json: bool) -> None:
    """Run `xlsync links list`."""
    with opened_here(demo=demo) as systems:
        links = systems.links.find(*text) if text else systems.links.list()
        if json:
            tell_json({"links": [as_json.link(link) for link in links]})
        else:
            show.links(out, links, NONE if text else "No link is remembered.")


def list_rules(*, demo: bool, json: bool) -> None:
    """Run `xlsync links rules`."""
    with opened_here(demo=demo) as systems:
        rules = systems.rules.list()
        tell_json({"rules": [as_json.rule(rule) for rule in rules]}) if json else show.rules(out, rules)
        if not rules and not json:
            say(out, "There are no rules.")


def ignore(
    *, reason: str, contract: str, product: str, customer: str, until: str, demo: bool, json: bool
) -> None:
    """Run `xlsync links ignore`."""
    if not reason.strip():
        raise typer.BadParameter("say why", param_hint="--reason")
    scope, about = chosen_scope(contract=contract, product=product, customer=customer)
    _keep([_rule(RuleKind.IGNORE, scope, about, reason, until)], demo=demo, json=json)


def set_units(
    *, contract: str, free: str, minimum: str, reason: str, until: str, demo: bool, json: bool
) -> None:
    """Run `xlsync links units`."""
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
        reason=reason.strip(),
        until=chosen_day(until),
        units=chosen_units(units) if units else None,
        when=now().isoformat(timespec="seconds"),
    )


def _keep(rules: Sequence[Rule], *, demo: bool, json: bool) -> None:
    """Store rules, or remove those of zero units, and print them."""
    with opened_here(demo=demo) as systems:
        known = {rule.key for rule in systems.rules.list()}
        systems.rules.keep(*rules)
        for rule in rules:
            if rule.units != 0:
                sentence = f"Kept: {rule}"
            else:
                verb = "Ended" if rule.key in known else "There was no rule"
                sentence = f"{verb}: {rule.kind} units of {rule.scope} {rule.about}"
            say(err, sentence)
        unknown = list(_tell_unknown(rules, systems.links.list()))
        for notice in unknown:
            say(err, notice)
        if json:
            lasting, ended = ([r for r in rules if (r.units == 0) is is_end] for is_end in (False, True))
            result = {"kept": list(map(as_json.rule, lasting)), "ended": list(map(as_json.rule, ended))}
            tell_json({**result, "notices": unknown})


def export_links(*, file: Path, demo: bool, json: bool) -> None:
    """Run `xlsync links export`."""
    if file.suffix.lower() in _WORKBOOK_ENDINGS:
        raise typer.BadParameter(
            f"{file} is the name of a workbook, and links are written as CSV: let it end in .csv, "
            f"such as {file.with_suffix('.csv')}, which Excel opens too",
            param_hint="FILE",
        )
    with opened_here(demo=demo) as systems:
        shared = Shared(systems.links.list(), systems.rules.list())
        write_csv(file, systems.settings.environment, shared)
        both = _both(len(shared.links), len(shared.rules))
        is_any = shared.links or shared.rules
        empty = f"No link and no rule is remembered: {file} has only the headers."
        say(err, f"{both[:1].upper()}{both[1:]} written to {file}." if is_any else empty)
        if json:
            tell_json({"file": str(file), "links": len(shared.links), "rules": len(shared.rules)})


def import_links(*, file: Path, replace: bool, demo: bool, json: bool) -> None:
    """Run `xlsync links import`."""
    with opened_here(demo=demo) as systems:
        shared = read_csv(file, systems.settings.environment)
        systems.rules.try_writing()  # else the links alone would be imported
        links = systems.links.import_from(shared.links, overwrite=replace)
        rules = systems.rules.import_from(shared.rules, overwrite=replace)
        show.imported(err, "Links", links)
        show.imported(err, "Rules", rules)
        if json:
            tell_json({"links": as_json.imported(links), "rules": as_json.imported(rules)})
        if links.conflicts or rules.conflicts:
            say(err, "--replace lets the file win.")
            raise typer.Exit(1)


def forget_links(*, text: list[str], yes: bool, demo: bool, json: bool) -> None:
    """Run `xlsync links forget`."""
    with opened_here(demo=demo) as systems:
        links, rules = systems.links.find_by_name(*text), systems.rules.find(*text)
        both = _both(len(links), len(rules))
        parts = () if links else systems.links.find(*text)
        if links or not rules:
            show.links(err, links, _tell_parts(parts) if parts else NEITHER)
        show.rules(err, rules)
        if (links or rules) and not yes:
            need_agreement(f"Forget {both}?", "forget")
        if rules:
            systems.rules.try_writing()  # else the links alone would be forgotten
        systems.links.forget(links)
        if rules:
            systems.rules.drop(*(rule.key for rule in rules))
        say(err, f"{both[:1].upper()}{both[1:]} forgotten.")
        if json:
            forgotten = {"links": list(map(as_json.link, links)), "rules": list(map(as_json.rule, rules))}
            tell_json({"forgotten": forgotten})


def _tell_parts(links: Sequence[RememberedLink]) -> str:
    """Say what to do where links have the text in a name, but none as its whole name."""
    subjects = ", ".join(dict.fromkeys(link.subject for link in links[:MOST]))
    more = ", …" if len(links) > MOST else ""
    count = counted(len(links), "link")
    return f"To forget a link, give its whole name or key. This is part of {count}: {subjects}{more}."


def _tell_unknown(rules: Iterable[Rule], links: Iterable[RememberedLink]) -> Iterator[str]:
    """Name the rules' customers and products that no remembered link knows, with the names that come near."""
    remembered = list(links)
    for rule in rules:
        kind = _KNOWN_BY_LINKS.get(rule.scope)
        if kind is None or rule.units == 0:
            continue
        known = [link for link in remembered if link.kind is kind]
        if any(link.is_about(rule.about) for link in known):
            continue
        names = dict(enumerate(sorted({link.bss_name for link in known} - {""})))
        near = NameIndex(names, words, numbers_in).nearest(rule.about)
        like = " or ".join(
            f"“{names[candidate.id]}”" for candidate in near if candidate.likeness >= LOWEST_SUGGESTED
        )
        hint = f" Did you mean {like}?" if like else ""
        yield (
            f"No link is remembered for a {kind} “{rule.about}”: the rule takes effect once the BSS bills "
            f"one of this name or id.{hint}"
        )


def _both(links: int, rules: int) -> str:
    known = [counted(count, what) for count, what in ((links, "link"), (rules, "rule")) if count]
    return " and ".join(known) or "nothing"


def chosen_scope(**given: str) -> tuple[Scope, str]:
    """Read the subject of a rule: exactly one contract, product or customer."""
    named = [(Scope(scope), text.strip()) for scope, text in given.items() if text.strip()]
    if len(named) != 1:
        hint = ", ".join(f"--{scope}" for scope in given)
        raise typer.BadParameter("name one of them" if len(given) > 1 else "name it", param_hint=hint)
    return named[0]


def chosen_day(text: str) -> dt.date | None:
    """Read a date option; None where it is not given."""
    try:
        return dt.date.fromisoformat(text) if text else None
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a day such as 2026-12-31", param_hint="--until") from None


def chosen_units(text: str) -> Decimal:
    """Read the number of units of an option."""
    units = read_units(text)
    if units is None:
        raise typer.BadParameter(f"{text!r} is not a number of units", param_hint="--free, --minimum")
    return units
