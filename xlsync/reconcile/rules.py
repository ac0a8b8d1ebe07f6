"""Lasting rules: what is ignored, and free or minimum units, each with a reason and an end. PURE.

Rules are stored with the links. They are made by `xlsync links` or in the workbook: `Ignore` with a *Reason*
on a row of *Mismatches*, `free 2` or `minimum 10` at the beginning of the *Note* of a billing line.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Final

from msgspec import Struct, field

from xlsync.amounts import counted_units, tell_number
from xlsync.models import BillingLine, Mismatch, Month
from xlsync.reconcile.charges import Charge
from xlsync.records import replace


class RuleKind(StrEnum):
    """The effects of rules."""

    IGNORE = "ignore"
    FREE = "free"
    MINIMUM = "minimum"


class Scope(StrEnum):
    """The subjects of rules."""

    ROW = "row"
    CONTRACT = "contract"
    PRODUCT = "product"
    CUSTOMER = "customer"


class Rule(Struct, frozen=True, kw_only=True):
    """One rule. `about` is a row key, a contract id, or a product's or customer's id or name.

    The rule is in force in months that begin on or before `until` (always, if None). `units` are the free or
    minimum units. `when` and `workbook` say when and in which workbook the rule was made, `customer` and
    `product` name what a row is about.
    """

    kind: RuleKind
    scope: Scope
    about: str
    reason: str = ""
    until: dt.date | None = None
    units: Decimal | None = None
    when: str = ""
    workbook: str = ""
    customer: str = ""
    product: str = ""

    @property
    def subject(self) -> str:
        """What the rule is about, in words; a row key stands behind the names of its row."""
        names = " · ".join(filter(None, (self.customer, self.product)))
        return f"{self.scope} {names} ({self.about})" if names else f"{self.scope} {self.about}"

    @property
    def key(self) -> str:
        """The identity of the rule: there is one of each kind, scope and subject."""
        return f"{self.kind}|{self.scope}|{self.about.casefold()}"

    def holds(self, month: Month) -> bool:
        """Return whether the rule is in force in a month."""
        return self.until is None or month.first <= self.until

    def covers(self, line: BillingLine) -> bool:
        """Return whether the rule is about a billing line; one about a row of *Mismatches* is about none."""
        names: tuple[str, ...] = ()
        match self.scope:
            case Scope.CONTRACT if self.kind is not RuleKind.IGNORE and line.addon_id:
                names = (line.contract,)  # the subscription's units are not its add-on's
            case Scope.CONTRACT:
                names = (line.contract_id, line.contract)
            case Scope.PRODUCT:
                names = (line.product_code, line.product_id, line.product)
            case Scope.CUSTOMER:
                names = (line.customer_id, line.customer)
        return self.names(*names)

    def names(self, *names: str) -> bool:
        """Return whether one of these ids and names is that which the rule is about."""
        return self.about.casefold() in {name.casefold() for name in names if name}

    def __str__(self) -> str:
        units = f" {tell_number(self.units)}" if self.units is not None else ""
        until = f" until {self.until}" if self.until else ""
        reason = f" ({self.reason})" if self.reason else ""
        return f"{self.kind}{units}: {self.subject}{until}{reason}"


class IgnoreRules(Struct, frozen=True):
    """The `ignore` rules in force in a month, by the row keys, line keys and customers that they cover.

    `by_customer` gives, for each line of a customer, the rule that covers the whole customer, or None;
    `of_customers` are all rules about whole customers.
    """

    by_row: Mapping[str, Rule] = field(default_factory=dict)
    by_line: Mapping[str, Rule] = field(default_factory=dict)
    by_customer: Mapping[str, Sequence[Rule | None]] = field(default_factory=dict)
    of_customers: Sequence[Rule] = ()

    def rule_for(self, mismatch: Mismatch) -> Rule | None:
        """Return the rule that ignores a mismatch: one about its row, or one about each of its lines.

        A mismatch without lines (only in ConnectWise) is ignored where all lines of its customer are or, if
        that has none this month, where a rule is about the customer.
        """
        of_row = self.by_row.get(mismatch.key)
        if of_row is not None:
            return of_row
        if mismatch.line_keys:
            rules = [self.by_line.get(key) for key in mismatch.line_keys]
        elif not mismatch.customer_id and mismatch.customer in self.by_customer:
            rules = list(self.by_customer[mismatch.customer])
        else:
            names = mismatch.customer_id, mismatch.customer
            rules = [rule for rule in self.of_customers if rule.names(*names)]
        return rules[0] if rules and all(rules) else None


NO_IGNORE_RULES: Final = IgnoreRules()


class _RulesByName:
    """Rules by the id or name that they are about: thousands of lines may meet hundreds of rules."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._by_name: dict[str, list[tuple[int, Rule]]] = {}
        for place, rule in enumerate(rules):
            self._by_name.setdefault(rule.about.casefold(), []).append((place, rule))

    def covering(self, line: BillingLine) -> list[Rule]:
        """Return the rules about a billing line, in their order."""
        if not self._by_name:
            return []
        names = {
            name.casefold()
            for name in (
                *(line.contract_id, line.contract, line.product_code, line.product_id, line.product),
                *(line.customer_id, line.customer),
            )
        }
        covering = {
            place: rule for name in names for place, rule in self._by_name.get(name, ()) if rule.covers(line)
        }
        return [covering[place] for place in sorted(covering)]


def find_ignore_rules(month: Month, lines: Iterable[BillingLine], rules: Iterable[Rule]) -> IgnoreRules:
    """Find the `ignore` rules in force in a month, and what each of them covers."""
    ignores = [rule for rule in rules if rule.kind is RuleKind.IGNORE and rule.holds(month)]
    wide = _RulesByName(rule for rule in ignores if rule.scope is not Scope.ROW)
    by_line: dict[str, Rule] = {}
    by_customer: dict[str, list[Rule | None]] = {}
    for line in lines:
        covering = wide.covering(line)
        if covering:
            by_line[line.key] = covering[-1]
        of_customer = (rule for rule in covering if rule.scope is Scope.CUSTOMER)
        by_customer.setdefault(line.customer, []).append(next(of_customer, None))
    return IgnoreRules(
        by_row={rule.about: rule for rule in ignores if rule.scope is Scope.ROW},
        by_line=by_line,
        by_customer=by_customer,
        of_customers=[rule for rule in ignores if rule.scope is Scope.CUSTOMER],
    )


def tell_ignored(rule: Rule) -> str:
    """Say in a sentence until when and why a rule ignores a row."""
    until = f" until {rule.until}" if rule.until else ""
    return f"Ignored{until}: {rule.reason or 'no reason was given'}."


def with_unit_rules(month: Month, charges: Iterable[Charge], rules: Sequence[Rule]) -> tuple[Charge, ...]:
    """Apply the unit rules to charges: take off free units, then raise units to the minimum.

    The charge's explanation (`why`) names every rule that changed its units.
    """
    unit_rules = [
        r for r in rules if r.kind is not RuleKind.IGNORE and r.units is not None and r.holds(month)
    ]
    if not unit_rules:
        return tuple(charges)
    by_name = _RulesByName(sorted(unit_rules, key=lambda rule: rule.kind))  # free before minimum
    return tuple(_apply_unit_rules(charge, by_name.covering(charge.lines[0])) for charge in charges)


def _apply_unit_rules(charge: Charge, rules: Iterable[Rule]) -> Charge:
    for rule in rules:
        if charge.units is None or rule.units is None:
            continue
        number = tell_number(rule.units)
        if rule.kind is RuleKind.FREE:
            units = max(charge.units - rule.units, Decimal(0))
            sentence = f"{number} of {counted_units(charge.units)} are free by rule."
        else:
            units = max(charge.units, rule.units)
            billed = tell_number(charge.units)
            sentence = f"At least {number} units are billed by rule; the distributor billed {billed}."
        if units != charge.units:
            charge = replace(charge, units=units, why=f"{charge.why} {sentence}".strip(), is_ruled=True)
    return charge


_UNITS: Final = r"[0-9]{1,12}(?:\.[0-9]{1,6})?"
_NOTE = re.compile(
    rf"\s*(free|minimum)\s+({_UNITS})\b(?![.,'’-]?\d|\s\d{{3}}\b|\s*%)",  # no part of a longer number
    re.IGNORECASE,
)
_MEANT = re.compile(r"\s*(free|minimum)\s+[-+.,]?\d", re.IGNORECASE)
_UNTIL = re.compile(r"\buntil\s+(\d{4}-\d{2})(-\d{2})?(?![-.]?\d)", re.IGNORECASE)


def read_units(text: str) -> Decimal | None:
    """Read a number of units from 0 up as every rule writes it; None for any other text."""
    return Decimal(text) if re.fullmatch(_UNITS, text) else None


def read_note(note: str, line: BillingLine, when: str, workbook: str) -> Rule | None:
    """Read the rule in a note of a billing line that begins with `free 2` or `minimum 10`; else None."""
    match = _NOTE.match(note)
    if not match:
        return None
    return Rule(
        kind=RuleKind(match[1].lower()),
        scope=Scope.CONTRACT,
        about=line.contract if line.addon_id else line.contract_id or line.contract,
        reason=note[match.end() :].strip(" :,-"),
        until=read_until(note),
        units=Decimal(match[2]),
        when=when,
        workbook=workbook,
    )


def is_unread_rule(note: str) -> bool:
    """Return whether a note begins like a rule, with a number that can be read in more ways than one."""
    return _MEANT.match(note) is not None and _NOTE.match(note) is None


def read_until(note: str) -> dt.date | None:
    """Read the last day that a note names with `until 2026-12-31` or the month `until 2026-12`; else None."""
    match = _UNTIL.search(note)
    try:
        if match is None:
            return None
        return dt.date.fromisoformat(match[1] + match[2]) if match[2] else Month.parse(match[1]).last
    except ValueError:
        return None
