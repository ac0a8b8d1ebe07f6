"""Find mismatches: what the month's billing leaves in force against ConnectWise's additions. PURE."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from msgspec import Struct, field

from xlsync.models import (
    UNLINKED,
    ActionLabel,
    Agreement,
    BillingLine,
    Link,
    Mismatch,
    MismatchKind,
    Month,
    Status,
    Target,
)
from xlsync.reconcile.beginnings import hold_on_ended
from xlsync.reconcile.charges import Charge, billing_lines_of, only_cost
from xlsync.reconcile.differences import find_differences
from xlsync.reconcile.explanations import join_sentences, with_warnings
from xlsync.reconcile.past import LatestMonth, hold_to_latest
from xlsync.reconcile.rules import NO_IGNORE_RULES, IgnoreRules, tell_ignored
from xlsync.reconcile.targets import Books, Comparison, find_comparisons, part_by_link
from xlsync.reconcile.unmatched import (
    BilledBefore,
    agreements_to_look_at,
    find_unbilled,
    find_unlinked,
    product_of,
    tell_billed_once,
    tell_held_twice,
    tell_unread,
)
from xlsync.reconcile.verdict import Uncompared
from xlsync.records import replace

_NEVER_COMPARED: Final = frozenset({Status.NOT_COMPARED, *UNLINKED})


class Findings(Struct, frozen=True):
    """All mismatches, ordered by money at stake, and the status of every line.

    `uncompared` gives, by line key, why a line of a recurring charge was not compared in units and cost, or
    what hinders the all clear though it agrees; a line that is ignored or has a mismatch is not among them.
    `doubts` are sentences, each a further reason why the month is not all clear; `notices` hinder nothing.
    """

    mismatches: tuple[Mismatch, ...]
    statuses: Mapping[str, Status]
    uncompared: Mapping[str, Uncompared] = field(default_factory=dict)
    doubts: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()


class RowChoices(Struct, frozen=True):
    """The choices of people on rows of *Mismatches*, by row key.

    `ignored` rows are ignored for this month; on `taken_up` rows something else was chosen in spite of a
    rule.
    """

    ignored: Set[str] = frozenset()
    taken_up: Set[str] = frozenset()


NO_CHOICES: Final = RowChoices()


def find_mismatches(
    month: Month,
    lines: Sequence[BillingLine],
    charges: Sequence[Charge],
    links: Mapping[str, Link],
    books: Books,
    choices: RowChoices = NO_CHOICES,
    rules: IgnoreRules = NO_IGNORE_RULES,
    *,
    is_complete: bool = True,
    latest: LatestMonth | None = None,
    vanished: Mapping[int, BilledBefore] = MappingProxyType({}),
    today: dt.date = dt.date.min,
) -> Findings:
    """Compare every target of the month.

    `links` gives the link of every line by its key. In a month that is not complete nothing is called *Only
    in ConnectWise*: its line may yet come. `latest` is what the latest complete month bills, where this one
    is past; `vanished` are remembered agreements whose customer or contract has no line, with the customers.
    On an agreement that has ended by `today` no write is offered.
    """
    lines = sorted(lines, key=lambda line: line.key)
    linked, unlinked = part_by_link(charges, links)
    compared, waiting = _pair_with_additions(month, linked, unlinked, books)
    rows = list(find_unlinked(unlinked, {product_of(charge.lines[0]) for charge in waiting}, links, books))
    apart: set[str] = set()  # rows about contracts without an addition, where others of the target have one
    for comparison in compared:
        differing = list(find_differences(month, comparison, links, books))
        rows += differing
        apart |= {row.key for row in differing if comparison.target.contract_id and row.addition is None}
    agreements = agreements_to_look_at(lines, links, vanished, books) if is_complete else {}
    rows.extend(find_unbilled(month, lines, links, books, compared, agreements))
    if latest is not None:
        active = (books.active_on(latest.month, row.agreement, row.item) for row in rows)
        rows = [
            hold_to_latest(row, month, latest, own, is_apart=row.key in apart)
            for row, own in zip(rows, active, strict=True)
        ]
    rows = [hold_on_ended(row, books.agreement(row.agreement), today) for row in rows]
    mismatches = tuple(sorted((_ignore(row, choices, rules) for row in rows), key=_rank))
    passed_over = rules.by_line.keys() - {
        key for row in mismatches if row.is_taken_up for key in row.line_keys
    }
    in_force = {line.key: charge for charge in charges for line in charge.lines}
    statuses = dict(_find_statuses(lines, in_force, links, waiting, mismatches, passed_over))
    reservations = {
        line.key: why
        for comparison in compared
        if (why := _find_reservation(month, comparison, books)) is not None
        for line in billing_lines_of(comparison.charges)
    }
    reservations |= dict.fromkeys(_keys_of_earlier_periods(month, lines, charges), Uncompared.EARLIER_PERIOD)
    reservations = {key: why for key, why in reservations.items() if key not in passed_over}
    own = [line for line in lines if line.key not in passed_over]
    compared_own = [
        comparison
        for comparison in compared
        if any(line.key not in passed_over for line in billing_lines_of(comparison.charges))
    ]
    return Findings(
        mismatches,
        statuses,
        dict(_find_uncompared(lines, in_force, statuses, reservations)),
        _without_twins(
            (*tell_unread(agreements, books, mismatches), *tell_billed_once(month, own, links, books))
        ),
        _without_twins(tell_held_twice(month, compared_own, links, books)),
    )


def _without_twins(sentences: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(sentences)))


def _find_reservation(month: Month, comparison: Comparison, books: Books) -> Uncompared | None:
    """Say why charges that agree with their additions hinder the all clear all the same; None where not."""
    additions = () if isinstance(comparison.additions, Exception) else comparison.additions
    if not additions:
        return None
    agreement = books.agreement(comparison.target.agreement)
    is_as_usual = all(one.is_billed or one.bill_customer == books.bill_customer for one in additions)
    if not is_as_usual or (agreement is not None and not _is_invoiced(month, agreement, books)):
        return Uncompared.NOT_BILLED
    return Uncompared.NO_UNIT_COST if only_cost(comparison.charges) is None else None


def _is_invoiced(month: Month, agreement: Agreement, books: Books) -> bool:
    """Return whether an agreement is invoiced for all of a month: by itself, or by its parent."""
    invoiced_by = agreement if agreement.parent_id is None else books.agreement(agreement.parent_id)
    if invoiced_by is None:
        return False
    return all(
        (one.bill_start is None or one.bill_start <= month.last)
        and (one.end is None or one.end >= month.last)
        for one in (agreement, invoiced_by)
    )


def _keys_of_earlier_periods(
    month: Month, lines: Iterable[BillingLine], charges: Iterable[Charge]
) -> Iterator[str]:
    """Yield the lines of contracts that were last charged before the month, where others of the product are
    charged for it: such a contract may have ended. A product of which none is may be billed afterwards.
    """  # noqa: D205
    charged = {
        line.bss_product
        for line in lines
        if line.is_compared and line.end is not None and line.end >= month.first
    }
    for charge in charges:
        ends = [line.end for line in charge.lines if line.end is not None]
        if ends and max(ends) < month.first and charge.lines[0].bss_product in charged:
            yield from (line.key for line in charge.lines)


def _pair_with_additions(
    month: Month, linked: Mapping[Target, Sequence[Charge]], unlinked: Iterable[Charge], books: Books
) -> tuple[list[Comparison], list[Charge]]:
    """Pair charges with additions, but for those that wait for another line of their product to be linked.

    Returns the pairs and the waiting charges: half the units of a product would under-bill it.
    """
    open_products = {product_of(line) for line in billing_lines_of(unlinked)}
    compared: list[Comparison] = []
    waiting: list[Charge] = []
    for target, charges in linked.items():
        # Every line is looked at: a contract may have passed to another customer within the month.
        if any(product_of(line) in open_products for line in billing_lines_of(charges)):
            waiting.extend(charges)
        else:
            compared.extend(find_comparisons(month, target, charges, books))
    return compared, waiting


def _ignore(mismatch: Mismatch, choices: RowChoices, rules: IgnoreRules) -> Mismatch:
    """Set the action Ignore, and sort the mismatch to the end, where a rule or a person ignores it."""
    rule = rules.rule_for(mismatch)
    if rule is None:
        if mismatch.key in choices.ignored:
            return replace(mismatch, action=ActionLabel.IGNORE, last=True)
        return with_warnings(mismatch, _tell_ignored_in_part(mismatch, rules))
    if mismatch.key in choices.taken_up:
        why = f"A rule ignores it ({rule.reason or 'no reason was given'}); here something else was chosen."
        return replace(mismatch, is_taken_up=True, explanation=join_sentences(mismatch.explanation, why))
    return replace(
        mismatch,
        action=ActionLabel.IGNORE,
        last=True,
        is_ruled=True,
        reason=rule.reason,
        until=rule.until,
        explanation=join_sentences(tell_ignored(rule), mismatch.explanation),
    )


def _tell_ignored_in_part(mismatch: Mismatch, rules: IgnoreRules) -> str:
    """Say that rules ignore some of the lines whose units a write is about; empty where they do not."""
    ignored = [rules.by_line[key] for key in mismatch.line_keys if key in rules.by_line]
    if not ignored or mismatch.kind not in {MismatchKind.UNITS_DIFFER, MismatchKind.NOT_IN_CONNECTWISE}:
        return ""
    return (
        f"A rule ignores {len(ignored)} of its {len(mismatch.line_keys)} lines "
        f"({ignored[0].reason or 'no reason was given'}) and all units are counted here: enter those to bill."
    )


def _rank(mismatch: Mismatch) -> tuple[bool, Decimal, str]:
    """Return the sort key: most money at stake first, ignored and not due rows last."""
    money = mismatch.impact if mismatch.impact is not None else mismatch.stake
    return mismatch.last, -abs(money), mismatch.key


def _find_statuses(
    lines: Iterable[BillingLine],
    in_force: Mapping[str, Charge],
    links: Mapping[str, Link],
    waiting: Iterable[Charge],
    mismatches: Iterable[Mismatch],
    passed_over: Set[str],
) -> Iterator[tuple[str, Status]]:
    """Give every line its status.

    `in_force` are the charges by line key, `passed_over` the keys of lines that a rule ignores.
    """
    held = {line.key for line in billing_lines_of(waiting)}
    rows: dict[str, list[Mismatch]] = {}
    for mismatch in mismatches:
        for key in mismatch.line_keys:
            rows.setdefault(key, []).append(mismatch)
    for line in lines:
        own_rows = rows.get(line.key, [])
        status = _status(links[line.key], in_force.get(line.key), own_rows, line.key in held)
        if line.is_compared and line.key in passed_over and status in _NEVER_COMPARED:
            status = Status.IGNORED
        yield line.key, status


def _status(link: Link, charge: Charge | None, rows: Sequence[Mismatch], is_held: bool) -> Status:
    """Decide a line's status; `charge` is None where none is in force, `rows` are the line's mismatches."""
    if rows and all(row.action is ActionLabel.IGNORE for row in rows):
        return Status.IGNORED
    if charge is None or (charge.units is None and not charge.failure):
        return Status.NOT_COMPARED
    if link.counts and not is_held:
        return Status.MISMATCH if rows else Status.OK
    return Status.CONFIRM_LINK if link.is_complete and link.is_suggested else Status.NOT_LINKED


def _find_uncompared(
    lines: Iterable[BillingLine],
    in_force: Mapping[str, Charge],
    statuses: Mapping[str, Status],
    reservations: Mapping[str, Uncompared],
) -> Iterator[tuple[str, Uncompared]]:
    """Say why lines of recurring charges were not compared, or agree with one of `reservations`."""
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
            case Status.OK if line.key in reservations:
                yield line.key, reservations[line.key]
            case _:
                pass
