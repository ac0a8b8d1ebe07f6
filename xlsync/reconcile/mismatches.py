"""Find mismatches: what the month's billing leaves in force against ConnectWise's additions. PURE."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from xlsync.models import ActionLabel, BillingLine, Link, Mismatch, Month, Status
from xlsync.reconcile.charges import Charge, billing_lines_of, only_cost
from xlsync.reconcile.differences import find_differences
from xlsync.reconcile.explanations import join_sentences
from xlsync.reconcile.past import LatestMonth, hold_to_latest
from xlsync.reconcile.rules import NOTHING_IGNORED, Ignoring, Rule, tell_ignored
from xlsync.reconcile.targets import Books, Comparison, find_comparisons, part_by_link
from xlsync.reconcile.unmatched import find_unbilled, find_unlinked, product_of
from xlsync.reconcile.verdict import Uncompared

_NEVER_COMPARED: Final = frozenset({Status.NOT_COMPARED, Status.NOT_LINKED, Status.CONFIRM_LINK})


@dataclass(frozen=True, slots=True)
class Findings:
    """All mismatches, ordered by money at stake, and the status of every line.

    `uncompared` gives, by line key, why a line of a recurring charge was not compared in units and cost;
    a line that is ignored or has a mismatch is not among them.
    """

    mismatches: tuple[Mismatch, ...]
    statuses: Mapping[str, Status]
    uncompared: Mapping[str, Uncompared] = field(default_factory=dict)


def find_mismatches(
    month: Month,
    lines: Sequence[BillingLine],
    charges: Sequence[Charge],
    links: Mapping[str, Link],
    books: Books,
    ignored: Set[str] = frozenset(),
    ignoring: Ignoring = NOTHING_IGNORED,
    *,
    is_complete: bool = True,
    latest: LatestMonth | None = None,
    vanished: Mapping[int, str] = MappingProxyType({}),
    taken_up: Set[str] = frozenset(),
) -> Findings:
    """Compare every target of the month.

    `ignored` are the row keys that a person chose to ignore, `ignoring` the lasting rules that ignore rows
    and lines, `taken_up` the row keys on which a person chose something else in spite of a rule. In a month
    that is not complete nothing is called *Only in ConnectWise*: its line may yet come. `latest` is what the
    latest complete month bills, where this one is past; `vanished` are remembered agreements without a line,
    with the names of their customers.
    """
    lines = sorted(lines, key=lambda line: line.key)
    linked, unlinked = part_by_link(charges, links)
    open_products = {product_of(line) for line in billing_lines_of(unlinked)}
    compared: list[Comparison] = []
    waiting: list[Charge] = []
    for target, group in linked.items():
        # Every line is looked at: a contract may have passed to another customer within the month.
        if any(product_of(line) in open_products for line in billing_lines_of(group)):
            waiting.extend(group)
        else:
            compared.extend(find_comparisons(month, target, group, books))
    mismatches = list(
        find_unlinked(unlinked, {product_of(charge.lines[0]) for charge in waiting}, links, books)
    )
    for comparison in compared:
        mismatches.extend(find_differences(month, comparison, links, books))
    if is_complete:
        mismatches.extend(find_unbilled(month, lines, links, books, compared, vanished))
    billed_in = {line.key: line.currency for line in lines}
    mismatches = [
        replace(mismatch, currency=_currency_of(mismatch, books, billed_in)) for mismatch in mismatches
    ]
    if latest is not None:
        mismatches = [hold_to_latest(mismatch, month, latest) for mismatch in mismatches]
    mismatches = [
        _ignored(mismatch, ignoring.rule_for(mismatch), mismatch.key in ignored, mismatch.key in taken_up)
        for mismatch in mismatches
    ]
    mismatches.sort(key=_rank)
    held = {line.key for line in billing_lines_of(waiting)}
    statuses = dict(_statuses(lines, charges, links, held, mismatches))
    passed_over = ignoring.by_line.keys() - {
        key for mismatch in mismatches if mismatch.is_taken_up for key in mismatch.line_keys
    }
    statuses |= {
        line.key: Status.IGNORED
        for line in lines
        if line.is_compared and line.key in passed_over and statuses[line.key] in _NEVER_COMPARED
    }
    costless = {
        line.key
        for comparison in compared
        if comparison.additions and only_cost(comparison.charges) is None
        for line in billing_lines_of(comparison.charges)
    }
    return Findings(
        tuple(mismatches),
        statuses,
        dict(_uncompared(lines, charges, statuses, costless - passed_over)),
    )


def _currency_of(mismatch: Mismatch, books: Books, billed_in: Mapping[str, str]) -> str:
    if isinstance(mismatch.agreement, str):  # to be created
        return next((billed_in[key] for key in mismatch.line_keys if billed_in.get(key)), "")
    agreement = books.agreements.get(mismatch.agreement) if mismatch.agreement is not None else None
    return agreement.currency if agreement else ""


def _ignored(mismatch: Mismatch, rule: Rule | None, by_hand: bool, is_taken_up: bool) -> Mismatch:
    """Set the action Ignore, and sort the mismatch to the end, where a rule or a person ignores it."""
    if rule is not None and is_taken_up:
        why = f"A rule ignores it ({rule.reason or 'no reason was given'}); here something else was chosen."
        return replace(mismatch, is_taken_up=True, explanation=join_sentences(mismatch.explanation, why))
    if rule is not None:
        return replace(
            mismatch,
            action=ActionLabel.IGNORE,
            last=True,
            is_ruled=True,
            reason=rule.reason,
            until=rule.until,
            explanation=join_sentences(tell_ignored(rule), mismatch.explanation),
        )
    return replace(mismatch, action=ActionLabel.IGNORE, last=True) if by_hand else mismatch


def _rank(mismatch: Mismatch) -> tuple[bool, Decimal, str]:
    """Return the sort key: most money at stake first, ignored and not due rows last."""
    money = mismatch.impact if mismatch.impact is not None else mismatch.stake
    return mismatch.last, -abs(money), mismatch.key


def _statuses(
    lines: Iterable[BillingLine],
    charges: Iterable[Charge],
    links: Mapping[str, Link],
    held: Set[str],
    mismatches: Iterable[Mismatch],
) -> Iterator[tuple[str, Status]]:
    """Give every line its status; `held` are the lines whose target waits for another line to be linked."""
    in_force = {line.key: charge for charge in charges for line in charge.lines}
    rows: dict[str, list[Mismatch]] = {}
    for mismatch in mismatches:
        for key in mismatch.line_keys:
            rows.setdefault(key, []).append(mismatch)
    for line in lines:
        link, charge, own = links[line.key], in_force.get(line.key), rows.get(line.key, [])
        if own and all(mismatch.action is ActionLabel.IGNORE for mismatch in own):
            yield line.key, Status.IGNORED
        elif charge is None or (charge.units is None and not charge.failure):
            yield line.key, Status.NOT_COMPARED
        elif link.counts and line.key not in held:
            yield line.key, Status.MISMATCH if own else Status.OK
        elif link.is_complete and link.is_suggested:
            yield line.key, Status.CONFIRM_LINK
        else:
            yield line.key, Status.NOT_LINKED


def _uncompared(
    lines: Iterable[BillingLine],
    charges: Iterable[Charge],
    statuses: Mapping[str, Status],
    costless: Set[str],
) -> Iterator[tuple[str, Uncompared]]:
    """Say why lines of recurring charges were not compared; `costless` are those compared in units alone."""
    in_force = {line.key: charge for charge in charges for line in charge.lines}
    for line in lines:
        if not line.is_compared:
            continue
        match statuses[line.key]:
            case Status.NOT_LINKED:
                yield line.key, Uncompared.NOT_LINKED
            case Status.CONFIRM_LINK:
                yield line.key, Uncompared.UNCONFIRMED
            case Status.NOT_COMPARED if line.key not in in_force:
                yield line.key, Uncompared.EARLIER_PERIOD
            case Status.NOT_COMPARED if in_force[line.key].is_lone_credit:
                yield line.key, Uncompared.LONE_CREDIT
            case Status.NOT_COMPARED:
                yield line.key, Uncompared.UNITS_UNKNOWN
            case Status.OK if line.key in costless:
                yield line.key, Uncompared.NO_UNIT_COST
            case _:
                pass
