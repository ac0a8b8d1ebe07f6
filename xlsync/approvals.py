"""Approvals: what a person chose and approved in a workbook, and every problem in it, all at once. PURE."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Final

from xlsync.actions import Change, CreateAddition, Field, UpdateAddition
from xlsync.cells import Value
from xlsync.kept_rows import from_plain
from xlsync.models import (
    CREATE_NEW,
    ActionLabel,
    BillingLine,
    Evidence,
    Link,
    Mismatch,
    Problem,
    new_agreement_key,
    new_customer_key,
    new_product_key,
)
from xlsync.picks import NOTHING, Pick, Picked, confirmed
from xlsync.sheets import BILLING_LINES, MISMATCHES
from xlsync.workbook import Book, SheetRow

_PARTS: Final = {
    "company": "ConnectWise Customer",
    "agreement": "ConnectWise Agreement",
    "item": "ConnectWise Product",
}


@dataclass(frozen=True, slots=True)
class LinkEdits:
    """What people chose on *Billing Lines*: by line key, with what they are remembered by."""

    lines: tuple[BillingLine, ...]
    links: Mapping[str, Link]  # as the workbook shows them
    picked: Mapping[str, Picked]
    names: Mapping[str, Mapping[int, str]]  # the labels that ids had, by part
    problems: tuple[Problem, ...]

    def own(self) -> dict[str, dict[str, Any]]:
        """The picks as the hidden sheet keeps them."""
        return {key: write_pick(pick) for key, pick in self.picked.items()}


class Directory:
    """What the labels of the workbook's dropdowns stand for, by the lists it was written with."""

    def __init__(self, lists: Mapping[str, Sequence[Value]]) -> None:
        self.companies = _ids(lists["Customer"], lists["Company Id"])
        self.items = _ids(lists["Product"], lists["Item Id"])
        self.agreements: dict[int, dict[str, int]] = {}
        for label, id_, company in zip(
            lists["Agreement"], _padded(lists["Agreement Id"], lists["Agreement"]),
            _padded(lists["Agreement Company Id"], lists["Agreement"]), strict=False,
        ):  # fmt: skip
            if label is not None and id_ is not None and company is not None:
                self.agreements.setdefault(int(str(company)), {})[_seen(str(label))] = int(str(id_))
        self.types = {
            kind: _ids(lists[f"{kind} Type"], lists[f"{kind} Type Id"])
            for kind in ("Customer", "Agreement", "Product")
        }
        self.names = {
            "company": _names(lists["Customer"], lists["Company Id"]),
            "agreement": _names(lists["Agreement"], lists["Agreement Id"]),
            "item": _names(lists["Product"], lists["Item Id"]),
        }
        self.categories = _ids(lists["Category"], lists["Subcategory Id"])
        self.billing_cycles = _ids(lists["Billing Cycle"], lists["Billing Cycle Id"])
        self.countries = _ids(lists["Country"], lists["Country Id"])


def _ids(labels: Sequence[Value], ids: Sequence[Value]) -> dict[str, int]:
    return {
        _seen(str(label)): int(str(id_))
        for label, id_ in zip(labels, _padded(ids, labels), strict=False)
        if label is not None and id_ is not None
    }


def _names(labels: Sequence[Value], ids: Sequence[Value]) -> dict[int, str]:
    return {
        int(str(id_)): str(label)
        for label, id_ in zip(labels, _padded(ids, labels), strict=False)
        if label is not None and id_ is not None
    }


def _padded(values: Sequence[Value], like: Sequence[Value]) -> list[Value]:
    return [*values, *([None] * (len(like) - len(values)))]


def _seen(label: str) -> str:
    return " ".join(label.split()).casefold()


def read_link_edits(book: Book) -> LinkEdits:
    """Every choice on *Billing Lines*; a cell that names nothing known is a problem."""
    directory = Directory(book.lists)
    problems: list[Problem] = []
    lines: list[BillingLine] = []
    links: dict[str, Link] = {}
    picked: dict[str, Picked] = {}
    for row in book.rows[BILLING_LINES.title]:
        line = from_plain(row.facts["line"], BillingLine)
        link = from_plain(row.facts["link"], Link)
        lines.append(line)
        links[line.key] = link
        pick = _read_pick(row, line, link, directory, problems)
        if pick != Picked():
            picked[line.key] = pick
    return LinkEdits(tuple(lines), links, picked, directory.names, tuple(problems))


def _read_pick(
    row: SheetRow, line: BillingLine, link: Link, directory: Directory, problems: list[Problem]
) -> Picked:
    pick = _read_kept_pick(row.facts.get("own"))
    edited = [part for part, header in _PARTS.items() if row.is_edited(header)]
    if edited:
        pick = replace(pick, evidence=Evidence.CHOSEN)
    new_keys = {
        "company": new_customer_key(line),
        "agreement": new_agreement_key(line),
        "item": new_product_key(line),
    }
    for part in edited:
        header = _PARTS[part]
        text = row.text(header)
        if header in row.formulas:
            problems.append(
                Problem(row.where(header), "a formula stands here", "choose an entry of the list")
            )
        elif not text:
            pick = _with(pick, part, NOTHING)
        elif text == CREATE_NEW:
            pick = _with(pick, part, new_keys[part])
        else:
            found = _find_label(row, part, text, pick, link, directory)
            if isinstance(found, Problem):
                problems.append(found)
            else:
                pick = _with(pick, part, found)
    if "company" in edited and "agreement" not in edited:
        # another customer has other agreements; one that is to be created has none yet
        is_new = pick.company == new_keys["company"]
        pick = replace(pick, agreement=new_keys["agreement"] if is_new else None)
    if row.is_edited("Match"):
        text = row.text("Match")
        if text == Evidence.CONFIRMED:
            sure = confirmed(link)
            pick = replace(
                pick,
                company=sure.company if pick.company is None else pick.company,
                agreement=sure.agreement if pick.agreement is None else pick.agreement,
                item=sure.item if pick.item is None else pick.item,
                evidence=Evidence.CHOSEN if edited else Evidence.CONFIRMED,
            )
        elif text:
            problems.append(
                Problem(
                    row.where("Match"),
                    f"{text!r} cannot be set as a match",
                    f"set confirmed, or leave what stood there ({row.kept.shown.get('Match') or 'nothing'})",
                )
            )
    return pick


def _with(pick: Picked, part: str, to: Pick) -> Picked:
    changes: dict[str, Any] = {part: to}
    return replace(pick, **changes)


def _find_label(
    row: SheetRow, part: str, text: str, pick: Picked, link: Link, directory: Directory
) -> int | Problem:
    header = _PARTS[part]
    match part:
        case "company":
            found = directory.companies.get(_seen(text))
        case "item":
            found = directory.items.get(_seen(text))
        case _:
            company = _company_of(pick, link)
            if not isinstance(company, int):
                return Problem(
                    row.where(header), f"{text!r} is chosen without a customer", "choose the customer first"
                )
            found = directory.agreements.get(company, {}).get(_seen(text))
            if found is None:
                customer = row.text(_PARTS["company"])
                return Problem(
                    row.where(header),
                    f"{text!r} is not an agreement of {customer}",
                    "choose one of its agreements, or (create new)",
                )
    if found is None:
        return Problem(
            row.where(header),
            f"{text!r} is not in the list",
            "choose an entry of the list, or (create new); check brings what is new in ConnectWise",
        )
    return found


def _company_of(pick: Picked, link: Link) -> Pick:
    if pick.company is not None:
        return pick.company
    return link.company.to if link.company else None


def _read_kept_pick(own: Mapping[str, Any] | None) -> Picked:
    if not own:
        return Picked()
    parts = {part: NOTHING if own.get(part) is False else own.get(part) for part in _PARTS}
    return Picked(**parts, evidence=Evidence(own["evidence"]))


def write_pick(pick: Picked) -> dict[str, Any]:
    """A pick as the hidden sheet keeps it."""
    parts = {part: getattr(pick, part) for part in _PARTS}
    kept = {part: False if to is NOTHING else to for part, to in parts.items() if to is not None}
    return {**kept, "evidence": str(pick.evidence)}


@dataclass(frozen=True, slots=True)
class RowEdits:
    """What people decided on *Mismatches*: actions of approved rows, rows to ignore, and problems."""

    actions: tuple[CreateAddition | UpdateAddition, ...]
    ignored: frozenset[str]
    problems: tuple[Problem, ...]
    mismatches: Mapping[str, Mismatch] = field(default_factory=dict)


def read_row_edits(book: Book) -> RowEdits:
    """Every decision on *Mismatches*."""
    problems: list[Problem] = []
    ignored: set[str] = set()
    creations: list[CreateAddition] = []
    changes: dict[int, list[_Approved]] = {}
    mismatches: dict[str, Mismatch] = {}
    for row in book.rows[MISMATCHES.title]:
        mismatch = from_plain(row.facts["mismatch"], Mismatch)
        mismatches[mismatch.key] = mismatch
        action = _read_action(row, mismatch, problems)
        if action is ActionLabel.IGNORE:
            ignored.add(mismatch.key)
        approved = _read_approved(row, mismatch, action, problems)
        if approved is None:
            continue
        if action is ActionLabel.CREATE_ADDITION:
            creation = _create_addition(approved)
            if creation is not None:
                creations.append(creation)
        elif mismatch.addition is not None:
            changes.setdefault(mismatch.addition.id, []).append(approved)
    updates = [
        update for group in changes.values() if (update := _update_addition(group, problems)) is not None
    ]
    return RowEdits((*creations, *updates), frozenset(ignored), tuple(problems), mismatches)


@dataclass(frozen=True, slots=True)
class _Approved:
    """One approved row of *Mismatches*, its cells read."""

    row: SheetRow
    mismatch: Mismatch
    action: ActionLabel
    units: Decimal | None
    cost: Decimal | None
    effective: dt.date | None


def _read_action(row: SheetRow, mismatch: Mismatch, problems: list[Problem]) -> ActionLabel | None:
    text = row.text("Action")
    offered = ActionLabel.offered(mismatch.kind)
    if not text:
        return None
    found = next((action for action in offered if action.casefold() == text.casefold()), None)
    if found is None or "Action" in row.formulas:
        problems.append(
            Problem(
                row.where("Action"),
                f"{text!r} is not possible where {mismatch.kind.lower()}",
                f"choose {' or '.join(offered)}, or leave it empty",
            )
        )
    return found


def read_approve(row: SheetRow, problems: list[Problem]) -> bool:
    """Whether a row has its Yes; anything but Yes, No or nothing is a problem."""
    text = row.text("Approve").casefold()
    if text not in {"", "yes", "no"} or "Approve" in row.formulas:
        problems.append(
            Problem(
                row.where("Approve"),
                f"{row.text('Approve')!r} is not an approval",
                "choose Yes or No, or leave it empty",
            )
        )
        return False
    return text == "yes"


def read_amount(row: SheetRow, header: str, problems: list[Problem]) -> Decimal | None:
    """A number from 0 up in an input cell; empty is None."""
    value = row.cells.get(header)
    if header not in row.formulas and (value is None or (isinstance(value, str) and not value.strip())):
        return None
    if header in row.formulas or not isinstance(value, Decimal | int) or isinstance(value, bool):
        what = "a formula stands here" if header in row.formulas else f"{str(value)!r} is not a number"
        problems.append(Problem(row.where(header), what, "enter a number, or leave it empty"))
    elif value < 0:
        problems.append(Problem(row.where(header), f"{value} is below zero", "enter a number from 0 up"))
    else:
        return Decimal(value)
    return None


def read_day(row: SheetRow, header: str, problems: list[Problem]) -> dt.date | None:
    """A calendar date in an input cell; ISO text is taken too, empty is None."""
    value = row.cells.get(header)
    if header not in row.formulas:
        match value:
            case None:
                return None
            case dt.datetime():
                return value.date()
            case dt.date():
                return value
            case str():
                if not value.strip():
                    return None
                try:
                    return dt.date.fromisoformat(value.strip())
                except ValueError:
                    pass
    problems.append(
        Problem(row.where(header), f"{str(value)!r} is not a date", "enter a date such as 2026-10-01")
    )
    return None


def _read_approved(
    row: SheetRow, mismatch: Mismatch, action: ActionLabel | None, problems: list[Problem]
) -> _Approved | None:
    is_approved = read_approve(row, problems)
    units = read_amount(row, "New Units", problems)
    cost = read_amount(row, "New Cost", problems)
    effective = read_day(row, "Effective From", problems)
    if not is_approved:
        return None
    if action is None or action is ActionLabel.IGNORE:
        if row.text("Action") and action is None:
            return None  # told already
        todo = "choose an Action" if len(ActionLabel.offered(mismatch.kind)) > 1 else "clear Approve"
        if "link" in mismatch.key:
            todo = "link its lines on sheet Billing Lines first, then run check"
        what = "Ignore" if action else "a row without an action"
        problems.append(Problem(row.where("Approve"), f"{what} cannot be approved", todo))
        return None
    return _Approved(row, mismatch, action, units, cost, effective)


def _create_addition(approved: _Approved) -> CreateAddition | None:
    mismatch = approved.mismatch
    if mismatch.agreement is None or mismatch.item is None:
        return None
    quantity = approved.units if approved.units is not None else mismatch.bss_units
    price = mismatch.unit_price or Decimal(0)
    quantity = Decimal(0) if quantity is None else quantity
    return CreateAddition(
        key=mismatch.key,
        rows=(mismatch.key,),
        agreement=mismatch.agreement,
        item=mismatch.item,
        quantity=quantity,
        unit_cost=approved.cost if approved.cost is not None else mismatch.bss_cost,
        effective=approved.effective or mismatch.begins,
        customer=approved.row.text("Customer"),
        product=mismatch.product,
        contract_id=mismatch.contract_id,
        beside=mismatch.beside,
        monthly=quantity * price / mismatch.months,
    )


def _update_addition(group: Sequence[_Approved], problems: list[Problem]) -> UpdateAddition | None:
    """All that is approved for one addition, as one action: two on one addition are never planned."""
    first = group[0].mismatch
    seen = first.addition
    assert seen is not None  # noqa: S101 - grouped by it
    wanted: dict[Field, Decimal] = {}
    for approved in group:
        for target, value in _wanted(approved):
            if wanted.setdefault(target, value) != value:
                problems.append(
                    Problem(
                        approved.row.where("New Cost" if target is Field.UNIT_COST else "New Units"),
                        "another approved row sets this addition to another value",
                        "enter the same value in both, or approve one of them",
                    )
                )
                return None
    changes = tuple(Change(target, target.of(seen), wanted[target]) for target in Field if target in wanted)
    units = wanted.get(Field.QUANTITY, seen.quantity)
    price = first.unit_price or Decimal(0)
    money = abs(units - seen.quantity) * price
    if Field.UNIT_COST in wanted:
        money += abs(wanted[Field.UNIT_COST] - (seen.unit_cost or Decimal(0))) * units
    return UpdateAddition(
        key=f"update:{seen.id}",
        rows=tuple(approved.mismatch.key for approved in group),
        seen=seen,
        changes=changes,
        customer=group[0].row.text("Customer"),
        product=first.product,
        monthly=money / first.months,
    )


def _wanted(approved: _Approved) -> Iterator[tuple[Field, Decimal]]:
    mismatch = approved.mismatch
    if approved.action is ActionLabel.UPDATE_UNITS:
        units = approved.units if approved.units is not None else mismatch.bss_units
        if units is not None:
            yield Field.QUANTITY, units
        if approved.cost is not None:
            yield Field.UNIT_COST, approved.cost
    if approved.action is ActionLabel.UPDATE_COST:
        cost = approved.cost if approved.cost is not None else mismatch.bss_cost
        if cost is not None:
            yield Field.UNIT_COST, cost
        if approved.units is not None:
            yield Field.QUANTITY, approved.units
